"""Counts and memory of shots are what plain Python counts, in portions that can be cancelled."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from simquay.control import Control
from simquay.errors import Cancelled, OutOfMemoryError
from simquay.execution import counting
from simquay.execution.counting import count_samples, counted_bytes, counting_bytes


def samples_of(shown: list[int], bits: int) -> NDArray[np.uint64]:
    words = max(1, -(-bits // 64))
    rows = [[value >> 64 * word & (2**64 - 1) for word in range(words)] for value in shown]
    return np.array(rows, dtype=np.uint64).reshape(len(shown), words)


class Watch(Control):
    """Counts how often it is looked at, and cancels itself at the ``last`` time."""

    __slots__ = ("last", "looks")

    def __init__(self, last: int | None = None) -> None:
        super().__init__()
        self.looks = 0
        self.last = last

    def check(self) -> None:
        self.looks += 1
        if self.looks == self.last:
            self.cancel()
        super().check()


@pytest.mark.parametrize(("portion", "keys"), [(1 << 20, 1 << 14), (64, 16), (7, 3), (1, 1)])
@pytest.mark.parametrize("bits", [1, 3, 12, 13, 40, 63, 64, 65, 128, 130])
@pytest.mark.parametrize("shots", [1, 5, 300])
@pytest.mark.parametrize("few", [True, False])
def test_counts_and_memory_are_what_plain_python_counts(
    bits: int, shots: int, few: bool, portion: int, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PORTION", portion)
    monkeypatch.setattr(counting, "KEYS_AT_ONCE", keys)
    generator = random.Random(bits * shots)
    some = [generator.getrandbits(bits) for _ in range(7)] + [0, (1 << bits) - 1]
    shown = [generator.choice(some) if few else generator.getrandbits(bits) for _ in range(shots)]
    found = count_samples(samples_of(shown, bits), bits, Control(), memory=True)
    counts, memory = found["counts"], found["memory"]
    assert counts == Counter(memory) == Counter(map(hex, shown))
    assert [int(key, 16) for key in counts] == sorted(set(shown))
    assert all(type(value) is int for value in counts.values())
    assert memory == list(map(hex, shown))
    assert len({id(key) for key in memory}) == len(counts)  # one string for each outcome
    alone = count_samples(samples_of(shown, bits), bits, Control())
    assert alone == {"counts": counts}
    assert list(alone["counts"]) == list(counts)


@pytest.mark.parametrize("bits", [6, 40, 80])
def test_the_control_is_looked_at_in_every_portion(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PORTION", 64)
    monkeypatch.setattr(counting, "KEYS_AT_ONCE", 16)
    generator = random.Random(bits)
    samples = samples_of([generator.getrandbits(bits) for _ in range(1000)], bits)
    watch = Watch()
    counts = count_samples(samples, bits, watch, memory=True)["counts"]
    # Of all shots, portions are counted and looked up; of each kind of portion, keys are taken.
    assert watch.looks >= 1000 // 64 + len(counts) // 16 + 2 * (1000 // 64) + 1000 // 16
    for last in range(1, watch.looks + 1):
        stopped = Watch(last)
        with pytest.raises(Cancelled):
            count_samples(samples, bits, stopped, memory=True)
        assert stopped.looks == last


@pytest.mark.parametrize("bits", [13, 70])
def test_ranges_that_are_merged_are_no_larger_than_a_portion(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PORTION", 100)
    generator = random.Random(bits)
    # Most values are close together, and one is very frequent.
    shown = [generator.choice([5, generator.getrandbits(bits) >> 3]) for _ in range(5000)]
    sizes = [len(values) for values, _ in counting._distinct(samples_of(shown, 64), 64, Control())]
    assert max(sizes) <= 100
    assert sum(sizes) == len(set(shown))


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("bits", [22, 80])
def test_counts_that_need_more_memory_than_is_left_are_refused(
    bits: int, memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "KEYS_AT_ONCE", 16)
    samples = samples_of(list(range(1000)), bits)
    portions = 1000 * (samples.itemsize * samples.shape[1] + 8)  # distinct outcomes, numbers
    room = counted_bytes(1000, bits, memory) + portions + (9000 if memory else 0)
    count_samples(samples, bits, Control(), memory=memory, most_bytes=room)
    with pytest.raises(OutOfMemoryError, match="1000 different outcomes") as caught:
        count_samples(samples, bits, Control(), memory=memory, most_bytes=room - 1)
    assert (caught.value.needed, caught.value.available) == (room, room - 1)
    few = samples_of([3] * 1000, bits)
    room = counted_bytes(1, bits, memory) + portions // 1000 + (9000 if memory else 0)
    count_samples(few, bits, Control(), memory=memory, most_bytes=room)


def test_portions_that_need_more_memory_than_is_left_are_refused_before_all_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "PORTION", 100)
    samples, watch = samples_of(list(range(1000)), 30), Watch()
    with pytest.raises(OutOfMemoryError, match="of 1 different"):
        count_samples(samples, 30, watch, most_bytes=500 * 16)
    assert watch.looks == 5


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("bits", [20, 80])
@pytest.mark.parametrize("outcomes", [10, 100_000, 174_762, 174_763, 300_000])
def test_counts_take_what_is_said(bits: int, memory: bool, outcomes: int) -> None:
    shots = 300_000
    samples = samples_of([*range(outcomes)] * (shots // outcomes), bits)
    shots = len(samples)
    tracemalloc.start()
    try:
        found = count_samples(samples, bits, Control(), memory=memory)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found["counts"]) == outcomes
    said = counted_bytes(outcomes, bits, memory) + (9 * shots if memory else 0)
    assert kept <= said + (1 << 16)
    words = samples.shape[1]
    portions = max(8 * (words + 1) * outcomes, 24 << bits if bits == 20 and shots > 1 << 20 else 0)
    assert peak <= said + portions + counting_bytes(shots, bits, False) + (2 << 20)
