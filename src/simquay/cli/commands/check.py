"""``simquay check``: whether a backend keeps the job contract and gives right results."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from simquay.cli.errors import FAILED, OK, USAGE, CommandError, require_extra
from simquay.cli.options import add_json
from simquay.cli.views.document import print_json
from simquay.cli.views.progress import track
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from simquay.cli.options import Commands
    from simquay.testing import Check, Verdict

__all__ = ["add_parser", "execute"]


def add_parser(commands: Commands) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "check",
        help="check that a backend keeps the job contract and gives right results",
        description="Run the conformance kit on a backend: the 40 points of the job contract, and "
        "checks of the backend, of results and of values. It takes a minute or so.",
    )
    parser.add_argument("name", metavar="NAME", help="the backend, as get_backend takes it")
    parser.add_argument(
        "--only",
        metavar="IDS",
        help="only these checks, separated by commas: J16,J17,R01; a letter means all of its kind",
    )
    parser.add_argument(
        "--engine", action="store_true", help="check the backend's engine against the reference"
    )
    add_json(parser)
    parser.set_defaults(execute=execute)


def execute(options: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        CommandError: a check that does not exist was asked for.
        SimquayError: the backend's name is wrong, or it cannot run here.
    """
    if not options.json:
        require_extra("rich", "the table")
    import simquay
    from simquay.testing import CHECKS_IN_ORDER, run_checks
    from simquay.testing.engines import ENGINE_CHECKS, run_engine_checks

    checks = _chosen(options.only, ENGINE_CHECKS if options.engine else CHECKS_IN_ORDER)
    backend = simquay.get_backend(options.name)  # before any check: it must exist
    name = backend.name
    if options.engine:
        engine = getattr(backend, "engine", None)
        if engine is None:
            raise CommandError(f"--engine: the backend {name} has no engine of Simquay", USAGE)
        verdicts = run_engine_checks(engine, checks)
    else:
        verdicts = run_checks(
            lambda: simquay.get_backend(options.name), name=options.name, checks=checks
        )
    done = list(track(verdicts, "checking", total=len(checks)))
    if options.json:
        print_json(_document(name, done))
    else:
        _show(name, done)
    return OK if all(verdict.kept for verdict in done) else FAILED


def _chosen(only: str | None, checks: tuple[Check[Any], ...]) -> tuple[Check[Any], ...]:
    """The checks that ``--only`` names, by id or by the letter of their kind; all without it."""
    if only is None:
        return checks
    wanted = {item.strip().upper() for item in only.split(",") if item.strip()}
    known = {check.id for check in checks} | {check.id[0] for check in checks}
    if not wanted or wanted - known:
        unknown = ", ".join(sorted(wanted - known)) or "nothing"
        raise CommandError(
            f"--only {unknown}: expected ids of checks from {checks[0].id} to {checks[-1].id}, "
            "or a letter",
            USAGE,
        )
    return tuple(check for check in checks if check.id in wanted or check.id[0] in wanted)


def _summary(verdicts: list[Verdict]) -> dict[str, Any]:
    points = [verdict for verdict in verdicts if verdict.check.is_point]
    others = [verdict for verdict in verdicts if not verdict.check.is_point]
    return {
        "points": {"kept": sum(verdict.kept for verdict in points), "checked": len(points)},
        "others": {"kept": sum(verdict.kept for verdict in others), "checked": len(others)},
    }


def _document(name: str, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "simquay": simquay_version(),
        "backend": name,
        **_summary(verdicts),
        "checks": [
            {
                "id": verdict.check.id,
                "title": verdict.check.title,
                "kept": verdict.kept,
                "problem": verdict.problem,
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in verdicts
        ],
    }


def _show(name: str, verdicts: list[Verdict]) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    table = listing("check", "", "seconds", "")
    for verdict in verdicts:
        table.add_row(
            Text(verdict.check.id, "bold"),
            Text("kept", "green") if verdict.kept else Text("broken", "red"),
            Text(f"{verdict.seconds:.2f}", justify="right"),
            Text(
                verdict.check.title if verdict.kept else f"{verdict.check.title}: {verdict.problem}"
            ),
        )
    totals = [
        f"{part['kept']} of {part['checked']} {noun}"
        for part, noun in zip(
            _summary(verdicts).values(), ("points of the job contract", "other checks"), strict=True
        )
        if part["checked"]
    ]
    show(make_console(), table, Text(f"{name}: {', '.join(totals)}", "bold"))
