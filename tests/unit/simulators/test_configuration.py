"""The configuration of a backend that knows its qubits' neighbours."""

from __future__ import annotations

from qiskit.providers.fake_provider import GenericBackendV2

from simquay.simulators.configuration import configuration_of


def test_a_coupling_map_is_told_as_pairs() -> None:
    configuration = configuration_of(GenericBackendV2(3, coupling_map=[[0, 1], [1, 2]], seed=1))
    assert configuration.coupling_map == [[0, 1], [1, 2]]
    assert configuration.n_qubits == 3
    assert "cx" in configuration.basis_gates
    assert "measure" in configuration.supported_instructions
