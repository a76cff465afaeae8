"""The size of definitions and bodies: as lowering counts it, and known before it is done."""

from __future__ import annotations

import time

import pytest
from qiskit import QuantumCircuit, qasm2
from qiskit.circuit import AnnotatedOperation, ControlledGate, Gate, Parameter, PowerModifier
from qiskit.circuit.library import PauliEvolutionGate, QFTGate, XGate
from qiskit.quantum_info import SparsePauliOp

from simquay.circuits.lowering import circuit as lowering
from simquay.circuits.lowering import expansion
from simquay.circuits.lowering.circuit import lower
from simquay.circuits.lowering.context import Lowering
from simquay.errors import ProgramError


def doubled(depth, copies=8):
    """A gate of ``copies ** depth`` gates."""
    gate = XGate()
    for level in range(depth + 1):
        inner = QuantumCircuit(1)
        for _ in range(copies if level else 1):
            inner.append(gate, [0])
        gate = Gate(f"level{level}", 1, [])  # to_gate would copy all that is inside
        gate.definition = inner
    return gate


def doubled_text(depth):
    gates = ["gate g0(x) a { rx(x) a; }"]
    gates += [
        f"gate g{level}(x) a {{ {f'g{level - 1}(x) a;' * 8} }}" for level in range(1, depth + 1)
    ]
    program = "\n".join(["OPENQASM 2.0;", 'include "qelib1.inc";', *gates])
    return qasm2.loads(f"{program}\nqreg q[1];\nh q[0];\ng{depth}(0.1) q[0];")


def appended(gate, *more):
    circuit = QuantumCircuit(gate.num_qubits, name="whole")
    circuit.h(0)
    for one in (gate, *more):
        circuit.append(one, circuit.qubits)
    return circuit


def looped(count):
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, name="whole")
    with circuit.for_loop(range(count), theta):
        circuit.rx(theta, 0)
    return circuit


CONTROLLED = ControlledGate("controlled", 2, [], num_ctrl_qubits=1, base_gate=doubled(20))
POWER = AnnotatedOperation(doubled(9), [PowerModifier(2)])


@pytest.mark.parametrize(
    ("circuit", "name"),
    [
        (appended(doubled(29)), "'level29' .index 1 "),
        (doubled_text(29), "'g29' .index 1 "),
        (appended(CONTROLLED), f"'{CONTROLLED.name}' .index 1 "),
        (appended(POWER), ".index 1 "),
        (looped(8_000_000), "'for_loop' .index 0 "),
    ],
    ids=["definitions", "OpenQASM 2", "controls", "power", "loop"],
)
def test_more_than_memory_holds_is_refused_at_once(circuit, name):
    start = time.process_time()
    with pytest.raises(ProgramError, match=name):
        lower(circuit)
    assert time.process_time() - start < 5  # a second, where nothing else runs


def test_powers_of_powers_are_bounded(monkeypatch):
    """Each power may repeat a million operations, so that a few of them in a gate are too many."""
    monkeypatch.setattr(expansion, "MAX_EXPANDED", 2_000_000)
    inner = QuantumCircuit(6)
    inner.h(range(6))
    powers = QuantumCircuit(6)
    for _ in range(20):
        powers.append(AnnotatedOperation(inner.to_gate(), [PowerModifier(160_000)]), range(6))
    with pytest.raises(ProgramError, match="more than 2000000"):
        lower(appended(powers.to_gate()))


def test_the_size_is_never_more_than_lowering_comes_to(monkeypatch):
    seen = []
    make = Lowering

    def kept(*arguments):
        seen.append(make(*arguments))
        return seen[-1]

    monkeypatch.setattr(lowering, "Lowering", kept)
    evolution = PauliEvolutionGate(SparsePauliOp(["XX", "ZI"]), time=0.3)
    other = PauliEvolutionGate(SparsePauliOp(["XX", "ZI", "YY", "IZ"]), time=0.3)
    circuit = appended(evolution, other, QFTGate(2), evolution)
    circuit.append(doubled(2), [1])
    circuit.append(doubled(2, 3).control(1, annotated=True), [0, 1])
    with circuit.for_loop(range(3), theta := Parameter("theta")):
        circuit.rx(theta, 0)
        circuit.append(doubled(1), [0])
    with circuit.for_loop(range(3)):
        circuit.append(doubled(1), [0])
    circuit.append(doubled_text(2).to_gate(), [0])
    lower(circuit)
    size, _, part = expansion.largest(circuit, lambda one: lowering._handler(one) is not None)
    assert 0.9 * seen[0].expanded < size <= seen[0].expanded
    assert 0 < part < size


def test_different_gates_of_one_name_are_not_mixed_up():
    """The size of one is not taken for that of the other."""
    small = QuantumCircuit(1, name="same").to_gate()
    circuit = appended(doubled(1), *[small] * 3)
    large = doubled(3)
    large.name = "same"
    circuit.append(large, [0])
    size, index, part = expansion.largest(circuit, lambda one: False)
    assert index == len(circuit.data) - 1
    assert part > 8**3 > size - part
