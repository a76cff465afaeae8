"""The random draws of a run: draw ``k`` of shot ``s`` of circuit ``c`` is a function of
``(seed, c, s, k)`` alone, so a run may be split, reordered or replayed anywhere.

The mapping, in NumPy's terms: circuit ``c`` of a job has the key
``SeedSequence(seed, spawn_key=(c,)).generate_state(2, uint64)``; draw ``k`` has the stream of
``Philox(key=key, counter=k << 128)``; shot ``s`` takes word ``s`` of that stream, of which the
upper 53 bits, divided by 2**53, are the draw: a number in [0, 1). Philox is counter-based, so any
word of any stream is had without those before it.

Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC'11, https://doi.org/10.1145/2063384.2063405.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

__all__ = ["Randomness"]

_BLOCK = 1 << 14
"""Words that are computed, and cached, at once where a branch asks for scattered shots."""

_KEPT_BLOCKS = 128
"""How many of these blocks the cache holds: 16 MiB."""


_this = threading.local()
_BUFFER = np.zeros(4, dtype=np.uint64)


def _philox(key: NDArray[np.uint64], counter: int) -> np.random.Philox:
    """Philox at a counter: this thread's, put there. A new one takes ten times as long, since it
    asks the system for a seed first, which it then does not use."""
    try:
        generator: np.random.Philox = _this.philox
    except AttributeError:
        generator = _this.philox = np.random.Philox(0)
    words = [counter >> 64 * word & 0xFFFF_FFFF_FFFF_FFFF for word in range(4)]
    generator.state = {
        "bit_generator": "Philox",
        "state": {"counter": np.array(words, dtype=np.uint64), "key": key},
        "buffer": _BUFFER,
        "buffer_pos": len(_BUFFER),  # used up
        "has_uint32": 0,
        "uinteger": 0,
    }
    return generator


class Randomness:
    """The draws of one circuit of a job, whose shots are counted from ``first_shot``. Not
    thread-safe."""

    __slots__ = ("_blocks", "_first_shot", "_key", "_sequence")

    def __init__(self, seed: int, circuit: int, first_shot: int = 0) -> None:
        self._sequence = seed, circuit
        self._first_shot = first_shot
        self._key: NDArray[np.uint64] | None = None  # made at the first draw
        self._blocks: OrderedDict[tuple[int, int], NDArray[np.float64]] = OrderedDict()

    def consecutive(self, draw: int, first: int, count: int) -> NDArray[np.float64]:
        """Draw ``draw`` of the shots ``first`` to ``first + count - 1``; numbers in [0, 1)."""
        if self._key is None:
            seed, circuit = self._sequence
            sequence = np.random.SeedSequence(seed, spawn_key=(circuit,))
            self._key = np.asarray(sequence.generate_state(2, np.uint64), dtype=np.uint64)
        # One step of Philox's counter gives four words.
        first += self._first_shot
        counter = (draw << 128) + first // 4
        skip = first % 4
        words = _philox(self._key, counter).random_raw(skip + count)
        numbers: NDArray[np.float64] = np.multiply(words[skip:] >> np.uint64(11), 2.0**-53)
        return numbers

    def of(self, draw: int, shots: NDArray[np.int64] | range) -> NDArray[np.float64]:
        """Draw ``draw`` of each of ``shots``, which strictly increase; numbers in [0, 1)."""
        count = len(shots)
        if count == 0:
            return np.empty(0)
        if isinstance(shots, range):
            return self.consecutive(draw, shots.start, count)
        first = int(shots[0])
        if int(shots[-1]) - first == count - 1:
            return self.consecutive(draw, first, count)
        span = int(shots[-1]) - first + 1
        if span <= max(4 * count, 256):
            return self.consecutive(draw, first, span)[shots - first]
        if count <= 4:
            return np.concatenate([self.consecutive(draw, int(shot), 1) for shot in shots])
        parts = np.split(shots, np.flatnonzero(np.diff(shots // _BLOCK)) + 1)
        return np.concatenate(
            [self._block(draw, int(part[0]) // _BLOCK)[part % _BLOCK] for part in parts]
        )

    def each(self, draws: NDArray[np.int64], shots: NDArray[np.int64]) -> NDArray[np.float64]:
        """Draw ``draws[i]`` of shot ``shots[i]``; no draw of a shot comes twice."""
        if len(shots) and (draws == draws[0]).all() and (shots[1:] > shots[:-1]).all():
            return self.of(int(draws[0]), shots)
        numbers = np.empty(len(shots))
        order = np.lexsort((shots, draws))
        bounds = np.flatnonzero(np.diff(draws[order])) + 1
        for part in np.split(order, bounds):
            if len(part):
                numbers[part] = self.of(int(draws[part[0]]), shots[part])
        return numbers

    def _block(self, draw: int, block: int) -> NDArray[np.float64]:
        """A whole block of a draw's stream, cached: many branches ask for the same blocks."""
        key = (draw, block)
        numbers = self._blocks.pop(key, None)
        if numbers is None:
            numbers = self.consecutive(draw, block * _BLOCK, _BLOCK)
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks[key] = numbers
        return numbers
