"""A schema that was saved, to stand in for a VM."""

from __future__ import annotations

import json

from ..errors import UsageError
from .model import Schema


def load_schema(path: str) -> Schema:
    """Read the reply to ``query-qmp-schema``, or the list in it, from a file.

    :raise UsageError: it can't be read, or is no schema.
    """
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        content = None
    entries = content.get("return") if isinstance(content, dict) else content
    schema = Schema(entries if isinstance(entries, list) else [])
    if not schema.commands():
        raise UsageError(f"{path}: this is no schema; save one with -c query-qmp-schema")
    return schema
