"""QEMU's installed reference manual: finding it, reading its troff source, one topic's section."""
