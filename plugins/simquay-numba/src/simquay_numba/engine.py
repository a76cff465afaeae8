"""The engine of the backend ``numba``: tiled plans in compiled kernels, on all cores."""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from simquay.engine_api import (
    ComplexArray,
    Control,
    DenseEngine,
    DenseState,
    GateListPass,
    GateOperation,
    Layout,
    Pass,
    Plan,
    Precision,
    Profile,
    ProgramError,
    Strings,
    SweepPlan,
    TilePass,
    WidePass,
    apply_gate,
    apply_tile_pass,
    check_plan,
    joint_probabilities,
    mask_of,
)
from simquay_numba.assembly.assemble import can_assemble
from simquay_numba.assembly.gates import (
    EncodedList,
    apply_gate_list,
    apply_sweep_list,
    encoded_list,
)
from simquay_numba.buffers import (
    HUGE_PAGE,
    aligned_bytes,
    region_bytes,
    second_level_cache,
)
from simquay_numba.compiling import compiled
from simquay_numba.kernels.strings.doubles import GROUP_BITS
from simquay_numba.kernels.vectors import lane_count
from simquay_numba.means import add_sums, fold_sums, string_means
from simquay_numba.runtime.buffer_cache import state_buffers
from simquay_numba.runtime.programs import ProgramCache
from simquay_numba.runtime.threads import ThreadTeam
from simquay_numba.states import (
    copied,
    flipped,
    followed,
    in_order,
    marginal,
    projected,
)

__all__ = ["NumbaEngine"]

_LEAST_TILE = 12
"""Qubits of the smallest tile that is chosen."""

_SEARCHED = (24, 22)
"""Qubits, in single and in double precision, from which on a second search for a plan pays: the
search takes a millisecond, and a pass several."""


_MOST_ROUNDED = 64 << 20
"""Bytes of the largest batches whose region is made larger, to a power of two."""

_MORE_SWEPT = 2
"""Qubits that a sweep's states may have beyond those that run as the NumPy engine runs them: with
three more, a batch takes as long as its programs one by one."""


@dataclass(slots=True, eq=False)
class _State(DenseState):
    """A state whose buffer lies in ``region``; None for a small state, or once it is released."""

    region: mmap.mmap | None


