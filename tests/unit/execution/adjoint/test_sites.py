"""The parametric gates of a program: those of one formula are one site."""

from __future__ import annotations

import numpy as np

from simquay.execution.adjoint.sites import parametric_sites
from simquay.program import Matrix, Parametric, Program

X = np.array([[0, 1], [1, 0]], dtype=complex)


def test_gates_of_one_formula_are_one_site() -> None:
    gates = (
        Parametric("rx", (2,), (0,)),
        Matrix(X, (0,)),
        Parametric("rz", (0,), (1,)),
        Parametric("rx", (1,), (1,)),
        Parametric("rx", (2,), (1,), adjoint=True),
    )
    sites = parametric_sites(Program(2, 0, gates, num_angles=3))
    found = [(list(site.places), site.columns.tolist(), list(site.paulis)) for site in sites]
    # Pauli numbers: 0 to 3 for I, Z, X, Y.
    assert found == [([0, 3], [[2], [1]], [2]), ([2], [[0]], [1]), ([4], [[2]], [2])]


def test_coefficients_are_those_of_the_generators() -> None:
    """``exp(-1j * theta * X / 2)`` has the generator X / 2, its inverse minus that; of ``u``, the
    coefficients depend on the angles."""
    gates = (
        Parametric("rx", (0,), (0,)),
        Parametric("rx", (0,), (0,), adjoint=True),
        Parametric("u", (0, 1, 2), (0,)),
    )
    plus, minus, general = parametric_sites(Program(1, 0, gates, num_angles=3))
    angles = np.array([[0.1, 0.2, 0.3], [0.7, -0.4, 1.1]])
    for site, wanted in ((plus, 0.5), (minus, -0.5)):
        assert callable(site.coefficients)
        np.testing.assert_allclose(site.coefficients(angles), np.full((1, 1, 1, 1), wanted))
    assert callable(general.coefficients)
    assert general.coefficients(angles).shape == (2, 1, 3, len(general.paulis))
