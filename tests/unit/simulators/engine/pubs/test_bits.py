"""Registers out of samples of all bits."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit

from simquay.simulators.engine.pubs import bits
from simquay.simulators.engine.pubs.bits import RegisterBits, registers_of

RNG = np.random.default_rng(11)


@pytest.mark.parametrize(
    "chosen",
    [
        range(3),
        range(5, 13),
        range(7, 24),
        range(64),
        range(1, 64),
        range(60, 70),  # over the border of two words
        range(3, 100),
        range(64, 128),
        [9, 2, 70],
        [5, 4, 3, 2, 1, 0, 64, 127, 8],
        [],
    ],
    ids=str,
)
def test_a_register_has_its_bits_in_its_order(chosen) -> None:
    samples = RNG.integers(0, 1 << 64, (2, 50, 2), dtype=np.uint64)
    array = RegisterBits("c", chosen).array(list(samples), (2, 1), 50)
    assert (array.shape, array.num_shots, array.num_bits) == ((2, 1), 50, len(chosen))
    whole = [[int(low) | int(high) << 64 for low, high in point] for point in samples]
    for point, outcomes in enumerate(whole):
        expected = [
            "".join(str(outcome >> bit & 1) for bit in reversed([*chosen])) or "0"
            for outcome in outcomes
        ]
        assert array.get_bitstrings((point, 0)) == expected


def test_many_shots_are_taken_in_portions() -> None:
    samples = RNG.integers(0, 8, (2 * bits._AT_ONCE + 5, 1), dtype=np.uint64)
    array = RegisterBits("c", [1, 2]).array([samples], (), len(samples))
    np.testing.assert_array_equal(array.array[:, 0], samples[:, 0] >> np.uint64(1))


def test_registers_may_overlap_and_bits_may_be_in_none() -> None:
    circuit = QuantumCircuit(2)
    loose, *shared = [Clbit() for _ in range(4)]
    circuit.add_bits([loose, *shared])
    circuit.add_register(ClassicalRegister(name="late", bits=shared[::-1]))
    circuit.add_register(ClassicalRegister(name="early", bits=shared[:2]))
    circuit.add_register(ClassicalRegister(0, "nothing"))
    found = [(one.name, [*one.bits]) for one in registers_of(circuit)]
    assert found == [("late", [3, 2, 1]), ("early", [1, 2]), ("nothing", [])]
