"""Fuzz targets: functions that take any bytes, and raise if the package does something wrong.

``tests/fuzz/run`` runs them with atheris; ``tests/test_fuzz_corpus.py`` replays the stored inputs
without it.
"""
