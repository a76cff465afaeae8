"""``simquay check``: whether a backend keeps the job contract and gives right results."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from simquay.cli.errors import FAILED, OK, USAGE, CommandError, require_extra
from simquay.system.version import simquay_version

if TYPE_CHECKING:
    from simquay.testing import Check, Verdict

__all__ = ["add_parser", "execute"]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
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
        help="only these checks, with commas between: J16,J17,R01; a letter means all of its kind",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
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

    checks = _chosen(options.only, CHECKS_IN_ORDER)
    name = simquay.get_backend(options.name).name  # before anything else: is there one?
    verdicts = run_checks(
        lambda: simquay.get_backend(options.name), name=options.name, checks=checks
    )
    done = list(_watched(verdicts, len(checks)))
    if options.json:
        json.dump(_document(name, done), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        _show(name, done)
    return OK if all(one.kept for one in done) else FAILED


def _chosen(only: str | None, checks: tuple[Check, ...]) -> tuple[Check, ...]:
    if only is None:
        return checks
    wanted = {one.strip().upper() for one in only.split(",") if one.strip()}
    known = {one.id for one in checks} | {one.id[0] for one in checks}
    if not wanted or wanted - known:
        unknown = ", ".join(sorted(wanted - known)) or "nothing"
        raise CommandError(
            f"--only {unknown}: expected ids of checks from J01 to {checks[-1].id}, or a letter",
            USAGE,
        )
    return tuple(one for one in checks if one.id in wanted or one.id[0] in wanted)


def _watched(verdicts: Iterator[Verdict], count: int) -> Iterator[Verdict]:
    """The verdicts, with a progress bar on stderr where that is a terminal."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield from verdicts
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(
        verdicts, "checking", total=count, console=Console(stderr=True), transient=True
    )


def _summary(verdicts: list[Verdict]) -> dict[str, Any]:
    points = [one for one in verdicts if one.check.is_point]
    others = [one for one in verdicts if not one.check.is_point]
    return {
        "points": {"kept": sum(one.kept for one in points), "checked": len(points)},
        "others": {"kept": sum(one.kept for one in others), "checked": len(others)},
    }


def _document(name: str, verdicts: list[Verdict]) -> dict[str, Any]:
    checks = [
        {
            "id": one.check.id,
            "title": one.check.title,
            "kept": one.kept,
            "problem": one.problem,
            "seconds": round(one.seconds, 3),
        }
        for one in verdicts
    ]
    return {
        "simquay": simquay_version(),
        "backend": name,
        **_summary(verdicts),
        "checks": checks,
    }


def _show(name: str, verdicts: list[Verdict]) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    table = listing("check", "", "seconds", "")
    for one in verdicts:
        table.add_row(
            Text(one.check.id, "bold"),
            Text("kept", "green") if one.kept else Text("broken", "red"),
            Text(f"{one.seconds:.2f}", justify="right"),
            Text(one.check.title if one.kept else f"{one.check.title}: {one.problem}"),
        )
    said = [
        f"{part['kept']} of {part['checked']} {noun}"
        for part, noun in zip(
            _summary(verdicts).values(), ("points of the job contract", "other checks"), strict=True
        )
        if part["checked"]
    ]
    show(make_console(), table, Text(f"{name}: {', '.join(said)}", "bold"))
