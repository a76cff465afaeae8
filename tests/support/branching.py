"""Programs with many branches, run with branches in batches and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from simquay.engines.base import Engine
from simquay.execution.settings import Outcome
from simquay.program import Measure, Operation, Program
from tests.support.small_gates import cx, h, run, ry

__all__ = ["assert_as_one_by_one", "layers", "on", "saved"]


def on(
    engine: Engine, program: Program, together: int | None, memory: Any = None, **options: Any
) -> Outcome:
    return run(program, engine, memory, branches_together=together, **options)


def saved(outcome: Outcome, key: str) -> Any:
    """The data of a save that is not conditional; the mean or sum of all, or a list."""
    _, form, groups = outcome["saved"][key]
    (number, value) = groups[None]
    return value / number if form == "average" else value


def layers(qubits: int, measurements: int, lean: float = 0.0) -> list[Operation]:
    """Entangle and measure a qubit, again and again, and turn all in the end. Without ``lean``
    every outcome has probability 1/2, and all ``2**measurements`` paths are alike."""
    operations: list[Operation] = []
    for number in range(measurements):
        qubit, other = number % qubits, (number + 1) % qubits
        operations += [h(qubit), cx(qubit, other), ry(lean, other), Measure(qubit, number)]
    return [*operations, *map(h, range(qubits))]


def assert_as_one_by_one(engine: Engine, program: Program, **options: Any) -> None:
    expected = on(engine, program, 1, **options)
    assert expected.metadata["branches_together"] == 1
    for together in (None, 3, 20):
        outcome = on(engine, program, together, **options)
        np.testing.assert_array_equal(outcome["samples"], expected["samples"])
        assert outcome.metadata["branches"] == expected.metadata["branches"]
        assert outcome.metadata["replays"] == 0
