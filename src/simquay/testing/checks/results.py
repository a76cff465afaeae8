"""Checks of results: order of bits and registers, totals, memory, headers, seeds."""

from __future__ import annotations

import warnings
from collections import Counter

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.exceptions import QiskitError

from simquay.testing.harness.assertions import raises, require, require_equal
from simquay.testing.harness.circuits import bell, circuit_of, flips
from simquay.testing.harness.context import CheckContext


def _two_registers() -> QuantumCircuit:
    """Its outcome is ``1 001``: register ``b`` is 1, of ``a`` bit 0 alone."""
    qubits, a, b = QuantumRegister(3, "q"), ClassicalRegister(3, "a"), ClassicalRegister(1, "b")
    measured = ("measure", qubits, [a[0], a[1], b[0]])
    return circuit_of("two registers", (qubits, a, b), ("x", [0, 2]), measured)


def _uniform(count: int) -> QuantumCircuit:
    every = range(count)
    return circuit_of("uniform", (count, count), ("h", every), ("measure", every, every))


def r01_bit_order(context: CheckContext) -> None:
    """Classical bit 0 is the rightmost of an outcome, whatever qubit was measured into it."""
    places = ((0, 0), (0, 2), (2, 0), (1, 2))
    circuits = [circuit_of("one", (3, 3), ("x", q), ("measure", q, bit)) for q, bit in places]
    expected = [{"001": 5}, {"100": 5}, {"001": 5}, {"100": 5}]
    what = "get_counts() of a 1 measured into bits 0, 2, 0, 2"
    require_equal(context.counts(circuits, shots=5), expected, what)


def r02_register_order(context: CheckContext) -> None:
    """Registers are separated by blanks, the last one leftmost; unused bits are 0."""
    require_equal(context.counts(_two_registers(), shots=5), {"1 001": 5}, "get_counts()")


def r03_shot_totals(context: CheckContext) -> None:
    """Counts add up to the shots, from one shot to many."""
    for shots in (1, 2, 1000, 4097):
        result = context.result(context.run([bell(), _uniform(3)], shots=shots))
        totals = [sum(one.values()) for one in result.get_counts()]
        require_equal(totals, [shots] * 2, "the number of outcomes of two circuits")
        said = [one.shots for one in result.results]
        require_equal(said, [shots] * 2, "the number of shots that the results say")


def r04_memory(context: CheckContext) -> None:
    """`memory=True` keeps each shot's outcome; the counts are those of the memory."""
    result = context.result(context.run([_uniform(2), _two_registers()], shots=200, memory=True))
    for index in range(2):
        memory = result.get_memory(index)
        require_equal(len(memory), 200, "the number of outcomes in the memory of 200 shots")
        require_equal(result.get_counts(index), Counter(memory), "get_counts(), with memory,")


def r05_headers(context: CheckContext) -> None:
    """Headers say each circuit's name and bits; results are found by name."""
    result = context.result(context.run([bell(), _two_registers()], shots=8))
    headers = [one.header for one in result.results]
    names = [header["name"] for header in headers]
    require_equal(names, ["bell", "two registers"], "the name in the headers")
    slots = [header["memory_slots"] for header in headers]
    require_equal(slots, [2, 4], "memory_slots in the headers")
    sizes = list(map(list, headers[1]["creg_sizes"]))
    require_equal(sizes, [["a", 3], ["b", 1]], "creg_sizes")
    what = "get_counts('two registers')"
    require_equal(result.get_counts("two registers"), {"1 001": 8}, what)


def r06_what_ran(context: CheckContext) -> None:
    """A result names the job and the backend, and says success for each circuit."""
    job = context.run([bell(), flips()], shots=8)
    result = context.result(job)
    require_equal(result.job_id, job.job_id(), "result.job_id")
    require_equal(result.backend_name, context.backend.name, "result.backend_name")
    for one in (result, *result.results):
        require_equal(one.success, True, "success of a finished job's result")


def r07_seeds(context: CheckContext) -> None:
    """The same `seed_simulator` gives the same outcomes, another one others."""
    circuit = _uniform(4)

    def memory(**seed: int) -> list[str]:
        job = context.run(circuit, shots=300, memory=True, **seed)
        outcomes: list[str] = context.result(job).get_memory()
        return outcomes

    first = memory(seed_simulator=11)
    require(memory(seed_simulator=11) == first, "the same seed gave other outcomes")
    # Equal by chance: one in 16**300.
    require(memory(seed_simulator=12) != first, "another seed gave the same outcomes")
    require(memory() != memory(), "two runs without a seed gave the same outcomes")


def r08_without_measurement(context: CheckContext) -> None:
    """A circuit without measurement runs; only asking for its counts is an error."""
    circuit = circuit_of("unmeasured", (2,), ("h", 0), ("cx", 0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backend may say that there will be no counts
        job = context.run(circuit, shots=4)
    result = context.result(job)
    require(result.success, "a circuit without measurement failed")
    what = "get_counts() of a circuit without measurement"
    raises(lambda: result.get_counts(), QiskitError, what=what)
