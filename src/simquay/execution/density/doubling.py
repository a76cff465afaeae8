"""Doubling: a program with noise as a program of gates on twice as many qubits.

An amplitude of the doubled program is a coefficient of the density matrix in the basis of Pauli
matrices: in its index, bit ``q`` is the Z part of the Pauli matrix on qubit ``q``, and bit
``n + q`` its X part, ``n`` being the number of qubits. With ``m`` stored qubits, the amplitude of
the Pauli matrix ``P`` on them is ``2**(-m / 2) * Tr(P rho)``: the norm of a pure state is 1, and
its unitary gates stay orthogonal matrices. A qubit that nothing has moved is not stored, and is |0>
as in any program; when it is first moved, |0><0|, which is ``(1 + Z) / 2``, is |+> on bit ``q``.
From then on bit ``q`` is stored, by which readers know that the qubit is; its other bit may not be.

Clifford gates move bits and change signs, Pauli channels are diagonals: planning makes next to
nothing of both. What acts on one qubit is multiplied before it is a gate. For gates on more than
two qubits the bits of a qubit are turned, by a 4 by 4 matrix, into the row and the column of the
matrix: the gate acts on the rows, its complex conjugate on the columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from simquay.execution.branching.deferral import Deferred, defer
from simquay.execution.density.transfer import (
    RESET,
    ROUNDING,
    TURN,
    TURN_BACK,
    Map,
    additions,
    gate_map,
    gate_transfer,
    map_of,
    product,
    restricted,
)
from simquay.planning.numbers.sweep import joined
from simquay.planning.wires import without_zeros
from simquay.program import (
    Channel,
    Diagonal,
    Gate,
    Matrix,
    Operation,
    Permutation,
    Prepare,
    Program,
    Relabel,
    Reset,
    Restart,
    Save,
)
from simquay.program.channels import pauli_transfers
from simquay.program.formulas import constant, freeze
from simquay.program.gates import constructor
from simquay.program.program import moved_by

__all__ = ["doubled", "uniform"]

_Array: TypeAlias = NDArray[np.complex128]

_HADAMARD = freeze(constant([[1, 1], [1, -1]]) / np.sqrt(2))

_FIRST = freeze(constant([1, 0, 0, 0]))

_STANDARD = frozenset({Matrix, Diagonal, Permutation, Relabel, Prepare})
_NUMBERS = {Matrix: "matrix", Diagonal: "diagonal", Prepare: "amplitudes", Permutation: "table"}
"""The array of each kind of gate."""

_matrix, _diagonal = constructor(Matrix), constructor(Diagonal)


def doubled(program: Program, deferred: Deferred, uniform: bool = False) -> Program:
    """The program that does to the density matrix what ``program`` does to the state.

    It consists of standard gates and of the program's saves; then come the measurements and resets
    that were deferred, of qubits with the same numbers as before, and the errors of their bits.

    Args:
        program: without parametric gates.
        deferred: its operations, which are gates, channels, resets and saves.
        uniform: whether the structure depends on that of the program alone, and not on the numbers
            of its gates: programs of one shape then stay of one shape.
    """
    gates = _Doubling(program.num_qubits, uniform).run(deferred.operations)
    resets = [Reset(qubit) for qubit in deferred.resets]
    operations = (*gates, *deferred.measures, *resets, *deferred.misreads)
    return replace(program, num_qubits=2 * program.num_qubits, operations=operations, num_angles=0)


def uniform(program: Program) -> Program:
    """The doubled program in a form that all programs of its shape have in common; with parametric
    gates, at some angles."""
    deferred = defer(program.at(np.zeros(program.num_angles)))
    return doubled(program, deferred, uniform=True)


class _Doubling:
    """The work of one :func:`doubled`.

    Attributes:
        made: the operations so far. Maps of one qubit that follow each other are one entry
            ``(qubit, maps)``, and become gates at the end.
        moved: qubits that may differ from |0>.
        waiting: maps of each qubit that nothing has had to come after yet.
        top: for some qubits, the place in ``made`` of the diagonal or matrix on several qubits that
            came last.
        maps: of gates and channels, by the id of their numbers or mixture.
    """

    def __init__(self, num_qubits: int, uniform: bool) -> None:
        self._num_qubits = num_qubits
        self._uniform = uniform
        self._made: list[Any] = []
        self._moved: set[int] = set()
        self._waiting: defaultdict[int, list[_Array]] = defaultdict(list)
        self._top: dict[int, int] = {}
        self._maps: dict[Hashable, Any] = {}

    def run(self, operations: Sequence[Operation]) -> list[Operation]:
        """The doubled operations."""
        standard = [*_standard(operations)]
        self._read(standard)
        moved, waiting, maps = self._moved, self._waiting, self._maps
        for operation in standard:
            kind = type(operation)
            if _on_one_qubit(operation):
                (qubit,) = operation.qubits
                if qubit not in moved:
                    if kind is Diagonal:
                        continue
                    self._begin(qubit)
                waiting[qubit].append(maps[id(_numbers(operation))])
            elif kind is Channel:
                self._channel(operation)
            elif kind is Relabel:
                self._relabel(operation)
            elif kind is Reset:
                if operation.qubit in moved:
                    waiting[operation.qubit].append(RESET)
            elif kind is Restart:
                for qubit in moved:
                    waiting[qubit].append(RESET)
            elif kind is Save:
                self._emit(sorted(self._moved))
                self._top.clear()  # what comes later must not come before the save
                self._made.append(operation)
            else:
                self._gate(operation)
        self._emit(sorted(self._moved))
        return self._filled()

    def _read(self, operations: Iterable[Any]) -> None:
        """Compute the maps of all gates on one qubit at once."""
        arrays = {id(_numbers(one)): _numbers(one) for one in operations if _on_one_qubit(one)}
        full = [array if array.ndim == 2 else np.diag(array) for array in arrays.values()]
        transfers = pauli_transfers(joined(full, 4 * len(full)).reshape(-1, 2, 2))
        self._maps.update(zip(arrays, transfers.astype(np.complex128), strict=True))

    def _begin(self, qubit: int) -> None:
        """Store a qubit."""
        self._moved.add(qubit)
        self._made.append(_matrix(_HADAMARD, (qubit,)))

    def _bits(self, qubits: Iterable[int]) -> tuple[int, ...]:
        """The bits of ``qubits``, in the order of a map's."""
        return tuple([bit for qubit in qubits for bit in (qubit, self._num_qubits + qubit)])

    def _columns(self, qubits: Iterable[int]) -> tuple[int, ...]:
        """The upper bits of ``qubits``."""
        return tuple([self._num_qubits + qubit for qubit in qubits])

    def _emit(self, qubits: Iterable[int]) -> None:
        """Put the waiting maps of ``qubits`` before what comes next."""
        for qubit in qubits:
            if maps := self._waiting.pop(qubit, None):
                self._made.append((qubit, maps))
                self._top.pop(qubit, None)

    def _relabel(self, gate: Relabel) -> None:
        moved = gate.renamed(self._moved)
        self._moved.clear()
        self._moved.update(moved)
        maps = [self._waiting.pop(source, []) for source in gate.sources]
        self._waiting.update(zip(gate.qubits, maps, strict=True))
        self._forget(gate.qubits)
        sources = gate.sources + self._columns(gate.sources)
        self._made.append(Relabel(gate.qubits + self._columns(gate.qubits), sources))

    def _forget(self, qubits: Iterable[int]) -> None:
        for qubit in qubits:
            self._top.pop(qubit, None)

    def _gate(self, gate: Any) -> None:
        """A gate on several qubits, or with controls, or of a kind that is rare."""
        if not self._moved.issuperset(gate.qubits + gate.controls):
            gate = without_zeros(gate, self._moved)
            if gate is None:
                return
        wires = gate.qubits + gate.controls
        if len(wires) > 2 or type(gate) is Prepare:
            self._turned(gate)
            return
        self._store(gate.qubits)
        data = _numbers(gate).tobytes()
        key = _NUMBERS[type(gate)], data, len(gate.qubits), len(gate.controls), gate.control_state
        if len(wires) == 1:
            self._waiting[wires[0]].append(gate_transfer(*key))
        elif len(wires) == 2:
            uniform = self._uniform and type(gate) is not Permutation
            self._map(wires, Map(gate_transfer(*key)) if uniform else gate_map(*key))

    def _store(self, qubits: Iterable[int]) -> None:
        for qubit in qubits:
            if qubit not in self._moved:
                self._begin(qubit)

    def _turned(self, gate: Any) -> None:
        """A gate on the rows of the matrix, and its conjugate on the columns."""
        if type(gate) is not Prepare:  # its qubits are |0>: row 0 and column 0
            self._store(gate.qubits)
        wires = gate.qubits + gate.controls
        for qubit in self._moved.intersection(wires):
            self._waiting[qubit].append(TURN)
        self._emit(wires)
        self._forget(wires)
        self._moved.update(wires)
        changes: dict[str, Any] = {"qubits": self._columns(gate.qubits)}
        if gate.controls:
            changes["controls"] = self._columns(gate.controls)
        if type(gate) is not Permutation:
            changes[_NUMBERS[type(gate)]] = _numbers(gate).conj()
        self._made += (gate, replace(gate, **changes))
        for qubit in wires:
            self._waiting[qubit].append(TURN_BACK)

    def _channel(self, channel: Channel) -> None:
        mixture, qubits = channel.mixture, channel.qubits
        if not mixture.is_diagonal:  # a diagonal one changes nothing on |0>
            self._store(qubits)
        stored = tuple([qubit in self._moved for qubit in qubits])
        qubits = tuple([qubit for qubit in qubits if qubit in self._moved])
        if not qubits:
            return
        key = id(mixture), stored
        found: Any = self._maps.get(key)
        if found is None:
            transfer = restricted(mixture.pauli_transfer, stored).astype(np.complex128)
            found = transfer if len(qubits) == 1 else map_of(transfer)
            self._maps[key] = found
        if len(qubits) == 1:
            self._waiting[qubits[0]].append(found)
        else:
            self._map(qubits, found)

    def _map(self, qubits: tuple[int, ...], found: Map) -> None:
        """A map on several qubits."""
        self._emit(qubits)
        bits = self._bits(qubits)
        if moves := found.moving(bits):
            self._made += moves
            self._forget(qubits)
        numbers = found.numbers
        if numbers is None:
            return
        places = {self._top.get(qubit, -1) for qubit in qubits}
        (place,) = places if len(places) == 1 else (-1,)
        if place >= 0 and self._made[place].qubits == bits:
            numbers = product(numbers, _numbers(self._made[place]))
        else:
            place = len(self._made)
            self._made.append(None)
        self._made[place] = (_diagonal if numbers.ndim == 1 else _matrix)(numbers, bits)
        self._top.update(dict.fromkeys(qubits, place))

    def _filled(self) -> list[Operation]:
        """The operations made, with gates for the maps of one qubit."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for place, entry in enumerate(self._made):
            if type(entry) is tuple:
                places[len(entry[1])].append(place)
        filled: list[Any] = [(one,) for one in self._made]
        for length, some in places.items():
            maps = [self._made[place][1] for place in some]
            totals = _stacked([one[0] for one in maps])
            for step in range(1, length):
                totals = _stacked([one[step] for one in maps]) @ totals
            # Rounding apart, the coefficient of I stays, for which planning looks.
            totals = totals.copy()
            first = totals[:, 0]
            first[np.abs(first - _FIRST).max(axis=1) <= ROUNDING] = _FIRST
            for place, total, entries in zip(some, totals, _entries(totals), strict=True):
                bits = self._bits(self._made[place][:1])
                filled[place] = self._gates(total, entries, bits)
        return [*self._readable(one for several in filled for one in several)]

    def _readable(self, operations: Iterable[Operation]) -> Iterator[Operation]:
        """``operations``, with CX gates for a change of names that leaves the lower bit of a stored
        qubit |0>, and unstored: they leave it |0> and stored."""
        moved: set[int] = set()
        upper = range(self._num_qubits, 2 * self._num_qubits)
        for one in operations:
            after = moved_by(one, moved)
            if type(one) is Relabel and any(
                bit in upper and bit - self._num_qubits not in after for bit in after
            ):
                rows = [1 << one.qubits.index(source) for source in one.sources]
                for gate in Map(None, additions(rows)).moving(one.qubits):
                    moved = moved_by(gate, moved)
                    yield gate
            else:
                moved = after
                yield one

    def _gates(self, total: _Array, entries: int, bits: tuple[int, ...]) -> Sequence[Operation]:
        """Gates for a map of one qubit, which differs from 0 at ``entries``."""
        if self._uniform or entries not in (4, 5, 6):
            return (_matrix(total, bits),)
        if entries == 5 and _is_relaxation(total):
            # The diagonal joins others, and what is left is of half of the coefficients.
            shear = np.array([[1, 0], [total[1, 0], 1]])
            return (_diagonal(total.diagonal().copy(), bits), _matrix(shear, bits[:1], bits[1:], 0))
        if entries == 6 and _is_rotation(total):
            return (_matrix(np.ascontiguousarray(total[2:, 2:]), bits[:1], bits[1:], 1),)
        found = map_of(total)
        gates = found.moving(bits)
        if found.numbers is not None:
            gates.append((_diagonal if found.numbers.ndim == 1 else _matrix)(found.numbers, bits))
        return gates


def _on_one_qubit(operation: Any) -> bool:
    """Whether an operation is a matrix or a diagonal on one qubit."""
    return (
        type(operation) in (Matrix, Diagonal)
        and len(operation.qubits) == 1
        and not operation.controls
    )


def _standard(operations: Iterable[Operation]) -> Iterator[Any]:
    """``operations``, with standard gates in the place of gates of other kinds."""
    for operation in operations:
        if isinstance(operation, Gate) and type(operation) not in _STANDARD:
            yield from operation.as_standard()
        else:
            yield operation


def _numbers(gate: Any) -> NDArray[Any]:
    array: NDArray[Any] = getattr(gate, _NUMBERS[type(gate)])
    return array


def _stacked(maps: Sequence[_Array]) -> _Array:
    return joined([*maps], 16 * len(maps)).reshape(-1, 4, 4)


def _entries(maps: _Array) -> list[int]:
    """For each map, how many entries differ from 0."""
    found: list[int] = np.count_nonzero(np.abs(maps) > ROUNDING, axis=(1, 2)).tolist()
    return found


def _is_relaxation(total: _Array) -> bool:
    """Whether a map with five entries multiplies all coefficients, and adds that of I to Z's."""
    return bool(abs(total[1, 0]) > ROUNDING and np.abs(total.diagonal()).min() > ROUNDING)


def _is_rotation(total: _Array) -> bool:
    """Whether a map changes X and Y alone, and maps nothing else to them."""
    rest = total.copy()
    rest[2:, 2:] = np.eye(2)
    return bool(np.abs(rest - np.eye(4)).max() <= ROUNDING)
