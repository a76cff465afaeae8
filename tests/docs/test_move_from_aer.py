"""The page for users of Aer has every option and instruction, and says what happens to each."""

from __future__ import annotations

import re
from math import pi
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobError
from qiskit_aer import AerSimulator

import simquay
from simquay.errors import OptionError, UnsupportedInstructionError
from simquay.simulators.options import OPTIONS, UnknownOptionError
from tests.support.pages import read

PAGE = "docs/how-to/move-from-aer.md"
DEFAULTS: dict[str, Any] = {**dict(AerSimulator._default_options()), "parameter_binds": None}


def rows(header: str) -> list[list[str]]:
    """The cells of the table whose header row begins with ``header``."""
    (table,) = re.findall(rf"^\| {re.escape(header)} \|.*\n(?:\|.*\n)+", read(PAGE), re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]


def told() -> dict[str, str]:
    """What the page says of each option on Simquay's engines."""
    names = [(re.findall(r"`(\w+)`", cells[0]), cells[1]) for cells in rows("Aer's option")[2:]]
    assert len([one for some, _ in names for one in some]) == sum(len(some) for some, _ in names)
    return {name: says for some, says in names for name in some}


def test_every_option_of_aer_is_on_the_page() -> None:
    assert set(told()) == set(DEFAULTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_option_does_what_the_page_says(name: str) -> None:
    says = told().get(name, "")
    backend = simquay.get_backend("numpy")
    value = 1 if DEFAULTS[name] is None else DEFAULTS[name]
    if name == "parameter_binds":  # of run alone
        assert says == "the same"
        angle = Parameter("angle")
        circuit = QuantumCircuit(1, 1)
        circuit.rx(angle, 0)
        circuit.measure(0, 0)
        job = backend.run(circuit, parameter_binds=[{angle: [0, pi]}], shots=10)
        assert job.result().get_counts() == [{"0": 10}, {"1": 10}]
    elif says == "the same":
        assert name in OPTIONS
        backend.set_options(**{name: DEFAULTS[name]})
    elif says == "refused":
        with pytest.raises(UnknownOptionError, match=f"no option is named '{name}'"):
            backend.set_options(**{name: value})
    else:
        with pytest.raises(OptionError, match=f"did you mean {says.replace('`', chr(39))}"):
            backend.set_options(**{name: value})


def test_aers_backends_take_every_option_of_aer() -> None:
    aer = simquay.get_backend("aer")
    aer.set_options(**{name: value for name, value in DEFAULTS.items() if name in aer.options})
    assert set(DEFAULTS) - set(dict(aer.options)) == {"parameter_binds"}  # of run alone


BACKENDS = ("numpy", "aer", "aer-density-matrix", "aer-stabilizer", "aer-mps")
INSTRUCTIONS = sorted(name for name in dir(QuantumCircuit) if re.match(r"(save|set)_", name))


def bell_that(instruction: str) -> QuantumCircuit:
    """A Bell pair that saves something, or two qubits that are set to a state, measured."""
    from qiskit.quantum_info import Clifford, DensityMatrix, Operator, Pauli, SuperOp

    circuit = QuantumCircuit(2)
    bond = [([[1 + 0j]], [[0j]]), ([[1 + 0j]], [[0j]])], [[1.0]]
    arguments: dict[str, tuple[Any, ...]] = {
        "save_expectation_value": (Pauli("ZZ"), [0, 1]),
        "save_expectation_value_variance": (Pauli("ZZ"), [0, 1]),
        "save_amplitudes": ([0, 3],),
        "save_amplitudes_squared": ([0, 3],),
        "set_statevector": ([1, 0, 0, 0],),
        "set_density_matrix": (DensityMatrix.from_label("00"),),
        "set_stabilizer": (Clifford(QuantumCircuit(2)),),
        "set_unitary": (Operator.from_label("II"),),
        "set_superop": (SuperOp(Operator.from_label("II")),),
        "set_matrix_product_state": (bond,),
    }
    if instruction.startswith("save_"):
        circuit.h(0)
        circuit.cx(0, 1)
    getattr(circuit, instruction)(*arguments.get(instruction, ()))
    if instruction.startswith("set_"):
        circuit.measure_all()
    return circuit


def test_every_instruction_of_aer_is_on_the_page() -> None:
    named = [one for cells in rows("Instruction") for one in re.findall(r"`(s\w+_\w+)`", cells[0])]
    assert sorted(named) == INSTRUCTIONS


@pytest.mark.filterwarnings("ignore:.*measures nothing")
@pytest.mark.parametrize("instruction", INSTRUCTIONS)
def test_an_instruction_runs_where_the_page_says(instruction: str) -> None:
    header, _, *table = rows("Instruction")
    (cells,) = [row for row in table if f"`{instruction}`" in row[0]]
    columns = dict(zip(BACKENDS, cells[1:], strict=True))
    assert all(f"`{name}`" in cell for name, cell in zip(BACKENDS, header[1:], strict=True))
    runs = {name: it_runs(bell_that(instruction), name) for name in BACKENDS}
    assert runs == {name: bool(says) for name, says in columns.items()}


def it_runs(circuit: QuantumCircuit, name: str) -> bool:
    try:
        simquay.get_backend(name).run(circuit, shots=10).result(60)
    except (UnsupportedInstructionError, JobError):
        return False
    return True


def test_the_counts_of_aers_backends_are_aers() -> None:
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.measure_all()
    of_aer = AerSimulator(method="statevector").run(circuit, seed_simulator=5).result()
    counts = {
        name: simquay.get_backend(name).run(circuit, seed_simulator=5).result().get_counts()
        for name in ("numpy", "numba", "aer")
    }
    assert counts["aer"] == of_aer.get_counts()
    assert counts["numpy"] == counts["numba"] != counts["aer"]


def test_methods_without_a_backend_of_their_own_run_on_aer() -> None:
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    aer = simquay.get_backend("aer")
    for method in ("unitary", "superop"):
        circuit = bell.copy()
        getattr(circuit, f"save_{method}")()
        assert method in aer.run(circuit, method=method).result(60).data()
    bell.measure_all()
    for method in ("automatic", "extended_stabilizer"):
        result = aer.run(bell, method=method, shots=100).result(60)
        assert set(result.get_counts()) == {"00", "11"}
