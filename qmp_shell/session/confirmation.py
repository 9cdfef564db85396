"""Commands that a person at a terminal is asked about first, and what they would lose."""

from __future__ import annotations

from ..protocol import Message, arguments_of, command_of
from ..vm.answers import Catalog, dictionary, dicts
from ..vm.status import percentage

_WHAT = {
    "quit": "ends the VM",
    "system_reset": "resets the VM, as its reset button does",
    "system_powerdown": "asks the guest to shut down",
}
_HUMAN = {"q": "quit"}


def dangerous(message: Message) -> str:
    """The name of the command, in QMP or for the human monitor, that is to be asked about;
    empty: there is none."""
    command = command_of(message)
    if command == "human-monitor-command":
        words = str(arguments_of(message).get("command-line", "")).split() or [""]
        command = _HUMAN.get(words[0], words[0])
    return command if command in _WHAT else ""


def question(command: str, catalog: Catalog) -> str:
    """What to ask before a dangerous command; running jobs are named."""
    for each in ("query-name", "query-status", "query-jobs"):
        catalog.peek(each)
    catalog.settle()
    name = dictionary(catalog.peek("query-name")).get("name", "")
    state = dictionary(catalog.peek("query-status")).get("status", "")
    jobs = [
        f"{job.get('id')} ({job.get('type')}{percentage(job)})"
        for job in dicts(catalog.peek("query-jobs"))
        if job.get("status") != "concluded"
    ]
    about = " ".join(filter(None, (name, f"({state})" if state else "")))
    text = f"{command} {_WHAT[command]}" + (f" {about}" if about else "")
    if jobs and command == "quit":
        text += f"; lost with it: {', '.join(jobs)}"
    return text
