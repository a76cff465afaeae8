"""The entry to planning: strategies, and sweeps whose vectors do what separate plans do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.numpy.engine import DenseEngine
from simquay.errors import ProgramError
from simquay.planning import (
    GateSweep,
    Layout,
    Plan,
    Profile,
    SweepPlan,
    explain,
    make_plan,
    make_sweep_plan,
)
from simquay.planning.cache import PlanCache
from simquay.planning.dense.steps import ClusterPass, StartPass
from simquay.planning.planner import Strategy, register_strategy
from simquay.program import Matrix, Precision
from simquay.program.gates import GateOperation
from tests.support.gate_lists import other_numbers, random_gates, random_unitary, run_naively

ENGINE = DenseEngine(threads=1)
PROFILES = {
    "usual": ENGINE.profile(Precision.DOUBLE, 8),
    "short start": Profile("dense", width=5, tile=14, low=2, start=3),
    # Tiles smaller than the state: outer wires, phases by tile.
    "tiles": Profile("dense", width=3, tile=5, low=2, start=3),
}
by_profile = pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
TOLERANCE = {Precision.DOUBLE: 1e-12, Precision.SINGLE: 2e-5}


def lists(num_qubits: int, seed: int, count: int) -> list[list[GateOperation]]:
    """Gate lists of one structure, with so few controls that no gate stands alone."""
    rng = np.random.default_rng(seed)
    gates = [
        gate
        for gate in random_gates(num_qubits, 60, rng, widest=2)
        if len(getattr(gate, "controls", ())) <= 1
    ]
    return [other_numbers(gates, rng) for _ in range(count)]


def amplitudes(plan: Plan | SweepPlan, num_qubits: int, precision: Precision) -> np.ndarray:
    batch = plan.batch if isinstance(plan, SweepPlan) else 1
    state = ENGINE.allocate(num_qubits, precision, capacity=num_qubits, batch=batch)
    if isinstance(plan, SweepPlan):
        ENGINE.apply_sweep(state, plan, Control())
    else:
        ENGINE.apply(state, plan, Control())
    return np.asarray(ENGINE.amplitudes(state))


@by_profile
@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("num_qubits", [1, 2, 3, 5, 8, 12])
def test_each_vector_is_what_its_own_plan_makes(
    profile: Profile, precision: Precision, num_qubits: int
) -> None:
    for seed in range(8):
        gate_lists = lists(num_qubits, seed, 5)
        sweep = make_sweep_plan(GateSweep.of(gate_lists), Layout(), profile)
        assert sweep is not None
        found = amplitudes(sweep, num_qubits, precision)
        for gates, vector in zip(gate_lists, found, strict=True):
            own = amplitudes(make_plan(gates, Layout(), profile), num_qubits, precision)[0]
            np.testing.assert_allclose(vector, own, atol=TOLERANCE[precision])


@by_profile
def test_each_vector_is_what_its_gates_do(profile: Profile) -> None:
    gate_lists = lists(6, 3, 4)
    sweep = make_sweep_plan(GateSweep.of(gate_lists), Layout(), profile)
    assert sweep is not None
    found = amplitudes(sweep, 6, Precision.DOUBLE)
    for gates, vector in zip(gate_lists, found, strict=True):
        np.testing.assert_allclose(vector, run_naively(gates, 6), atol=1e-12)


def test_the_plans_have_passes_of_all_kinds() -> None:
    """Else the tests above would say little."""
    kinds: set[type] = set()
    outer = 0
    for profile in PROFILES.values():
        for seed in range(8):
            sweep = make_sweep_plan(GateSweep.of(lists(12, seed, 2)), Layout(), profile)
            assert sweep is not None
            for step in sweep.passes:
                kinds.add(type(step))
                if isinstance(step, ClusterPass):
                    kinds |= {type(part) for part in step.steps}
                    outer += len(step.loaded) < len(step.before)
    assert {kind.__name__ for kind in kinds} >= {
        "StartPass",
        "ClusterPass",
        "ProductStep",
        "PhaseStep",
    }
    assert outer


def test_many_lists_are_filled_in_parts() -> None:
    gate_lists = lists(4, 1, 200)
    sweep = make_sweep_plan(GateSweep.of(gate_lists), Layout(), PROFILES["usual"])
    assert sweep is not None
    found = amplitudes(sweep, 4, Precision.DOUBLE)
    for number in (0, 99, 199):
        own = run_naively(gate_lists[number], 4)
        np.testing.assert_allclose(found[number], own, atol=1e-12)


def test_numbers_of_other_types_and_orders_are_converted() -> None:
    rng = np.random.default_rng(5)
    matrices = [random_unitary(4, rng) for _ in range(3)]
    made = [
        [Matrix(matrices[0], (0, 1))],
        [Matrix(np.asfortranarray(matrices[1]), (0, 1))],
        [Matrix(matrices[2].astype(np.complex64), (0, 1))],
    ]
    sweep = make_sweep_plan(GateSweep.of(made), Layout(), PROFILES["usual"])
    assert sweep is not None
    found = amplitudes(sweep, 2, Precision.DOUBLE)
    for (gate,), vector in zip(made, found, strict=True):
        assert isinstance(gate, Matrix)
        np.testing.assert_allclose(vector, gate.matrix[:, 0], atol=1e-12)


def test_strategies_without_sweeps() -> None:
    gate_lists = lists(3, 0, 2)
    assert make_sweep_plan(GateSweep.of(gate_lists), Layout(), Profile("gates")) is None
    with pytest.raises(ProgramError, match="no planning strategy"):
        make_sweep_plan(GateSweep.of(gate_lists), Layout(), Profile("other"))


def test_tiled_sweeps_have_a_pass_for_each_vector() -> None:
    profile = Profile("tiled", tile=4, low=1)
    first, second = lists(6, 0, 2)
    sweep = make_sweep_plan(GateSweep.of([first, [*first], second]), Layout(), profile)
    assert sweep is not None
    for number, gates in enumerate((first, first, second)):
        passes = [vectors[number] for vectors in sweep.passes if isinstance(vectors, tuple)]
        assert len(passes) == len(sweep) > 1
        assert Plan(profile, sweep.initial, sweep.final, passes) == make_plan(
            gates, Layout(), profile
        )
    for vectors in sweep.passes:
        assert isinstance(vectors, tuple)
        assert vectors[0] is vectors[1]  # equal numbers: the engine need not encode it twice
        assert vectors[0] is not vectors[2]
    # A rotation by nothing is another kind of matrix to a tiled plan.
    turn = Matrix(random_unitary(2, np.random.default_rng(0)), (0,))
    rest = Matrix(np.eye(2, dtype=complex), (0,))
    assert make_sweep_plan(GateSweep.of([[turn], [turn]]), Layout(), profile) is not None
    assert make_sweep_plan(GateSweep.of([[turn], [rest]]), Layout(), profile) is None


def test_an_engine_refuses_a_sweep_for_another_state() -> None:
    searched = replace(PROFILES["usual"], direct_sweeps=False)
    sweep = make_sweep_plan(GateSweep.of(lists(3, 0, 2)), Layout(), searched)
    assert sweep is not None
    assert isinstance(sweep.passes[0], StartPass)
    state = ENGINE.allocate(3, Precision.DOUBLE, capacity=3, batch=3)
    with pytest.raises(ProgramError, match="a sweep of 2 vectors"):
        ENGINE.apply_sweep(state, sweep, Control())
    state = ENGINE.allocate(3, Precision.DOUBLE, capacity=3, batch=2)
    tiled = make_sweep_plan(GateSweep.of(lists(3, 0, 2)), Layout(), Profile("tiled", tile=4, low=1))
    assert tiled is not None
    with pytest.raises(ProgramError, match="'dense', not 'tiled'"):
        ENGINE.apply_sweep(state, tiled, Control())
    ENGINE.apply_sweep(state, sweep, Control())
    with pytest.raises(ProgramError, match="begins at layout"):
        ENGINE.apply_sweep(state, sweep, Control())


def test_an_unknown_strategy_is_refused() -> None:
    gates = lists(3, 0, 1)[0]
    profile = Profile("other")
    for cache in (None, PlanCache()):
        with pytest.raises(ProgramError, match="no planning strategy is named 'other'"):
            make_plan(gates, Layout(), profile, cache)


def test_without_a_cache_each_plan_is_made_anew() -> None:
    gates = lists(3, 0, 1)[0]
    one, other = (make_plan(gates, Layout(), PROFILES["usual"], None) for _ in range(2))
    assert one is not other
    assert one == other


def test_a_strategy_of_an_engine_is_found_by_its_name() -> None:
    def backwards(gates: Sequence[GateOperation], layout: Layout, profile: Profile) -> Plan:
        return Plan(profile, layout, layout, tuple(reversed(gates)))

    strategy = Strategy(plan=backwards)
    register_strategy("test-backwards", strategy)
    register_strategy("test-backwards", strategy)  # as where a module is imported again
    gates = random_gates(3, 5, np.random.default_rng(0))
    profile = Profile("test-backwards")
    assert make_plan(gates, Layout(), profile).passes == tuple(reversed(gates))
    assert make_sweep_plan(GateSweep.of([gates, gates]), Layout(), profile) is None
    assert "Matrix" in explain(Plan(profile, Layout(), Layout(), (Matrix(np.eye(2) + 0j, (0,)),)))


def test_a_strategy_has_one_name_and_one_function() -> None:
    with pytest.raises(ValueError, match="another planning strategy is named 'dense'"):
        register_strategy("dense", Strategy(plan=lambda gates, layout, profile: None))  # type: ignore[arg-type, return-value]  # never called
    with pytest.raises(ValueError, match="needs either plan or find"):
        register_strategy("test-none", Strategy())


def test_an_unknown_strategy_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ProgramError, match="no planning strategy is named 'mine'; known: dense"):
        make_plan([], Layout(), Profile("mine"))
