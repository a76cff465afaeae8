"""The engine: all that ``execution`` asks of one, and defaults for most of it.

An engine object keeps nothing of a run: every call gets the state that it works on, so one object
serves any number of jobs and threads. Branching, sampling, seeds and memory limits are done by
``execution``, once for all engines; so engines agree by construction.

*Bit order.* In every index that an engine takes or returns, bit ``k`` is qubit ``k``. Inside, bit
``p`` of a storage index is the qubit ``layout.order[p]`` (:class:`~simquay.planning.Layout`); ``p``
is called the qubit's position.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.abilities import Abilities, S
from simquay.engines.labels import parity_gates, strings_of_labels
from simquay.engines.numpy.sums import add_strings
from simquay.engines.protocol import State, check_plan
from simquay.errors import PluginError, ProgramError
from simquay.planning import GatePass, Plan, Profile, make_plan
from simquay.program import Diagonal, GateOperation, Permutation, Precision, Strings
from simquay.program.bits import bits_of, deposit, spread
from simquay.program.gates import Prepare
from simquay.system.memory import host_available_bytes

__all__ = ["ENGINE_API", "BaseEngine", "Engine", "State", "check_plan"]

ENGINE_API = 1
"""The version of the engine API."""

_READ_BITS = 16
"""The default block reader reads up to ``2**_READ_BITS`` probabilities in one call."""

_GATHERED_BITS = 18
"""At most so many amplitudes, as a power of two, are fetched at once for a density matrix."""

_NOT = np.array([1, 0], dtype=np.intp)


class BaseEngine(Abilities[S], ABC):
    """Applies plans to states of the class ``S``.

    An engine says :attr:`name` (and :attr:`device`), and writes :meth:`allocate`, :meth:`apply`,
    :meth:`probabilities`, :meth:`amplitudes`, :meth:`copy` and :meth:`release`. The other methods
    have defaults that use these six, slow but right; a fast engine overrides them. Some are not
    called unless the engine says so: those of :class:`~simquay.engines.abilities.Abilities`.

    The defaults change amplitudes by gates, which :meth:`apply` gets in plans of the engine's own
    profile. Projections are among them: diagonals with zeros, which are not unitary.
    """

    name: str
    """The engine's name, as in ``job.metadata``."""

    device: str = "cpu"
    """``cpu`` or ``gpu``: the device whose memory a state takes."""

    batched: bool = False
    """Whether a state may have several vectors. Such an engine also writes :meth:`select` and
    :meth:`rows`, and :meth:`project` where its strategy is not ``gates``. The branches of a dynamic
    circuit run one by one on other engines."""

    sweep_bytes: int = 0
    """The most bytes that a sweep's batch should take beyond what one of its programs does."""

    rotates: bool = True
    """Whether gates on a state's qubits may rotate it, to read projectors from it; if not, these
    are written out as Pauli strings."""

    block_bits: int = 8
    """Qubits of the blocks that sampling asks :meth:`block_probabilities` for."""

    turned_from: int = 12
    """Stored qubits from which on gradients turn qubits, so that :meth:`means` reads one ``x``."""

    engine_api: int = ENGINE_API
    """The version of the engine API that the class is written for; a plugin's engine says it."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.engine_api != ENGINE_API:
            raise PluginError(
                f"the engine {cls.__name__} is written for version {cls.engine_api} of the engine "
                f"API, and this Simquay has version {ENGINE_API}; install versions that fit"
            )

    @abstractmethod
    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> S:
        """A state with every qubit |0> and nothing stored (layout ``()``).

        ``capacity`` is how many of the ``num_qubits`` will ever be stored: no plan for this state
        stores more. ``batch`` is 1 unless the engine is :attr:`batched`.
        """

    @abstractmethod
    def apply(self, state: S, plan: Plan, control: Control) -> None:
        """Apply ``plan`` in place: check ``control`` before each pass, report after it.

        The state's layout is then ``plan.final``, also where the plan has no passes.

        Raises:
            ProgramError: if the plan is for another layout or strategy than the state's; see
                :func:`check_plan`.
            Cancelled: if the control says so; the amplitudes are then undefined.
        """

    @abstractmethod
    def probabilities(
        self, state: S, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities, shape ``(batch, 2**len(qubits))``, summed in double precision.

        Entry ``i`` is the probability that every ``qubits[j]`` is bit ``j`` of ``i`` and that
        every qubit in ``given`` has its given value (not conditional: not divided by the
        probability of ``given``). Qubits that are not stored are 0.
        """

    @abstractmethod
    def amplitudes(self, state: S) -> NDArray[np.complexfloating[Any]]:
        """All amplitudes in qubit order, shape ``(batch, 2**num_qubits)``, on the host."""

    @abstractmethod
    def copy(self, state: S) -> S:
        """Another state with the same amplitudes."""

    @abstractmethod
    def release(self, state: S) -> None:
        """Give the state's memory back at once."""

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """The profile to plan for, for vectors of up to ``num_qubits`` stored qubits.

        By default one gate a pass, as written.
        """
        return Profile("gates")

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """Bytes of device memory that a state of ``num_qubits`` stored qubits takes, with all
        scratch space that applying plans and reading probabilities needs.

        By default the state, two copies of it, and an index and probabilities for each amplitude.
        """
        return (batch * (3 * precision.amplitude_bytes + 24) + 24) << num_qubits

    def available_bytes(self) -> int:
        """Bytes of device memory that a new run could take now, as the device reports it.

        By default the host's.

        Raises:
            NotImplementedError: by default, if the engine has another device.
        """
        if self.device != "cpu":
            raise NotImplementedError(f"the engine {self.name} does not say what memory is free")
        return host_available_bytes()

    def gates(self, state: S, plan: Plan, control: Control) -> Iterator[GateOperation]:
        """The gates of ``plan``, for :meth:`apply` of an engine of the strategy ``gates``.

        Checks the plan, and ``control`` before each gate; reports after it.

        Raises:
            ProgramError: as :meth:`apply`.
            Cancelled: as :meth:`apply`.
        """
        check_plan(self.name, state, plan, ("gates",))
        for done, step in enumerate(plan.passes, start=1):
            control.check()
            if not isinstance(step, GatePass):
                raise ProgramError(f"the engine {self.name} has no pass {type(step).__name__}")
            yield step.gate
            control.report(done / len(plan.passes))

    def gather(self, state: S, indices: NDArray[np.uint64]) -> NDArray[np.complexfloating[Any]]:
        """The amplitudes at the given indices (qubit order), shape ``(batch, len(indices))``."""
        found: NDArray[np.complexfloating[Any]] = self.amplitudes(state)[
            :, np.asarray(indices).astype(np.intp)
        ]
        return found

    def probabilities_at(self, state: S, indices: NDArray[np.uint64]) -> NDArray[np.float64]:
        """The probabilities of the basis states at the given indices (qubit order), shape
        ``(batch, len(indices))``."""
        return np.square(np.abs(self.gather(state, indices).astype(np.complex128, copy=False)))

    def density_matrices(
        self, state: S, qubits: Sequence[int] | None, control: Control
    ) -> NDArray[np.complex128]:
        """The density matrix of ``qubits`` (None for all) for each vector, shape ``(batch, 2**k,
        2**k)``: the sum over the basis states of all other qubits of the outer product of the
        amplitudes that they leave; ``control`` is checked meanwhile.

        Beside the result, memory for a small part of the amplitudes is enough.
        """
        qubits = range(state.num_qubits) if qubits is None else qubits
        batch, size = state.batch, 1 << len(qubits)
        others = sorted(set(state.layout.order).difference(qubits))
        together = max(_GATHERED_BITS - (batch * size - 1).bit_length(), 0)
        low, high = others[:together], others[together:]
        rows = deposit(np.arange(size, dtype=np.intp), qubits)
        indices = (rows[:, np.newaxis] | spread(low)).ravel().astype(np.uint64)
        matrices = np.zeros((batch, size, size), dtype=np.complex128)
        for value in range(1 << len(high)):
            control.check()
            some = self.gather(state, indices | np.uint64(deposit(value, high)))
            amplitudes = some.astype(np.complex128, copy=False).reshape(batch, size, -1)
            matrices += amplitudes @ amplitudes.conj().transpose(0, 2, 1)
        return matrices

    def collapse(self, state: S, outcome: Mapping[int, int], probability: float) -> None:
        """Project in place onto ``outcome`` (qubit → 0 or 1), and divide by sqrt(probability).

        Raises:
            ProgramError: if a qubit that is not stored, and so |0>, is to be 1.
        """
        stored = set(state.layout.order)
        gates = [Diagonal(np.array([probability**-0.5], dtype=complex), ())]
        for qubit, value in outcome.items():
            if qubit in stored:
                gates.append(Diagonal(np.array([1 - value, value], dtype=complex), (qubit,)))
            elif value:
                raise ProgramError(f"outcome {dict(outcome)} has 1 for a qubit that is |0>")
        self._apply_gates(state, gates)

    def flip(self, state: S, qubits: Sequence[int]) -> None:
        """Apply X to each of ``qubits`` in place (a reset after an outcome of 1)."""
        if qubits:
            self._apply_gates(state, [Permutation(_NOT, (qubit,)) for qubit in qubits])

    def _apply_gates(self, state: S, gates: Sequence[GateOperation]) -> None:
        stored = set(state.layout.order).union(*(gate.qubits for gate in gates))
        profile = self.profile(state.precision, len(stored))
        self.apply(state, make_plan(gates, state.layout, profile, cache=None), Control())

    def select(self, parts: Sequence[tuple[S, Sequence[int]]]) -> S:
        """A new state with chosen vectors, in the given order.

        Each part is a state and the numbers of its vectors; a vector may be chosen more than once.
        All states of ``parts`` have one precision and capacity. Where their layouts differ, the
        new state has the first's, and behind that the qubits that others store.

        Raises:
            ProgramError: if their sizes differ, or if several vectors are chosen and the engine is
                not :attr:`batched`.
        """
        chosen = [state for state, numbers in parts for _ in numbers]
        if len(chosen) != 1 or chosen[0].batch != 1:
            raise ProgramError(f"a state of the engine {self.name} has one vector, not several")
        return self.copy(chosen[0])

    def overwritten(self, state: S, numbers: Sequence[int], other: S, chosen: Sequence[int]) -> S:
        """``state``, whose vectors ``numbers``, increasing, are the vectors ``chosen`` of
        ``other``: changed in place, or a new one; then ``state`` is released."""
        taken = dict(zip(numbers, chosen, strict=True))
        every = range(state.batch)
        made = self.select([(other, [taken[n]]) if n in taken else (state, [n]) for n in every])
        self.release(state)
        return made

    def rows(self, state: S, start: int, stop: int) -> S:
        """The vectors ``start`` to ``stop - 1`` as a state, without a copy.

        It is never released, and valid until ``state`` is changed or released. A caller that
        changes it must not use ``state`` again, unless its layout is still that of ``state``.
        """
        if (start, stop) != (0, state.batch):
            raise ProgramError(f"the engine {self.name} has no vectors {start} to {stop - 1}")
        return state

    def project(
        self,
        state: S,
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
        pairs = zip(outcomes.tolist(), probabilities.tolist(), strict=True)
        for number, (outcome, probability) in enumerate(pairs):
            one = self.rows(state, number, number + 1)
            values = {qubit: outcome >> bit & 1 for bit, qubit in enumerate(qubits)}
            self.collapse(one, values, probability)
            self.flip(one, [qubit for qubit in resets if values[qubit]])

    def means(self, state: S, strings: Strings, control: Control) -> NDArray[np.float64]:
        """The real part of each string's mean, shape ``(batch, terms)``, summed in double
        precision; ``control`` is checked between strings."""
        order = state.layout.order
        result = np.empty((state.batch, len(strings.x)))
        for term, (x, z, fixed, values) in enumerate(np.transpose(strings).tolist()):
            control.check()
            given = {order[bit]: values >> bit & 1 for bit in bits_of(fixed)}
            qubits = [order[bit] for bit in bits_of(x | z)]
            gates = parity_gates(x, z, order)
            changed = self.copy(state)
            try:
                self._apply_gates(changed, gates)
                read = self.probabilities(changed, qubits[-1:], given)
            finally:
                self.release(changed)
            result[:, term] = read[:, 0] - read[:, 1:].sum(axis=1)
        return result

    def expectation(self, state: S, paulis: Sequence[str]) -> NDArray[np.float64]:
        """Expectation values, shape ``(batch, len(paulis))``, of Pauli strings in Qiskit's label
        order: the leftmost letter belongs to the highest qubit.

        Raises:
            ProgramError: if a string has not a letter of I, X, Y, Z for each qubit.
        """
        strings, stored = strings_of_labels(paulis, state.num_qubits, state.layout)
        return np.where(stored, self.means(state, strings, Control()), 0.0)

    def paired(self, state: S, qubit: int, strings: Strings, weights: NDArray[np.float64]) -> S:
        """A state that stores ``qubit``, too, which ``state`` does not, and has room for: where it
        is |0>, the vectors of ``state``; where it is |1>, these after the sum of ``strings`` times
        ``weights``. ``state`` is changed in place, or released. Here amplitudes pass the host.
        """
        order = state.layout.order
        vectors = self.gather(state, spread(order).astype(np.uint64))
        after = np.zeros_like(vectors)
        add_strings(vectors, after, strings, weights)
        both = np.concatenate([vectors, after], axis=1).astype(np.complex128)
        parts: list[tuple[S, tuple[int]]] = []
        for row in both:
            one = self.allocate(state.num_qubits, state.precision, capacity=len(order) + 1)
            self._apply_gates(one, [Prepare(row, (*order, qubit))])
            parts.append((one, (0,)))
        self.release(state)
        if len(parts) == 1:
            return parts[0][0]
        made = self.select(parts)
        for one, _ in parts:
            self.release(one)
        return made

    def narrow(self, state: S, qubits: Sequence[int]) -> None:
        """Say that no amplitude where one of ``qubits`` is |1> will be read, and that no gate will
        be applied to them: an engine may project the state onto |0> there, in place, and store
        them no more. Here nothing is done."""

    def block_probabilities(
        self,
        state: S,
        qubits: Sequence[int],
        fixed: Sequence[int],
        values: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Many small blocks of probabilities in one call, shape ``(len(values),
        2**len(qubits))``: row ``i`` is what :meth:`probabilities` gives for ``qubits`` where
        ``fixed[j]`` is bit ``j`` of ``values[i]``.

        The state has one vector; ``qubits`` and ``fixed`` have none in common.

        Nothing looks at the control during a call. Here it calls :meth:`probabilities` for parts of
        the state that have no amplitude in common: one pass altogether, if that reads the given
        part alone. An engine whose :meth:`probabilities` reads the whole state overrides this.
        """
        # Blocks that differ in the first of `fixed` alone are read together.
        shared = max(_READ_BITS - len(qubits), 0)
        together = [*qubits, *fixed[:shared]]
        result = np.empty((len(values), 1 << len(qubits)))
        outer = values >> shared
        for value in np.unique(outer).tolist():
            given = {qubit: value >> bit & 1 for bit, qubit in enumerate(fixed[shared:])}
            read = self.probabilities(state, together, given)[0].reshape(-1, result.shape[1])
            rows = outer == value
            result[rows] = read[values[rows] & (1 << shared) - 1]
        return result


Engine: TypeAlias = BaseEngine[Any]
"""An engine, whatever its states."""
