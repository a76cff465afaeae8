"""Channels of Qiskit and of Aer, as mixtures.

Aer's ``QuantumError`` and its relatives are known by what they have: Aer is not imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import exp, inf
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from qiskit.circuit import Reset
from qiskit.circuit.library import (
    IGate,
    PauliGate,
    XGate,
    YGate,
    ZGate,
    get_standard_gate_name_mapping,
)
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Operator, Pauli, SuperOp

from simquay.errors import NoiseModelError
from simquay.noise.decomposition import normalized, operators_of, reshuffled, simplified
from simquay.noise.model import Placed
from simquay.noise.products import factors
from simquay.program.channels import Mixture
from simquay.program.formulas import ComplexArray

__all__ = ["as_probabilities", "placed_of"]

_TOLERANCE = 1e-6
"""How far a channel may be from trace-preserving, and a sum of probabilities from 1."""

_MOST_QUBITS = 8
"""A channel on more qubits is refused: one of its matrices alone has ``4**k`` entries."""

_RESET: ComplexArray = np.array([[[1, 0], [0, 0]], [[0, 1], [0, 0]]], dtype=np.complex128)

_Steps: TypeAlias = Sequence[tuple[Any, tuple[int, ...]]]
"""Of a circuit: gates, instructions or channels, and their qubits."""

_Generators: TypeAlias = list[tuple[str, Sequence[int], float]]
"""Of a Pauli-Lindblad map: Pauli letters, the qubit of each, and a rate."""


def placed_of(thing: Any, name: str = "a channel") -> tuple[Placed, ...]:
    """A channel as mixtures on as few qubits as possible, one after the other; none for the
    identity.

    Args:
        thing: a ``QuantumChannel`` of Qiskit; Kraus matrices, or one unitary matrix; a
            ``PauliLindbladMap``; Aer's ``QuantumError``, ``PauliError`` or ``PauliLindbladError``,
            or the dictionary that its ``to_dict`` gives; an instruction that is a channel or gate.
        name: the subject of messages.

    Raises:
        NoiseModelError: if it is none of these; if it is not completely positive and
            trace-preserving to 1e-6, or its probabilities are not within 0 and 1, with sum 1.
    """
    known = _read(thing, name)
    if not isinstance(known, Mixture):  # maps that commute: those on the same qubits are one
        by_qubits: dict[tuple[int, ...], list[tuple[str, float]]] = {}
        for letters, qubits, rate in known:
            if letters and rate:
                by_qubits.setdefault(tuple(qubits), []).append((letters, rate))
        return tuple((_pauli_lindblad(tuple(one)), key) for key, one in by_qubits.items())
    placed = factors(known)
    if not placed or placed[0][0] is not known:
        return placed
    mixture = simplified(known)
    is_identity = len(mixture.parts) == 1 and np.array_equal(
        mixture.parts[0], np.eye(2**mixture.num_qubits)
    )
    return () if is_identity else ((mixture, placed[0][1]),)


def as_probabilities(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """An array of probabilities; along the last axis, their sum is 1.

    Raises:
        NoiseModelError: if they are no numbers, are beyond 0 and 1, or have another sum.
    """
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if not array.size:
        raise NoiseModelError(f"The probabilities of {name} are no array of numbers: {values!r}.")
    sums = array.sum(axis=-1, keepdims=True)
    if not (np.all(array >= -_TOLERANCE) and np.all(array <= 1 + _TOLERANCE)):
        raise NoiseModelError(
            f"The probabilities of {name} are {array.tolist()}; each must be within 0 and 1."
        )
    if np.any(abs(sums - 1) > _TOLERANCE):
        raise NoiseModelError(
            f"The probabilities of {name} have the sum {sums.ravel().tolist()}; it must be 1, to "
            f"{_TOLERANCE:g}. Change them, or add what is missing as a part without error."
        )
    array = array.clip(0, 1)
    exact: NDArray[np.float64] = array / array.sum(axis=-1, keepdims=True)
    return exact


def _read(thing: Any, name: str) -> Mixture | _Generators:
    """A channel as it is given: a mixture with parts of any kind and order, each as Kraus
    operators; or the generators of a Pauli-Lindblad map."""
    # Aer's instruction has no public way to its error but as one list of Kraus operators.
    thing = getattr(thing, "_quantum_error", thing)
    try:
        if isinstance(thing, Mapping):
            return _of_dictionary(thing, name)
        if hasattr(thing, "rates") and hasattr(thing, "to_sparse_list"):
            return _generators(thing.to_sparse_list(), name)
        if hasattr(thing, "rates") and hasattr(thing, "generators"):
            return _generators(_sparse(thing.generators.to_labels(), thing.rates), name)
        if hasattr(thing, "probabilities") and hasattr(thing, "paulis"):
            every = tuple(range(thing.num_qubits))
            terms: list[_Steps] = [[(pauli, every)] for pauli in thing.paulis]
            return _mixed(terms, thing.probabilities, name, thing.num_qubits)
        if hasattr(thing, "probabilities") and hasattr(thing, "circuits"):
            terms = [
                [
                    (step.operation, tuple(circuit.find_bit(qubit).index for qubit in step.qubits))
                    for step in circuit.data
                ]
                for circuit in thing.circuits
            ]
            return _mixed(terms, thing.probabilities, name, thing.num_qubits)
        return Mixture(np.ones(1), (_checked(_operators(thing, name), name),))
    except NoiseModelError:
        raise
    except (AttributeError, IndexError, KeyError, QiskitError, TypeError, ValueError) as error:
        raise NoiseModelError(
            f"{name} cannot be read from an object of type {type(thing).__name__} "
            f"({type(error).__name__}: {error}); expected Kraus matrices, a QuantumChannel or a "
            "PauliLindbladMap of Qiskit, or a QuantumError of Aer or its dictionary."
        ) from error


def _of_dictionary(thing: Mapping[str, Any], name: str) -> Mixture | _Generators:
    if thing["type"] == "plerror":
        labels = [steps[0]["params"][0] for steps in thing["instructions"]]
        return _generators(_sparse(labels, thing["rates"]), name)
    terms = [
        [
            (_instruction(step["name"], step.get("params", []), name), tuple(step["qubits"]))
            for step in steps
        ]
        for steps in thing["instructions"]
    ]
    return _mixed(terms, thing["probabilities"], name)


def _instruction(known: str, params: Sequence[Any], name: str) -> Any:
    """An instruction of an error's dictionary as an object of Qiskit, or as Kraus matrices."""
    if known in ("kraus", "unitary"):
        return [_matrix(one) for one in params]
    if known == "superop":
        return SuperOp(_matrix(params[0]))
    if known == "pauli":
        return PauliGate(params[0])
    if known == "reset":
        return Reset()
    if known not in _gates():
        raise NoiseModelError(
            f"{name} has the instruction {known!r}; expected 'kraus', 'superop', 'unitary', "
            "'pauli', 'reset' or a standard gate of Qiskit."
        )
    return _gates()[known].base_class(*params)


