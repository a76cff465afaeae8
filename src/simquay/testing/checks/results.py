"""Checks of results: order of bits and registers, totals, memory, headers, seeds."""

from __future__ import annotations

from collections import Counter

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.exceptions import QiskitError

from simquay.testing.harness.assertions import exception_of, require
from simquay.testing.harness.circuits import bell, flips
from simquay.testing.harness.context import CheckContext


def _two_registers() -> QuantumCircuit:
    """Its outcome is ``1 001``: register ``b`` is 1, of ``a`` bit 0 alone."""
    qubits, a, b = QuantumRegister(3, "q"), ClassicalRegister(3, "a"), ClassicalRegister(1, "b")
    circuit = QuantumCircuit(qubits, a, b, name="two registers")
    circuit.x([0, 2])
    circuit.measure(qubits[0], a[0])
    circuit.measure(qubits[1], a[1])
    circuit.measure(qubits[2], b[0])
    return circuit


def _uniform(count: int) -> QuantumCircuit:
    circuit = QuantumCircuit(count, count, name="uniform")
    for index in range(count):
        circuit.h(index)
    circuit.measure(range(count), range(count))
    return circuit


def r01_bit_order(context: CheckContext) -> None:
    """Classical bit 0 is the rightmost of an outcome, whatever qubit was measured into it."""
    circuits = []
    for qubit, bit in ((0, 0), (0, 2), (2, 0), (1, 2)):
        circuit = QuantumCircuit(3, 3)
        circuit.x(qubit)
        circuit.measure(qubit, bit)
        circuits.append(circuit)
    counts = context.counts(circuits, shots=5)
    expected = [{"001": 5}, {"100": 5}, {"001": 5}, {"100": 5}]
    require(
        counts == expected,
        f"a 1 measured into bits 0, 2, 0, 2 gave {counts!r}; expected {expected!r}",
    )


def r02_register_order(context: CheckContext) -> None:
    """Registers are separated by blanks, the last one leftmost; unused bits are 0."""
    counts = context.counts(_two_registers(), shots=5)
    require(counts == {"1 001": 5}, f"the counts are {counts!r}; expected {{'1 001': 5}}")


def r03_shot_totals(context: CheckContext) -> None:
    """Counts add up to the shots, from one shot to many."""
    for shots in (1, 2, 1000, 4097):
        result = context.result(context.run([bell(), _uniform(3)], shots=shots))
        totals = [sum(one.values()) for one in result.get_counts()]
        require(totals == [shots] * 2, f"{shots} shots of two circuits gave {totals} outcomes")
        said = [one.shots for one in result.results]
        require(said == [shots] * 2, f"{shots} shots were run, and the results say {said}")


def r04_memory(context: CheckContext) -> None:
    """`memory=True` keeps each shot's outcome; the counts are those of the memory."""
    result = context.result(context.run([_uniform(2), _two_registers()], shots=200, memory=True))
    for index in range(2):
        memory, counts = result.get_memory(index), result.get_counts(index)
        require(len(memory) == 200, f"200 shots left {len(memory)} outcomes in the memory")
        require(
            Counter(memory) == counts,
            f"the memory's outcomes are {Counter(memory)!r}, the counts {counts!r}",
        )


def r05_headers(context: CheckContext) -> None:
    """Headers say each circuit's name and bits; results are found by name."""
    result = context.result(context.run([bell(), _two_registers()], shots=8))
    headers = [one.header for one in result.results]
    names = [header["name"] for header in headers]
    require(names == ["bell", "two registers"], f"the headers name the circuits {names!r}")
    require(
        [header["memory_slots"] for header in headers] == [2, 4],
        "memory_slots of a header is not the number of classical bits",
    )
    sizes = [list(map(list, header["creg_sizes"])) for header in headers]
    require(
        sizes[1] == [["a", 3], ["b", 1]],
        f"creg_sizes is {sizes[1]!r}; expected [['a', 3], ['b', 1]]",
    )
    counts = result.get_counts("two registers")
    require(counts == {"1 001": 8}, f"get_counts('two registers') gives {counts!r}")


def r06_what_ran(context: CheckContext) -> None:
    """A result names the job and the backend, and says success for each circuit."""
    job = context.run([bell(), flips()], shots=8)
    result = context.result(job)
    require(
        result.job_id == job.job_id(),
        f"result.job_id is {result.job_id!r}, job.job_id() {job.job_id()!r}",
    )
    require(
        result.backend_name == context.backend.name,
        f"result.backend_name is {result.backend_name!r}, the backend {context.backend.name!r}",
    )
    require(
        result.success is True and all(one.success is True for one in result.results),
        "a finished job's result does not say success",
    )


def r07_seeds(context: CheckContext) -> None:
    """The same `seed_simulator` gives the same outcomes, another one others."""
    circuit = _uniform(4)

    def memory(seed: int) -> list[str]:
        job = context.run(circuit, shots=300, seed_simulator=seed, memory=True)
        outcomes: list[str] = context.result(job).get_memory()
        return outcomes

    first = memory(11)
    require(memory(11) == first, "the same seed gave other outcomes")
    # Equal by chance: one in 16**300.
    require(memory(12) != first, "another seed gave the same outcomes")
    fresh = [
        context.result(context.run(circuit, shots=300, memory=True)).get_memory() for _ in range(2)
    ]
    require(fresh[0] != fresh[1], "two runs without a seed gave the same outcomes")


def r08_without_measurement(context: CheckContext) -> None:
    """A circuit without measurement runs; only asking for its counts is an error."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    result = context.result(context.run(circuit, shots=4))
    require(result.success, "a circuit without measurement failed")
    error = exception_of(lambda: result.get_counts())
    require(
        isinstance(error, QiskitError),
        f"get_counts() of a circuit without measurement ended with {error!r}; "
        "expected a QiskitError",
    )
