"""What several benchmarks share: a report that is always on disk, options, and whole runs."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simquay.control import Control
from simquay.engines.base import Engine
from simquay.execution.run import run_program
from simquay.execution.settings import RunContext
from simquay.program import Measure, Precision, Program

__all__ = ["Report", "Row", "measured", "options", "possible", "whole"]

SHOTS = 1024

Row = dict[str, Any]


@dataclass
class Report:
    """Tables of rows. The facts are printed first, and each row when it is noted; then all is
    saved."""

    facts: Row
    path: Path | None
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tell("facts", self.facts)

    def note(self, table: str, row: Row) -> Row:
        self.tables.setdefault(table, []).append(row)
        self._tell(table, row)
        return row

    def _tell(self, table: str, row: Row) -> None:
        told = "  ".join(f"{key} {shown(value)}" for key, value in row.items())
        print(f"{table}: {told}", flush=True)
        self.save()

    def save(self) -> None:
        if self.path:
            text = json.dumps({"facts": self.facts, **self.tables}, indent=1, default=str)
            self.path.write_text(text, encoding="utf-8")

    def print(self) -> None:
        """All tables in Markdown."""
        for title, table in self.tables.items():
            keys = list(dict.fromkeys(key for row in table for key in row))
            print(f"\n{title}\n\n| " + " | ".join(keys) + " |\n|" + "---|" * len(keys))
            for row in table:
                print("| " + " | ".join(shown(row.get(key, "")) for key in keys) + " |")


def shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def options(doc: str | None, **defaults: Sequence[Any]) -> argparse.ArgumentParser:
    """A parser with ``--json``, ``--commit``, and an option for each list of ``defaults``."""
    parser = argparse.ArgumentParser(description=(doc or "").split("\n")[0])
    for name, given in defaults.items():
        kind = Precision if name == "precisions" else type(given[0])
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, nargs="*", default=given)
    parser.add_argument("--commit", default=None)
    parser.add_argument("--json", type=Path, default=None)
    return parser


def possible(name: str, qubits: int) -> bool:
    """Whether there is a circuit: a 3-regular graph has an even number of vertices, 4 or more."""
    return name != "qaoa" or (qubits % 2 == 0 and qubits >= 4)


def measured(program: Program) -> Program:
    """The program, with a measurement of each qubit at its end."""
    qubits = program.num_qubits
    measures = tuple(Measure(q, q) for q in range(qubits))
    return Program(qubits, qubits, (*program.operations, *measures), name=program.name)


def whole(engine: Engine, program: Program, precision: Precision, repeats: int) -> float:
    """Wall-clock seconds from a program to samples of all qubits; the median, after one run more
    where it is repeated."""
    program = measured(program)
    seconds = []
    for seed in range(repeats + (repeats > 1)):
        settings = RunContext(shots=SHOTS, seed=seed, precision=precision)
        start = time.perf_counter()
        run_program(program, engine, settings, Control())
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:] or seconds)
