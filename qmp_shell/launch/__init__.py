"""A QEMU process of our own: ``qmp-shell-wrap`` and ``--demo``."""
