"""Each scene in a script and at the prompt: a clear line, the right status, and no harm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Run, StartTerminal
from tests.terminal import Terminal

from .scenes import SCENES
from .server import COMMAND, Scene, Server


def scenes(*chosen: Scene) -> pytest.MarkDecorator:
    """Run a test on the server of each scene."""
    names = [scene.name for scene in chosen]
    pairs = [(scene, scene) for scene in chosen]
    return pytest.mark.parametrize(("server", "scene"), pairs, indirect=["server"], ids=names)


@pytest.fixture
def server(request: pytest.FixtureRequest, folder: Path) -> Iterator[Server]:
    scene: Scene = request.param
    started = Server(folder / "hostile.sock", scene)
    yield started
    started.end()


def assert_harmless(output: str) -> None:
    assert "Traceback" not in output
    assert "Exception" not in output
    assert "\x1b]0;" not in output
    assert "\x9b" not in output
    assert "\u202e" not in output


@scenes(*SCENES)
def test_in_a_script(server: Server, scene: Scene, run: Run) -> None:
    done = run(server.address, *scene.options, "-c", COMMAND)
    assert_harmless(done.stdout + done.stderr)
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout + done.stderr) is None
    assert (done.returncode, scene.error in done.stderr) == (scene.status, True), done.stderr[:500]
    assert bool(done.stderr) == bool(scene.error)
    assert all(line.startswith("qmp-shell: ") for line in done.stderr.splitlines())


# What ends before there is a prompt takes the same way with it as in a script; these stand for all.
ENDED = {"half a greeting", "escapes for a terminal", "refused capabilities"}
WITH_PROMPT = [scene for scene in SCENES if scene.status != 3 or scene.name in ENDED]


@scenes(*(scene for scene in WITH_PROMPT if not scene.is_large))
def test_at_the_prompt(server: Server, scene: Scene, terminal: StartTerminal) -> None:
    shell = terminal(server.address, *scene.options)
    if scene.status == 3:
        assert shell.wait_for_end() == 3
        assert _is_shown(scene.error, shell)
    else:
        # A refusal is shown as the reply that it is.
        _use(shell, scene.error if scene.status != 1 else '"error"')
    assert_harmless(shell.raw.decode(errors="replace"))


def _is_shown(text: str, shell: Terminal) -> bool:
    """Whether a text is on the screen or has been there, in whatever lines."""
    return "".join(text.split()) in "".join(shell.history.split())


def _use(shell: Terminal, error: str) -> None:
    shell.wait_for_prompt()
    shell.enter(COMMAND)
    shell.wait_for_prompt()
    # What came behind the reply may be received, and shown, only after the next prompt.
    shell.wait_until(lambda: _is_shown(error, shell), repr(error))
    shell.wait_for_prompt()
    shell.type("query-")
    shell.press("tab", "escape")
    shell.interrupt()
    shell.wait_for_prompt()
    shell.enter(".exit")
    assert shell.wait_for_end() == 0
