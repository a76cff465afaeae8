"""JSON documents: of ``--json``, on stdout, and of ``--output``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simquay.cli.errors import FAILED, CommandError
from simquay.cli.output import output

__all__ = ["check_folder", "print_json", "save_json", "to_json"]


def print_json(document: Mapping[str, Any]) -> None:
    """Print ``document``, whose values JSON has (see :func:`to_json`), with a final line break."""
    output().write(json.dumps(document, indent=2) + "\n")


def check_folder(option: str, path: Path) -> None:
    """Check, before any work is done, that the file has a folder to be written to afterwards.

    Raises:
        CommandError: the folder does not exist.
    """
    if not path.absolute().parent.is_dir():
        raise CommandError(f"{option} {path}: the folder {path.parent} does not exist")


def save_json(document: Mapping[str, Any], path: Path) -> None:
    """Write ``document`` into a file, which may exist.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"--output {path}: {error.strerror or error}", FAILED) from error


def to_json(value: Any) -> Any:
    """``value`` in types that JSON has: keys, and objects of any other type, become strings."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
