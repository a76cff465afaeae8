"""JSON documents: of ``--json``, on stdout, and of ``--output``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from simquay.cli.errors import FAILED, CommandError
from simquay.cli.messages import say
from simquay.cli.output import output

__all__ = ["check_target", "open_target", "print_json", "save_json", "to_json"]


def print_json(document: Mapping[str, Any]) -> None:
    """Print ``document``, whose values JSON has (see :func:`to_json`), with a final line break."""
    output().write(json.dumps(document, indent=2) + "\n")


def check_target(option: str, path: Path) -> None:
    """Check, before any work is done, that the file can be written afterwards; tell of an old one.

    Raises:
        CommandError: the folder does not exist; or the file does, and is a link, which would be
            followed to a file that nobody named, or anything else than a regular file.
    """
    if not path.absolute().parent.is_dir():
        raise CommandError(f"{option} {path}: the folder {path.parent} does not exist")
    if path.is_symlink():
        raise CommandError(f"{option} {path}: is a link, which is not followed; name its target")
    if path.exists():
        if not path.is_file():
            raise CommandError(f"{option} {path}: exists and is not a regular file")
        say("note", f"{option} {path}: the file exists and is replaced")


def open_target(path: Path) -> IO[bytes]:
    """The file, empty, for writing. A link that has come into its place is not followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def save_json(document: Mapping[str, Any], path: Path) -> None:
    """Write ``document`` into a file, which may exist.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        with open_target(path) as file:
            file.write((json.dumps(document, indent=2) + "\n").encode())
    except OSError as error:
        raise CommandError(f"--output {path}: {error.strerror or error}", FAILED) from error


def to_json(value: Any) -> Any:
    """``value`` in types that JSON has: keys, and objects of any other type, become strings."""
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
