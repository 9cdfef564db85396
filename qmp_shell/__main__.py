"""``python -m qmp_shell`` is ``qmp-shell``."""

from __future__ import annotations

import sys

from .start import main

sys.exit(main())
