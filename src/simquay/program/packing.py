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
import functools
import json
import math
import struct
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from simquay.errors import ProgramError
from simquay.program import channels, expressions, gates, operations, program
from simquay.program.expressions import Kind
from simquay.program.program import Program

__all__ = ["Packed", "pack_programs", "pack_tree", "unpack_programs", "unpack_tree"]

_ALIGNMENT = 16
"""A packed array starts at a multiple of so many bytes, which suits any number in it."""

_PROGRAMS_FORMAT = 4
"""Raised when the fields of an operation or expression change, or the layout of the bytes."""

_PROGRAM_CLASSES = {
    cls.__name__: cls
    for module in (channels, expressions, gates, operations, program)
    for cls in vars(module).values()
    if isinstance(cls, type) and (dataclasses.is_dataclass(cls) or cls is Kind)
}
"""The classes that packed programs hold, by name."""


Packed: TypeAlias = Union[Program, tuple[Program, NDArray[np.float64]]]
"""A program by itself, or with the angles of many points: shape ``(points, num_angles)``."""


def pack_programs(programs: Sequence[Packed]) -> bytes:
    """``programs`` as bytes. What they share is written once, and is one object again when read:
    arrays, bodies of loops, operations, the mixtures of channels.

    Raises:
        RecursionError: for control flow that is nested more deeply than Python's stack allows.
    """
    return pack_tree("programs", _PROGRAMS_FORMAT, tuple(programs))


def unpack_programs(data: bytes) -> tuple[Packed, ...]:
    """The programs that :func:`pack_programs` packed; their arrays are read-only views of ``data``.

    Raises:
        ProgramError: if the bytes are no such programs, or of another format version.
    """
    programs = unpack_tree("programs", _PROGRAMS_FORMAT, data, _PROGRAM_CLASSES)
    if not isinstance(programs, tuple) or not all(map(_is_packed, programs)):
        raise ProgramError("the packed bytes hold something else than programs")
    return programs


def _is_packed(value: object) -> bool:
    match value:
        case (Program(num_angles=count), np.ndarray(dtype=np.float64, shape=(_, width))):
            return bool(count == width)
        case _:
            return isinstance(value, Program)


_PLAIN = frozenset({bool, float, int, str, type(None)})


@functools.cache
def _field_names(cls: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None of any other class."""
    if not dataclasses.is_dataclass(cls):
        return None
    return tuple([field.name for field in dataclasses.fields(cls)])


def pack_tree(kind: str, version: int, value: Any) -> bytes:
    """``value`` as bytes; ``kind`` names it, ``version`` is that of its format.

    Raises:
        RecursionError: for a tree that is nested more deeply than Python's stack allows.
    """
    arrays: list[NDArray[Any]] = []
    ended = count()
    written: dict[int, dict[str, int]] = {}  # by identity: what may occur again

    def encode(value: Any) -> Any:
        cls: type = type(value)
        if cls in _PLAIN:  # as most are
            return value
        known = written.get(id(value))
        if known is not None:
            return known
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return written.setdefault(id(value), {"array": len(arrays) - 1})
        if isinstance(value, (tuple, list)):
            items = [encode(item) for item in value]
            written[id(value)] = {"again": next(ended)}
            return {"tuple": items}
        if isinstance(value, enum.Enum):
            return {"class": type(value).__name__, "value": value.value}
        if (names := _field_names(cls)) is not None:
            fields = {name: encode(getattr(value, name)) for name in names}
            written[id(value)] = {"again": next(ended)}
            return {"class": type(value).__name__, "fields": fields}
        if isinstance(value, Mapping):
            return {"items": [[key, encode(item)] for key, item in value.items()]}
        return value.item() if isinstance(value, np.generic) else value

    tree = {"format": version, kind: encode(value)}
    formats = [(array.dtype.str, array.shape) for array in arrays]
    head = json.dumps({"tree": tree, "arrays": formats}).encode()
    parts = []
    for part in (struct.pack("<Q", len(head)) + head, *[array.tobytes() for array in arrays]):
        parts += [part, bytes(-len(part) % _ALIGNMENT)]
    return b"".join(parts)


def unpack_tree(kind: str, version: int, data: bytes, classes: Mapping[str, type[Any]]) -> Any:
    """The value that :func:`pack_tree` packed under ``kind`` and ``version``.

    ``classes`` are the dataclasses that may be in the tree, by name. The arrays are read-only views
    of ``data``.

    Raises:
        ProgramError: if the bytes are not a packed ``kind``, or have another format version.
    """
    arrays: list[NDArray[Any]] = []
    ended: list[Any] = []  # tuples and dataclasses, in the order in which pack_tree ended them

    def decode(value: Any) -> Any:
        match value:
            case {"array": number}:
                return arrays[number]
            case {"again": number}:
                return ended[number]
            case {"tuple": items}:
                ended.append(tuple([decode(item) for item in items]))
                return ended[-1]
            case {"items": items}:
                return {key: decode(item) for key, item in items}
            case {"class": name, "value": held}:
                return classes[name](held)
            case {"class": name, "fields": fields}:
                ended.append(classes[name](**{name: decode(item) for name, item in fields.items()}))
                return ended[-1]
        return value

    try:
        (size,) = struct.unpack_from("<Q", data)
        place = 8 + size
        head = json.loads(data[8:place])
        for format_, shape in head["arrays"]:
            dtype = np.dtype(format_)
            if dtype.kind not in "biufc":
                raise ProgramError(f"a packed {kind} holds an array of {dtype}, not of numbers")
            place += -place % _ALIGNMENT
            array = np.frombuffer(data, dtype, math.prod(shape), place).reshape(shape)
            array.flags.writeable = False
            place += array.nbytes
            arrays.append(array)
        tree = head["tree"]
        if tree["format"] != version:
            raise ProgramError(
                f"a packed {kind} has format {tree['format']}, expected {version}: both processes "
                "need the same version of Simquay"
            )
        return decode(tree[kind])
    except ProgramError:
        raise
    except (LookupError, TypeError, ValueError, struct.error) as error:
        raise ProgramError(f"not a {kind} packed by Simquay ({error})") from error