class NumbaEngine(DenseEngine):
    """Runs tiled plans in compiled kernels; small states as the NumPy engine does.

    Args:
        threads: threads for one state's passes; by default the CPUs that the process may use.
        tile: qubits of a tile, in single precision and in double precision; by default what fills
            half of a core's second-level cache.
        low: storage bits that every tile holds, likewise; at least the lanes of a vector.
        small: states of fewer qubits than this run as the NumPy engine runs them.
    """

    name = "numba"
    engine_api = 1
    direct_work = 3 << 19  # about 2 ms
    turned_from = 64  # never: strings of different ``x`` are read in runs
    list_qubits = 13
    sweep_bytes = 32 << 20
    """A batch is worked on a few vectors at a time, so that its size costs no time."""

    def __init__(
        self,
        *,
        threads: int | None = None,
        tile: tuple[int, int] | None = None,
        low: tuple[int, int] = (4, 4),
        small: int = 12,
    ) -> None:
        super().__init__(threads=threads)
        self._small = small
        self._cached_profile = cache(self._profile)
        self._programs = ProgramCache()
        # The compiled loops take whole vectors; single precision has the longer ones.
        self._compiled_from = max(lane_count(4), small - 2)
        self._fixed = tile is not None
        cache_bytes = second_level_cache()
        self._tiled = {}
        for number, precision in enumerate((Precision.SINGLE, Precision.DOUBLE)):
            # The amplitudes of a block must be neighbours in the state.
            least = max(low[number], lane_count(precision.real_dtype.itemsize))
            bits = cache_bytes // (2 * precision.amplitude_bytes)
            most = tile[number] if tile else max(bits.bit_length() - 1, _LEAST_TILE)
            self._tiled[precision] = Profile(
                "tiled", tile=max(most, least + 1), low=least, search=_SEARCHED[number]
            )

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """Tiles; for few qubits the NumPy engine's profile."""
        # Every run asks, and a small run takes 100 microseconds.
        return self._cached_profile(precision, num_qubits)

    def _profile(self, precision: Precision, num_qubits: int) -> Profile:
        profile = replace(super().profile(precision, num_qubits), direct_sweeps=True)
        if num_qubits < self._small:
            return profile
        tiled = self._tiled[precision]
        profile = replace(tiled, direct=profile.direct, direct_sweeps=True, batch_tile=tiled.tile)
        if self._fixed or self.threads == 1:
            return profile
        # At least one tile for each thread, and more to balance the load; but tiles that are not so
        # small that there are many passes.
        most = max(num_qubits - self.threads.bit_length(), _LEAST_TILE)
        return replace(profile, tile=min(profile.tile, most))

    def sweep_qubits(self, precision: Precision) -> int:
        """States that stay in the second-level cache, a register's lanes of them together."""
        return self._small + _MORE_SWEPT

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> DenseState:
        """All qubits |0>, nothing stored; aligned, so that the system can use large pages."""
        size = batch * (precision.amplitude_bytes << capacity)
        # Batches of about one size use the same regions: pages that nobody touches take no memory.
        rounded = batch > 1 and size <= _MOST_ROUNDED
        whole = 1 << (size - 1).bit_length() if rounded else size
        region = state_buffers.take(whole) if size >= HUGE_PAGE else None
        memory = aligned_bytes(size) if region is None else region_bytes(region, size)
        buffer = memory.view(precision.complex_dtype).reshape(batch, 1 << capacity)
        buffer[:, 0] = 1
        return _State(num_qubits, capacity, precision, Layout(), buffer, region)

    def release(self, state: DenseState) -> None:
        """Free the state's memory, or keep it for the next state."""
        super().release(state)
        if isinstance(state, _State) and state.region is not None:
            region, state.region = state.region, None
            state_buffers.give(region)

    def copy(self, state: DenseState) -> DenseState:
        """A new state with the same amplitudes."""
        other = self.allocate(
            state.num_qubits, state.precision, capacity=state.capacity, batch=state.batch
        )
        copied(other.buffer, state.vector, self.threads, state.stored)
        other.layout = state.layout
        return other

    def apply(self, state: DenseState, plan: Plan, control: Control) -> None:
        """Apply ``plan`` in place."""
        gate_lists = [pass_ for pass_ in plan.passes if isinstance(pass_, GateListPass)]
        if not gate_lists and plan.profile.strategy != "tiled":
            super().apply(state, plan, control)
            return
        check_plan(self.name, state, plan, ("dense", "tiled"), state.capacity)
        if gate_lists:  # one, which is the whole plan
            control.check()
            apply_gate_list(state, *gate_lists)
            state.layout = plan.final
            control.report(1.0)
            return
        self._apply_tiled(state, plan, None, control)

    def _apply_tiled(
        self,
        state: DenseState,
        plan: Plan | SweepPlan,
        lists: NDArray[np.int64] | None,
        control: Control,
    ) -> None:
        tiles = [self._tiles(state, pass_) for pass_ in plan.passes]
        for assembled, group in itertools.groupby(
            range(len(tiles)), lambda number: tiles[number] > 0
        ):
            numbers = list(group)
            if assembled:
                threads = min(self.threads, max([tiles[number] for number in numbers]))
                work = state.batch * sum([_work(plan.passes[number]) for number in numbers])
                run_tiles, _ = compiled(state.buffer.dtype)
                team = ThreadTeam(state.buffer, threads, run_tiles, work, lists)
                team.run(partial(self._run_tiles, state, plan, numbers, team, control))
            else:
                for number in numbers:
                    control.check()
                    _run_alone(state, plan.passes[number])
                    control.report((number + 1) / len(tiles))
        state.layout = plan.final

    def apply_sweep(self, state: DenseState, plan: SweepPlan, control: Control) -> None:
        """Apply ``plan`` in place, to each vector with its own numbers."""
        check_plan(self.name, state, plan, ("dense", "tiled"), state.capacity)
        if plan.lists is not None:
            self._apply_tiled(state, plan, plan.lists, control)
            if plan.strings is not None:
                followed(state, plan.strings[:, plan.lists], self.threads)
            return
        for pass_ in plan.passes:
            if not isinstance(pass_, GateListPass):
                raise ProgramError(f"a {type(pass_).__name__} is no pass of a sweep")
            apply_sweep_list(state, pass_, self.threads, control)
        state.layout = plan.final
        control.report(1.0)

    def _run_tiles(
        self,
        state: DenseState,
        plan: Plan | SweepPlan,
        numbers: list[int],
        team: ThreadTeam,
        control: Control,
    ) -> None:
        """Run the passes ``numbers`` of a plan, which can be assembled, one after the other."""
        count = len(plan.passes)
        for number in numbers:
            control.check()
            pass_ = plan.passes[number]
            assert isinstance(pass_, TilePass)
            if isinstance(plan, Plan):
                program = self._programs.program(plan, number, pass_, state.precision, state.batch)
            else:
                program = self._programs.program_of_sweep(
                    pass_, state.precision, state.batch, plan.batch
                )
            if not team.run_pass(program, control.section(number / count, (number + 1) / count)):
                return
            control.report((number + 1) / count)

    def _tiles(self, state: DenseState, pass_: object) -> int:
        """The number of tiles of a pass; 0 if the pass cannot be assembled.

        Raises:
            ProgramError: if it is not a pass of a tiled plan.
        """
        if isinstance(pass_, WidePass):
            return 0
        if not isinstance(pass_, TilePass):
            raise ProgramError(f"a {type(pass_).__name__} is no pass of a tiled plan")
        if not can_assemble(pass_, state.precision):
            return 0
        return state.batch << (pass_.width - len(pass_.active))

    def probabilities(
        self, state: DenseState, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities of ``qubits`` and the given values."""
        compiled_marginal = marginal if state.stored >= self._compiled_from else None
        return joint_probabilities(state, qubits, given, self.threads, compiled_marginal)

    def amplitudes(self, state: DenseState) -> ComplexArray:
        """All amplitudes in qubit order."""
        if state.stored < self._compiled_from:
            return super().amplitudes(state)
        return in_order(state, self.threads)

    def collapse(self, state: DenseState, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome``, and divide by sqrt(probability)."""
        places = state.layout.positions()
        if state.stored < self._compiled_from or not outcome.keys() <= places.keys():
            super().collapse(state, outcome, probability)
            return
        mask = mask_of(places[qubit] for qubit in outcome)
        value = sum(bit << places[qubit] for qubit, bit in outcome.items())
        projected(state, mask, value, probability**-0.5, self.threads)

    def flip(self, state: DenseState, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits`` in place."""
        places = state.layout.positions()
        if state.stored < self._compiled_from or not places.keys() >= set(qubits):
            super().flip(state, qubits)
            return
        for qubit in qubits:
            flipped(state, places[qubit], self.threads)

    def means(self, state: DenseState, strings: Strings, control: Control) -> NDArray[np.float64]:
        """The real part of each string's mean."""
        if state.stored < GROUP_BITS:
            return super().means(state, strings, control)
        return string_means(state, strings, self.threads, control)

    def paired(
        self, state: DenseState, qubit: int, strings: Strings, weights: NDArray[np.float64]
    ) -> DenseState:
        """The same state, which stores ``qubit`` as well: its highest bit."""
        if state.stored < GROUP_BITS:
            return super().paired(state, qubit, strings, weights)
        source = state.vector
        state.grow((qubit,))
        add_sums(source, state.vector[:, source.shape[1] :], strings, weights, self.threads)
        return state

    def folded(
        self, state: DenseState, strings: Strings, weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """See the base class."""
        if state.stored < GROUP_BITS:
            return super().folded(state, strings, weights)
        return fold_sums(state.vector, strings, weights, self.threads)

    def gate_list(
        self,
        gates: Sequence[GateOperation],
        order: tuple[int, ...],
        starts: Mapping[int, int],
        changed: int,
        strings: Strings,
        places: Sequence[int],
    ) -> EncodedList:
        """Words for the loop over gates."""
        return encoded_list(gates, order, starts, changed, strings, places)

    def run_list(
        self, state: DenseState, made: EncodedList, changed: NDArray[np.complex128]
    ) -> NDArray[np.float64]:
        """Run that loop."""
        return made.run(state, changed)


def _run_alone(state: DenseState, pass_: Pass) -> None:
    """Run a pass that cannot be assembled."""
    if isinstance(pass_, TilePass):
        apply_tile_pass(state.buffer, pass_)
        return
    assert isinstance(pass_, WidePass)
    # A view of the state whose qubits are its storage bits.
    before = Layout(tuple(range(pass_.before)))
    named = DenseState(pass_.width, state.capacity, state.precision, before, state.buffer)
    named.grow(range(pass_.before, pass_.width))
    apply_gate(named, pass_.gate)


def _work(pass_: object) -> int:
    """Amplitudes times stages of a pass; reading and writing the amplitudes counts as a stage."""
    assert isinstance(pass_, TilePass)
    return (1 + len(pass_.stages)) << pass_.width
