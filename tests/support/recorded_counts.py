"""300 (circuit, seed) pairs whose counts are recorded in tests/data/recorded_counts.json.

The circuits depend on nothing that a new version of Python, NumPy or Qiskit may change: choices are
made from ``random.Random(seed).random()``, whose sequence Python guarantees.

    python -m tests.support.recorded_counts   # writes the table anew, from the engine numpy

Write it anew only where the counts were meant to change, and say why in the changelog: seeds that
users have published give other counts from then on.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

import simquay
from simquay.circuits.files import load_circuits
from tests.support.paths import CIRCUITS, DATA

TABLE = DATA / "recorded_counts.json"
SHOTS = 100


class Choices:
    """Choices that depend on a seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, bound: int) -> int:
        """An integer from 0 to bound - 1."""
        return int(self._random.random() * bound)

    def angle(self) -> float:
        """An angle from -pi to pi, in radians."""
        return math.pi * (2 * self._random.random() - 1)

    def distinct(self, count: int, bound: int) -> list[int]:
        """Different integers from 0 to bound - 1, in random order."""
        left = list(range(bound))
        return [left.pop(self.below(len(left))) for _ in range(count)]


ONE_QUBIT = ["h", "x", "y", "z", "s", "sdg", "t", "tdg", "sx", "sxdg"]
ROTATIONS = ["rx", "ry", "rz", "p"]
TWO_QUBITS = ["cx", "cz", "swap", "iswap", "ch", "cy", "ecr"]
TWO_QUBIT_ROTATIONS = ["rxx", "ryy", "rzz", "rzx", "cp", "crx", "cry", "crz"]
THREE_QUBITS = ["ccx", "cswap", "ccz"]


def add_gates(circuit: QuantumCircuit, choices: Choices, gates: int) -> None:
    """Random standard gates on the circuit's qubits."""
    width = circuit.num_qubits
    for _ in range(gates):
        kind = choices.below(10)
        if kind < 3 or width == 1:
            getattr(circuit, ONE_QUBIT[choices.below(10)])(choices.below(width))
        elif kind < 6:
            getattr(circuit, ROTATIONS[choices.below(4)])(choices.angle(), choices.below(width))
        elif kind < 8:
            getattr(circuit, TWO_QUBITS[choices.below(7)])(*choices.distinct(2, width))
        elif kind < 9 or width == 2:
            name = TWO_QUBIT_ROTATIONS[choices.below(8)]
            getattr(circuit, name)(choices.angle(), *choices.distinct(2, width))
        else:
            getattr(circuit, THREE_QUBITS[choices.below(3)])(*choices.distinct(3, width))


def unitary(seed: int) -> QuantumCircuit:
    """Random gates on 1 to 11 qubits, then all measured."""
    choices = Choices(seed)
    circuit = QuantumCircuit(1 + seed % 11)
    add_gates(circuit, choices, 12 + 4 * circuit.num_qubits)
    circuit.measure_all()
    return circuit


def partly_measured(seed: int) -> QuantumCircuit:
    """Random gates on 4 to 14 qubits; some are measured, into bits of another order."""
    choices = Choices(seed)
    width = 4 + seed % 11
    circuit = QuantumCircuit(width, width)
    add_gates(circuit, choices, 40)
    measured = 1 + choices.below(6 if width > 6 else width)
    circuit.measure(choices.distinct(measured, width), choices.distinct(measured, width))
    return circuit


def dynamic(seed: int) -> QuantumCircuit:
    """Measurement and reset in the middle, and gates that depend on what was measured."""
    choices = Choices(seed)
    width = 2 + seed % 5
    qubits, first, last = (
        QuantumRegister(width, "q"),
        ClassicalRegister(2, "first"),
        ClassicalRegister(width, "last"),
    )
    circuit = QuantumCircuit(qubits, first, last)
    for _ in range(3):
        add_gates(circuit, choices, 6)
        circuit.measure(choices.distinct(2, width), first)
        with circuit.if_test((first, choices.below(4))) as otherwise:
            circuit.x(choices.below(width))
        with otherwise:
            circuit.ry(choices.angle(), choices.below(width))
        if choices.below(2):
            circuit.reset(choices.below(width))
        with circuit.switch(first) as case:
            with case(0, 3):
                circuit.h(choices.below(width))
            with case(case.DEFAULT):
                circuit.t(choices.below(width))
    circuit.measure(qubits, last)
    return circuit


def layered(seed: int) -> QuantumCircuit:
    """One structure of 6 qubits whose angles depend on the seed: batches are made of these."""
    choices = Choices(seed)
    circuit = QuantumCircuit(6)
    for _ in range(3):
        for qubit in range(6):
            circuit.ry(choices.angle(), qubit)
            circuit.rz(choices.angle(), qubit)
        for qubit in range(5):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def from_files() -> Iterator[tuple[str, QuantumCircuit]]:
    """The circuits of tests/data/circuits, by their names."""
    for file in sorted(CIRCUITS.glob("*.qasm")):
        yield file.stem, load_circuits(file)[0]


def cases() -> Iterator[tuple[str, list[QuantumCircuit], int]]:
    """Jobs: a name, circuits and the seed that they share; 300 circuits in all."""
    for name, circuit in from_files():
        for seed in range(3):
            yield name, [circuit], seed
    makers: list[tuple[Callable[[int], QuantumCircuit], int]] = [
        (unitary, 88),
        (partly_measured, 66),
        (dynamic, 50),
    ]
    for maker, number in makers:
        for seed in range(number):
            yield maker.__name__, [maker(seed)], seed
    for job in range(6):
        yield "layered", [layered(6 * job + index) for index in range(6)], job


def counts_of(engine: str, **options: Any) -> dict[str, str]:
    """For each circuit its counts as text: outcomes in hexadecimal, in order."""
    backend = simquay.get_backend(engine)
    table = {}
    for name, circuits, seed in cases():
        result = backend.run(circuits, shots=SHOTS, seed_simulator=seed, **options).result()
        for index in range(len(circuits)):
            counts = result.data(index)["counts"]
            ordered = sorted(counts.items(), key=lambda item: int(item[0], 16))
            text = " ".join(f"{int(outcome, 16):x}:{count}" for outcome, count in ordered)
            table[f"{name} seed {seed} circuit {index}"] = text
    return table


if __name__ == "__main__":
    table = counts_of("numpy")
    TABLE.write_text(json.dumps(table, indent=0) + "\n", encoding="utf-8")
    print(f"{len(table)} counts in {TABLE}")
