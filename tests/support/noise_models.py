"""Random noise models of Aer, with every kind of error, and random circuits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Kraus, SuperOp
from qiskit_aer import noise

from tests.support.noisy_states import Table
from tests.support.random_circuits import random_unitary

__all__ = ["KINDS", "random_channel", "random_circuit", "random_dynamic", "random_model"]

Random = np.random.Generator


def _isometry(random: Random, num_qubits: int, operators: int) -> list[NDArray[np.complex128]]:
    """Kraus operators without structure."""
    size = 1 << num_qubits
    shape = (size * operators, size)
    q, _ = np.linalg.qr(random.normal(size=shape) + 1j * random.normal(size=shape))
    return [q[size * place : size * (place + 1)] for place in range(operators)]


def _weak(random: Random, num_qubits: int) -> Any:
    """A channel without structure, near the identity."""
    weight = random.uniform(0.05, 0.4)
    identity = SuperOp(np.eye(4**num_qubits))
    other = SuperOp(Kraus(_isometry(random, num_qubits, int(random.integers(1, 4)))))
    return noise.QuantumError(Kraus((1 - weight) * identity + weight * other))


def _probabilities(random: Random, count: int, scale: float = 0.3) -> NDArray[np.float64]:
    """Probabilities of ``count`` things, the first the likeliest by far."""
    rest = random.dirichlet(np.ones(count - 1)) * random.uniform(0.01, scale)
    return np.array([1 - rest.sum(), *rest])


def _pauli(random: Random, num_qubits: int) -> Any:
    letters = ["".join(random.choice(list("IXYZ"), num_qubits)) for _ in range(4)]
    terms = dict(zip(["I" * num_qubits, *letters], _probabilities(random, 5), strict=True))
    total = sum(terms.values())
    return noise.pauli_error([(label, weight / total) for label, weight in terms.items()])


def _damping(random: Random) -> Any:
    amplitude, phase = random.uniform(0.01, 0.3, 2)
    excited = random.choice([0.0, random.uniform(0, 1)])
    kind = random.integers(3)
    if kind == 0:
        return noise.amplitude_damping_error(amplitude, excited)
    if kind == 1:
        return noise.phase_damping_error(phase)
    return noise.phase_amplitude_damping_error(amplitude, phase, excited)


def _relaxation(random: Random) -> Any:
    ratio = random.choice([random.uniform(0.2, 1), random.uniform(1, 2)])
    excited = random.choice([0.0, random.uniform(0, 0.5)])
    return noise.thermal_relaxation_error(1.0, ratio, random.uniform(0.01, 0.5), excited)


def _reset(random: Random) -> Any:
    return noise.reset_error(*random.uniform(0, 0.2, 2))


def _coherent(random: Random, num_qubits: int) -> Any:
    return noise.coherent_unitary_error(random_unitary(num_qubits, int(random.integers(999))))


def _mixed(random: Random, num_qubits: int) -> Any:
    unitaries = [random_unitary(num_qubits, int(random.integers(999))) for _ in range(3)]
    return noise.mixed_unitary_error(
        list(zip(unitaries, _probabilities(random, 3, 0.9), strict=True))
    )


def _product(maker: Callable[[Random], Any]) -> Callable[[Random, int], Any]:
    """One-qubit errors, on two qubits one for each."""

    def made(random: Random, num_qubits: int) -> Any:
        error = maker(random)
        return error if num_qubits == 1 else error.tensor(maker(random))

    return made


def _composed(random: Random, num_qubits: int) -> Any:
    """As a device's errors are: depolarizing, then relaxation; on two qubits of each."""
    depolarizing = noise.depolarizing_error(random.uniform(0.01, 0.3), num_qubits)
    return depolarizing.compose(_product(_relaxation)(random, num_qubits))


KINDS: dict[str, Callable[[Random, int], Any]] = {
    "depolarizing": lambda random, size: noise.depolarizing_error(random.uniform(0.01, 0.4), size),
    "pauli": _pauli,
    "damping": _product(_damping),
    "relaxation": _product(_relaxation),
    "reset": _product(_reset),
    "coherent": _coherent,
    "mixed unitary": _mixed,
    "kraus": lambda random, size: noise.QuantumError(
        Kraus(_isometry(random, size, int(random.integers(2, 5))))
    ),
    "weak kraus": _weak,
    "composed": _composed,
}
"""Makers of errors on 1 or 2 qubits, by name."""


def random_channel(random: Random, num_qubits: int, kinds: Sequence[str] = tuple(KINDS)) -> Any:
    """An error of one of these kinds, Aer's."""
    return KINDS[kinds[int(random.integers(len(kinds)))]](random, num_qubits)


