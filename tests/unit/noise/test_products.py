"""Maps on several qubits taken apart: the maps on fewer make the same map, by Qiskit."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import SuperOp, random_quantum_channel, random_unitary
from qiskit_aer.noise import (
    depolarizing_error,
    pauli_error,
    reset_error,
    thermal_relaxation_error,
)

from simquay.noise.products import factors
from simquay.program.channels import Mixture
from tests.support.channels import check_mixture, kraus_of, placed_superop


def raw(channel: object) -> Mixture:
    return Mixture(np.ones(1), (kraus_of(channel),))


SHORT = thermal_relaxation_error(1.0, 0.5, 0.01)
LONG = thermal_relaxation_error(1.0, 1.6, 0.02)
EQUAL = thermal_relaxation_error(1.0, 1.0, 0.03, 0.2)
MIXED = depolarizing_error(0.01, 2)
FLIPS = pauli_error([("XX", 0.01), ("ZI", 0.03), ("II", 0.96)])
RANDOM = SuperOp(random_quantum_channel(2, seed=6)), SuperOp(random_quantum_channel(2, seed=7))
TURN = random_unitary(4, seed=10)
ONE, TWO = [(0,), (1,)], [(0, 1)]
PRODUCTS = {
    "relaxations": (SHORT.tensor(LONG), ONE),
    "random": (RANDOM[0].tensor(RANDOM[1]), ONE),
    "full resets": (reset_error(1.0).tensor(reset_error(0.0, 1.0)), ONE),
    "unitary": (random_unitary(2, seed=8).tensor(random_unitary(2, seed=9)), ONE),
    "one qubit of two": (SuperOp(np.eye(4)).tensor(RANDOM[0]), [(0,)]),
    "depolarizing, relaxations": (MIXED.compose(SHORT.tensor(LONG)), TWO + ONE),
    "relaxations, depolarizing": (LONG.tensor(EQUAL).compose(MIXED), ONE + TWO),
    "depolarizing, random": (SuperOp(MIXED).compose(RANDOM[0].tensor(RANDOM[1])), TWO + ONE),
    "random, depolarizing": (RANDOM[0].tensor(RANDOM[1]).compose(SuperOp(MIXED)), ONE + TWO),
    "flips, relaxations": (FLIPS.compose(SHORT.tensor(SHORT)), TWO + ONE),
    "relaxations, flips": (SHORT.tensor(SHORT).compose(FLIPS), ONE + TWO),
    "three": (SHORT.tensor(LONG).tensor(EQUAL), [(0,), (1,), (2,)]),
    "unitary, depolarizing, relaxations": (
        SuperOp(TURN).compose(SuperOp(MIXED.compose(SHORT.tensor(LONG)))),
        TWO + ONE,
    ),
    "unitary, relaxations, depolarizing": (
        SuperOp(TURN).compose(SuperOp(SHORT.tensor(LONG).compose(MIXED))),
        TWO + ONE + TWO,
    ),
    "unitary, relaxations": (SuperOp(TURN).compose(SuperOp(SHORT.tensor(EQUAL))), TWO + ONE),
    "depolarizing, three": (
        depolarizing_error(0.02, 3).compose(SHORT.tensor(LONG).tensor(EQUAL)),
        [(0, 1, 2), (0,), (1,), (2,)],
    ),
    "weak": (
        depolarizing_error(1e-5, 2).compose(
            thermal_relaxation_error(1, 1.5, 1e-6).tensor(thermal_relaxation_error(1, 0.2, 1e-6))
        ),
        TWO + ONE,
    ),
}


@pytest.mark.parametrize(("channel", "places"), PRODUCTS.values(), ids=PRODUCTS.keys())
def test_products_are_maps_on_fewer_qubits(channel: object, places: list[tuple[int, ...]]) -> None:
    placed = factors(raw(channel))
    assert [where for _, where in placed] == places
    for mixture, where in placed:
        check_mixture(mixture)
        assert mixture.num_qubits == len(where)
        assert len(where) == 1 or mixture.is_unitary
    whole = SuperOp(channel)
    assert abs(placed_superop(placed, whole.num_qubits).data - whole.data).max() < 1e-12


CORRELATED = {
    "unitary": SuperOp(TURN),
    "unitary, depolarizing": SuperOp(TURN).compose(SuperOp(MIXED)),
    "random": SuperOp(random_quantum_channel(4, seed=1)),
    "a mixture of products": 0.5 * RANDOM[0].tensor(RANDOM[1]) + 0.5 * RANDOM[1].tensor(RANDOM[0]),
    "depolarizing": MIXED,
    "flips": FLIPS,
    "four qubits": SHORT.tensor(SHORT).tensor(SHORT).tensor(SHORT),
    "one qubit": SHORT,
}


@pytest.mark.parametrize("channel", CORRELATED.values(), ids=CORRELATED.keys())
def test_other_maps_are_the_mixture_itself(channel: object) -> None:
    mixture = raw(channel)
    ((whole, where),) = factors(mixture)
    assert whole is mixture
    assert where == tuple(range(mixture.num_qubits))
