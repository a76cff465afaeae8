"""``simquay check``: whether a backend keeps the job contract and gives right results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import FAILED, OK, USAGE, CommandError, require_extra
from simquay.cli.options import Command, complete_backend, json_option
from simquay.cli.views.document import print_json
from simquay.cli.views.progress import track
from simquay.errors import one_line
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from simquay.testing import Check, Verdict

__all__ = ["command"]


@click.command("check", cls=Command, short_help="Check that a backend keeps the job contract.")
@click.argument("name", metavar="NAME", shell_complete=complete_backend)
@click.option(
    "--only",
    metavar="IDS",
    help="only these checks, separated by commas: J16,J17,R01; a letter means all of its kind",
)
@click.option(
    "--expect",
    metavar="IDS",
    default="",
    help="the checks that the backend is known to fail, as for --only: they must fail",
)
@click.option("--engine", is_flag=True, help="check the backend's engine against the reference")
@click.option("--faults", is_flag=True, help="let threads, files, memory and more fail, and check")
@json_option
def command(
    *, name: str, only: str | None, expect: str, engine: bool, faults: bool, as_json: bool
) -> int:
    """Run the conformance kit on the backend NAME.

    It has the 43 points of the job contract, and checks of the backend, of results and of values.
    It takes a minute or so. With --faults it takes some minutes.
    """
    if engine and faults:
        raise CommandError("--engine and --faults are checks of two kinds: give one", USAGE)
    if not as_json:
        require_extra("rich", "the table")
    import simquay
    from simquay.testing import CHECKS_IN_ORDER, run_checks
    from simquay.testing.engines import ENGINE_CHECKS, run_engine_checks
    from simquay.testing.faults import FAULT_CHECKS

    known: tuple[Check[Any], ...] = CHECKS_IN_ORDER
    if engine or faults:
        known = ENGINE_CHECKS if engine else FAULT_CHECKS
    checks = known if only is None else _chosen("--only", only, known)
    failing = {check.id for check in _chosen("--expect", expect, known)} if expect else set()
    backend = simquay.get_backend(name)  # before any check: it must exist
    if engine:
        own = getattr(backend, "engine", None)
        if own is None:
            raise CommandError(
                f"--engine: the backend {backend.name} has no engine of Simquay", USAGE
            )
        verdicts = run_engine_checks(own, checks)
    elif faults:
        verdicts = iter([one for one in _under_faults(name) if one.check in checks])
    else:
        verdicts = run_checks(lambda: simquay.get_backend(name), name=backend.name, checks=checks)
    done = list(track(verdicts, "checking", total=len(checks)))
    if as_json:
        print_json(_document(backend.name, done, failing))
    else:
        _show(backend.name, done, failing)
    as_told = all(verdict.kept is (verdict.check.id not in failing) for verdict in done)
    return OK if as_told else FAILED


def _under_faults(name: str) -> tuple[Verdict, ...]:
    """The verdicts on the backend under faults."""
    from simquay.testing import CheckFailed
    from simquay.testing.faults import FaultReport, start_trials

    try:
        planned, trials = start_trials(name)
        report = FaultReport(tuple(track(trials, "faults", total=len(planned))))
    except CheckFailed as failure:
        raise CommandError(str(failure), FAILED) from failure
    return report.verdicts


def _chosen(option: str, ids: str, checks: tuple[Check[Any], ...]) -> tuple[Check[Any], ...]:
    """The checks that ``option`` names, by id or by the letter of their kind."""
    wanted = {item.strip().upper() for item in ids.split(",") if item.strip()}
    known = {check.id for check in checks} | {check.id[0] for check in checks}
    if not wanted or wanted - known:
        unknown = ", ".join(sorted(wanted - known)) or "nothing"
        raise CommandError(
            f"{option} {unknown}: expected ids of checks from {checks[0].id} to {checks[-1].id}, "
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


def _document(name: str, verdicts: list[Verdict], failing: set[str]) -> dict[str, Any]:
    return {
        "simquay": simquay_version(),
        "backend": name,
        **_summary(verdicts),
        "checks": [
            {
                "id": verdict.check.id,
                "title": verdict.check.title,
                "kept": verdict.kept,
                "expected": verdict.kept is (verdict.check.id not in failing),
                "problem": verdict.problem,
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in verdicts
        ],
    }


def _show(name: str, verdicts: list[Verdict], failing: set[str]) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    table = listing("check", "", "seconds", "")
    for verdict in verdicts:
        known = verdict.check.id in failing
        if verdict.kept:
            word = Text("kept, though --expect names it", "red") if known else Text("kept", "green")
        else:
            word = Text("broken, as expected", "yellow") if known else Text("broken", "red")
        table.add_row(
            Text(verdict.check.id, "bold"),
            word,
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
    show(make_console(), table, Text(one_line(f"{name}: {', '.join(totals)}"), "bold"))
