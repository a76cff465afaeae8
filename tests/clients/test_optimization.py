"""qiskit-optimization: QAOA on a quadratic program."""

from __future__ import annotations

from qiskit import generate_preset_pass_manager
from qiskit.primitives import BackendSamplerV2
from qiskit_optimization import QuadraticProgram
from qiskit_optimization.algorithms import GroverOptimizer, MinimumEigenOptimizer
from qiskit_optimization.minimum_eigensolvers import QAOA
from qiskit_optimization.optimizers import COBYLA
from qiskit_optimization.utils import algorithm_globals


def test_qaoa_finds_the_best_choice(backend):
    program = QuadraticProgram()
    for _ in range(4):
        program.binary_var()
    program.maximize(linear=[1, 2, -1, 1], quadratic={(0, 1): -2, (2, 3): 3})
    passes = generate_preset_pass_manager(1, backend=backend)
    solver = QAOA(
        BackendSamplerV2(backend=backend), COBYLA(maxiter=20), reps=2, pass_manager=passes
    )
    result = MinimumEigenOptimizer(solver).solve(program)
    assert result.fval == 5
    assert [*result.x] == [0, 1, 1, 1]


def test_grovers_search_finds_the_least_value(backend):
    program = QuadraticProgram()
    program.binary_var("x")
    program.binary_var("y")
    program.minimize(linear=[1, -2], quadratic={("x", "y"): 1})
    algorithm_globals.random_seed = 1
    optimizer = GroverOptimizer(3, num_iterations=8, sampler=BackendSamplerV2(backend=backend))
    assert optimizer.solve(program).fval == -2
