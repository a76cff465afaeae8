"""Plans print, compare and save, whatever their strategy."""

from __future__ import annotations

import io

import numpy as np
import pytest

from simquay.errors import ProgramError
from simquay.planning import Layout, Profile, load_plan, make_plan, save_plan
from simquay.program import Matrix, Program, save_program
from tests.support.gate_lists import random_gates

PROFILES = [
    Profile("gates"),
    Profile("dense", width=3, tile=5, low=2),
    Profile("tiled", tile=3, low=1, span=2),
]
by_strategy = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.strategy)


def gates_of(seed):
    return random_gates(6, 30, np.random.default_rng(seed), widest=4)


@by_strategy
@pytest.mark.parametrize("seed", range(5))
def test_a_plan_is_read_back_whole(profile, seed, tmp_path):
    plan = make_plan(gates_of(seed), Layout(), profile, None)
    file = tmp_path / "plan.npz"
    save_plan(plan, file)
    loaded = load_plan(file)
    assert loaded == plan
    assert [type(pass_) for pass_ in loaded.passes] == [type(pass_) for pass_ in plan.passes]
    assert repr(loaded.passes) == repr(tuple(plan.passes))


@by_strategy
def test_plans_compare_by_value(profile):
    first, second, other = (
        make_plan(gates_of(seed), Layout(), profile, None) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other
    assert first != "a plan"
    with pytest.raises(TypeError, match="unhashable"):
        hash(first)


def test_a_saved_program_is_no_plan(tmp_path):
    file = tmp_path / "program.npz"
    save_program(Program(1, 0, (Matrix(np.eye(2, dtype=complex), (0,)),)), file)
    with pytest.raises(ProgramError, match="not a plan saved by Simquay"):
        load_plan(file)


def test_what_is_no_archive_is_refused():
    with pytest.raises(ProgramError, match="not a plan saved by Simquay"):
        load_plan(io.BytesIO(b"something else"))


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_plan(tmp_path / "nothing.npz")
