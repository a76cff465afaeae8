"""Plain data as bytes, for another process that has the same version of Simquay.

Data is a tree of dataclasses, tuples, mappings, arrays and numbers. There are no pickles: reading
makes objects of known classes alone.

The layout of the bytes:

1. eight bytes, little-endian: the size of the head;
2. the head, JSON: the tree, and the number format and shape of each array;
3. the arrays in order, in C order, each at a multiple of 16 bytes.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import struct
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.errors import ProgramError
from simquay.program import expressions, operations
from simquay.program.expressions import Kind
from simquay.program.program import Program, VariableDeclaration

__all__ = ["pack_programs", "pack_tree", "unpack_programs", "unpack_tree"]

_ALIGNMENT = 16
"""A packed array starts at a multiple of so many bytes, which suits any number in it."""

_PROGRAMS_FORMAT = 1
"""Raised when the fields of an operation or expression change."""


def _dataclasses_of(*modules: ModuleType) -> dict[str, type[Any]]:
    """The dataclasses that are names in ``modules``, by name."""
    return {
        cls.__name__: cls
        for module in modules
        for cls in vars(module).values()
        if dataclasses.is_dataclass(cls) and isinstance(cls, type)
    }


_PROGRAM_CLASSES = _dataclasses_of(operations, expressions) | {
    "Kind": Kind,
    "Program": Program,
    "VariableDeclaration": VariableDeclaration,
}


def pack_programs(programs: Sequence[Program]) -> bytes:
    """``programs`` as bytes. What they share (arrays, bodies of loops) is written once.

    Raises:
        RecursionError: for control flow that is nested more deeply than Python's stack allows.
    """
    return pack_tree("programs", _PROGRAMS_FORMAT, tuple(programs))


def unpack_programs(data: bytes) -> tuple[Program, ...]:
    """The programs that :func:`pack_programs` packed; their arrays are read-only views of ``data``.

    Raises:
        ProgramError: if the bytes are no such programs, or of another format version.
    """
    programs = unpack_tree("programs", _PROGRAMS_FORMAT, data, _PROGRAM_CLASSES)
    if not isinstance(programs, tuple) or not all(isinstance(one, Program) for one in programs):
        raise ProgramError("the packed bytes hold something else than programs")
    return programs


def pack_tree(kind: str, version: int, value: Any) -> bytes:
    """``value`` as bytes; ``kind`` names it, ``version`` is that of its format.

    Raises:
        RecursionError: for a tree that is nested more deeply than Python's stack allows.
    """
    writer = _Writer()
    tree = {"format": version, kind: writer.encode(value)}
    arrays = [np.ascontiguousarray(array) for array in writer.arrays]
    head = json.dumps(
        {
            "tree": tree,
            "arrays": [
                (array.dtype.str, original.shape)  # ascontiguousarray makes a number one-element
                for array, original in zip(arrays, writer.arrays, strict=True)
            ],
        }
    ).encode()
    parts = [struct.pack("<Q", len(head)), head, bytes(-(8 + len(head)) % _ALIGNMENT)]
    for array in arrays:
        parts += [array.tobytes(), bytes(-array.nbytes % _ALIGNMENT)]
    return b"".join(parts)


def unpack_tree(kind: str, version: int, data: bytes, classes: Mapping[str, type[Any]]) -> Any:
    """The value that :func:`pack_tree` packed under ``kind`` and ``version``.

    ``classes`` are the dataclasses that may be in the tree, by name. The arrays are read-only views
    of ``data``.

    Raises:
        ProgramError: if the bytes are not a packed ``kind``, or have another format version.
    """
    try:
        (size,) = struct.unpack_from("<Q", data)
        head = json.loads(data[8 : 8 + size])
        place = 8 + size + -(8 + size) % _ALIGNMENT
        arrays: dict[str, NDArray[Any]] = {}
        for number, (format_, shape) in enumerate(head["arrays"]):
            dtype = np.dtype(format_)
            if dtype.kind not in "biufc":
                raise ProgramError(f"a packed {kind} holds an array of {dtype}, not of numbers")
            count = math.prod(shape)
            array = np.frombuffer(data, dtype, count, place).reshape(shape)
            place += array.nbytes + -array.nbytes % _ALIGNMENT
            arrays[f"a{number}"] = array
        tree = head["tree"]
        if tree["format"] != version:
            raise ProgramError(
                f"a packed {kind} has format {tree['format']}, expected {version}: both processes "
                "need the same version of Simquay"
            )
        return _Reader(arrays, classes).decode(tree[kind])
    except ProgramError:
        raise
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise ProgramError(f"not a {kind} packed by Simquay ({error})") from error


class _Writer:
    """Encodes a tree; an array or tuple that occurs again (by identity) is written once."""

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
        if isinstance(value, enum.Enum):
            return {"class": type(value).__name__, "value": value.value}
        if isinstance(value, Mapping):
            return {"items": [[key, self.encode(item)] for key, item in value.items()]}
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

    def __init__(self, arrays: dict[str, NDArray[Any]], classes: Mapping[str, type[Any]]) -> None:
        for array in arrays.values():
            array.flags.writeable = False
        self._arrays = arrays
        self._classes = classes
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
        if "items" in value:
            return {key: self.decode(item) for key, item in value["items"]}
        if "value" in value:
            return self._classes[value["class"]](value["value"])
        fields = {name: self.decode(item) for name, item in value["fields"].items()}
        return self._classes[value["class"]](**fields)
