"""The output of ``--json``: one JSON document on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["print_json", "to_json"]


def print_json(document: Mapping[str, Any]) -> None:
    """Print ``document``, whose values JSON has (see :func:`to_json`), with a final line break."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def to_json(value: Any) -> Any:
    """``value`` in types that JSON has: keys, and objects of any other type, become strings."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
