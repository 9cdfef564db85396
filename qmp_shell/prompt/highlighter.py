"""Marks the names in the line being typed that the VM does not know."""

from __future__ import annotations

from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments

from .assistant import Assistant


class UnknownNameMarker(Processor):
    """Draws what the assistant has stored."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Mark the names in the row that the cursor is in."""
        fragments = transformation_input.fragments
        draft, spans = self._assistant.draft, self._assistant.unknown_names
        if transformation_input.lineno != draft.row or not spans:
            return Transformation(fragments)
        if not self._assistant.has_read(transformation_input.document):  # a search shows another
            return Transformation(fragments)
        characters = explode_text_fragments(fragments)
        for start, end in spans:
            first, last = max(start - draft.joined, 0), min(end - draft.joined, len(characters))
            for index in range(first, last):
                style, text, *_ = characters[index]
                characters[index] = (f"{style} class:unknown", text)
        return Transformation(characters)
