"""Options that several commands share, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

__all__ = ["add_file", "add_json", "add_precision"]


def add_file(parser: argparse.ArgumentParser) -> None:
    """Add ``FILE``, the file with the circuits, as ``options.file``."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="OpenQASM 2 or 3 (.qasm) or QPY (.qpy)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` as ``options.json``; see :func:`simquay.cli.views.document.print_json`."""
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def add_precision(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--precision`` as ``options.precision``.

    Args:
        parser: the command's parser.
        default: the value without the option. ``None`` leaves it to the backend, whose own
            default is ``double`` too.
    """
    parser.add_argument(
        "--precision",
        metavar="P",
        choices=("single", "double"),
        default=default,
        help="of the amplitudes: double or single; default: double",
    )
