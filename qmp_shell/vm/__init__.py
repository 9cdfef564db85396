"""What is known of one VM: its answers, types, names, events and state.

QEMU's answers are read here, once, by functions that cannot raise (``records.py``, ``human.py``);
what comes out has types that hold. Nothing here formats or prints.
"""

from __future__ import annotations

from .attachment import Attachment

__all__ = ["Attachment"]
