"""How fast a tiled plan could run at best on this machine's CPUs.

The floor of a run is the larger of passes times pass time, and flops over 70% of the FMA peak. Both
rates are measured beside the run: the pass time is that of a pass over the whole state that
computes nothing, and passes over a part of it count as that part; the peak is that of chains of
fused multiply-adds in registers, on all CPUs at once. Needs the engine ``numba``.

A pass whose tiles have few of the lowest storage bits takes up to twice as long as others, because
its addresses are far apart. So the pass that is timed has as many of the lowest as of the highest:
no planned pass is much faster.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from benchmarks.peers import clock
from benchmarks.plans import gates_of, tiled_passes
from simquay.control import Control
from simquay.engines.threads import run_side_by_side
from simquay.planning import Layout, Plan, make_plan
from simquay.planning.tiled.cost import pass_cost
from simquay.planning.tiled.passes import Round, TilePass
from simquay.program import Precision, Program
from simquay.system.cpus import cpu_budget
from simquay_numba.kernels.vectors import VECTOR_BYTES

__all__ = ["empty_pass", "fma_peak", "work_of"]

CHAINS = 16
"""Independent sums: enough to hide the latency of two units."""

ROUNDS = 4_000_000


@intrinsic
def _chains(context, unit, count):
    def codegen(context, builder, signature, arguments):
        bits = signature.args[0].bitwidth
        scalar = ir.FloatType() if bits == 32 else ir.DoubleType()
        width = VECTOR_BYTES * 8 // bits
        kind = ir.VectorType(scalar, width)
        shape = ir.FunctionType(kind, [kind] * 3)
        name = f"llvm.fmuladd.v{width}f{bits}"
        fused = cgutils.get_or_insert_function(builder.module, shape, name)
        factor = ir.Constant(kind, [scalar(0.5)] * width)
        start = [ir.Constant(kind, [scalar(float(i))] * width) for i in range(CHAINS)]
        sums = [cgutils.alloca_once_value(builder, value) for value in start]
        with cgutils.for_range(builder, arguments[1]):
            for place in sums:
                builder.store(builder.call(fused, [builder.load(place), factor, factor]), place)
        total = builder.load(sums[0])
        for place in sums[1:]:
            total = builder.fadd(total, builder.load(place))
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return unit(unit, types.int64), codegen


@numba.njit(nogil=True)
def _multiply_add(unit, count):
    return _chains(unit, count)  # type: ignore[call-arg]  # Numba adds the context


def fma_peak(precision: Precision) -> Callable[[], float]:
    """A run that takes the seconds which this machine needs for a thousand million flops."""
    unit = precision.real_dtype.type(0)
    threads = cpu_budget()
    flops = 2 * CHAINS * (VECTOR_BYTES // precision.real_dtype.itemsize) * ROUNDS * threads

    def run() -> float:
        started = clock()
        run_side_by_side([partial(_multiply_add, unit, ROUNDS) for _ in range(threads)])
        return (clock() - started) * 1e9 / flops

    return run


def empty_pass(engine: Any, num_qubits: int, precision: Precision) -> Callable[[], float]:
    """A run that takes the seconds of a pass that loads and stores every tile."""
    profile = engine.profile(precision, num_qubits)
    tile = min(profile.tile, num_qubits)
    low = max(tile // 2, profile.low)
    active = (*range(low), *range(num_qubits - tile + low, num_qubits))
    order = Layout(tuple(range(num_qubits)))
    nothing = TilePass(num_qubits, num_qubits, active, (Round((), ()),), tuple(range(tile)))
    plan = Plan(profile, order, order, [nothing])
    state = engine.allocate(num_qubits, precision, capacity=num_qubits)
    state.layout = order
    state.vector[...] = 0

    def run() -> float:
        started = clock()
        engine.apply(state, plan, Control())
        return clock() - started

    return run


def work_of(engine: Any, program: Program, precision: Precision) -> tuple[float, float]:
    """What the plan of a program does: passes (parts counted as such), and flops."""
    profile = engine.profile(precision, program.num_qubits)
    plan = make_plan(gates_of(program), Layout(), profile, None)
    costs = [pass_cost(pass_) for pass_ in tiled_passes(plan)]
    passes = sum(cost.amplitudes for cost in costs) / 2.0 ** (program.num_qubits + 1)
    return passes, sum(cost.flops for cost in costs)
