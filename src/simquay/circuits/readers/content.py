"""The bytes of a file: of a regular one, as many as a circuit may need."""

from __future__ import annotations

import os
import re
import stat

from simquay.errors import CircuitFileError

__all__ = ["read_content"]

MAX_BYTES = 512 << 20
"""The most bytes of any file: about those of a unitary on 12 qubits, and as many again."""

_OPEN_FILE = re.compile(r"/dev/stdin|(?:/dev|/proc/self)/fd/\d+")
"""Names of files that the caller has opened for this process: its pipes, as of ``<(command)``."""


def read_content(path: str | os.PathLike[str]) -> bytes:
    """The content of a file, or of standard input for ``"-"``.

    Raises:
        CircuitFileError: if there is no such file, if it is none that ends (a device, a pipe), is
            larger than :data:`MAX_BYTES`, or cannot be read.
    """
    name = os.fspath(path)
    try:
        if name == "-":
            name = "standard input"
            with open(0, "rb", closefd=False) as stream:  # sys.stdin may be None, or hold text
                content = stream.read(MAX_BYTES + 1)
        else:
            content = _of_file(name)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        reason = {
            FileNotFoundError: "there is no such file",
            ValueError: "there is no such file",
            IsADirectoryError: "is a directory; give a file",
            PermissionError: "may not be read (permission denied)",
        }.get(type(error), f"cannot be read ({getattr(error, 'strerror', '') or error})")
        raise CircuitFileError(f"{name}: {reason}", path=name) from error
    if len(content) > MAX_BYTES:
        raise CircuitFileError(_too_large(name), path=name)
    if not content.strip():
        raise CircuitFileError(f"{name}: the file is empty", path=name)
    return content


def _of_file(name: str) -> bytes:
    """Up to a byte more than :data:`MAX_BYTES`; nothing of a file that says it is empty."""
    if _OPEN_FILE.fullmatch(name):
        with open(name, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    facts = os.stat(name)
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError
    if not stat.S_ISREG(facts.st_mode):
        raise CircuitFileError(f"{name}: is not a regular file", path=name)
    if facts.st_size == 0:  # in /proc, such a file may have content, even one without an end
        return b""
    if facts.st_size > MAX_BYTES:
        raise CircuitFileError(_too_large(name), path=name)
    # Without blocking, should the file be another one by now.
    with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _too_large(name: str) -> str:
    return f"{name}: is larger than {MAX_BYTES >> 20} MiB, the most that is read"
