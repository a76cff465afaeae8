"""What one stage costs a core, by its kind: the engine ``numba`` on tiles in cache.

    python -m benchmarks.cpu.numba_stages [--precision single] [--tile 15] [--qubits 20]

Each line is a pass of many stages of one kind, on one thread, less an empty pass, in seconds of
CPU time. Flops count what the arithmetic of the stage's form needs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from benchmarks.circuits import haar_unitary
from simquay.planning.tiled.passes import (
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    Round,
    Stage,
    TilePass,
)
from simquay.program import Precision
from simquay_numba.assembly.assemble import assemble
from simquay_numba.buffers import address, aligned_bytes
from simquay_numba.compiling import compiled

RNG = np.random.default_rng(0)
FLIP = np.array([1, 0])
RX = np.array([[0.8, 0.6j], [0.6j, 0.8]])


def dense(bits: tuple[int, ...], count: int = 20) -> list[Stage]:
    return [DenseStage(bits, haar_unitary(RNG, 1 << len(bits))) for _ in range(count)]


def real(bits: tuple[int, ...]) -> list[Stage]:
    matrix = np.linalg.qr(RNG.normal(size=(1 << len(bits),) * 2))[0].astype(complex)
    return [DenseStage(bits, matrix, "real") for _ in range(20)]


def turns(bits: Sequence[int]) -> list[Stage]:
    return [DenseStage((bit,), RX, "rx_like") for _ in range(8) for bit in bits]


def diagonal(*groups: tuple[int, ...]) -> list[Stage]:
    made = []
    for bits in groups:
        table = np.exp(1j * RNG.random(1 << len(bits)))
        made.append(DiagonalGroup(bits, (DiagonalTerm(tuple(range(len(bits))), (), table),)))
    return [DiagonalStage(tuple(made))] * 10


def chain(bits: Sequence[int]) -> list[Stage]:
    """CX from each bit to the next, there and back: neighbours do not merge."""
    pairs = [*pairwise(bits)]
    pairs += [(target, control) for control, target in reversed(pairs)]
    return [
        PermuteStage((target,), FLIP, Condition(1 << control, 1 << control))
        for control, target in pairs
    ]


def kinds(tile: int) -> dict[str, tuple[list[Stage], float]]:
    """Stages by name, and the flops an amplitude of one."""
    return {
        "dense, 2 block bits": (dense((6, tile - 1)), 32),
        "dense, lane and block bit": (dense((1, 9)), 32),
        "dense, 2 lanes": (dense((0, 2)), 32),
        "dense, 3 block bits": (dense((6, 8, 10), 5), 64),
        "dense, 5 block bits": (dense((5, 6, 8, 9, 10), 3), 256),
        "real, 2 block bits": (real((6, 9)), 16),
        "RX, one a trip": (turns([7]), 8),
        "RX, three a trip": (turns([6, 8, 10]), 8),
        "RX, lanes": (turns([0, 1, 2]), 8),
        "CX, block bits": (chain(range(5, 12)), 0),
        "CX, lanes": (chain((0, 2)), 0),
        "CX, lane and block bit": (chain((1, 9)), 0),
        "diagonal, 1 table": (diagonal((5, 6, 7, 8, 9, 10)), 6),
        "diagonal, 3 tables": (diagonal((0, 1, 2, 3, 4, 5), (5, 6, 7, 8, 9), (9, 10, 11)), 18),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--precision", type=Precision, default=Precision.SINGLE)
    parser.add_argument("--tile", type=int, default=15)
    parser.add_argument("--qubits", type=int, default=20)
    arguments = parser.parse_args()
    if not 12 <= arguments.tile <= arguments.qubits:
        parser.error("the stages act on 12 bits of a tile: 12 <= tile <= qubits")
    precision, tile, n = arguments.precision, arguments.tile, arguments.qubits
    complex_type, real_type = precision.complex_dtype, precision.real_dtype
    memory = aligned_bytes(complex_type.itemsize << n, 2 << 20)
    memory.view(complex_type)[...] = 1
    run_tiles, _ = compiled(complex_type)

    def seconds(stages: list[Stage]) -> float:
        active = (*range(5), *range(n - tile + 5, n))
        pass_ = TilePass(n, n, active, (Round((), tuple(stages)),), tuple(range(tile)))
        program = assemble(pass_, precision).program(pass_)
        buffer, scratch = (
            aligned_bytes(size) for size in (program.buffer_bytes, program.scratch_bytes)
        )
        best = np.inf
        for _ in range(8):
            started = time.thread_time()
            run_tiles(
                real_type.type(0),
                program.code,
                program.lines,
                np.zeros(1, dtype=np.int64),
                address(memory),
                *program.trip[:5],
                0,
                address(buffer),
                address(scratch),
                0,
                len(program.trip.tile_offsets),
                -1,
                0,
                real_type.itemsize,
                0,
                0,
            )
            best = min(best, time.thread_time() - started)
        return best

    empty = seconds([])
    # Without a stage that multiplies after them, flips are done by the places of what is written.
    last = dense((tile - 2,), 1)
    alone = seconds(last)
    print(
        f"{precision.value}, tile {tile}; empty pass {empty * 1e9 / (1 << n):.2f} ns an amplitude"
    )
    for name, (stages, flops) in kinds(tile).items():
        each = (seconds([*stages, *last]) - alone) * 1e9 / (1 << n) / len(stages)
        rate = f"{flops / each:7.0f} Gflop/s" if flops else ""
        print(f"{name:28} {each:6.3f} ns {rate}")


if __name__ == "__main__":
    main()
