"""Gate lists of a sweep: the gates of all vectors at once, each vector with numbers of its own.

The vectors are the last axis, so that every call of NumPy works on long runs, whatever bits a gate
acts on. Gates on one bit are multiplied until another gate meets the bit, and permutations of basis
states are joined to one.
"""

from __future__ import annotations

import numpy as np

from simquay.control import Control
from simquay.engines.numpy.gates import places_of, sources_of, values_of
from simquay.engines.numpy.state import ComplexArray, DenseState
from simquay.planning import Layout
from simquay.planning.direct import GateListPass
from simquay.planning.numbers.patterns import Indices
from simquay.planning.numbers.sweep import NUMBERS
from simquay.program.gates import Diagonal, GateOperation, Matrix, Permutation, Relabel

__all__ = ["apply_sweep_list"]

_TOGETHER = 1 << 15
"""The most amplitudes that are worked on at once: two arrays that the second-level cache holds."""


def apply_sweep_list(state: DenseState, pass_: GateListPass, control: Control) -> None:
    """Apply a pass of a sweep to every vector of a state, each with numbers of its own."""
    before = 1 << state.stored
    stored = set(state.layout.order)
    state.grow_unwritten([qubit for qubit in pass_.order if qubit not in stored])
    vectors, batch = state.vector, state.batch
    step = max(_TOGETHER >> state.stored, 1)
    for first in range(0, batch, step):
        control.check()
        some = slice(first, first + step)
        rows = np.zeros((vectors.shape[1], len(vectors[some])), dtype=vectors.dtype)
        rows[:before] = vectors[some, :before].T
        numbers: dict[int, ComplexArray] = {}
        for places, changed in pass_.changes:
            moved = changed[some].transpose(1, 2, 0).astype(rows.dtype, order="C")
            numbers.update(zip(places, moved, strict=True))
        found = Rows(rows, state.layout)
        for place, gate in enumerate(pass_.gates):
            found.apply(gate, numbers.get(place))
        vectors[some] = found.settled().T
        control.report(min(first + step, batch) / batch)


class Rows:
    """Vectors side by side, shape ``(amplitudes, vectors)``.

    *Invariant:* the vectors are ``_rows``, then the permutation that waits, if there is one, then
    the products that wait on bits.
    """

    def __init__(self, rows: ComplexArray, layout: Layout) -> None:
        self._rows = rows
        self._other = np.empty_like(rows)
        self._term = np.empty_like(rows[: len(rows) + 1 >> 1])
        self._layout = layout
        self._bits = layout.positions()
        self._width = len(self._bits)
        self._sources: Indices | None = None
        # Matrices, shape (2, 2, vectors or 1), and diagonals, shape (2, vectors or 1).
        self._waiting: dict[int, ComplexArray] = {}

    def apply(self, gate: GateOperation, numbers: ComplexArray | None) -> None:
        """Apply a gate; ``numbers`` are its entries, shape ``(entries, vectors)``, where they
        differ from vector to vector."""
        if isinstance(gate, Relabel):
            self._layout = Layout(gate.renamed(self._layout.order))
            self._bits = self._layout.positions()
            return
        targets = tuple([self._bits[qubit] for qubit in gate.qubits])
        controls = tuple([self._bits[qubit] for qubit in gate.controls])
        if numbers is None and not isinstance(gate, Permutation):
            numbers = NUMBERS[type(gate)](gate).astype(self._rows.dtype).reshape(-1, 1)
        if len(targets) == 1 and not controls and isinstance(gate, (Matrix, Diagonal)):
            assert numbers is not None
            self._multiply(targets[0], numbers)
            return
        # A diagonal commutes with a control, and with another diagonal.
        if any(
            self._waiting[bit].ndim == 3 or not (bit in controls or isinstance(gate, Diagonal))
            for bit in (*targets, *controls)
            if bit in self._waiting
        ):
            self._release()
        width, wanted = self._width, gate.control_state
        if isinstance(gate, Permutation):
            table = tuple(gate.table.tolist())
            sources = sources_of(width, targets, controls, wanted, table)
            self._sources = sources if self._sources is None else self._sources.take(sources)
            return
        assert numbers is not None
        self._permute()
        if isinstance(gate, Diagonal) and not controls:
            self._rows *= numbers.take(values_of(width, targets), 0)
            return
        places = places_of(width, targets, controls, wanted)
        if isinstance(gate, Diagonal):
            self._rows[places] *= numbers[:, None]
            return
        part = self._rows[places if isinstance(gate, Matrix) else places[:1]]
        columns = numbers.reshape(len(places), len(part), 1, -1)
        self._rows[places] = sum(columns[:, place] * part[place] for place in range(len(part)))

    def settled(self) -> ComplexArray:
        """The vectors, with nothing that waits."""
        self._release()
        self._permute()
        return self._rows

    def _multiply(self, bit: int, numbers: ComplexArray) -> None:
        """Add a gate to the product that waits on a bit."""
        waits = self._waiting.get(bit)
        if len(numbers) == 4:
            numbers = numbers.reshape(2, 2, -1)
            if waits is not None and waits.ndim == 2:
                numbers = numbers * waits
            elif waits is not None:
                numbers = (numbers[:, :, None] * waits).sum(1)
        elif waits is not None:
            numbers = numbers[:, None] * waits if waits.ndim == 3 else numbers * waits
        self._waiting[bit] = numbers

    def _release(self) -> None:
        """Apply all products that wait: those of a layer of gates are released together, so that
        permutations that follow can be joined."""
        if self._waiting:
            self._permute()
        for bit, product in self._waiting.items():
            shape = (-1, 2, 1 << bit, self._rows.shape[1])
            old = self._rows.reshape(shape)
            if product.ndim == 2:
                old *= product[:, None]
                continue
            new, term = self._other.reshape(shape), self._term.reshape(old[:, 0].shape)
            for row in range(2):
                np.multiply(old[:, 0], product[row, 0], out=new[:, row])
                np.multiply(old[:, 1], product[row, 1], out=term)
                new[:, row] += term
            self._rows, self._other = self._other, self._rows
        self._waiting.clear()

    def _permute(self) -> None:
        """Apply the permutation that waits."""
        if self._sources is not None:
            self._rows.take(self._sources, 0, out=self._other, mode="clip")
            self._rows, self._other = self._other, self._rows
            self._sources = None