@cache
def _gates() -> dict[str, Any]:
    """The standard gates of Qiskit by name; Qiskit makes the table anew at each call."""
    return dict(get_standard_gate_name_mapping())


def _matrix(values: ArrayLike) -> ComplexArray:
    """A matrix; in JSON, its entries are pairs of a real and an imaginary part."""
    array = np.array(values)
    if array.ndim == 3:
        array = array[..., 0] + 1j * array[..., 1]
    return array.astype(np.complex128)


def _mixed(
    circuits: Sequence[_Steps], probabilities: ArrayLike, name: str, num_qubits: int = 1
) -> Mixture:
    """A mixture of circuits, on at least ``num_qubits`` qubits."""
    weights = as_probabilities(probabilities, name)
    if weights.shape != (len(circuits),):
        raise NoiseModelError(
            f"{name} has {len(circuits)} circuits and probabilities of shape {weights.shape}; "
            "there must be one for each."
        )
    used = {qubit for steps in circuits for _, qubits in steps for qubit in qubits}
    num_qubits = max([num_qubits - 1, *used]) + 1
    if num_qubits > _MOST_QUBITS or min(used, default=0) < 0:
        raise NoiseModelError(
            f"{name} is on the qubits {sorted(used)}; expected numbers from 0 to "
            f"{_MOST_QUBITS - 1}."
        )
    parts = []
    for steps in circuits:
        whole: ComplexArray = np.eye(2**num_qubits, dtype=np.complex128)[None]
        for thing, qubits in steps:
            if isinstance(thing, _PLAIN):
                letters = thing.params[0] if thing.params else thing.name.upper()
                local = _plain(letters, qubits, num_qubits)
            else:
                local = _widened(_operators(thing, name), qubits, num_qubits)
            whole = (local[:, None] @ whole).reshape(-1, *whole.shape[1:])
        parts.append(_checked(whole, name))
    kept = np.flatnonzero(weights)
    return Mixture(weights[kept], tuple(parts[index] for index in kept))


_PLAIN = (IGate, XGate, YGate, ZGate, PauliGate, Reset)
"""The instructions of most errors, of which there can be hundreds in one."""


@lru_cache(maxsize=4096)
def _plain(letters: str, qubits: tuple[int, ...], num_qubits: int) -> ComplexArray:
    """The operators of such an instruction, as operators on all qubits."""
    if letters == "RESET":
        return _widened(_RESET, qubits, num_qubits)
    matrix = Pauli("I" if letters == "ID" else letters).to_matrix()
    return _widened(matrix[None], qubits, num_qubits)


