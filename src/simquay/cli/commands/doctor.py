"""``simquay doctor``: a report on this machine and on the installation of Simquay."""

from __future__ import annotations

import os
import platform
import warnings
from collections.abc import Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import FAILED, OK, require_extra
from simquay.cli.messages import did_you_mean
from simquay.cli.options import Command, json_option
from simquay.cli.views.document import print_json
from simquay.cli.views.progress import track
from simquay.errors import RegistryError, SimquayPluginWarning, SimquayWarning, one_line

if TYPE_CHECKING:
    from simquay import Provider
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
_SHOTS = 100
_PATIENCE = 120  # seconds: the first run of a backend may compile it


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
    """Collect the report. Plugins are loaded, and every available backend runs two qubits.

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
        "problems": [
            *_environment_problems(provider, backends, plugins),
            *_problems(backends, plugins),
            *_run_problems(provider, backends),
        ],
    }


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _environment_problems(
    provider: Provider, backends: list[BackendInfo], plugins: list[PluginRecord]
) -> Iterator[str]:
    """The environment variables whose name or value means nothing, with what may be meant."""
    from simquay.plugin import RESERVED_NAMES
    from simquay.registry.catalog import normalize_distribution
    from simquay.registry.messages import KNOWN_BACKENDS
    from simquay.registry.requests import (
        BACKEND,
        DISABLE_PLUGINS,
        FALLBACK,
        LOAD_PLUGINS,
        STRICT_PLUGINS,
        VARIABLES,
        read_flag,
        read_list,
    )

    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in VARIABLES:
            yield f"{name} is no variable of Simquay{did_you_mean(name, VARIABLES)}"
    try:
        read_flag(STRICT_PLUGINS)
    except RegistryError as error:
        yield str(error)
    installed = {name for one in plugins for name in (one.distribution, one.name)}
    published = {known.distribution for known in KNOWN_BACKENDS}
    for variable in (DISABLE_PLUGINS, LOAD_PLUGINS):
        for name in map(normalize_distribution, read_list(variable)):
            if name not in installed | published:
                near = did_you_mean(name, installed | published)
                yield f"{variable} names {name!r}, which is no installed plugin{near}"
    known = {*RESERVED_NAMES, *(name for one in KNOWN_BACKENDS for name in one.names)}
    registered = {name for info in backends for name in (info.name, *info.aliases)}
    wrong = False
    for variable in (BACKEND, FALLBACK):
        for name in read_list(variable):
            if name not in known and not provider.backends(name, all=True):
                wrong = True
                near = did_you_mean(name, known | registered)
                yield f"{variable} names {name!r}, which is no backend{near}"
    if read_list(BACKEND) and not wrong:
        try:
            provider.get_backend()
        except RegistryError as error:
            yield str(error)


def _problems(backends: list[BackendInfo], plugins: list[PluginRecord]) -> Iterator[str]:
    for record in plugins:
        if record.status not in ("active", "blocked"):
            yield f"plugin {record.label} is {record.status}: {record.error}"
    if not any(info.available for info in backends):
        yield "no backend is available"


def _run_problems(provider: Provider, backends: list[BackendInfo]) -> Iterator[str]:
    """The available backends that cannot be made, or do not run a Bell pair as they should."""
    from simquay.registry.guard import Failure, guarded

    available = [info for info in backends if info.available]
    for info in track(available, "trying backends", total=len(available)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SimquayWarning)
            wrong = guarded(partial(_run_bell_pair, provider, info))
        if wrong:
            text = wrong.text if isinstance(wrong, Failure) else wrong
            yield f"backend {info.lookup} is listed as available, but {text}"


def _run_bell_pair(provider: Provider, info: BackendInfo) -> str:
    """What is wrong with two entangled qubits on this backend; empty if nothing is."""
    from qiskit import QuantumCircuit, transpile

    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    backend = provider.get_backend(f"{info.distribution}:{info.name}")
    if backend.simquay_resolution.fallback_from is not None:
        return str(backend.simquay_resolution.reason)
    job = backend.run(transpile(circuit, backend, optimization_level=0), shots=_SHOTS)
    try:
        counts = job.result(timeout=_PATIENCE).get_counts()
    except TimeoutError:
        job.cancel()
        return f"two qubits do not end within {_PATIENCE} s"
    if sum(counts.values()) != _SHOTS or not counts.keys() <= {"00", "11"}:
        return f"a Bell pair gives {counts}"
    return ""


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
        parts += [Text(one_line(f"broken: {problem}"), "red") for problem in report["problems"]]
    else:
        parts.append(Text("all is well", "green"))
    show(make_console(), *parts)
