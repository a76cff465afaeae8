"""The reader of QPY: Qiskit's, after a trial.

Qiskit's reader believes the sizes in a file: it allocates them, and ends the process where it
cannot. It unpickles nothing, but for files with expressions in symengine's form, which are refused.
"""

from __future__ import annotations

import io
import re
from functools import partial
from pathlib import Path

from qiskit import QuantumCircuit, qpy
from qiskit.exceptions import QiskitError

from simquay.circuits.readers.limited import tried
from simquay.circuits.readers.mistakes import MALFORMED, mistake

__all__ = ["MAGIC", "read"]

MAGIC = b"QISKIT"
"""The first bytes of a QPY file."""
MEMORY = 1 << 30

_ENCODING = 18  # the byte of versions 10 to 12 that says how expressions are written
_SYMENGINE = b"e"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def read(file: Path, content: bytes) -> list[QuantumCircuit]:
    """The circuits of a file.

    Args:
        file: named in errors.
        content: the file's bytes.

    Raises:
        CircuitFileError: if the content is no QPY, is damaged, or holds something else than
            circuits.
    """
    if not content.startswith(MAGIC):
        raise mistake(file, "is not a QPY file (one that qiskit.qpy.dump wrote)")
    if content[6:7] in (b"\n", b"\x0b", b"\x0c") and content[_ENCODING:][:1] == _SYMENGINE:
        raise mistake(
            file,
            "holds expressions in symengine's form, which can run code; write it with a Qiskit of "
            "today, or with use_symengine=False",
        )
    # Seconds: more than twice those that a sound file takes.
    seconds, memory = 1 + (len(content) >> 19), MEMORY + 8 * len(content)
    try:
        reason = tried(partial(_reason, content), seconds, memory)
    except OSError as error:
        raise mistake(file, f"cannot be read in another process ({error})") from error
    if reason is None:
        raise mistake(file, "is no sound QPY file: its reader takes too much time or memory")
    if reason:
        raise mistake(file, f"is no complete QPY file ({reason}); write it again")
    circuits = _load(content)
    for circuit in circuits:
        if not isinstance(circuit, QuantumCircuit):
            raise mistake(file, f"holds a {type(circuit).__name__}; expected circuits")
    if not circuits:
        raise mistake(file, "holds no circuits")
    return circuits


def _load(content: bytes) -> list[QuantumCircuit]:
    return list(qpy.load(io.BytesIO(content)))


def _reason(content: bytes) -> str:
    """One line of the reader's report, which may be a coloured traceback; empty without error."""
    try:
        for circuit in _load(content):
            _make_operations(circuit)
    except MALFORMED as error:
        text = _ANSI.sub("", error.message if isinstance(error, QiskitError) else str(error))
        found = re.search(r"Error: (.*)", text)
        return found.group(1).strip() if found else " ".join(text.split()) or type(error).__name__
    return ""


def _make_operations(circuit: object) -> None:
    """Have Qiskit make all operations: it makes, and checks, some when they are first asked for."""
    for item in getattr(circuit, "data", ()):  # what is no circuit is refused later
        if not item.is_standard_gate():
            for body in getattr(item.operation, "blocks", ()):
                _make_operations(body)
