"""Checks of values: small circuits whose distributions are known.

**False alarms.** An outcome of probability ``p`` seen ``k`` times in ``N`` shots is accepted while
``N D(k/N || p) <= ln(2 m / 1e-8)``, with the Kullback-Leibler divergence ``D`` and ``m`` outcomes
that are compared. Chernoff's bound gives each of both tails at most ``exp(-N D)``, so a right
simulator fails a distribution with a probability below 1e-8, and one of the 20 or so distributions
here with one below 1e-6. Seeds are fixed, so it either passes always or never.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Statevector

from simquay.testing.harness.assertions import require, require_equal
from simquay.testing.harness.circuits import circuit_of
from simquay.testing.harness.context import CheckContext

__all__ = ["check_distribution"]

_SHOTS = 4000
_FALSE_ALARM = 1e-8
_IMPOSSIBLE = 1e-11  # probabilities below are rounding errors of zero


def check_distribution(
    counts: Mapping[str, int], expected: Mapping[str, float], name: str = "a circuit"
) -> None:
    """Compare counts with probabilities, by Chernoff's bound.

    Args:
        counts: the number of shots with each outcome.
        expected: the probability of each outcome; 0 for outcomes left out.
        name: of the circuit, for the error message.

    Raises:
        CheckFailed: if they do not agree; by chance with a probability below 1e-8.
    """
    shots = sum(counts.values())
    outcomes = sorted({*counts, *expected})
    limit = math.log(2 * len(outcomes) / _FALSE_ALARM)
    for outcome in outcomes:
        seen, probability = counts.get(outcome, 0), expected.get(outcome, 0.0)
        require(
            shots * _divergence(seen / shots, probability) <= limit,
            f"{name}: outcome {outcome!r} was seen {seen} times in {shots} shots; "
            f"its probability is {probability:.6g}",
        )


def _divergence(seen: float, probability: float) -> float:
    """Kullback-Leibler divergence of two Bernoulli distributions, in nats."""

    def part(left: float, right: float) -> float:
        if left == 0:
            return 0.0
        return left * math.log(left / right) if right > _IMPOSSIBLE else math.inf

    return part(seen, probability) + part(1 - seen, 1 - probability)


def _run(context: CheckContext, *circuits: QuantumCircuit) -> list[dict[str, int]]:
    ready = [context.fit_to_target(one) for one in circuits]
    result = context.result(context.run(ready, shots=_SHOTS, seed_simulator=2026))
    return [dict(result.get_counts(index)) for index in range(len(ready))]


def _agree(context: CheckContext, *pairs: tuple[QuantumCircuit, Mapping[str, float]]) -> None:
    """Run the circuits in one job, and compare each with its probabilities."""
    counts = _run(context, *(circuit for circuit, _ in pairs))
    for (circuit, expected), seen in zip(pairs, counts, strict=True):
        check_distribution(seen, expected, circuit.name)


def _probabilities(circuit: QuantumCircuit) -> dict[str, float]:
    """Of a circuit that ends with ``measure_all``, by Qiskit's ``Statevector``."""
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    return {name: float(one) for name, one in state.probabilities_dict().items()}


def v01_superposition(context: CheckContext) -> None:
    """Superposition and entanglement: uniform, Bell and GHZ states."""
    chain = ("cx", range(4), range(1, 5))
    uniform = circuit_of("uniform", (3,), ("h", range(3)), ("measure_all",))
    ghz = circuit_of("ghz", (5,), ("h", 0), chain, ("measure_all",))
    _agree(
        context,
        (uniform, {format(k, "03b"): 1 / 8 for k in range(8)}),
        (ghz, {"00000": 0.5, "11111": 0.5}),
    )


def v02_rotations(context: CheckContext) -> None:
    """Rotations by angles: probabilities sin²(θ/2), each qubit on its own."""
    angles = (0.3, 1.1, 2.0, 2.9)
    gates = [("ry", angle, index) for index, angle in enumerate(angles)]
    circuit = circuit_of("rotations", (4,), *gates, ("measure_all",))
    joint: NDArray[np.floating[Any]] = np.ones(1)
    for angle in angles:
        joint = np.kron([math.cos(angle / 2) ** 2, math.sin(angle / 2) ** 2], joint)
    _agree(context, (circuit, {format(k, "04b"): float(one) for k, one in enumerate(joint)}))


def v03_interference(context: CheckContext) -> None:
    """Phases interfere: H T H gives 0 with cos²(π/8), H S S H never."""
    eighth, half = (
        circuit_of(name, (1,), *((gate, 0) for gate in name.split()), ("measure_all",))
        for name in ("h t h", "h s s h")
    )
    zero = math.cos(math.pi / 8) ** 2
    _agree(context, (eighth, {"0": zero, "1": 1 - zero}), (half, {"1": 1.0}))


