"""Which checks of the conformance kit do some simulators pass? Writes the table in docs/reference.

``python -m benchmarks.jobs.conformance`` runs the kit on Simquay's available backends, and on two
simulators without Simquay, each in an interpreter of its own. It takes some minutes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import simquay
from simquay.testing import CHECKS_IN_ORDER, run_checks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "conformance-table.md"

BARE = {
    "AerSimulator": "qiskit_aer:AerSimulator",
    "BasicSimulator": "qiskit.providers.basic_provider:BasicSimulator",
}
"""Simulators without Simquay: the heading of the column, and the class."""

OURS = ("numpy", "reference", "numba", "basic", "aer")

_HEAD = """# Conformance of some simulators

Results of the conformance kit ([what it checks](testing.md)) for Simquay's backends, and for Aer's
`AerSimulator` and Qiskit's `BasicSimulator` without Simquay. The job contract is Simquay's:
"broken" means that a simulator does not keep a point that it never promised to keep. Used through
Simquay ({adapted}), the same simulators keep the contract.

{measured}
"""


@dataclass(frozen=True)
class Column:
    """One simulator's verdicts: the problem for each check, empty where it is kept."""

    heading: str
    problems: dict[str, str]

    def kept(self, letter: str) -> str:
        """How many checks of a kind are kept, of how many."""
        mine = [problem for identity, problem in self.problems.items() if identity[0] == letter]
        return f"{sum(not problem for problem in mine)} of {len(mine)}"


def measure(target: str) -> dict[str, str]:
    """The kit's verdicts, in this interpreter."""
    if ":" in target:
        module, _, attribute = target.partition(":")
        verdicts = run_checks(getattr(import_module(module), attribute), factory=target)
    else:
        verdicts = run_checks(lambda: simquay.get_backend(target), name=target)
    problems = {}
    for verdict in verdicts:
        problems[verdict.check.id] = verdict.problem
        print(verdict.check.id, f"{verdict.seconds:.1f} s", verdict.problem, file=sys.stderr)
    return problems


def measure_apart(heading: str, target: str) -> Column:
    """The kit's verdicts, in an interpreter of its own."""
    print(f"== {heading}", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.jobs.conformance", "--target", target],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Column(heading, json.loads(done.stdout.splitlines()[-1]))


def page(columns: list[Column]) -> str:
    """The page, as Markdown."""
    names = ["Python", "qiskit", "qiskit-aer", "numpy"]
    versions = [f"{platform.python_implementation()} {platform.python_version()}"]
    versions += [f"{name} {version(name)}" for name in names[1:]]
    adapted = [f"`{one.heading}`" for one in columns if one.heading in ("basic", "aer")]
    lines = [
        _HEAD.format(
            adapted=" and ".join(adapted) or "`simquay.simulators.adapt`",
            measured=textwrap.fill(
                f"Measured on {datetime.date.today().isoformat()} by "
                f"`python -m benchmarks.jobs.conformance`, with {', '.join(versions)}.",
                width=100,
            ),
        ),
        "| check | " + " | ".join(one.heading for one in columns) + " | what it asks |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for check in CHECKS_IN_ORDER:
        cells = ["**broken**" if one.problems[check.id] else "kept" for one in columns]
        lines.append(f"| {check.id} | {' | '.join(cells)} | {check.title} |")
    for letter, name in (("J", "points"), ("B", "backend"), ("R", "results"), ("V", "values")):
        cells = [one.kept(letter) for one in columns]
        lines.append(f"| {name} | {' | '.join(cells)} | |")
    for one in columns:
        broken = {key: text for key, text in one.problems.items() if text}
        if broken:
            lines += ["", f"## What {one.heading} breaks", "", "| check | what was seen |"]
            lines.append("|---|---|")
            lines += [f"| {key} | {_cell(text)} |" for key, text in broken.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """One line of a table, without what differs from run to run."""
    flat = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return flat if len(flat) <= 240 else flat[:237] + "..."


def main(arguments: list[str] | None = None) -> None:
    """Measure and write the page, or, with ``--target``, print one simulator's verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", help="measure this one alone and print JSON")
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    if options.target:
        problems: dict[str, Any] = measure(options.target)
        print(json.dumps(problems))
        return
    here = {info.name for info in simquay.backends()}
    targets = {name: name for name in OURS if name in here} | BARE
    columns = [measure_apart(heading, target) for heading, target in targets.items()]
    options.output.write_text(page(columns), encoding="utf-8")


if __name__ == "__main__":
    main()
