"""``simquay result`` and ``simquay resume``: kept jobs of every kind, as later processes do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit

import simquay
from simquay.jobs import recent
from simquay.jobs.store.store import JobStore
from simquay.primitives import EstimatorV2, SamplerV2
from tests.support.dead_jobs import left_by_a_dead_process

BACKEND = "numpy"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JobStore:
    """That of the command line; jobs of this process are not found in any other way."""
    monkeypatch.setenv("SIMQUAY_JOB_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(recent, "_recent", recent.RecentJobs(most=0))
    return JobStore.default()


def newest(store: JobStore) -> str:
    return store.list(limit=1)[0].id


def bell_of(name: str = "bell") -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name=name)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_a_run_is_shown_as_run_shows_it(cli: Any, bell: Path, store: JobStore) -> None:
    ran = cli("run", bell, "--shots", 50, "--seed", 3)
    job_id = newest(store)
    assert ran.out.endswith(f"; kept as job {job_id[:12]}\n")
    shown = cli("result", job_id[:6])
    assert (shown.code, shown.out, shown.err) == (0, ran.out, "")
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
    sampler.run([(bell_of(),), (circuit, None, 4)]).result()
    document = json.loads(cli("result", newest(store), "--json").out)
    first, second = document["result"]
    assert set(first["c"]) <= {"00", "11"}
    assert second == {"c": {"1": 4}}
    lines = cli("result", newest(store)).out.splitlines()
    assert [line.split() for line in lines][2] == ["[1].c.1", "4"]


def test_probabilities_and_states_are_numbers(cli: Any, store: JobStore) -> None:
    SamplerV2(BACKEND).probabilities([bell_of()]).result()
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


def test_a_job_that_lost_its_process_is_resumed(cli: Any, store: JobStore) -> None:
    job = simquay.get_backend(BACKEND).run(bell_of(), shots=40, seed_simulator=5)
    counts = job.result().get_counts()
    job_id = job.job_id()
    del job
    left_by_a_dead_process(store, job_id)
    cli("result", job_id).assert_fails(1, "process ", f"simquay resume {job_id}")
    document = json.loads(cli("resume", job_id, "--json").out)
    assert document["circuits"][0]["counts"] == counts
    assert "bell: 2 qubits" in cli("resume", job_id).out  # it is done: nothing runs
    assert store.facts(job_id).resumed == 1


def test_what_cannot_be_resumed(cli: Any, store: JobStore) -> None:
    circuit = bell_of().remove_final_measurements(inplace=False)
    job = EstimatorV2("basic", default_precision=0.2).run([(circuit, "ZZ")])
    job.result()
    job_id = job.job_id()
    del job
    left_by_a_dead_process(store, job_id)
    cli("resume", job_id).assert_fails(2, job_id, "run the circuits again")


@pytest.mark.parametrize("command", ["result", "resume"])
def test_an_id_of_no_job(cli: Any, command: str) -> None:
    cli(command, "0123456").assert_fails(2, "'0123456'")
    cli(command).assert_fails(2, "ID")
