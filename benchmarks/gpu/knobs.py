"""The tuning knobs of the GPU engine, one at a time, on two families.

    export PYTHONPATH=src:plugins/simquay-cupy/src
    python3 -m benchmarks.gpu.knobs --qubits 28 --json knobs.json

- ``low``: storage bits that every tile holds; fewer make fewer passes, of shorter runs of memory.
- ``replay``: wall-clock time launch by launch, and as a CUDA graph; see ``small.py``.
- ``blocks``: blocks that the compiler makes fit a multiprocessor; ``tile``: bits of a tile, in
  single precision. Each is another compilation of the kernels.

``same`` is the largest difference of an amplitude, of the first 4,096, to the engine as it is.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import cupy
import numpy as np

from benchmarks.circuits import FAMILIES
from benchmarks.gpu.facts import environment
from benchmarks.gpu.runs import apply, plan_for
from benchmarks.gpu.small import replay_row
from benchmarks.tables import Report, options
from simquay.program import Precision
from simquay_cupy.device.cuda import CudaDevice
from simquay_cupy.device.sources import kernel_source
from simquay_cupy.encoding.geometry import GEOMETRIES
from simquay_cupy.engine import LOW, CupyEngine

REPEATS = 3
Amplitudes = Any


class Variant(CudaDevice):
    """A device with kernels that are compiled with ``defines``."""

    def __init__(self, *defines: str) -> None:
        super().__init__()
        self.defines = defines

    def _module(self, kernel: str) -> Any:
        name = kernel.rpartition("_")[2]
        if name not in self._modules:
            given = ("-std=c++17", f"-DQS_{name.upper()}", *self.defines)
            self._modules[name] = cupy.RawModule(code=kernel_source(), options=given)
        return self._modules[name]


@contextmanager
def tile_of(precision: Precision, bits: int) -> Iterator[None]:
    """Geometry with smaller tiles, for kernels that are compiled for them."""
    usual = GEOMETRIES[precision]
    GEOMETRIES[precision] = replace(usual, tile=bits, columns=usual.columns[:bits])
    try:
        yield
    finally:
        GEOMETRIES[precision] = usual


def main() -> None:
    parser = options(
        __doc__,
        knobs=["low", "replay", "blocks", "tile"],
        qubits=[28],
        replay_qubits=[16, 20, 22],
        precisions=list(Precision),
        families=["qv", "qaoa"],
    )
    args = parser.parse_args()
    engine = CupyEngine(CudaDevice())
    report = Report(environment(engine, args.commit), args.json)

    def note(knob: str, value: object, tried: CupyEngine, low: int | None = None) -> None:
        for qubits in args.qubits:
            for name in args.families:
                usual = known.setdefault((name, qubits, precision), [])
                seconds, passes, amplitudes = times(tried, name, qubits, precision, low)
                usual.append(amplitudes)
                row = {"knob": knob, "value": value, "family": name, "qubits": qubits}
                row |= {"precision": precision.value, "passes": passes, "device ms": 1e3 * seconds}
                report.note("knobs", row | {"same": float(np.abs(amplitudes - usual[0]).max())})

    known: dict[tuple[str, int, Precision], list[Amplitudes]] = {}
    for precision in args.precisions:
        note("none", "", engine)
        for low in (LOW[precision] - 1, LOW[precision] + 1) if "low" in args.knobs else ():
            note("low", low, engine, low)
    if "replay" in args.knobs:
        for qubits in args.replay_qubits:
            for precision in args.precisions:
                for name in args.families:
                    report.note("replay", replay_row(engine, name, qubits, precision, qubits))
    for precision in args.precisions:
        for blocks in (2, 4) if "blocks" in args.knobs else ():
            define = f"-DQS_BLOCKS_{precision.name}={blocks}"
            note("blocks", blocks, CupyEngine(Variant(define)))
    if "tile" in args.knobs and Precision.SINGLE in args.precisions:
        precision = Precision.SINGLE
        with tile_of(precision, 11):
            note("tile", 11, CupyEngine(Variant("-DQS_TILE_SINGLE=11", "-DQS_BLOCKS_SINGLE=6")))
    report.print()


def times(
    engine: CupyEngine, name: str, qubits: int, precision: Precision, low: int | None
) -> tuple[float, int, Amplitudes]:
    """Seconds on the device, passes, and the first amplitudes."""
    program = FAMILIES[name](qubits, 1)
    plan = plan_for(engine, program, precision, low)
    state = engine.allocate(qubits, precision, capacity=qubits)
    apply(engine, state, plan)
    seconds = [engine.on.timed(lambda: apply(engine, state, plan)) for _ in range(REPEATS)]
    found = engine.gather(state, np.arange(min(1 << qubits, 1 << 12), dtype=np.uint64))
    engine.release(state)
    return statistics.median(seconds), len(plan), found


if __name__ == "__main__":
    main()
