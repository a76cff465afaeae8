"""Qiskit's addons: circuits that are cut in slices or repeated with other step sizes, and samples
that span the space of a solver."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.circuit.library import real_amplitudes
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.synthesis import SuzukiTrotter
from qiskit.transpiler import CouplingMap
from qiskit_addon_mpf.static import setup_static_lse
from qiskit_addon_obp import backpropagate
from qiskit_addon_obp.utils.simplify import OperatorBudget
from qiskit_addon_sqd.counts import bit_array_to_arrays
from qiskit_addon_sqd.qubit import solve_qubit
from qiskit_addon_sqd.subsampling import postselect_and_subsample
from qiskit_addon_utils.problem_generators import (
    generate_time_evolution_circuit,
    generate_xyz_hamiltonian,
)
from qiskit_addon_utils.slicing import combine_slices, slice_by_gate_types
from scipy.linalg import expm

TIME = 2.0
"""Of the evolution."""

MAGNETIZATION = SparsePauliOp.from_sparse_list([("Z", [i], 0.25) for i in range(4)], 4)


@pytest.fixture
def heisenberg() -> SparsePauliOp:
    """The energy of four spins in a row."""
    return generate_xyz_hamiltonian(
        CouplingMap.from_line(4), coupling_constants=(0.5, 0.4, 1.0), ext_magnetic_field=(0.3, 0, 0)
    )


def test_an_observable_is_propagated_back(backend, heisenberg):
    whole = generate_time_evolution_circuit(heisenberg, time=TIME, synthesis=SuzukiTrotter(reps=2))
    slices = slice_by_gate_types(whole)
    observable, left, _ = backpropagate(
        MAGNETIZATION, slices, operator_budget=OperatorBudget(max_qwc_groups=8)
    )
    assert 0 < len(left) < len(slices)
    job = BackendEstimatorV2(backend=backend).run(
        [(combine_slices(left), observable)], precision=0.01
    )
    exact = Statevector(whole).expectation_value(MAGNETIZATION).real
    assert job.result()[0].data.evs == pytest.approx(exact, abs=0.06)


def test_circuits_of_other_step_sizes_are_combined(backend, heisenberg):
    steps = [1, 2, 4]
    weights = setup_static_lse(steps, order=2, symmetric=True).solve()
    circuits = [
        generate_time_evolution_circuit(
            heisenberg, time=TIME, synthesis=SuzukiTrotter(order=2, reps=count)
        )
        for count in steps
    ]
    job = BackendEstimatorV2(backend=backend).run(
        [(circuit, MAGNETIZATION) for circuit in circuits], precision=0.01
    )
    found = np.dot([one.data.evs for one in job.result()], weights)
    evolved = Statevector.from_int(0, 16).evolve(expm(-1j * TIME * heisenberg.to_matrix()))
    exact = evolved.expectation_value(MAGNETIZATION).real
    assert found == pytest.approx(exact, abs=0.08)


def test_samples_span_the_space_of_a_solver(backend, heisenberg):
    ansatz = real_amplitudes(4, reps=1).assign_parameters(np.linspace(0.4, 1.6, 8))
    ansatz.measure_all()
    sampled = BackendSamplerV2(backend=backend).run([ansatz], shots=4000).result()[0]
    strings, probabilities = bit_array_to_arrays(sampled.data.meas)
    assert len(strings) == 16
    batches = postselect_and_subsample(
        strings,
        probabilities,
        hamming_right=1,
        hamming_left=1,
        samples_per_batch=4,
        num_batches=1,
        rand_seed=1,
    )
    assert sorted(map(tuple, batches[0].astype(int).tolist())) == [
        (0, 1, 0, 1),
        (0, 1, 1, 0),
        (1, 0, 0, 1),
        (1, 0, 1, 0),
    ]
    energies, _ = solve_qubit(strings, heisenberg, k=1)
    assert energies[0] == pytest.approx(np.linalg.eigvalsh(heisenberg.to_matrix())[0], abs=1e-8)
