"""qiskit-nature: the energy of hydrogen's Hartree-Fock state."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.primitives import BackendEstimatorV2
from qiskit_nature.second_q.circuit.library import HartreeFock
from qiskit_nature.second_q.hamiltonians import ElectronicEnergy
from qiskit_nature.second_q.mappers import JordanWignerMapper


def test_the_energy_of_a_hartree_fock_state_follows_from_the_integrals(backend):
    one = np.diag([-1.2563, -0.4719])
    two = np.zeros((2, 2, 2, 2))
    two[0, 0, 0, 0], two[1, 1, 1, 1] = 0.6757, 0.6986
    for place in ((0, 0, 1, 1), (1, 1, 0, 0)):
        two[place] = 0.6646
    for place in ((0, 1, 1, 0), (1, 0, 0, 1), (0, 1, 0, 1), (1, 0, 1, 0)):
        two[place] = 0.1809
    mapper = JordanWignerMapper()
    energy = mapper.map(ElectronicEnergy.from_raw_integrals(one, two).second_q_op())
    state = HartreeFock(2, (1, 1), mapper)
    estimator = BackendEstimatorV2(backend=backend)
    found = estimator.run([(state, energy)], precision=0.01).result()[0].data.evs
    assert found == pytest.approx(2 * -1.2563 + 0.6757, abs=0.05)
