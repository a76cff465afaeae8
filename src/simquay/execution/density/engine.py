"""An engine of density matrices: any engine, whose amplitudes are read as coefficients.

A state is one of the engine inside, of a doubled program (:mod:`~.doubling`): it has ``2 * n``
qubits, of which the lower ``n`` are the program's, as its layout names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simquay.control import Control
from simquay.engines.base import BaseEngine, Engine, State
from simquay.errors import ProgramError
from simquay.planning import Plan, Profile, SweepPlan, make_plan
from simquay.program import Precision, Relabel, Strings
from simquay.program.bits import bit_counts, bits_of, deposit, extract, spread

__all__ = ["DensityEngine"]

_READ_AT_ONCE = 1 << 18
"""Coefficients that are read at once: 4 MiB."""

_POWERS = np.array([1, -1j, -1, 1j])
"""Of ``-1j``."""

_LABELS = 63
"""Qubits of so many labels have indices that an engine takes."""

_ROUNDING = {Precision.SINGLE: 5e-6, Precision.DOUBLE: 1e-14}
"""Probabilities of outcomes of ``k`` qubits that are smaller than this, divided by ``2**(k / 2)``,
are rounding's: they are the sums of many coefficients, of which each is rounded."""


class DensityEngine(BaseEngine[Any]):
    """Reads density matrices from states of doubled programs.

    Args:
        inner: applies plans, and holds the states.
    """

    rotates = False

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self.name = inner.name
        self.device = inner.device
        self.batched = inner.batched
        self.sweep_bytes = inner.sweep_bytes
        self.block_bits = inner.block_bits

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> Any:
        """As the engine inside."""
        return self._inner.allocate(num_qubits, precision, capacity=capacity, batch=batch)

    def apply(self, state: Any, plan: Plan, control: Control) -> None:
        """As the engine inside."""
        self._inner.apply(state, plan, control)

    def apply_sweep(self, state: Any, plan: SweepPlan, control: Control) -> None:
        """As the engine inside."""
        self._inner.apply_sweep(state, plan, control)

    def copy(self, state: Any) -> Any:
        """As the engine inside."""
        return self._inner.copy(state)

    def release(self, state: Any) -> None:
        """As the engine inside."""
        self._inner.release(state)

    def select(self, parts: Sequence[tuple[Any, Sequence[int]]]) -> Any:
        """As the engine inside."""
        return self._inner.select(parts)

    def rows(self, state: Any, start: int, stop: int) -> Any:
        """As the engine inside."""
        return self._inner.rows(state, start, stop)

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """As the engine inside."""
        return self._inner.profile(precision, num_qubits)

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """As the engine inside."""
        return self._inner.required_bytes(num_qubits, precision, batch)

    def available_bytes(self) -> int:
        """As the engine inside."""
        return self._inner.available_bytes()

    def sweep_qubits(self, precision: Precision) -> int:
        """As the engine inside."""
        return self._inner.sweep_qubits(precision)

    def amplitudes(self, state: Any) -> NDArray[np.complexfloating[Any]]:
        """Raises an error: a density matrix has none."""
        raise ProgramError("a density matrix has no amplitudes")

    def probabilities(
        self, state: Any, qubits: Sequence[int], given: Mapping[int, int]
    ) -> NDArray[np.float64]:
        """Joint probabilities, shape ``(batch, 2**len(qubits))``."""
        stored = _stored(state)
        result = np.zeros((state.batch, 1 << len(qubits)))
        if any(value for qubit, value in given.items() if qubit not in stored):
            return result
        read = [qubit for qubit in qubits if qubit in stored]
        fixed = [qubit for qubit in given if qubit in stored]
        strings = spread([stored.index(qubit) for qubit in (*read, *fixed)])
        sums = _summed(self._coefficients(state, np.zeros_like(strings), strings))
        value = sum(given[qubit] << bit for bit, qubit in enumerate(fixed))
        weights = sums.reshape(state.batch, 1 << len(fixed), -1)[:, value] / len(strings)
        weights[weights < _ROUNDING[state.precision] * len(strings) ** -0.5] = 0
        result[:, spread([bit for bit, qubit in enumerate(qubits) if qubit in stored])] = weights
        return result

    def probabilities_at(self, state: Any, indices: NDArray[np.uint64]) -> NDArray[np.float64]:
        """The probabilities of the basis states at the given indices."""
        stored = _stored(state)
        found = self.probabilities(state, stored, {})[:, extract(indices, stored).astype(np.intp)]
        missing = np.uint64(sum(1 << qubit for qubit in range(64)) - sum(1 << q for q in stored))
        found[:, indices & missing != 0] = 0
        return found

    def means(self, state: Any, strings: Strings, control: Control) -> NDArray[np.float64]:
        """Each string's mean, shape ``(batch, terms)``."""
        order = state.layout.order
        places = [order.index(qubit) for qubit in _stored(state)]
        x, z, fixed, values = [extract(masks, places) for masks in strings]
        result = np.empty((state.batch, len(x)))
        step = max(_READ_AT_ONCE // state.batch, 1)
        for first in range(0, len(x), step):
            control.check()
            some = slice(first, first + step)
            result[:, some] = self._coefficients(state, x[some], z[some])
        for term in np.flatnonzero(fixed):
            control.check()
            # A projector is (1 + Z) / 2, or (1 - Z) / 2.
            bits = bits_of(int(fixed[term]))
            chosen = deposit(np.arange(1 << len(bits)), bits)
            signs = 1 - 2 * (bit_counts(chosen & values[term]) & 1)
            read = self._coefficients(state, np.full_like(chosen, x[term]), chosen | z[term])
            result[:, term] = read @ signs / len(chosen)
        return result

    def density_matrices(
        self, state: Any, qubits: Sequence[int] | None, control: Control
    ) -> NDArray[np.complex128]:
        """The density matrix of ``qubits`` in each vector, shape ``(batch, 2**k, 2**k)``."""
        qubits = range(state.num_qubits // 2) if qubits is None else qubits
        stored = _stored(state)
        places = [stored.index(qubit) for qubit in qubits if qubit in stored]
        inside = spread([bit for bit, qubit in enumerate(qubits) if qubit in stored])
        masks, count = spread(places), len(inside)
        index = np.arange(count)
        result = np.zeros((state.batch, 1 << len(qubits), 1 << len(qubits)), dtype=np.complex128)
        step = max(_READ_AT_ONCE // (state.batch * count), 1)
        for first in range(0, count, step):
            control.check()
            x = index[first : first + step, None]
            read = self._coefficients(state, *np.broadcast_arrays(masks[x], masks))
            # Row s of X^x Z^z has the one entry (-1)**(z & (s ^ x)), and Y = iXZ.
            sums = _summed(read * _POWERS[bit_counts(x & index) & 3])
            result[:, inside, inside[x ^ index]] = sums / count
        return result

    def _coefficients(
        self, state: Any, x: NDArray[np.intp], z: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """The means of Pauli matrices, shape ``(batch, *x.shape)``: bit ``j`` of their masks is the
        ``j``-th stored qubit."""
        stored, count = _stored(state), state.num_qubits // 2
        upper = [count + qubit for qubit in stored]
        relabel = None
        if 2 * count > _LABELS:  # names that fit an index, for as long as it is read
            labels = [*range(2 * len(stored))]
            relabel = _renaming(labels, [*stored, *upper])
            self._apply(state, relabel)
            stored, upper = labels[: len(stored)], labels[len(stored) :]
        indices = deposit(z.ravel(), stored) | deposit(x.ravel(), upper)
        read = self._inner.gather(state, indices.astype(np.uint64)).real.astype(np.float64)
        if relabel is not None:
            self._apply(state, Relabel(relabel.sources, relabel.qubits))
        read *= 2 ** (len(stored) / 2)
        shaped: NDArray[np.float64] = read.reshape(state.batch, *x.shape)
        return shaped

    def _apply(self, state: Any, gate: Relabel) -> None:
        profile = self._inner.profile(state.precision, len(state.layout.order))
        self._inner.apply(state, make_plan([gate], state.layout, profile, None), Control())


def _stored(state: State) -> list[int]:
    """The program's qubits that are stored, increasing."""
    return sorted([qubit for qubit in state.layout.order if qubit < state.num_qubits // 2])


def _renaming(labels: Sequence[int], sources: Sequence[int]) -> Relabel:
    """The permutation of qubits after which ``labels[j]`` has the content of ``sources[j]``."""
    left = sorted({*sources} - {*labels})
    return Relabel((*labels, *left), (*sources, *sorted({*labels} - {*sources})))


def _summed(values: NDArray[Any]) -> NDArray[Any]:
    """Sums of ``values`` with the signs ``(-1)**(i & j)``, over the last axis, whose length is a
    power of two: in place."""
    half = 1
    while half < values.shape[-1]:
        pairs = values.reshape(*values.shape[:-1], -1, 2, half)
        low = pairs[..., 0, :] + pairs[..., 1, :]
        np.subtract(pairs[..., 0, :], pairs[..., 1, :], out=pairs[..., 1, :])
        pairs[..., 0, :] = low
        half *= 2
    return values
