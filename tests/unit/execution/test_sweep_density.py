"""Sweeps of programs with noise, as density matrices of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simquay.circuits.lowering.circuit import lower, lower_points
from simquay.control import Control
from simquay.engines.base import Engine
from simquay.engines.numpy.engine import DenseEngine
from simquay.execution.points import Points
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, Piece, RunContext
from simquay.execution.sweep import batches, run_sweep
from simquay.program import Channel, Mixture, Program
from tests.support.noise import random_mixture
from tests.support.sweeps import bindings, parametrised

KINDS = ("depolarizing", "amplitude_damping", "two_kraus", "dephasing_pair")
CONTEXT = RunContext(shots=200, seed=5, method="density_matrix", wanted={"probabilities": None})


def with_noise(program: Program, mixtures: Sequence[Mixture]) -> Program:
    """A channel behind every third operation."""
    generator = np.random.default_rng(len(program.operations))
    operations: list[Any] = []
    for place, operation in enumerate(program.operations):
        operations.append(operation)
        if place % 3 == 0 and place < len(program.operations) - program.num_clbits:
            mixture = mixtures[place // 3 % len(mixtures)]
            qubits = generator.permutation(program.num_qubits)[: mixture.num_qubits]
            operations.append(Channel(mixture, tuple(qubits.tolist())))
    return replace(program, operations=tuple(operations))


def together(programs: Sequence[Program], engine: Engine) -> list[Outcome]:
    [batch] = batches(programs, engine, CONTEXT, CONTEXT.shots, True)
    assert batch.shape is not None
    assert batch.shape.doubled
    piece = Piece((*range(len(programs)),), 0, CONTEXT.shots)
    outcomes = run_sweep(batch.shape, programs, engine, CONTEXT, Control(), piece)
    return [outcome for outcome, _ in outcomes]


def assert_as_one_by_one(
    programs: Sequence[Program], found: Sequence[Outcome], engine: Engine
) -> None:
    assert len(found) == len(programs)
    for number, outcome in enumerate(found):
        piece = Piece((number,), 0, CONTEXT.shots)
        alone = run_program(programs[number], engine, CONTEXT, Control(), piece)
        np.testing.assert_array_equal(outcome["samples"], alone["samples"])
        for one, other in zip(outcome["probabilities"], alone["probabilities"], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-12)
        assert outcome.metadata["method"] == alone.metadata["method"] == "density_matrix"


@pytest.mark.parametrize("seed", range(12))
def test_programs_of_one_shape(seed: int) -> None:
    """Some of their angles make Clifford gates: the form of a batch is the same for all."""
    circuit = parametrised(3, 20, seed)
    circuits = bindings(circuit, 5, seed)
    circuits.append(circuit.assign_parameters([np.pi / 2] * circuit.num_parameters))
    circuits.append(circuit.assign_parameters([0.0] * circuit.num_parameters))
    mixtures = [random_mixture(kind, np.random.default_rng(1)) for kind in KINDS]
    programs = [with_noise(lower(one), mixtures) for one in circuits]
    engine = DenseEngine()
    assert_as_one_by_one(programs, together(programs, engine), engine)


@pytest.mark.parametrize("seed", range(12))
def test_points_of_one_program(seed: int) -> None:
    circuit = parametrised(3, 20, seed)
    values = np.random.default_rng(seed).uniform(-4, 4, (6, circuit.num_parameters))
    points = lower_points(circuit, values)
    assert isinstance(points, Points)
    [(program, angles)] = points.groups
    mixtures = [random_mixture(kind, np.random.default_rng(seed)) for kind in KINDS]
    points = Points(with_noise(program, mixtures), angles)
    engine = DenseEngine()
    assert_as_one_by_one(points, together(points, engine), engine)
