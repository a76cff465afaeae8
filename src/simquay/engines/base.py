"""The engine protocol: all that ``execution`` asks of an engine.

An engine object keeps nothing of a run: every call gets the state that it works on, so one object
serves any number of jobs and threads. Branching, sampling, seeds and memory limits are done by
``execution``, once for all engines; so engines agree by construction.

*Bit order.* In every index that an engine takes or returns, bit ``k`` is qubit ``k``. Inside, bit
``p`` of a storage index is the qubit ``layout.order[p]`` (:class:`~simquay.planning.Layout`); ``p``
is called the qubit's position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.errors import ProgramError
from simquay.planning import Layout, Plan, Profile, SweepPlan
from simquay.program import Precision

__all__ = ["BlockReader", "Engine", "State", "SweepEngine", "check_plan"]


class State(Protocol):
    """``batch`` vectors of amplitudes of one layout and precision.

    The data belong to the engine that allocated the state; only that engine reads them.
    """

    @property
    def num_qubits(self) -> int:
        """Qubits of the program, stored or not."""

    @property
    def batch(self) -> int:
        """How many vectors there are."""

    @property
    def precision(self) -> Precision:
        """The number format."""

    @property
    def layout(self) -> Layout:
        """Where each qubit is stored."""


class Engine(Protocol):
    """Applies plans to states. ``S`` below is whatever state class the engine uses."""

    @property
    def name(self) -> str:
        """The engine's name, as in ``job.metadata``."""

    @property
    def device(self) -> str:
        """``cpu`` or ``gpu``: the device whose memory a state takes."""

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """The profile to plan for, for vectors of up to ``num_qubits`` stored qubits."""

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """Bytes of device memory that a state of ``num_qubits`` stored qubits takes, with all
        scratch space that applying plans and reading probabilities needs."""

    def available_bytes(self) -> int:
        """Bytes of device memory that a new run could take now, as the device reports it."""

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> Any:
        """A state with every qubit |0> and nothing stored (layout ``()``).

        ``capacity`` is how many of the ``num_qubits`` will ever be stored: no plan for this state
        stores more.
        """

    def copy(self, state: Any) -> Any:
        """Another state with the same amplitudes."""

    def apply(self, state: Any, plan: Plan, control: Control) -> None:
        """Apply ``plan`` in place: check ``control`` before each pass, report after it.

        The state's layout is then ``plan.final``, also where the plan has no passes.

        Raises:
            ProgramError: if the plan is for another layout or strategy than the state's.
            Cancelled: if the control says so; the amplitudes are then undefined.
        """

    def probabilities(
        self, state: Any, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities, shape ``(batch, 2**len(qubits))``, summed in double precision.

        Entry ``i`` is the probability that every ``qubits[j]`` is bit ``j`` of ``i`` and that
        every qubit in ``given`` has its given value (not conditional: not divided by the
        probability of ``given``). Qubits that are not stored are 0.
        """

    def gather(self, state: Any, indices: NDArray[np.uint64]) -> NDArray[np.complexfloating[Any]]:
        """The amplitudes at the given indices (qubit order), shape ``(batch, len(indices))``."""

    def amplitudes(self, state: Any) -> NDArray[np.complexfloating[Any]]:
        """All amplitudes in qubit order, shape ``(batch, 2**num_qubits)``, on the host."""

    def collapse(self, state: Any, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome`` (qubit → 0 or 1), and divide by sqrt(probability)."""

    def flip(self, state: Any, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits`` in place (a reset after an outcome of 1)."""

    def select(self, parts: Sequence[tuple[Any, Sequence[int]]]) -> Any:
        """A new state with chosen vectors, in the given order.

        Each part is a state and the numbers of its vectors; a vector may be chosen more than once.
        All states of ``parts`` have one precision and capacity. Where their layouts differ, the
        new state has the first's, and behind that the qubits that others store.

        Raises:
            ProgramError: if their sizes differ.
        """

    def rows(self, state: Any, start: int, stop: int) -> Any:
        """The vectors ``start`` to ``stop - 1`` as a state, without a copy.

        It is never released, and valid until ``state`` is changed or released. A caller that
        changes it must not use ``state`` again.
        """

    def project(
        self,
        state: Any,
        qubits: Sequence[int],
        outcomes: NDArray[np.int64],
        probabilities: NDArray[np.float64],
        resets: Sequence[int] = (),
    ) -> None:
        """Collapse each vector onto an outcome of its own, in place; then reset ``resets``.

        Vector ``i`` is projected onto ``outcomes[i]``, whose bit ``j`` is the value of
        ``qubits[j]``, and divided by sqrt(``probabilities[i]``). ``resets`` are some of ``qubits``;
        they are |0> afterwards. All ``qubits`` are stored.
        """

    def expectation(self, state: Any, paulis: Sequence[str]) -> NDArray[np.float64]:
        """Expectation values, shape ``(batch, len(paulis))``, of Pauli strings in Qiskit's label
        order: the leftmost letter belongs to the highest qubit."""

    def release(self, state: Any) -> None:
        """Give the state's memory back at once."""


@runtime_checkable
class BlockReader(Protocol):
    """Optional methods of an engine: many small blocks of probabilities in one call.

    For engines on a device, where a call costs more than the numbers do.
    """

    @property
    def block_bits(self) -> int:
        """Qubits of the blocks that sampling should ask for."""

    def block_probabilities(
        self,
        state: Any,
        qubits: Sequence[int],
        fixed: Sequence[int],
        values: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Shape ``(len(values), 2**len(qubits))``: row ``i`` is what :meth:`Engine.probabilities`
        gives for ``qubits`` where ``fixed[j]`` is bit ``j`` of ``values[i]``.

        The state has one vector; ``qubits`` and ``fixed`` have none in common.
        """


@runtime_checkable
class SweepEngine(Protocol):
    """Optional methods of an engine: gates whose numbers differ from vector to vector.

    A parameter sweep then runs as one batch. Small states gain by it: there a call costs more than
    the arithmetic.
    """

    def sweep_qubits(self, precision: Precision) -> int:
        """States of up to so many stored qubits run faster as one batch; 0: none do."""

    @property
    def sweep_bytes(self) -> int:
        """The most bytes that a batch should take beyond what one of its programs does."""

    def apply_sweep(self, state: Any, plan: SweepPlan, control: Control) -> None:
        """As :meth:`Engine.apply`, with the numbers that ``plan`` has for each vector.

        Raises:
            ProgramError: if the plan is for another layout, strategy or batch than the state's.
            Cancelled: if the control says so; the amplitudes are then undefined.
        """


def check_plan(
    engine: str,
    state: State,
    plan: Plan | SweepPlan,
    strategies: Sequence[str],
    capacity: int | None = None,
) -> None:
    """Check that ``plan`` can be applied to ``state``.

    Args:
        engine: the engine's name, for the message.
        state: of that engine.
        plan: what is to be applied to it.
        strategies: those of the plans that the engine applies.
        capacity: how many qubits the state can store; None for any number.

    Raises:
        ProgramError: if the plan is of another strategy, begins at another layout than the
            state's, stores more qubits than ``capacity``, or is a sweep of more or fewer vectors
            than the state has.
    """
    if plan.profile.strategy not in strategies:
        raise ProgramError(
            f"the engine {engine} applies plans of the strategy "
            f"{' or '.join(map(repr, strategies))}, not {plan.profile.strategy!r}"
        )
    layout = state.layout
    if plan.initial != layout:
        raise ProgramError(
            f"the plan begins at layout {plan.initial.order}, but the state has {layout.order}: "
            "plan from the state's layout"
        )
    if capacity is not None and len(plan.final.order) > capacity:
        raise ProgramError(
            f"the plan stores {len(plan.final.order)} qubits in a state that was allocated for "
            f"{capacity}"
        )
    if isinstance(plan, SweepPlan) and plan.batch != state.batch:
        raise ProgramError(
            f"a sweep of {plan.batch} vectors cannot be applied to a state of {state.batch}"
        )
