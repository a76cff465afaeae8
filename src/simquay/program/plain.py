"""Plain data: trees of dataclasses, tuples, arrays and numbers that compare and save by value.

A saved tree is an ``.npz`` of a JSON tree and the arrays it refers to; a packed one is the same as
one string of bytes, for another process of the same version. There are no pickles.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from types import ModuleType
from typing import IO, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.errors import ProgramError
from simquay.program.expressions import Kind

__all__ = [
    "File",
    "dataclasses_of",
    "load_tree",
    "pack_tree",
    "same",
    "save_tree",
    "unpack_tree",
]

_ALIGNMENT = 16
"""Bytes to a multiple of which a packed array starts: as much as any number in it asks for."""

File: TypeAlias = Union[str, "os.PathLike[str]", IO[bytes]]


def dataclasses_of(*modules: ModuleType) -> dict[str, type[Any]]:
    """The dataclasses that can be named in ``modules``, by name."""
    return {
        cls.__name__: cls
        for module in modules
        for cls in vars(module).values()
        if dataclasses.is_dataclass(cls) and isinstance(cls, type)
    }


def same(left: Any, right: Any) -> bool:
    """Equality by value, through dataclasses, sequences and arrays."""
    if left is right:
        return True
    if isinstance(left, np.ndarray):
        return isinstance(right, np.ndarray) and np.array_equal(left, right)
    if dataclasses.is_dataclass(left):
        return type(left) is type(right) and all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left)
        )
    if isinstance(left, (tuple, list)):
        return (
            isinstance(right, (tuple, list))
            and len(left) == len(right)
            and all(map(same, left, right))
        )
    return bool(left == right)


def save_tree(kind: str, version: int, value: Any, file: File) -> None:
    """Write ``value`` to ``file`` (a path, or a binary file) as the ``kind`` of thing it is."""
    writer = _Writer()
    tree = {"format": version, kind: writer.encode(value)}
    arrays: dict[str, Any] = {f"a{i}": array for i, array in enumerate(writer.arrays)}
    # No array here holds objects, so nothing is pickled.
    arrays["tree"] = np.array(json.dumps(tree))
    if isinstance(file, (str, os.PathLike)):
        # Opened here, since NumPy would add a suffix to a path that has none.
        with open(file, "wb") as opened:
            np.savez(opened, **arrays)
    else:
        np.savez(file, **arrays)


def load_tree(kind: str, version: int, file: File, classes: Mapping[str, type[Any]]) -> Any:
    """Read what :func:`save_tree` wrote; ``classes`` are those that may stand in the tree.

    Raises:
        ProgramError: if the file holds no such kind of thing, or one of another format version.
        OSError: if the file cannot be opened.
    """
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as opened:
            return _load(kind, version, opened, os.fspath(file), classes)
    return _load(kind, version, file, getattr(file, "name", "the file"), classes)


def pack_tree(kind: str, version: int, value: Any) -> bytes:
    """``value``, the ``kind`` of thing it is, as bytes.

    The layout: eight bytes with the size of the head (little-endian), the head (JSON: the tree,
    and each array's number format and shape), the arrays in order, each at a multiple of 16 bytes.
    Much quicker than ``.npz`` where there are many small arrays.

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
    """Read what :func:`pack_tree` made; ``classes`` are those that may stand in the tree.

    The arrays are read-only views of ``data``.

    Raises:
        ProgramError: if the bytes are no such kind of thing, or one of another format version.
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


def _load(
    kind: str, version: int, file: IO[bytes], name: str, classes: Mapping[str, type[Any]]
) -> Any:
    try:
        with np.load(file, allow_pickle=False) as data:
            tree = json.loads(str(data["tree"]))
            arrays = {key: data[key] for key in data.files if key != "tree"}
        if tree["format"] != version:
            raise ProgramError(
                f"{name}: {kind} format {tree['format']}, expected {version}; save it again"
            )
        return _Reader(arrays, classes).decode(tree[kind])
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
        raise ProgramError(f"{name}: not a {kind} saved by Simquay ({error})") from error


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
        if isinstance(value, Kind):
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
        if "kind" in value:
            return Kind(value["kind"])
        fields = {name: self.decode(item) for name, item in value["fields"].items()}
        return self._classes[value["class"]](**fields)
