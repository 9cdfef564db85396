"""``python -m qmp_shell`` is ``qmp-shell``."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
