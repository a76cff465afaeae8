"""What the GPU engine's programs should cost, from their instructions alone: no GPU is needed.

    python -m benchmarks.gpu.model --qubits 30 --precision single

It counts, for each family, what the kernel issues: arithmetic, other instructions, shared-memory
and global traffic; and from an H200's rates the time that each would take alone. It is a model, to
predict with before a run on a GPU and to hold that run against; it measures nothing. ``floor`` is
the larger of the traffic at 4.3 TB/s and the arithmetic at 70% of the peak rate; ``predicted`` is
the largest of traffic, issue slots and shared memory, each at the share of its peak given below.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from benchmarks.circuits import FAMILIES
from benchmarks.plans import gates_of
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.tiled.passes import TilePass
from simquay.program import Precision
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.encoding.geometry import GEOMETRIES
from simquay_cupy.encoding.opcodes import HEADER_WORDS, OPERAND_WORDS, Op
from simquay_cupy.encoding.programs import Launch, PlanPrograms

PROCESSORS = 132
CLOCK = 1.98e9  # under load
MEMORY = 4.3e12  # a copy's rate
PEAK = {Precision.SINGLE: PROCESSORS * CLOCK * 256, Precision.DOUBLE: PROCESSORS * CLOCK * 128}
SHARE = 0.7  # of peak issue and arithmetic rates that a good kernel reaches
SHARED_SHARE = 0.8
WARP = 32


@dataclass
class Work:
    """Of one thread, or summed over a plan: fused multiply-adds and other arithmetic, other
    instructions, accesses to shared memory of one amplitude each, exchanges."""

    arithmetic: float = 0.0
    other: float = 0.0
    shared: float = 0.0
    exchanges: float = 0.0

    def add(self, work: Work, times: float = 1.0) -> None:
        self.arithmetic += work.arithmetic * times
        self.other += work.other * times
        self.shared += work.shared * times
        self.exchanges += work.exchanges * times


# Instructions from one operation to the next, less the arithmetic: counted in what nvcc 13.0 makes
# for sm_90. An exchange is its accesses to shared memory, addresses and barrier; a tile is what is
# done before its first round and after its last.
COUNTED = {
    Precision.SINGLE: {
        Op.DENSE2: 56,
        Op.DENSE1: 57,
        Op.DENSE2_REAL: 61,
        Op.ROTATE: 65,
        Op.ROTATE_RX: 65,
        Op.SUM_DIFFERENCE: 65,
        Op.ROTATE_ALL: 57,
        Op.ROTATE_RX_ALL: 57,
        Op.CX: 72,
        Op.FLIP: 103,
        Op.FLIP_WHERE: 119,
    },
    Precision.DOUBLE: {
        Op.DENSE2: 81,
        Op.ROTATE: 56,
        Op.ROTATE_RX: 56,
        Op.SUM_DIFFERENCE: 55,
        Op.ROTATE_ALL: 45,
        Op.ROTATE_RX_ALL: 45,
        Op.CX: 60,
        Op.FLIP: 63,
        Op.FLIP_WHERE: 79,
    },
}
EXCHANGE = {Precision.SINGLE: 117, Precision.DOUBLE: 77}
TILE = {Precision.SINGLE: 337, Precision.DOUBLE: 255}
DECODING = 42  # of operations that are not in the table, which are estimates

KINDS = sorted((op for op in Op if op is not Op.CONDITIONAL), reverse=True)


def kind_of(code: int) -> Op:
    """The operation, without the place that is added to it."""
    code %= Op.CONDITIONAL
    return next(op for op in KINDS if op <= code)


def instruction(words: np.ndarray, precision: Precision) -> Work:
    """What one instruction costs a thread."""
    amplitudes = 1 << GEOMETRIES[precision].register
    angle_words = 1 if precision is Precision.SINGLE else 2
    bits = GEOMETRIES[precision].register
    code = int(words[0])
    kind = kind_of(code)
    conditional = code >= Op.CONDITIONAL and kind < Op.CX
    work = Work(other=COUNTED[precision].get(kind, DECODING))
    if conditional:
        work.other += 24 + (4 * amplitudes if kind is Op.DENSE1 else 0)  # two matrices
    if kind is Op.DENSE1:
        work.arithmetic = 8 * amplitudes
    elif kind in (Op.DENSE1_REAL, Op.RX_LIKE):
        work.arithmetic, work.other = 4 * amplitudes, work.other + 20
    elif kind is Op.DENSE2:
        work.arithmetic = 16 * amplitudes
    elif kind is Op.DENSE2_REAL:
        work.arithmetic = 8 * amplitudes
    elif kind is Op.DENSE3:
        work.arithmetic, work.other = 32 * amplitudes, work.other + 160
    elif kind in (Op.ROTATE, Op.ROTATE_RX, Op.SUM_DIFFERENCE, Op.SCALE):
        work.arithmetic = 2 * amplitudes
    elif kind in (Op.ROTATE_ALL, Op.ROTATE_RX_ALL):
        work.arithmetic = 2 * amplitudes * bits
    elif kind is Op.REGISTER_TABLE:
        work.arithmetic, work.other = 4 * amplitudes, work.other + 3 * amplitudes
    elif kind is Op.PHASE:
        at = OPERAND_WORDS + 1
        for _ in range(int(words[OPERAND_WORDS])):
            work.arithmetic += 4 * (amplitudes >> int(words[at]).bit_count())
            work.other += 20
            at = thread_angle(work, words, at + 1, angle_words)
    elif kind is Op.PHASE_TREE:
        pairs = int(words[OPERAND_WORDS])
        work.arithmetic += 4 * (2 * amplitudes - 1)
        for high in range(bits):
            count = (pairs >> (high * (high - 1) // 2) & (1 << high) - 1).bit_count()
            work.arithmetic += 4 * count * (1 << high >> 1)
        at = OPERAND_WORDS + 1
        for _ in range(bits + 1):
            at = thread_angle(work, words, at, angle_words)
    elif kind is Op.DIAGONAL:
        work.arithmetic, work.other = 4 * amplitudes, work.other + 40 * amplitudes
        work.shared = 2 * amplitudes
    elif kind is Op.GATHER:
        work.other += 100 * amplitudes
        work.shared = amplitudes * (1 + int(words[OPERAND_WORDS + 1]))
    return work


def thread_angle(work: Work, words: np.ndarray, at: int, angle_words: int) -> int:
    """Add the cost of the angle at ``at``, its sine and cosine included; where it ends."""
    terms = int(words[at])
    if int(words[at + 1]) >> 31:
        work.other += 14
        return at + 2
    work.other += 12 * terms + (8 if words[at + 1] else 0)
    work.arithmetic += 10 if angle_words == 1 else 30
    work.other += 35 if angle_words == 1 else 80
    return at + 2 + terms * (1 + angle_words)


def program_work(words: np.ndarray, precision: Precision) -> Work:
    """Of one thread, for one tile."""
    geometry = GEOMETRIES[precision]
    amplitudes = 1 << geometry.register
    work = Work(other=TILE[precision])
    at = HEADER_WORDS + 2 * int(words[5]) + 4 * geometry.tile
    for number in range(int(words[0])):
        if number:
            work.add(Work(other=EXCHANGE[precision], shared=2 * amplitudes, exchanges=1))
        at += geometry.tile + 1
        for _ in range(int(words[at - 1])):
            work.add(instruction(words[at:], precision))
            at += int(words[at + 1])
    return work


def plan_work(programs: PlanPrograms, precision: Precision) -> Work:
    """Of all threads of all launches."""
    total = Work()
    for launches in programs.passes:
        assert isinstance(launches, tuple), "no wide pass is in a benchmark"
        for launch in launches:
            words = program_words(programs, launch)
            threads = launch.tiles << GEOMETRIES[precision].thread
            total.add(program_work(words, precision), threads)
    return total


def program_words(programs: PlanPrograms, launch: Launch) -> np.ndarray:
    part = programs.windows[launch.window]
    return programs.words[part.start + 4 * launch.start : part.stop]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--qubits", type=int, default=30)
    parser.add_argument("--precision", type=Precision, default=Precision.SINGLE)
    parser.add_argument("--low", type=int, default=None)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES))
    args = parser.parse_args()
    precision: Precision = args.precision
    geometry = GEOMETRIES[precision]
    low = args.low if args.low is not None else (4 if precision is Precision.SINGLE else 3)
    profile = Profile("tiled", tile=geometry.tile, low=low, span=geometry.register)
    print(
        f"{'family':8}{'passes':>7}{'full':>7}{'exch.':>7}{'arith/amp':>10}{'other/amp':>10}"
        f"{'memory':>8}{'arith.':>8}{'issue':>8}{'shared':>8}{'floor':>8}{'pred.':>8}{'ratio':>7}"
    )
    for name in args.families:
        program = FAMILIES[name](args.qubits, 0)
        plan = make_plan(gates_of(program), Layout(), profile)
        work = plan_work(encode_plan(plan, precision), precision)
        size = 2.0 ** len(plan.final.order)
        moved = 0.0
        full = 0.0
        for pass_ in plan.passes:
            assert isinstance(pass_, TilePass)
            moved += precision.amplitude_bytes * (2.0**pass_.before + 2.0**pass_.width)
            full += 2.0**pass_.width / size
        flops = 2 * work.arithmetic
        rate = PROCESSORS * CLOCK * 4 * WARP  # issued thread instructions a second
        half = 1 if precision is Precision.SINGLE else 2  # double arithmetic issues at half rate
        memory = moved / MEMORY
        arithmetic = flops / PEAK[precision] / SHARE
        issue = (work.arithmetic * half + work.other) / rate / SHARE
        shared = work.shared * precision.amplitude_bytes / (PROCESSORS * CLOCK * 128) / SHARED_SHARE
        floor = max(memory, arithmetic)
        predicted = max(memory / 0.9, issue, shared)
        per = size * (1 << 0)
        print(
            f"{name:8}{len(plan.passes):7}{full:7.2f}"
            f"{work.exchanges * (1 << geometry.register) / per:7.1f}"
            f"{work.arithmetic / per:10.0f}{work.other / per:10.0f}"
            + "".join(
                f"{1e3 * t:8.1f}" for t in (memory, arithmetic, issue, shared, floor, predicted)
            )
            + f"{predicted / floor:7.2f}"
        )


if __name__ == "__main__":
    main()
