"""The shell's own manual, by topics: each is a file of reStructuredText in this folder.

``.help TOPIC`` shows one, and the manual page qmp-shell(7) has them all. This package does not know
how they are shown.
"""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """A part of the manual; its text is the file ``NAME.rst``.

    :ivar summary: what it is about, in a few words.
    :ivar commands: the dot commands that it explains.
    """

    summary: str
    commands: tuple[str, ...] = ()


TOPICS = {
    "demo": Topic("a temporary VM, and a guided tour", ("tour",)),
    "addresses": Topic("how to say which VM is meant, and to start QEMU for it", ("connect",)),
    "finding": Topic("the VMs that run, and who holds a monitor"),
    "configuration": Topic("names for VMs, and how the prompt is to be"),
    "tls": Topic("encrypted connections"),
    "remote": Topic("VMs on other hosts and in containers"),
    "libvirt": Topic("VMs that libvirt manages"),
    "notation": Topic("how commands are written", ("oob",)),
    "types": Topic("how a word gets the type that the VM expects"),
    "variables": Topic("replies used again, and a command for each value", ("let", "each")),
    "prompt": Topic("keys, history, toolbar, screen", ("edit", "history", "save", "exit")),
    "completion": Topic("what can come next on a line"),
    "hints": Topic("help on commands, and on what went wrong", ("help", "find", "commands")),
    "events": Topic("events and jobs while you type", ("events",)),
    "confirmation": Topic("questions before something is lost, and undoing"),
    "commands": Topic("all dot commands"),
    "settings": Topic("what can be chosen", ("set",)),
    "views": Topic("replies as a table, a tree or CSV"),
    "trees": Topic("what a VM consists of, drawn", ("tree",)),
    "state": Topic("what a VM does, and why it does not run", ("info", "top", "watch", "why")),
    "human": Topic("QEMU's human monitor", ("hmp", "qmp")),
    "wait": Topic("events, jobs, migration and run states waited for", ("wait", "sleep")),
    "scripts": Topic("commands without a prompt, exit status, dry run", ("source", "log")),
    "many": Topic("one script on many VMs, also by other programs"),
    "sharing": Topic("one monitor for many clients", ("share",)),
    "secrets": Topic("what is hidden, and where"),
    "python": Topic("the client for programs in Python"),
    "promises": Topic("what holds whatever a VM sends"),
    "cookbook": Topic("worked examples, each of which is tested"),
}
"""All topics, in the order of the manual."""


def read_topic(name: str) -> str:
    """The text of a topic, in reStructuredText.

    :param name: one of :data:`TOPICS`.
    """
    from importlib.resources import files  # finds it in an archive, too

    return files(__package__).joinpath(f"{name}.rst").read_text(encoding="utf-8")


def topic_of_command(name: str) -> str:
    """The topic that explains a dot command; empty: there is none.

    :param name: without the dot.
    """
    return next((topic for topic, each in TOPICS.items() if name in each.commands), "")