def _widened(operators: ComplexArray, qubits: tuple[int, ...], num_qubits: int) -> ComplexArray:
    """Operators on ``qubits`` as operators on all qubits.

    Raises:
        ValueError: if there is a qubit twice, or another number of them.
    """
    if operators.shape[1:] != (2 ** len(qubits),) * 2 or len(set(qubits)) < len(qubits):
        raise ValueError(f"matrices of shape {operators.shape[1:]} on the qubits {qubits}")
    if qubits == tuple(range(num_qubits)):
        return operators
    order = [*qubits, *(qubit for qubit in range(num_qubits) if qubit not in qubits)]
    whole: ComplexArray = np.kron(np.eye(2 ** (num_qubits - len(qubits))), operators)
    # Axis 1 is the row of the last qubit of ``order``, axis ``num_qubits`` that of its first.
    rows = [num_qubits - order.index(num_qubits - 1 - axis) for axis in range(num_qubits)]
    whole = whole.reshape(-1, *[2] * (2 * num_qubits))
    whole = whole.transpose(0, *rows, *(row + num_qubits for row in rows))
    size: int = 2**num_qubits
    return whole.reshape(-1, size, size)


def _operators(thing: Any, name: str) -> ComplexArray:
    """Kraus operators of one channel or gate, shape ``(n, d, d)``."""
    known = getattr(thing, "name", None)
    if known == "reset":
        return _RESET
    if known == "kraus" or isinstance(thing, list | tuple | np.ndarray):
        matrices = np.array(thing.params if known else thing, dtype=np.complex128)
        return matrices.reshape(-1, *matrices.shape[-2:])
    if not isinstance(thing, SuperOp):
        try:
            return np.array([Operator(thing).data])
        except QiskitError:  # not unitary
            thing = SuperOp(thing)
    # Qiskit's order of a matrix's entries is by columns.
    size = thing.dim[1]
    by_rows = thing.data.reshape([size] * 4).transpose(1, 0, 3, 2).reshape(thing.data.shape)
    choi = reshuffled(by_rows)
    if np.linalg.eigvalsh(choi)[0] < -_TOLERANCE:
        raise NoiseModelError(f"{name} is not completely positive: no physical process has it.")
    return operators_of(choi)


def _checked(operators: ComplexArray, name: str) -> ComplexArray:
    """Kraus operators, made exactly trace-preserving."""
    size = operators.shape[-1]
    if operators.ndim != 3 or operators.shape[1] != size or size < 2 or size & (size - 1):
        raise NoiseModelError(
            f"{name} has Kraus operators of shape {operators.shape[1:]}; expected square matrices "
            "of 2, 4, 8 ... rows."
        )
    total = np.einsum("aji,ajk->ik", operators.conj(), operators)
    error = abs(total - np.eye(size)).max()
    if not error <= _TOLERANCE:
        raise NoiseModelError(
            f"{name} is not trace-preserving: the sum of K†K over its Kraus operators K differs "
            f"from the identity by {error:.3g} (allowed: {_TOLERANCE:g}). Scale the operators, or "
            "add one for what is missing."
        )
    return operators if error < 1e-15 else normalized(operators)


def _sparse(labels: Sequence[str], rates: Sequence[float]) -> _Generators:
    """Generators by strings of all qubits, qubit 0 last."""
    found: _Generators = []
    for label, rate in zip(labels, rates, strict=True):
        letters = {qubit: letter for qubit, letter in enumerate(label[::-1]) if letter != "I"}
        found.append(("".join(letters.values()), [*letters], rate))
    return found


def _generators(generators: _Generators, name: str) -> _Generators:
    """The generators themselves, checked."""
    for letters, _, rate in generators:
        if not {*letters} <= {*"XYZ"} or not 0 <= rate < inf:
            raise NoiseModelError(
                f"{name} has the Pauli string {letters!r} with the rate {rate}; expected the "
                "letters I, X, Y and Z, and a rate of 0 or more. A map with negative rates is no "
                "physical process; it can only be sampled with signs."
            )
        if len(letters) > _MOST_QUBITS:
            raise NoiseModelError(
                f"{name} has a Pauli string of {len(letters)} letters beside I; expected at most "
                f"{_MOST_QUBITS}."
            )
    return generators


@lru_cache(maxsize=4096)
def _pauli_lindblad(generators: tuple[tuple[str, float], ...]) -> Mixture:
    """The map ``exp(L)`` with ``L(rho) = sum of rate * (P rho P - rho)`` over Pauli strings P,
    letter ``j`` for qubit ``j``. They commute as maps, and each flips by P with probability
    ``(1 - exp(-2 rate)) / 2``."""
    width = len(generators[0][0])
    weights = {(0, 0): 1.0}
    for letters, rate in generators:
        x_bits, z_bits = (
            sum((letter in part) << place for place, letter in enumerate(letters))
            for part in ("XY", "ZY")
        )
        flipped = (1 - exp(-2 * rate)) / 2
        moved = {(x ^ x_bits, z ^ z_bits): weight for (x, z), weight in weights.items()}
        weights = {
            key: (1 - flipped) * weights.get(key, 0.0) + flipped * moved.get(key, 0.0)
            for key in {**weights, **moved}
        }
    bits = 1 << np.arange(width)
    parts = tuple(Pauli((z & bits > 0, x & bits > 0)).to_matrix()[None] for x, z in weights)
    return simplified(Mixture(np.array([*weights.values()]), parts))
