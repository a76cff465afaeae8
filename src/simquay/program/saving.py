"""Programs as files and as bytes: a JSON tree and the arrays it refers to; no pickles."""

from __future__ import annotations

from collections.abc import Sequence

from simquay.errors import ProgramError
from simquay.program import expressions, operations
from simquay.program.plain import (
    File,
    dataclasses_of,
    load_tree,
    pack_tree,
    save_tree,
    unpack_tree,
)
from simquay.program.program import Program, VariableDeclaration

__all__ = ["load_program", "pack_programs", "save_program", "unpack_programs"]

FORMAT = 1

_CLASSES = dataclasses_of(operations, expressions) | {
    "Program": Program,
    "VariableDeclaration": VariableDeclaration,
}


def save_program(program: Program, file: File) -> None:
    """Write ``program`` to ``file`` (a path, or a binary file) as ``.npz``."""
    save_tree("program", FORMAT, program, file)


def load_program(file: File) -> Program:
    """Read a program that :func:`save_program` wrote.

    Raises:
        ProgramError: if the file is no such program, or one of another format version.
        OSError: if the file cannot be opened.
    """
    program = load_tree("program", FORMAT, file, _CLASSES)
    if not isinstance(program, Program):
        name = file if isinstance(file, str) else getattr(file, "name", file)
        raise ProgramError(f"{name}: holds a {type(program).__name__}, not a program")
    return program


def pack_programs(programs: Sequence[Program]) -> bytes:
    """``programs`` as bytes, for another process that has the same version of Simquay.

    Raises:
        RecursionError: for control flow that is nested more deeply than Python's stack allows.
    """
    return pack_tree("programs", FORMAT, tuple(programs))


def unpack_programs(data: bytes) -> tuple[Program, ...]:
    """The programs that :func:`pack_programs` packed; their arrays are read-only views of ``data``.

    Raises:
        ProgramError: if the bytes are no such programs, or of another format version.
    """
    programs = unpack_tree("programs", FORMAT, data, _CLASSES)
    if not isinstance(programs, tuple) or not all(isinstance(one, Program) for one in programs):
        raise ProgramError("the packed bytes hold something else than programs")
    return programs
