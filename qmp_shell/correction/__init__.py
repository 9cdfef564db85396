"""What a line that was refused should probably have been. Pure, and asked only after an error.

People come with the habits of other tools: QEMU's command line and its human monitor, a shell,
documentation to paste from. This package reads such lines with the VM's own types and names, and
says what they would be here. It informs; nothing is sent by it.
"""

from __future__ import annotations

from .correction import (
    Correction,
    DotCommands,
    Form,
    Vocabulary,
    is_plain,
    is_suggestible,
    nearest,
)
from .human import correct_human_line
from .qmp import correct_line

__all__ = [
    "Correction",
    "DotCommands",
    "Form",
    "Vocabulary",
    "correct_human_line",
    "correct_line",
    "is_plain",
    "is_suggestible",
    "nearest",
]
