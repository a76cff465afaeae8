"""The engine of the backend ``numpy``: dense clusters as matrix products, on any machine."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import BaseEngine, check_plan
from simquay.engines.numpy.gates import SLAB_BYTES, apply_gate, apply_gates
from simquay.engines.numpy.means import string_means
from simquay.engines.numpy.reading import (
    all_amplitudes,
    amplitudes_at,
    block_probabilities,
    joint_probabilities,
)
from simquay.engines.numpy.state import (
    TOGETHER_BITS,
    ComplexArray,
    DenseState,
    copy_vectors,
    exchange_parts,
    project_vectors,
    split_bits,
)
from simquay.engines.numpy.sums import add_strings
from simquay.engines.numpy.sweeps import apply_sweep_list
from simquay.engines.numpy.tiles import Buffers, apply_clusters
from simquay.errors import ProgramError
from simquay.planning import GatePass, Layout, Plan, Profile, SweepPlan
from simquay.planning.dense.steps import ClusterPass, LonePass, StartPass
from simquay.planning.direct import GateListPass
from simquay.program import Precision, Strings
from simquay.system.cpus import cpu_budget

__all__ = ["DenseEngine"]

_TILE_BITS = {Precision.SINGLE: 16, Precision.DOUBLE: 15}
"""Qubits of a tile: two buffers of 512 KiB a thread, which a level 2 cache of 1 MiB holds.
One qubit fewer makes products a little faster, but takes more passes."""

_CLUSTER_COSTS: dict[Precision, tuple[float, ...]] = {
    Precision.SINGLE: (0.40, 0.90, 1.05, 1.30, 1.85, 2.95),
    Precision.DOUBLE: (0.80, 1.60, 1.85, 2.50, 3.60, 5.70),
}
"""Nanoseconds an amplitude on one core by the cluster's qubits, as benchmarks/cpu/cluster_costs.py
measured them on a 2.6 GHz Zen 5 with NumPy's own OpenBLAS. The planner needs the ratios only, and
these differ little between machines: below four qubits the time goes to moving amplitudes, above to
arithmetic."""

_ALONE_BITS = 14
"""The most qubits for which one thread is as fast as several."""

_DIRECT_QUBITS = 12
"""The most qubits for which the first run of a structure may be faster without a search for a
plan."""

_LISTED_QUBITS = 8
"""The most qubits for which a sweep is faster gate by gate, for all vectors at once, than by the
products of gates that a search finds: they are made for each vector."""

_SWEEP_QUBITS = 12
"""The most qubits for which a sweep is faster as one batch; see benchmarks/cpu/sweep.py."""


class DenseEngine(BaseEngine[DenseState]):
    """Applies dense plans with NumPy alone.

    Args:
        threads: threads for one state's passes; by default the CPUs that the process may use.
    """

    name = "numpy"
    batched = True
    folds = True
    packs = True
    sweep_bytes = 8 << 20
    """Larger arrays leave the second-level cache, and the allocator takes them from the system anew
    each time; smaller ones are more calls."""
    direct_work = 1 << 18
    """The most gates times amplitudes for which the first run of a structure is faster without a
    search for a plan (benchmarks/cpu/first_run.py)."""

    def __init__(self, *, threads: int | None = None) -> None:
        self.threads = cpu_budget() if threads is None else max(1, threads)
        """Threads for one state's passes, at least 1."""

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """A dense profile, with tiles for the level 2 cache."""
        tile = _TILE_BITS[precision]
        if num_qubits > _ALONE_BITS:
            # A tile for each thread, unless tiles get so small that calls cost more than the work.
            spread = num_qubits - (self.threads - 1).bit_length()
            tile = min(tile, max(spread, _ALONE_BITS))
        return Profile(
            strategy="dense",
            width=5,
            tile=tile,
            low=6 if precision is Precision.SINGLE else 5,  # runs of 512 bytes
            start=10,
            direct=self.direct_work >> num_qubits if num_qubits <= _DIRECT_QUBITS else 0,
            direct_sweeps=num_qubits <= _LISTED_QUBITS,
            costs=_CLUSTER_COSTS[precision],
        )

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """The state, and the small copies that gates and reads work on."""
        state = batch * (precision.amplitude_bytes << num_qubits)
        buffers = 2 * self.threads * (precision.amplitude_bytes << _TILE_BITS[precision])
        return state + min(buffers + 4 * SLAB_BYTES, 2 * state + (1 << 20))

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> DenseState:
        """All qubits |0>, nothing stored."""
        buffer: ComplexArray = np.empty((batch, 1 << capacity), dtype=precision.complex_dtype)
        buffer[:, 0] = 1
        return DenseState(num_qubits, capacity, precision, Layout(), buffer)

    def copy(self, state: DenseState) -> DenseState:
        """Another state with the same amplitudes."""
        buffer = np.empty_like(state.buffer)
        buffer[:, : 1 << state.stored] = state.vector
        return DenseState(state.num_qubits, state.capacity, state.precision, state.layout, buffer)

    def apply(self, state: DenseState, plan: Plan, control: Control) -> None:
        """Apply ``plan`` in place."""
        check_plan(self.name, state, plan, ("dense", "gates"), state.capacity)
        self._apply(state, plan, control)

    def apply_sweep(self, state: DenseState, plan: SweepPlan, control: Control) -> None:
        """Apply ``plan`` in place, to each vector with its own numbers; in one thread."""
        check_plan(self.name, state, plan, ("dense",), state.capacity)
        self._apply(state, plan, control)

    def _apply(self, state: DenseState, plan: Plan | SweepPlan, control: Control) -> None:
        buffers, swept = Buffers(state.buffer.dtype), isinstance(plan, SweepPlan)
        count = len(plan.passes)
        for number, step in enumerate(plan.passes):
            control.check()
            part = control.section(number / count, (number + 1) / count)
            assert not isinstance(step, tuple), "only tiled sweeps have passes for each vector"
            if isinstance(step, ClusterPass):
                state.grow_unwritten(step.before[len(step.before) - step.new :])
                apply_clusters(state, step, buffers, self.threads, part, swept=swept)
                state.layout = Layout(step.after)
            elif isinstance(step, StartPass):
                state.grow_unwritten(step.after)
                # The gates before may have left a factor in the one amplitude that there was. In a
                # sweep the amplitudes have an axis of vectors in front, as the state has.
                np.multiply(step.amplitudes, state.buffer[:, :1], state.vector, casting="same_kind")
            elif isinstance(step, LonePass):
                state.grow(step.before[len(step.before) - step.new :])
                apply_gate(state, step.gate)
            elif isinstance(step, GatePass):
                apply_gate(state, step.gate)
            elif isinstance(step, GateListPass) and swept:
                apply_sweep_list(state, step, part)
            elif isinstance(step, GateListPass):
                state.grow(step.order[state.stored :])
                apply_gates(state, step.gates)
            else:
                raise ProgramError(
                    f"a {type(step).__name__} is no pass that the engine numpy knows"
                )
            part.report(1.0)
        # Passes name wires; the plan says which qubit each wire carries at the end.
        state.layout = plan.final

    def sweep_qubits(self, precision: Precision) -> int:
        """The most stored qubits for which a sweep runs faster as one batch."""
        return _SWEEP_QUBITS

    def probabilities(
        self, state: DenseState, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities of ``qubits`` and the given values."""
        return joint_probabilities(state, qubits, given, self.threads)

    def block_probabilities(
        self,
        state: DenseState,
        qubits: Sequence[int],
        fixed: Sequence[int],
        values: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Many small blocks of probabilities at once."""
        if not set(state.layout.order) <= {*qubits, *fixed}:
            # Rare: some stored qubits are not measured, and are summed over.
            return super().block_probabilities(state, qubits, fixed, values)
        return block_probabilities(state, qubits, fixed, values)

    def gather(self, state: DenseState, indices: NDArray[np.uint64]) -> ComplexArray:
        """The amplitudes at ``indices``."""
        return amplitudes_at(state, indices)

    def amplitudes(self, state: DenseState) -> ComplexArray:
        """All amplitudes in qubit order."""
        return all_amplitudes(state)

    def collapse(self, state: DenseState, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome``, and divide by sqrt(probability)."""
        positions = state.layout.positions()
        if any(value and qubit not in positions for qubit, value in outcome.items()):
            raise ProgramError(f"outcome {dict(outcome)} has 1 for a qubit that is |0>")
        fixed = {positions[q]: value for q, value in outcome.items() if q in positions}
        view, axes = split_bits(state.vector, state.stored, list(fixed))
        index: list[int | slice] = [slice(None)] * view.ndim
        # Bit by bit, the highest first: amplitudes that differ from the outcome in it become 0.
        for position, axis in axes.items():
            index[axis] = 1 - fixed[position]
            view[tuple(index)] = 0
            index[axis] = fixed[position]
        view[tuple(index)] *= view.real.dtype.type(probability**-0.5)

    def flip(self, state: DenseState, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits`` in place."""
        stored = set(state.layout.order)
        state.grow([qubit for qubit in qubits if qubit not in stored])
        positions = state.layout.positions()
        for qubit in qubits:
            view, axes = split_bits(state.vector, state.stored, [positions[qubit]])
            pair = view.swapaxes(0, axes[positions[qubit]])
            zero, one = pair[0], pair[1]
            kept = zero.copy()
            zero[...] = one
            one[...] = kept

    def select(self, parts: Sequence[tuple[DenseState, Sequence[int]]]) -> DenseState:
        """A new state with chosen vectors."""
        first = parts[0][0]
        if len({(part.num_qubits, part.precision, part.capacity) for part, _ in parts}) > 1:
            raise ProgramError("vectors of different sizes cannot be in one state")
        chosen = self.allocate(
            first.num_qubits,
            first.precision,
            capacity=first.capacity,
            batch=sum(len(numbers) for _, numbers in parts),
        )
        # The first layout, and behind it the qubits that only others store.
        orders = [part.layout.order for part, _ in parts]
        chosen.layout = Layout(tuple(dict.fromkeys(itertools.chain(*orders))))
        copy_vectors(chosen, parts, threads=self.threads)
        return chosen

    def overwritten(
        self, state: DenseState, numbers: Sequence[int], other: DenseState, chosen: Sequence[int]
    ) -> DenseState:
        """Change some of the vectors in place."""
        stored = state.layout.order
        state.grow([qubit for qubit in other.layout.order if qubit not in stored])
        copy_vectors(state, [(other, chosen)], numbers, self.threads)
        return state

    def rows(self, state: DenseState, start: int, stop: int) -> DenseState:
        """Some of the vectors as a state, without a copy."""
        buffer = state.buffer[start:stop]
        return DenseState(state.num_qubits, state.capacity, state.precision, state.layout, buffer)

    def project(
        self,
        state: DenseState,
        qubits: Sequence[int],
        outcomes: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        resets: Sequence[int] = (),
    ) -> None:
        """Collapse each vector onto an outcome of its own, in place; then reset ``resets``."""
        if state.stored <= TOGETHER_BITS:
            project_vectors(state, qubits, outcomes, probabilities, resets)
        else:
            super().project(state, qubits, outcomes, probabilities, resets)

    def means(self, state: DenseState, strings: Strings, control: Control) -> NDArray[np.float64]:
        """The real part of each string's mean."""
        return string_means(state, strings, self.threads, control)

    def paired(
        self, state: DenseState, qubit: int, strings: Strings, weights: NDArray[np.float64]
    ) -> DenseState:
        """The same state, which stores ``qubit`` as well: its highest bit."""
        vectors = state.vector
        state.grow((qubit,))
        half = vectors.shape[1]
        add_strings(vectors, state.vector[:, half:], strings, weights, self.threads)
        return state

    def folded(
        self, state: DenseState, strings: Strings, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See the base class."""
        vectors = state.vector
        after = np.zeros_like(vectors)
        add_strings(vectors, after, strings, weights, self.threads)
        vectors.imag = after.real
        found: NDArray[np.float64] = np.einsum(
            "bi,bi->b", vectors.real, after.real, dtype=np.float64
        )
        return found

    def narrow(self, state: DenseState, qubits: Sequence[int]) -> None:
        """The rest of the vector is moved to its start."""
        places = state.layout.positions()
        view, axes = split_bits(
            state.vector, state.stored, [places[one] for one in qubits if one in places]
        )
        zero: list[int | slice] = [slice(None)] * view.ndim
        for axis in axes.values():
            zero[axis] = 0
        kept = view[tuple(zero)].reshape(state.batch, -1)
        state.layout = Layout(tuple([one for one in state.layout.order if one not in qubits]))
        np.copyto(state.vector, kept)

    def exchange_parts(self, state: DenseState, qubit: int, other: int) -> None:
        """Exchange the bit between an amplitude's parts with the bit of ``qubit``."""
        if qubit not in state.layout.order:
            state.grow((qubit,))
        order = state.layout.order
        exchange_parts(state, order.index(qubit), self.threads)
        state.layout = Layout(tuple([other if one == qubit else one for one in order]))

    def release(self, state: DenseState) -> None:
        """Give the state's memory back."""
        state.buffer = np.empty((state.batch, 0), dtype=state.buffer.dtype)
