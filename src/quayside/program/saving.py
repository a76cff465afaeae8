"""Programs as files: a ``.npz`` of a JSON tree and the arrays it refers to; no pickles."""

from __future__ import annotations

import dataclasses
import json
import os
import zipfile
from typing import IO, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from quayside.errors import ProgramError
from quayside.program import expressions, operations
from quayside.program.program import Program, VariableDeclaration

__all__ = ["load_program", "save_program"]

FORMAT = 1

_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for module in (operations, expressions)
    for cls in vars(module).values()
    if dataclasses.is_dataclass(cls) and isinstance(cls, type)
} | {"Program": Program, "VariableDeclaration": VariableDeclaration}

File: TypeAlias = Union[str, "os.PathLike[str]", IO[bytes]]


def save_program(program: Program, file: File) -> None:
    """Write ``program`` to ``file`` (a path, or a binary file) as ``.npz``."""
    writer = _Writer()
    tree = {"format": FORMAT, "program": writer.encode(program)}
    arrays: dict[str, Any] = {f"a{i}": array for i, array in enumerate(writer.arrays)}
    # No array here holds objects, so nothing is pickled.
    arrays["tree"] = np.array(json.dumps(tree))
    if isinstance(file, (str, os.PathLike)):
        # Opened here, since NumPy would add a suffix to a path that has none.
        with open(file, "wb") as opened:
            np.savez(opened, **arrays)
    else:
        np.savez(file, **arrays)


def load_program(file: File) -> Program:
    """Read a program that :func:`save_program` wrote.

    Raises:
        ProgramError: if the file is no such program, or one of another format version.
        OSError: if the file cannot be opened.
    """
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as opened:
            return _load(opened, os.fspath(file))
    return _load(file, getattr(file, "name", "the file"))


def _load(file: IO[bytes], name: str) -> Program:
    try:
        with np.load(file, allow_pickle=False) as data:
            tree = json.loads(str(data["tree"]))
            arrays = {key: data[key] for key in data.files if key != "tree"}
        if tree["format"] != FORMAT:
            raise ProgramError(
                f"{name}: program format {tree['format']}, expected {FORMAT}; save it again"
            )
        program = _Reader(arrays).decode(tree["program"])
    except ProgramError:
        raise
    except (
        AttributeError,
        EOFError,
        KeyError,
        OSError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
    ) as error:
        raise ProgramError(f"{name}: not a program saved by Quayside ({error})") from error
    if not isinstance(program, Program):
        raise ProgramError(f"{name}: holds a {type(program).__name__}, not a program")
    return program


class _Writer:
    """Encodes a tree; an array or block that occurs again (by identity) is written once."""

    def __init__(self) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._array_numbers: dict[int, int] = {}
        self._tuple_numbers: dict[int, int] = {}
        self._keep: list[Any] = []  # an id stays unique only while its object lives

    def encode(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            number = self._array_numbers.get(id(value))
            if number is None:
                number = self._array_numbers[id(value)] = len(self.arrays)
                self.arrays.append(value)
            return {"array": number}
        if isinstance(value, (tuple, list)):
            number = self._tuple_numbers.get(id(value))
            if number is not None:
                return {"again": number}
            items = [self.encode(item) for item in value]
            number = self._tuple_numbers[id(value)] = len(self._tuple_numbers)
            self._keep.append(value)
            return {"tuple": items, "number": number}
        if isinstance(value, expressions.Kind):
            return {"kind": value.value}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {
                f.name: self.encode(getattr(value, f.name)) for f in dataclasses.fields(value)
            }
            return {"class": type(value).__name__, "fields": fields}
        if isinstance(value, np.generic):
            return value.item()
        return value


class _Reader:
    """Decodes what :class:`_Writer` encoded; shared tuples come back shared."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        for array in arrays.values():
            array.flags.writeable = False
        self._arrays = arrays
        self._tuples: dict[int, tuple[Any, ...]] = {}

    def decode(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "array" in value:
            return self._arrays[f"a{value['array']}"]
        if "again" in value:
            return self._tuples[value["again"]]
        if "tuple" in value:
            items = tuple(self.decode(item) for item in value["tuple"])
            self._tuples[value["number"]] = items
            return items
        if "kind" in value:
            return expressions.Kind(value["kind"])
        fields = {name: self.decode(item) for name, item in value["fields"].items()}
        return _CLASSES[value["class"]](**fields)
