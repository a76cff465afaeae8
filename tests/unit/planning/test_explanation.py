"""What ``explain`` says, for plans of every strategy."""

from __future__ import annotations

import re

import numpy as np
import pytest

from simquay.planning import Layout, Profile, explain, make_plan
from simquay.program import Diagonal, GateOperation, Matrix, Permutation, Precision
from tests.support.gate_lists import random_gates

PROFILES = [
    Profile("gates"),
    Profile("dense", width=4, tile=6, low=2, start=3),
    Profile("tiled", tile=6, low=2),
]
H = np.array([[1, 1], [1, -1]]) / np.sqrt(2) + 0j
CX = Permutation(np.array([1, 0]), (1,), (0,), 1)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.strategy)
def test_every_pass_has_a_row_and_shares_add_up(profile: Profile) -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        plan = make_plan(random_gates(9, 60, rng, widest=4), Layout(), profile)
        heading, columns, *rows, total = explain(plan).splitlines()
        assert heading.startswith(f"{profile.strategy} plan: {len(plan)} passes")
        heads = " ".join(columns.split())
        assert heads == "pass kind qubits operations Mflop MB share what"
        assert [int(row.split()[0]) for row in rows] == list(range(1, len(plan) + 1))
        shares = [int(match) for row in rows for match in re.findall(r"(\d+)%", row)]
        assert len(shares) == len(rows)
        assert abs(sum(shares) - 100) <= len(rows) / 2  # each is rounded
        assert total.startswith("total: ")


def test_a_table_as_a_person_reads_it() -> None:
    gates: list[GateOperation] = [Matrix(H, (0,)), CX, *(Matrix(H, (q,)) for q in range(2, 16))]
    gates.append(Diagonal(np.array([1, 1, 1, 1j]), (0, 5)))
    plan = make_plan(gates, Layout(), Profile("dense", width=2, tile=6, low=2, start=2))
    heading, columns, start, *clusters, total = explain(plan, Precision.SINGLE).splitlines()
    assert heading == (
        "dense plan: 5 passes, 0 to 16 qubits stored; clusters of up to 2 qubits in tiles of 6"
    )
    assert columns == "pass  kind      qubits  operations   Mflop       MB  share  what"
    assert start.endswith(
        "2           2       0  3.2e-05     0%  computed by planning, written here"
    )
    assert clusters[-1] == (
        "   5  cluster  6 of 16           3     2.5     0.66    74%  1 x 2-qubit product, 1 x table"
    )
    assert total == "total: 3.6 Mflop, 0.8 MB moved"


def test_a_plan_without_passes() -> None:
    plan = make_plan([], Layout((0, 1)), Profile("dense", width=2, tile=6, low=2, start=2))
    assert explain(plan) == (
        "dense plan: 0 passes, 2 qubits stored; clusters of up to 2 qubits in tiles of 6"
    )


def test_bytes_are_those_of_the_precision() -> None:
    plan = make_plan([Matrix(H, (q,)) for q in range(12)], Layout(), Profile("gates"))
    single, double = (explain(plan, precision).splitlines()[-1] for precision in Precision)
    moved = [float(re.findall(r"([\d.]+) MB", line)[0]) for line in (single, double)]
    assert moved[1] == pytest.approx(2 * moved[0], rel=0.01)
