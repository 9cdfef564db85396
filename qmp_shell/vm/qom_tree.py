"""The tree of QOM objects, asked for level by level."""

from __future__ import annotations

from ..language.secrets import reads_secret
from ..static_typing import Any
from .answers import Answers
from .inspection import object_value
from .natural_order import natural_key
from .question import Question
from .questions import object_properties
from .read import read_string
from .records import Property

# A VM may send objects without end.
_MOST_OBJECTS = 20_000
_DEEPEST = 32


class QomObject:
    """A QOM object.

    :ivar path: its canonical path.
    :ivar type: the name of its type; empty if it is not known.
    :ivar properties: those that are no children, sorted by name.
    :ivar values: of the properties that can be read, by name; empty unless they were asked for.
    :ivar secrets: the names of those that were not asked for because they are secrets.
    :ivar is_cut: it has children that were not asked for, because the tree is too large.
    """

    def __init__(self, path: str, type_: str) -> None:
        self.path = path
        self.type = type_
        self.properties: list[Property] = []
        self.values: dict[str, Any] = {}
        self.secrets: set[str] = set()
        self.children: list[QomObject] = []
        self.is_cut = False

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2] or "/"


def gather_qom_tree(answers: Answers, path: str, *, values: bool) -> QomObject | None:
    """Ask the VM for an object, and all objects below it.

    :param values: ask for the values of properties, too.
    :return: None: there is no such object.
    :raise Timeout, ConnectionLost: the VM does not answer.
    """
    answers.forget_changeable()
    if answers.waiting.get(object_properties(path)) is None:
        return None
    root = QomObject(path, _type_of(answers, path))
    level, seen, depth = [root], 1, 0
    while level:
        _ask(answers, [object_properties(each.path) for each in level])
        for each in level:
            _read_object(answers, each)
        if values:
            _add_values(answers, level)
        below = [child for each in level for child in each.children]
        seen, depth = seen + len(below), depth + 1
        if seen > _MOST_OBJECTS or depth == _DEEPEST:
            for each in level:
                each.is_cut, each.children = bool(each.children), []
            break
        level = below
    return root


def _ask(answers: Answers, questions: list[Question[Any]]) -> None:
    """Send questions at once; their answers are waited for when they are read."""
    for question in questions:
        answers.immediate.get(question)


def _type_of(answers: Answers, path: str) -> str:
    return answers.waiting.get(object_value(path, "type", read_string)) or ""


def _read_object(answers: Answers, found: QomObject) -> None:
    properties = answers.waiting.get(object_properties(found.path)) or []
    for each in sorted(properties, key=lambda each: natural_key(each.name)):
        if each.child_type:
            child = QomObject(f"{found.path.rstrip('/')}/{each.name}", each.child_type)
            found.children.append(child)
        else:
            found.properties.append(each)


def _add_values(answers: Answers, level: list[QomObject]) -> None:
    questions: list[tuple[QomObject, str, Question[tuple[object]]]] = []
    for each in level:
        for member in each.properties:
            question = object_value(each.path, member.name, _keep)
            if reads_secret(question.message):
                each.secrets.add(member.name)
            else:
                questions.append((each, member.name, question))
    _ask(answers, [question for _, _, question in questions])
    for each, name, question in questions:
        value = answers.waiting.get(question)
        if value is not None:
            (each.values[name],) = value


def _keep(value: object) -> tuple[object]:
    """Any value, told apart from no answer."""
    return (value,)
