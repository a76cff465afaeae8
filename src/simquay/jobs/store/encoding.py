"""Values as JSON and arrays, and back: equal in type and value, to the last bit.

Strings, numbers, booleans, None, lists, and mappings whose keys are strings are themselves in JSON.
Everything else is an object with the key ``$``, which names its form. Reading makes objects of the
classes in :mod:`~simquay.jobs.store.forms` alone, whatever a file says.
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.forms import base64_of, bytes_of, form_of, maker_of

__all__ = ["Encoded", "decoded", "encoded"]

SMALL = 1024
"""Bytes of the largest arrays that are written into the JSON itself, as base64."""

_PLAIN = {str, int, bool, type(None)}
_TAG = "$"


class Encoded(NamedTuple):
    """A value as JSON can hold it.

    Attributes:
        tree: for JSON.
        arrays: its larger arrays, by the names that the tree has for them.
        lost: the places of values that no form holds, each with its class; None is in their stead.
    """

    tree: Any
    arrays: dict[str, Any]
    lost: tuple[str, ...]


def encoded(value: Any, *, small: float = SMALL) -> Encoded:
    """``value`` as JSON and arrays.

    Args:
        value: any; a part that occurs in it twice is written once, and is one object again when it
            is read, if it is an array or of a class that has a form.
        small: bytes of the largest array that the tree holds itself.

    Raises:
        JobStoreError: the value holds itself, or is nested too deeply.
    """
    writer = _Writer(small)
    try:
        tree = writer.write(value, "")
    except RecursionError as error:
        raise JobStoreError("a value that holds itself cannot be kept") from error
    return Encoded(tree, writer.arrays, tuple(writer.lost))


class _Writer:
    def __init__(self, small: float) -> None:
        self.small = small
        self.arrays: dict[str, NDArray[Any]] = {}
        self.lost: list[str] = []
        self.written: dict[int, tuple[int, Any]] = {}  # with the object, which keeps its id its own

    def write(self, value: Any, place: str) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else _tagged("float", bits=_bits(value))
        if kind is list:
            if set(map(type, value)) <= _PLAIN:
                return value
            return [self.write(one, f"{place}[{number}]") for number, one in enumerate(value)]
        if kind is dict:
            return self.mapping(value, place)
        if id(value) in self.written:
            return _tagged("again", number=self.written[id(value)][0])
        if kind is np.ndarray:
            tree = self.array(value, place)
        elif (form := form_of(kind)) is not None:
            name, parts = form
            written = {
                key: self.write(part, f"{place}.{key}") for key, part in parts(value).items()
            }
            tree = _tagged(name, **written)
        elif isinstance(value, np.generic) and kind is value.dtype.type:
            return _tagged("scalar", array=self.array(np.array(value), place))
        else:
            return self.lose(value, place)
        self.written[id(value)] = len(self.written), value
        return tree

    def mapping(self, value: dict[Any, Any], place: str) -> Any:
        if set(map(type, value)) <= {str} and _TAG not in value:
            if set(map(type, value.values())) <= _PLAIN:
                return value
            return {key: self.write(one, f"{place}[{key!r}]") for key, one in value.items()}
        items = [
            [self.write(key, f"{place}: the key {key!r}"), self.write(one, f"{place}[{key!r}]")]
            for key, one in value.items()
        ]
        return _tagged("dict", items=items)

    def array(self, value: NDArray[Any], place: str) -> Any:
        if value.dtype.hasobject:
            return self.lose(value, place)
        if value.nbytes > self.small:
            name = str(len(self.arrays))
            self.arrays[name] = value
            return _tagged("array", name=name)
        stream = io.BytesIO()
        np.lib.format.write_array(stream, value, allow_pickle=False)
        return _tagged("array", npy=base64_of(stream.getvalue()))

    def lose(self, value: Any, place: str) -> None:
        what = f"an array of {value.dtype}" if type(value) is np.ndarray else type(value).__name__
        self.lost.append(f"{place.lstrip('.') or 'the value'}: {what}")


def decoded(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The value that :func:`encoded` encoded.

    Raises:
        JobStoreError: for a form, or a class, that is not known here.
        LookupError, TypeError, ValueError: for anything else that it did not write.
    """
    made: list[Any] = []

    def read(tree: Any) -> Any:
        kind = type(tree)
        if kind is list:
            return tree if set(map(type, tree)) <= _PLAIN else [read(one) for one in tree]
        if kind is not dict:
            return tree
        form = tree.get(_TAG)
        if form is None:
            return {key: read(one) for key, one in tree.items()}
        parts = {key: read(one) for key, one in tree.items() if key != _TAG}
        if form == "again":
            return made[parts["number"]]
        if form in _READERS:
            return _READERS[form](**parts)
        if form == "array":
            made.append(arrays[parts["name"]] if "name" in parts else _array(parts["npy"]))
        elif form == "scalar":
            del made[-1]
            return parts["array"][()]
        elif (make := maker_of(form)) is not None:
            made.append(make(**parts))
        else:
            raise JobStoreError(
                f"a value has the form {form!r}, which is not known here: a newer Simquay wrote "
                "it, or a plugin that is not loaded"
            )
        return made[-1]

    return read(tree)


def _tagged(form: str, **parts: Any) -> dict[str, Any]:
    return {_TAG: form, **parts}


def _bits(value: float) -> str:
    return struct.pack(">d", value).hex()


def _array(npy: str) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(bytes_of(npy)), allow_pickle=False)
    return array


_READERS: dict[str, Callable[..., Any]] = {
    "float": lambda bits: struct.unpack(">d", bytes.fromhex(bits))[0],
    "dict": lambda items: dict(items),
}
"""What is made again from the parts of forms that have no class of their own."""
