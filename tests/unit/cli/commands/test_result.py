"""``simquay result`` and ``simquay resume``: kept jobs of every kind, as later processes do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.jobs.store.store import JobStore
from simquay.primitives import SamplerV2
from tests.support.kept_jobs import a_bell_pair, newest

BACKEND = "numpy"


def test_a_run_is_shown_as_run_shows_it(cli: Any, bell: Path, store: JobStore) -> None:
    ran = cli("run", bell, "--shots", 50, "--seed", 3)
    job_id = newest(store)
    assert " ".join(ran.out.split()).endswith(f"; kept as job {job_id[:12]}")
    shown = cli("result", job_id[:6])
    assert (shown.code, shown.err) == (0, "")
    # The time of `run` has loading in it, which a kept job does not know of; so lines differ.
    assert shown.out.split() == ran.out.replace("s with loading;", "s;").split()
    document = json.loads(cli("run", bell, "--shots", 50, "--seed", 3, "--json").out)
    assert json.loads(cli("result", newest(store), "--json").out) == document


def test_a_run_with_its_final_states_and_points(cli: Any, store: JobStore, tmp_path: Path) -> None:
    path = tmp_path / "turn.qasm"
    path.write_text("OPENQASM 3; input float a; qubit q; U(a, 0, 0) q;")
    command = ("run", path, "--bind", "a=0,pi", "--statevector", "--json")
    circuits = json.loads(cli(*command).out)["circuits"]
    again = json.loads(cli("result", newest(store), "--json").out)["circuits"]
    for one, other in zip(circuits, again, strict=True):
        assert {**one, "parameters": {}} == other
    assert "|1>" in cli("result", newest(store)).out


def test_estimates(cli: Any, store: JobStore, bell: Path) -> None:
    cli("estimate", bell, "--observable", "ZZ", "--observable", "XX:2")
    shown = cli("result", newest(store))
    assert (shown.code, shown.err) == (0, "")
    assert "[0].evs[0]" in shown.out
    document = json.loads(cli("result", newest(store), "--json").out)
    assert document["job_id"] == newest(store)
    (values,) = [one["evs"] for one in document["result"]]
    assert values == pytest.approx([1, 0])


def test_samples_of_several_points_and_registers(cli: Any, store: JobStore) -> None:
    sampler = SamplerV2(BACKEND, seed=1)
    circuit = QuantumCircuit(1, 1, name="coin")
    circuit.x(0)
    circuit.measure(0, 0)
    sampler.run([(a_bell_pair(),), (circuit, None, 4)]).result()
    document = json.loads(cli("result", newest(store), "--json").out)
    first, second = document["result"]
    assert set(first["c"]) <= {"00", "11"}
    assert second == {"c": {"1": 4}}
    lines = cli("result", newest(store)).out.splitlines()
    assert [line.split() for line in lines][2] == ["[1].c.1", "4"]


def test_probabilities_and_states_are_numbers(cli: Any, store: JobStore) -> None:
    SamplerV2(BACKEND).probabilities([a_bell_pair()]).result()
    shown = cli("result", newest(store))
    assert (shown.code, shown.err) == (0, "")
    assert "0.5" in shown.out
    assert json.loads(cli("result", newest(store), "--json").out)["result"]


def test_the_error_of_a_job_is_that_of_the_command(cli: Any, store: JobStore) -> None:
    wide = QuantumCircuit(60, name="wide")
    wide.h(range(60))
    wide.measure_all()
    simquay.get_backend(BACKEND).run(wide).wait_for_final_state()
    cli("result", newest(store)).assert_fails(1, "'wide'", "memory")
    cli("resume", newest(store)).assert_fails(1, "'wide'", "memory")
    assert store.facts(newest(store)).resumed == 1


@pytest.mark.parametrize("command", ["result", "resume"])
def test_an_id_of_no_job(cli: Any, command: str) -> None:
    cli(command, "0123456").assert_fails(2, "'0123456'")
    cli(command).assert_fails(2, "ID")