def random_model(
    random: Random, num_qubits: int, kinds: Sequence[str] = tuple(KINDS), readout: bool = True
) -> tuple[Any, Table]:
    """A model of Aer, and its errors as a table: for some names or labels, on all qubits or on
    some, of gates, measurements and resets."""
    model, table = noise.NoiseModel(), Table()

    def add(name: str, qubits: tuple[int, ...] | None, width: int) -> None:
        error = random_channel(random, width, kinds)
        if qubits is None:
            model.add_all_qubit_quantum_error(error, name, warnings=False)
        else:
            model.add_quantum_error(error, name, qubits, warnings=False)
        if not error.ideal():  # Aer does not keep such: that of all qubits applies
            table.quantum[name, qubits] = error

    for name, width in (("u", 1), ("sx", 1), ("mine", 1), ("cx", 2), ("rzz", 2), ("yours", 2)):
        if random.integers(3):
            add(name, None, width)
        for _ in range(random.integers(3)):
            qubits = tuple(random.permutation(num_qubits)[:width].tolist())
            if len(qubits) == width and (name, qubits) not in table.quantum:
                add(name, qubits, width)
    for name in ("measure", "reset"):
        if not random.integers(3):
            add(name, None, 1)
    if readout:
        for one in (None, *[(qubit,) for qubit in range(num_qubits) if random.integers(2)]):
            rows = np.array([[1 - p, p] for p in random.uniform(0, 0.3, 2)])
            rows[1] = rows[1, ::-1]
            if one is None:
                model.add_all_qubit_readout_error(noise.ReadoutError(rows), warnings=False)
            else:
                model.add_readout_error(noise.ReadoutError(rows), one, warnings=False)
            table.readout[one] = rows
    return model, table


def _append(random: Random, circuit: QuantumCircuit, channels: bool) -> None:
    """A gate, a reset, or, with ``channels``, perhaps a channel."""
    size = circuit.num_qubits
    qubits = random.permutation(size).tolist()
    pairs = size > 1
    kind = random.integers(14)
    if kind < 3:
        circuit.u(*random.uniform(-7, 7, 3), qubits[0])
    elif kind < 6 and pairs:
        circuit.cx(*qubits[:2])
    elif kind == 6:
        circuit.sx(qubits[0])
    elif kind == 7 and pairs:
        circuit.rzz(random.uniform(-7, 7), *qubits[:2])
    elif kind == 8:
        matrix = random_unitary(1, int(random.integers(999)))
        circuit.append(UnitaryGate(matrix, label="mine"), qubits[:1])
    elif kind == 9 and pairs:
        matrix = random_unitary(2, int(random.integers(999)))
        circuit.append(UnitaryGate(matrix, label="yours"), qubits[:2])
    elif kind == 10 and size > 2:
        circuit.ccx(*qubits[:3])
    elif kind == 11:
        circuit.reset(qubits[0])
    elif kind == 12 and channels:
        width = int(random.integers(1, 3)) if pairs else 1
        error = random_channel(random, width)
        form = random.integers(3)
        made = error.to_instruction() if form == 0 else [Kraus, SuperOp][form - 1](error)
        circuit.append(made, qubits[:width])
    else:
        circuit.h(qubits[0])


def random_circuit(
    random: Random, num_qubits: int, size: int, channels: bool = True
) -> QuantumCircuit:
    """Gates, resets and, with ``channels``, channels."""
    circuit = QuantumCircuit(num_qubits)
    for _ in range(size):
        _append(random, circuit, channels)
    return circuit


def random_dynamic(random: Random, num_qubits: int, num_clbits: int, size: int) -> QuantumCircuit:
    """The same with measurements, conditions on bits and on the register, and loops."""
    bits = ClassicalRegister(num_clbits, "c")
    circuit = QuantumCircuit(QuantumRegister(num_qubits, "q"), bits)

    def body() -> None:
        for _ in range(random.integers(1, 4)):
            _append(random, circuit, channels=False)
        if not random.integers(3):
            circuit.measure(int(random.integers(num_qubits)), int(random.integers(num_clbits)))

    for _ in range(size):
        kind = random.integers(8)
        if kind < 3:
            _append(random, circuit, channels=True)
        elif kind < 5:
            circuit.measure(int(random.integers(num_qubits)), int(random.integers(num_clbits)))
        elif kind == 5:
            with circuit.if_test((bits[int(random.integers(num_clbits))], 1)) as otherwise:
                body()
            with otherwise:
                body()
        elif kind == 6:
            with circuit.if_test((bits, int(random.integers(1 << num_clbits)))):
                body()
        else:
            with circuit.for_loop(range(2)):
                body()
    return circuit
