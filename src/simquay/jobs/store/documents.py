"""The files of a job: each is written whole or not at all, and is read only if it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.encoding import decoded, encoded

__all__ = [
    "DamagedFileError",
    "read_document",
    "read_sealed",
    "sealed",
    "write_document",
    "write_file",
]

_FORMAT = 1
_SEAL = b"SIMQUAY1"
_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, NotImplementedError, OSError),
    *(RecursionError, TypeError, ValueError, zipfile.BadZipFile, zlib.error),
)
"""What the readers of JSON, arrays and objects raise where a file is damaged."""


class DamagedFileError(JobStoreError):
    """A file of a job is missing or damaged."""


def write_file(path: Path, content: bytes | Callable[[IO[bytes]], object]) -> None:
    """Write a file: other processes see the old one, or none, until the new one is whole.

    After a power cut it may be cut short, since nothing waits for the disk.

    Args:
        path: of the file.
        content: its bytes, or a function that writes them.

    Raises:
        OSError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        with open(part, "xb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def sealed(content: bytes) -> bytes:
    """``content`` behind a head that tells whether it is whole: eight bytes and its SHA-256."""
    return b"".join((_SEAL, hashlib.sha256(content).digest(), content))


def read_sealed(path: Path) -> bytes | None:
    """The content of a sealed file; None where there is none, or it is cut short or damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    content = data[40:]
    return content if data[:40] == _SEAL + hashlib.sha256(content).digest() else None


def write_document(folder: Path, name: str, value: Any) -> tuple[str, ...]:
    """Write ``value`` as ``name.json``, and its larger arrays as ``name.npz``.

    Returns:
        The places of values that the format has no form for; None stands there when it is read.

    Raises:
        JobStoreError: the value holds itself.
        OSError: a file cannot be written.
    """
    tree, arrays, lost = encoded(value)
    if arrays:  # before the file that names them
        write_file(folder / f"{name}.npz", lambda file: np.savez(file, **arrays))
    text = json.dumps({"format": _FORMAT, "value": tree}, allow_nan=False)
    write_file(folder / f"{name}.json", text.encode())
    return lost


def read_document(folder: Path, name: str) -> Any:
    """The value that :func:`write_document` wrote.

    Raises:
        DamagedFileError: it is damaged, or missing.
        JobStoreError: it is of another format, or cannot be read now.
    """
    path = folder / f"{name}.json"
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise DamagedFileError(f"{path} is missing") from error
    except OSError as error:
        raise JobStoreError(f"{path} cannot be read ({error})") from error
    arrays: dict[str, Any] = {}
    try:
        if (file := path.with_suffix(".npz")).exists():
            # Opened here: NumPy leaves a file open that it cannot read.
            with open(file, "rb") as stream, np.load(stream) as found:
                arrays = dict(found)
        head = json.loads(text)
        if head["format"] != _FORMAT:
            raise JobStoreError(
                f"{path} has format {head['format']}, and this Simquay reads {_FORMAT}: update it"
            )
        return decoded(head["value"], arrays)
    except JobStoreError:
        raise
    except _DAMAGED as error:
        raise DamagedFileError(f"{path} is damaged ({type(error).__name__}: {error})") from error
