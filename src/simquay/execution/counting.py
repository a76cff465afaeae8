"""Counts and memory of many shots, in portions.

Between two portions the control is looked at, and other threads can run: NumPy sorts without the
interpreter's lock, and keys, which need it, are made a few milliseconds' worth at a time.

An outcome of more than 64 bits is a string of bytes here, the highest byte first: NumPy sorts and
finds such strings as it does integers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.errors import OutOfMemoryError
from simquay.execution.readout import PORTION, portion_shots
from simquay.system.memory import format_bytes

__all__ = ["count_samples", "counted_bytes", "counting_bytes"]

Samples: TypeAlias = NDArray[np.uint64]
Values: TypeAlias = NDArray[Any]
"""Outcomes, one each: uint64, or strings of bytes."""

KEYS_AT_ONCE = 1 << 14
"""The most keys that are made at once."""

_SMALL = 1 << 12
"""The most possible outcomes for which a table is faster than sorting fewer shots than that."""

_SLOT_BYTES = 20 if sys.version_info < (3, 11) else 15
"""Of a dictionary, for each place in its table, of which two thirds can be taken."""

_from_bytes = partial(int.from_bytes, byteorder="big")


def count_samples(
    samples: Samples,
    bits: int,
    control: Control,
    *,
    memory: bool = False,
    most_bytes: int | None = None,
) -> dict[str, Any]:
    """The number of shots with each outcome, and the outcome of each shot.

    Args:
        samples: shape ``(shots, words)``: classical bit ``k`` is bit ``k % 64`` of word
            ``k // 64``.
        bits: the number of classical bits.
        control: checked before each portion.
        memory: whether the outcome of each shot is asked for.
        most_bytes: that counting may take beside ``samples``; None for no limit.

    Returns:
        ``counts``, by hexadecimal key, in increasing order of outcomes; with ``memory``, also
        ``memory``, the key of each shot. Equal outcomes share one string.

    Raises:
        Cancelled: if the control says so.
        OutOfMemoryError: before there are more outcomes than ``most_bytes`` hold.
    """
    room = None
    if most_bytes is not None:
        room = _Room(most_bytes, counting_bytes(len(samples), bits, memory))
    counts: dict[str, int] = {}
    keys: list[str] = []
    found: list[Values] = []
    for values, numbers in _distinct(samples, bits, control, room):
        for start in range(0, len(values), KEYS_AT_ONCE):
            control.check()
            some = values[start : start + KEYS_AT_ONCE]
            if room is not None:
                room.check(len(counts) + len(some), bits, memory)
            made = _keys(some)
            counts.update(zip(made, numbers[start : start + KEYS_AT_ONCE].tolist(), strict=True))
            if memory:
                keys += made
        if memory:
            found.append(values)
    if not memory:
        return {"counts": counts}
    return {"counts": counts, "memory": _memory(samples, keys, np.concatenate(found), control)}


def counted_bytes(outcomes: int, bits: int, memory: bool) -> int:
    """Bytes that the counts of so many outcomes take, with what is alive beside them while they
    are made."""
    key = -(-(51 + -(-bits // 4)) // 16) * 16
    if memory:  # a pointer to the key, and the outcome itself twice
        key += 9 + 16 * -(-bits // 64)
    slots = 1 << (outcomes + outcomes // 2).bit_length()
    # The table that a dictionary grew out of is half as large. It is alive meanwhile, and the
    # system does not always get it back afterwards.
    return outcomes * key + slots * _SLOT_BYTES * 3 // 2


def counting_bytes(shots: int, bits: int, memory: bool) -> int:
    """Bytes that counting takes whatever the outcomes are: the arrays of a portion, and the list of
    the memory, which holds a pointer for each shot and grows by eighths."""
    return portion_shots(shots) * (24 + 24 * -(-bits // 64)) + (9 * shots if memory else 0)


class _Room:
    """The bytes that counting may take, and those that it has taken for portions."""

    __slots__ = ("most", "taken")

    def __init__(self, most: int, taken: int) -> None:
        self.most = most
        self.taken = taken

    def take(self, count: int, bits: int) -> None:
        """Take ``count`` bytes for outcomes of ``bits`` classical bits; an error if they do not
        fit."""
        self.taken += count
        self.check(1, bits, False)

    def check(self, outcomes: int, bits: int, memory: bool) -> None:
        """Raise an error if the counts of ``outcomes`` do not fit."""
        need = self.taken + counted_bytes(outcomes, bits, memory)
        if need > self.most:
            raise OutOfMemoryError(
                f"the counts of {outcomes} different outcomes, and there may be more, need "
                f"{format_bytes(need)} of memory, but only {format_bytes(self.most)} are left "
                "beside the samples and the results of earlier circuits",
                needed=need,
                available=self.most,
            )


def _memory(samples: Samples, keys: list[str], distinct: Values, control: Control) -> list[str]:
    """The key of each shot; ``keys[i]`` is that of ``distinct[i]``, and these increase."""
    memory: list[str] = []
    for start in range(0, len(samples), PORTION):
        control.check()
        shots = _values(samples[start : start + PORTION])
        order = shots.argsort()  # what is searched for in order is found much faster
        control.check()
        places = np.empty(len(shots), dtype=np.intp)
        places[order] = distinct.searchsorted(shots[order])
        for first in range(0, len(places), KEYS_AT_ONCE):
            control.check()
            memory += map(keys.__getitem__, places[first : first + KEYS_AT_ONCE].tolist())
    return memory


def _values(samples: Samples) -> Values:
    """The outcome of each shot as one value that sorts as the outcome does."""
    words = samples.shape[1]
    if words == 1:
        return samples[:, 0]
    highest_first = np.ascontiguousarray(samples[:, ::-1], dtype=">u8")
    return highest_first.view(f"S{8 * words}")[:, 0]


def _keys(values: Values) -> list[str]:
    """The outcomes as hexadecimal numbers."""
    if values.dtype.kind != "S":
        return [*map(hex, values.tolist())]
    # tolist() of strings would drop bytes of 0 at their end.
    return [*map(hex, map(_from_bytes, values.view(f"V{values.itemsize}").tolist()))]


def _distinct(
    samples: Samples, bits: int, control: Control, room: _Room | None = None
) -> Iterator[tuple[Values, NDArray[np.int64]]]:
    """The distinct outcomes in increasing order, some at a time, and how many shots have each."""
    shots = len(samples)
    if bits < 63 and 1 << bits <= max(min(_SMALL, 4 * shots), shots):
        if room is not None:
            room.take(24 << bits, bits)
        yield _counted_in_table(samples[:, 0], 1 << bits, control)
        return
    runs = []
    for start in range(0, shots, PORTION):
        control.check()
        runs.append(_runs(np.sort(_values(samples[start : start + PORTION]))))
        if room is not None:
            room.take(sum(array.nbytes for array in runs[-1]), bits)
    if len(runs) == 1:
        yield runs[0]
    else:
        yield from _merged(runs, control)


def _counted_in_table(
    words: Samples, size: int, control: Control
) -> tuple[Values, NDArray[np.int64]]:
    integers = words.view(np.int64)
    portion = max(PORTION, size)
    table = np.bincount(integers[:portion], minlength=size)
    for start in range(portion, len(words), portion):
        control.check()
        table += np.bincount(integers[start : start + portion], minlength=size)
    values = table.nonzero()[0]
    return values, table[values]


def _runs(ordered: Values) -> tuple[Values, NDArray[np.int64]]:
    """The distinct values of a sorted array, and the number of each."""
    new = np.empty(len(ordered), dtype=bool)
    new[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    starts = new.nonzero()[0]
    return ordered[starts], np.diff(starts, append=len(ordered))


def _merged(
    runs: Sequence[tuple[Values, NDArray[np.int64]]], control: Control
) -> Iterator[tuple[Values, NDArray[np.int64]]]:
    """Merge portions, each of distinct values in increasing order: one range of values after the
    other, of at most ``PORTION`` entries."""
    # Every `step`-th value of each portion is a mark. Between two marks that follow each other,
    # a portion has less than `step` values, so between marks `many` apart there are at most
    # many * step + len(runs) * step of all portions together.
    many = len(runs)
    step = max(PORTION // (2 * many), 1)
    marks = np.sort(np.concatenate([values[::step] for values, _ in runs]))
    bounds = np.unique(marks[many::many])
    cuts = [[0, *values.searchsorted(bounds).tolist(), len(values)] for values, _ in runs]
    for number in range(len(bounds) + 1):
        control.check()
        parts = [slice(cut[number], cut[number + 1]) for cut in cuts]
        values = np.concatenate([run[0][part] for run, part in zip(runs, parts, strict=True)])
        if not len(values):
            continue
        numbers = np.concatenate([run[1][part] for run, part in zip(runs, parts, strict=True)])
        order = values.argsort(kind="stable")  # which merges what is in order already
        values = values[order]
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        yield values[starts], np.add.reduceat(numbers[order], starts)