def v04_phase_estimation(context: CheckContext) -> None:
    """Phase estimation with the inverse Fourier transform reads 11/32 exactly."""
    count, value = 5, 11
    circuit = QuantumCircuit(count + 1, count, name="phase estimation")
    circuit.x(count)
    for index in range(count):
        circuit.h(index)
        circuit.cp(2 * math.pi * value / 2**count * 2**index, index, count)
    # The inverse transform, its qubits in the order in which they are needed.
    for index in range(count // 2):
        circuit.swap(index, count - 1 - index)
    for index in range(count):
        for other in range(index):
            circuit.cp(-math.pi / 2 ** (index - other), other, index)
        circuit.h(index)
    circuit.measure(range(count), range(count))
    _agree(context, (circuit, {format(value, "05b"): 1.0}))


def v05_reversible_logic(context: CheckContext) -> None:
    """Toffoli and CX compute: a full adder, on every input."""
    pairs = []
    for k in range(8):
        a, b, carry = k & 1, k >> 1 & 1, k >> 2
        inputs = [("x", index) for index, bit in enumerate((a, b, carry)) if bit]
        adder = (("ccx", 0, 1, 3), ("cx", 0, 1), ("ccx", 1, 2, 3), ("cx", 1, 2))
        read = ("measure", [2, 3], [0, 1])
        circuit = circuit_of(f"{a}+{b}+{carry}", (4, 2), *inputs, *adder, read)
        pairs.append((circuit, {format(a + b + carry, "02b"): 1.0}))
    _agree(context, *pairs)


def v06_random_circuits(context: CheckContext) -> None:
    """Random circuits of one- and two-qubit gates agree with Qiskit's `Statevector`."""
    generator, gates = np.random.default_rng(6), get_standard_gate_name_mapping()
    pairs = []
    for number in range(3):
        circuit = QuantumCircuit(4, name=f"random {number}")
        for _ in range(30):
            first, second = (int(one) for one in generator.permutation(4)[:2])
            angle = float(generator.uniform(-3, 3))
            name = str(generator.choice(["rx", "rz", "u", "sx", "cx", "cz", "crx", "rzz", "swap"]))
            gate = gates[name]
            angles = (angle, 0.4 * angle, 0.7)[: len(gate.params)]
            circuit.append(gate.base_class(*angles), (first, second)[: gate.num_qubits])
        circuit.measure_all()
        pairs.append((circuit, _probabilities(circuit)))
    _agree(context, *pairs)


def v07_measuring_on_the_way(context: CheckContext) -> None:
    """Measuring in the middle collapses: measured twice, a qubit says the same."""
    begin = (("h", 0), ("measure", 0, 0))
    more = (("measure", 0, 1), ("cx", 0, 1), ("measure", 1, 2))
    circuit = circuit_of("measured twice", (2, 3), *begin, *more)
    _agree(context, (circuit, {"000": 0.5, "111": 0.5}))
    name = "measured, flipped back, measured"
    again = circuit_of(name, (1, 2), *begin, ("h", 0), ("measure", 0, 1))
    _agree(context, (again, dict.fromkeys(("00", "01", "10", "11"), 0.25)))
    if "reset" in context.backend.operation_names:
        circuit = circuit_of("reset", (1, 2), *begin, ("reset", 0), ("measure", 0, 1))
        _agree(context, (circuit, {"00": 0.5, "01": 0.5}))


def v08_teleportation(context: CheckContext) -> None:
    """Where the target has `if_else`: teleportation with classical corrections."""
    if "if_else" not in context.backend.operation_names:
        return  # it does not claim to run it
    angle = 1.0
    qubits = QuantumRegister(3, "q")
    first, second, out = (ClassicalRegister(1, name) for name in ("a", "b", "out"))
    gates = (("ry", angle, 0), ("h", 1), ("cx", 1, 2), ("cx", 0, 1), ("h", 0))
    read = ("measure", [0, 1], [first[0], second[0]])
    circuit = circuit_of("teleportation", (qubits, first, second, out), *gates, read)
    with circuit.if_test((second, 1)):
        circuit.x(2)
    with circuit.if_test((first, 1)):
        circuit.z(2)
    circuit.ry(-angle, 2)
    circuit.measure(2, out[0])
    _agree(context, (circuit, {f"0 {b} {a}": 0.25 for a in "01" for b in "01"}))


def v09_what_changes_nothing(context: CheckContext) -> None:
    """Barriers and a global phase change no counts; gates undone leave zeros."""
    there = (("h", 0), ("t", 1), ("s", 2), ("cx", 0, 1), ("cz", 1, 2))
    back = (("cz", 1, 2), ("cx", 0, 1), ("h", 0), ("tdg", 1), ("sdg", 2))
    read = ("measure", range(3), range(3))
    circuit = circuit_of("undone", (3, 3), *there, ("barrier",), *back, read)
    circuit.global_phase = 1.3
    (counts,) = _run(context, circuit)
    require_equal(counts, {"000": _SHOTS}, "get_counts() of a circuit that undoes itself")
