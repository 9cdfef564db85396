"""Commands that a person at a terminal is asked about first, and what they would lose."""

from __future__ import annotations

from typing import Any

from ..protocol import Message, arguments_of, command_of
from ..render.quantities import format_percent
from ..vm.answers import Answers
from ..vm.question import Question
from ..vm.questions import JOBS, NAME, RUN_STATE

# What each command does to the VM; its name and run state take the place of the braces.
_EFFECTS = {
    "quit": "ends the VM{}",
    "system_reset": "resets the VM{}, as its reset button does",
    "system_powerdown": "asks the guest of the VM{} to shut down",
}
_HUMAN_ALIASES = {"q": "quit"}


def needs_confirmation(message: Message) -> str:
    """The command in a message, in QMP or for the human monitor, that is to be confirmed.

    :return: its name in QMP; empty: none is to be confirmed.
    """
    command = command_of(message)
    if command == "human-monitor-command":
        line = arguments_of(message).get("command-line")
        word = (line.split(None, 1) if isinstance(line, str) else None) or [""]
        command = _HUMAN_ALIASES.get(word[0], word[0])
    return command if command in _EFFECTS else ""


def confirmation_question(command: str, answers: Answers) -> str:
    """What to ask before a command: its effect on this VM, and for ``quit`` the jobs it ends.

    :raise ConnectionLost: there is no VM any more.
    """
    view = answers.immediate
    asked: tuple[Question[Any], ...] = (NAME, RUN_STATE, JOBS)
    for question in asked:  # all are under way before one is waited for
        view.get(question)
    answers.settle()
    run_state = view.get(RUN_STATE)
    about = [view.get(NAME) or "", f"({run_state})" if run_state else ""]
    text = f"{command} {_EFFECTS[command]}".format("".join(f" {each}" for each in about if each))
    jobs = [job for job in view.get(JOBS) or () if not job.has_ended]
    if jobs and command == "quit":
        lost = [f"{job.id} ({job.type}{format_percent(job.progress, ' ')})" for job in jobs]
        text += f"; lost with it: {', '.join(lost)}"
    return text
