"""``simquay doctor``: a report on this machine and on the installation of Simquay."""

from __future__ import annotations

import os
import platform
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import FAILED, OK, require_extra
from simquay.cli.options import Command, json_option
from simquay.cli.views.document import print_json
from simquay.errors import SimquayPluginWarning

if TYPE_CHECKING:
    from simquay.registry import BackendInfo, PluginRecord

__all__ = ["command", "examine"]

_DISTRIBUTIONS = (
    "simquay",
    "qiskit",
    "numpy",
    "pluggy",
    "rich",
    "matplotlib",
    "qiskit-qasm3-import",
)
_PREFIX = "SIMQUAY_"


@click.command("doctor", cls=Command, short_help="Say what is broken on this machine.")
@json_option
def command(*, as_json: bool) -> int:
    """Say what Simquay finds on this machine, and run two qubits on every available backend.

    The exit code is 1 if a plugin or a backend is broken, if no backend is available, or if an
    environment variable has a value that means nothing.
    """
    if not as_json:
        require_extra("rich", "the report")
    report = examine()
    if as_json:
        print_json(report)
    else:
        _show(report)
    return FAILED if report["problems"] else OK


def examine() -> dict[str, Any]:
    """Collect the report. Plugins are loaded and their probes run, but no backend is made.

    Returns:
        The findings, as docs/reference/cli.md describes them; of distributions that are missing,
        the version is ``not installed``.
    """
    import simquay
    from simquay.cli.commands.backends import describe_backend, describe_plugin
    from simquay.system.cpus import cpu_budget
    from simquay.system.memory import host_available_bytes, host_total_bytes

    # Not strict, since the first error must not hide the rest. The report replaces the warnings.
    provider = simquay.Provider(strict=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SimquayPluginWarning)
        backends, plugins = provider.backends(all=True), provider.plugins()
    return {
        "versions": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            **{distribution: _version(distribution) for distribution in _DISTRIBUTIONS},
        },
        "backends": [describe_backend(info) for info in backends],
        "plugins": [describe_plugin(record) for record in plugins],
        "cpus": cpu_budget(),
        "memory": {"available": host_available_bytes(), "total": host_total_bytes()},
        "environment": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(_PREFIX)
        },
        "problems": _problems(backends, plugins),
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _problems(backends: list[BackendInfo], plugins: list[PluginRecord]) -> list[str]:
    problems = [
        f"plugin {record.label} is {record.status}: {record.error}"
        for record in plugins
        if record.status not in ("active", "blocked")
    ]
    if not any(info.available for info in backends):
        problems.append("no backend is available")
    return problems


def _show(report: dict[str, Any]) -> None:
    from rich.console import RenderableType
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    facts = listing("", "")
    facts.show_header = False
    for name, found in report["versions"].items():
        facts.add_row(name, found)
    facts.add_row("CPUs to use", str(report["cpus"]))
    free, total = (report["memory"][key] / 2**30 for key in ("available", "total"))
    facts.add_row("memory", f"{free:.1f} GiB available of {total:.1f} GiB")
    for name, value in report["environment"].items():
        facts.add_row(name, value)

    plugins = listing("plugin", "status", "backends", "")
    for plugin in report["plugins"]:
        style = {"active": "green", "blocked": "yellow"}.get(plugin["status"], "red")
        plugins.add_row(
            f"{plugin['distribution']} {plugin['version']}",
            Text(plugin["status"], style),
            ", ".join(plugin["backends"]),
            Text(plugin["error"]),
        )

    backends = listing("backend", "device", "status", "")
    for backend in report["backends"]:
        available = backend["status"] == "available"
        details = ", ".join(f"{name}: {value}" for name, value in backend["details"].items())
        backends.add_row(
            Text(backend["name"], "bold"),
            backend["device"],
            Text(backend["status"], "green" if available else "yellow"),
            Text(details if available else f"{backend['reason']}; {backend['hint']}".rstrip("; ")),
        )

    blank = Text("")
    parts: list[RenderableType] = [facts, blank, plugins, blank, backends, blank]
    if report["problems"]:
        parts += [Text(f"broken: {problem}", "red") for problem in report["problems"]]
    else:
        parts.append(Text("all is well", "green"))
    show(make_console(), *parts)
