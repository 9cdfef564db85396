"""Signals that end the shell."""

from __future__ import annotations

import time

import pytest

from qmp_shell.signals import poll_timeout


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(None, 1000), (1e9, 1000), (0.5, 500), (0, 0), (-5, 0)]
)
def test_no_poll_is_so_long_that_a_signal_before_it_is_lost(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, milliseconds: float
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    deadline = None if seconds is None else 1000.0 + seconds
    assert poll_timeout(deadline) == milliseconds
