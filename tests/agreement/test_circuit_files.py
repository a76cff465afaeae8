"""Circuits in files, those of other people included, through ``simquay run``.

The project's own are in tests/data/circuits. Where a folder ``shared/circuits`` lies beside the
checkout, what is in it (a part of QASMBench) is run as well.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from scipy.stats import chisquare

import simquay
from simquay.circuits.files import load_circuits
from simquay.circuits.lowering.circuit import lower
from simquay.cli.main import main
from tests.support.dense import final_distribution
from tests.support.paths import ROOT

FOLDERS = (ROOT / "tests/data/circuits", ROOT.parent / "shared/circuits")
FILES = sorted(path for folder in FOLDERS for path in folder.glob("*.qasm"))

LARGEST = 10
"""Qubits up to which ``reference`` is asked as well."""


def circuit_of(path: Path) -> QuantumCircuit:
    (circuit,) = load_circuits(path)
    return circuit


def ends_in_one_state(circuit: QuantumCircuit) -> bool:
    """Whether nothing but gates comes before the final measurements."""
    gates = circuit.remove_final_measurements(inplace=False)
    return gates is not None and all(
        not instruction.clbits and instruction.operation.name not in ("reset", "measure")
        for instruction in gates.data
    )


SMALL = [path for path in FILES if circuit_of(path).num_qubits <= LARGEST]
STATIC = [path for path in SMALL if ends_in_one_state(circuit_of(path))]
# The oracle follows every path, full matrix by full matrix; a while loop has no longest path.
DYNAMIC = [
    path
    for path in SMALL
    if path not in STATIC
    and circuit_of(path).num_qubits <= 5
    and "while_loop" not in circuit_of(path).count_ops()
]

by_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
by_small_file = pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
by_static_file = pytest.mark.parametrize("path", STATIC, ids=lambda path: path.stem)
by_dynamic_file = pytest.mark.parametrize("path", DYNAMIC, ids=lambda path: path.stem)


def test_the_files_are_of_all_kinds() -> None:
    assert len([path for path in STATIC if FOLDERS[0] in path.parents]) >= 4
    assert len([path for path in DYNAMIC if FOLDERS[0] in path.parents]) >= 5
    assert max(circuit_of(path).num_qubits for path in FILES) >= 20


@by_file
def test_it_runs_from_the_shell(capsys: pytest.CaptureFixture[str], path: Path) -> None:
    options = ["--backend", "numpy", "--shots", "200", "--seed", "5", "--json"]
    assert main(["run", str(path), *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    (told,) = json.loads(out)["circuits"]
    circuit = circuit_of(path)
    assert told["name"] == path.stem
    assert told["qubits"] == circuit.num_qubits
    assert sum(told["counts"].values()) == 200
    assert {len(key.replace(" ", "")) for key in told["counts"]} == {circuit.num_clbits}


@by_static_file
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-12), ("single", 1e-5)])
def test_probabilities_are_those_of_the_reference(
    path: Path, precision: str, tolerance: float
) -> None:
    circuit = circuit_of(path).remove_final_measurements(inplace=False)

    def probabilities(backend: str, **options: Any) -> Any:
        result = simquay.get_backend(backend).run(circuit, statevector=True, **options).result()
        return np.abs(np.asarray(result.get_statevector())) ** 2

    found = probabilities("numpy", precision=precision)
    np.testing.assert_allclose(found, probabilities("reference"), rtol=0, atol=tolerance)


@by_small_file
def test_the_same_seed_gives_the_counts_of_the_reference(path: Path) -> None:
    circuit = circuit_of(path)
    counts = [
        simquay.get_backend(name).run(circuit, shots=300, seed_simulator=8).result().get_counts()
        for name in ("numpy", "reference")
    ]
    assert counts[0] == counts[1]


@by_dynamic_file
def test_counts_with_measurement_on_the_way_follow_the_exact_distribution(path: Path) -> None:
    """A chi-squared test with a fixed seed; each raises a false alarm with 1e-8 at most."""
    circuit = circuit_of(path)
    shots = 20_000
    exact = final_distribution(lower(circuit))
    result = simquay.get_backend("numpy").run(circuit, shots=shots, seed_simulator=21).result()
    seen = {int(key, 16): count for key, count in result.data()["counts"].items()}

    assert all(exact.get(outcome, 0.0) > 1e-9 for outcome in seen)
    common = [outcome for outcome, share in exact.items() if share * shots >= 10]
    observed = [seen.get(outcome, 0) for outcome in common]
    expected = [exact[outcome] * shots for outcome in common]
    rest = shots - sum(expected)
    if rest >= 10:  # outcomes too rare for a cell of their own
        observed.append(shots - sum(observed))
        expected.append(rest)
    else:
        expected = [value * sum(observed) / sum(expected) for value in expected]
    if len(observed) > 1:
        assert chisquare(observed, expected).pvalue > 1e-8
    else:
        assert observed == [shots]
