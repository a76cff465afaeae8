"""What branches cost: CPU time of circuits that measure in the middle, batched and one by one.

Each circuit has layers of two-qubit gates with a measurement after each, so that 10,000 shots end
in up to ``2**measurements`` branches: ``measure`` measures and resets a qubit; ``feedforward``
also applies a gate to another qubit where the outcome was 1, so that branches part and meet;
``repeat`` measures a qubit until it is 1, several times in a row.

    python -m benchmarks.cpu.branches --engine numpy --qubits 6 10 --measurements 10
    python -m benchmarks.cpu.branches --engine numpy --qubits 6 10 --measurements 10 --one-by-one

On the CPU the time is the process's (all threads); on a GPU it is the wall's. The least of several
runs counts. It needs Python and NumPy alone, and the engine's plugin.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable

import numpy as np

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.memory import Ledger
from simquay.execution.run import run_program
from simquay.execution.settings import Outcome, RunContext
from simquay.program import (
    IfElse,
    Matrix,
    Measure,
    Operation,
    Permutation,
    Precision,
    Program,
    Reset,
    WhileLoop,
)
from simquay.program.expressions import BitRef, Kind, Type, Unary

ENGINES = {
    "numpy": ("simquay.engines.numpy.engine", "DenseEngine"),
    "reference": ("simquay.engines.reference", "ReferenceEngine"),
    "numba": ("simquay_numba.engine", "NumbaEngine"),
    "cupy": ("simquay_cupy.factory", "make_engine"),
}


def layer(qubits: int, rng: np.random.Generator) -> list[Operation]:
    """Random two-qubit gates on neighbours, every qubit in one."""
    gates: list[Operation] = []
    first = int(rng.integers(0, 2))
    for low in range((qubits + 1) // 2):
        pair = ((2 * low + first) % qubits, (2 * low + 1 + first) % qubits)
        gaussian = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
        gates.append(Matrix(np.linalg.qr(gaussian)[0], pair))
    return gates


def measure(qubits: int, measurements: int, rng: np.random.Generator) -> list[Operation]:
    """Measure and reset a qubit after each layer."""
    operations: list[Operation] = []
    for number in range(measurements):
        qubit = number % qubits
        operations += [*layer(qubits, rng), Measure(qubit, number), Reset(qubit)]
    return operations


def feedforward(qubits: int, measurements: int, rng: np.random.Generator) -> list[Operation]:
    """Measure a qubit after each layer, and flip another one where it was 1."""
    operations: list[Operation] = []
    for number in range(measurements):
        qubit = number % qubits
        flip = Permutation(np.array([1, 0]), ((qubit + 1) % qubits,))
        operations += [*layer(qubits, rng), Measure(qubit, number), IfElse(BitRef(number), (flip,))]
    return operations


def repeat(qubits: int, measurements: int, rng: np.random.Generator) -> list[Operation]:
    """Several times: layers with a measurement, until it gives 1."""
    operations: list[Operation] = []
    for number in range(max(measurements // 4, 1)):
        again = Unary("!", BitRef(number), Type(Kind.BOOL))
        body = (*layer(qubits, rng), Measure(number % qubits, number))
        operations += [*layer(qubits, rng), WhileLoop(again, body)]
    return operations


CIRCUITS: dict[str, Callable[[int, int, np.random.Generator], list[Operation]]] = {
    "measure": measure,
    "feedforward": feedforward,
    "repeat": repeat,
}


def make_program(kind: str, qubits: int, measurements: int) -> Program:
    """The circuit, and a measurement of all qubits at its end."""
    rng = np.random.default_rng(qubits)
    operations = CIRCUITS[kind](qubits, measurements, rng)
    last = [Measure(qubit, measurements + qubit) for qubit in range(qubits)]
    return Program(
        qubits, measurements + qubits, (*operations, *layer(qubits, rng), *last), name=kind
    )


def best_of(
    rounds: int, clock: Callable[[], float], work: Callable[[], Outcome]
) -> tuple[float, Outcome]:
    """The least time of several runs, in seconds, after one that does not count."""
    outcome = work()
    times = []
    for _ in range(rounds):
        started = clock()
        outcome = work()
        times.append(clock() - started)
    return min(times), outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", choices=list(ENGINES), default="numpy")
    parser.add_argument("--circuits", nargs="+", choices=list(CIRCUITS), default=list(CIRCUITS))
    parser.add_argument("--qubits", nargs="+", type=int, default=[6, 10])
    parser.add_argument("--measurements", type=int, default=10)
    parser.add_argument("--shots", type=int, default=10_000)
    parser.add_argument("--precision", choices=["single", "double"], default="double")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-by-one", action="store_true", help="no two branches in one state")
    arguments = parser.parse_args()

    module, name = ENGINES[arguments.engine]
    engine: Engine = getattr(importlib.import_module(module), name)()
    memory = Ledger("the benchmark's device", engine.available_bytes)
    clock = time.process_time if engine.device == "cpu" else time.perf_counter
    settings = RunContext(
        shots=arguments.shots,
        precision=Precision(arguments.precision),
        branches_together=1 if arguments.one_by_one else None,
    )
    print("circuit      qubits  branches  together    passes   seconds  checksum")
    for kind in arguments.circuits:
        for qubits in arguments.qubits:
            program = make_program(kind, qubits, arguments.measurements)
            seconds, outcome = best_of(
                arguments.rounds,
                clock,
                lambda program=program: run_program(  # type: ignore[misc]  # a bound default
                    program, engine, settings, Control(), memory=memory
                ),
            )
            figures = outcome.metadata
            weights = np.arange(1, len(outcome["samples"]) + 1, dtype=np.uint64)
            checksum = int((outcome["samples"][:, 0] * weights).sum()) & 0xFFFF_FFFF
            print(
                f"{kind:<12} {qubits:>6} {figures['branches']:>9} "
                f"{figures['branches_together']:>9} {figures['passes']:>9} {seconds:>9.4f}  "
                f"{checksum:08x}",
                flush=True,
            )


if __name__ == "__main__":
    main()
