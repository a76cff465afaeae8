"""``simquay backends``: the registered backends, and whether they can run here."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from simquay.cli.errors import OK, require_extra
from simquay.cli.options import Command, json_option
from simquay.cli.views.document import print_json
from simquay.errors import SimquayPluginWarning, one_line

if TYPE_CHECKING:
    from simquay.registry import BackendInfo, KnownBackend, PluginRecord

__all__ = ["command", "describe_backend", "describe_plugin"]


@click.command("backends", cls=Command, short_help="List the backends that can run here.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="also list backends that cannot or that could be installed, and plugins that did not load",
)
@json_option
def command(*, everything: bool, as_json: bool) -> int:
    """List the backends that can run here, in the order in which 'auto' chooses."""
    if not as_json:
        require_extra("rich", "the table")
    import simquay
    from simquay.registry import installable_backends

    provider = simquay.Provider()
    with warnings.catch_warnings():
        if everything:  # the listing has what the warnings would say
            warnings.simplefilter("ignore", SimquayPluginWarning)
        backends = provider.backends(all=True)
        unused = [record for record in provider.plugins() if record.error]
    shown = [info for info in backends if everything or info.available]
    installable = installable_backends(provider.plugins()) if everything else []
    if as_json:
        document: dict[str, Any] = {"backends": [describe_backend(info) for info in shown]}
        if everything:
            document["plugins"] = [describe_plugin(record) for record in unused]
            document["installable"] = [
                {
                    "name": known.name,
                    "device": known.device,
                    "distribution": known.distribution,
                    "install": known.install,
                }
                for known in installable
            ]
        print_json(document)
    else:
        hidden = len(backends) - len(shown)
        _show(shown, unused if everything else [], installable, hidden)
    return OK


def chosen_by_auto(backends: Iterable[BackendInfo]) -> BackendInfo | None:
    """The backend that ``auto`` takes, of all in the order of the provider."""
    able = (info for info in backends if info.available and info.priority >= 0)
    return next(able, None)


def describe_backend(info: BackendInfo) -> dict[str, Any]:
    """A backend as a JSON object, as docs/reference/cli.md describes it."""
    return {
        "name": info.lookup,
        "aliases": list(info.aliases),
        "device": info.device,
        "status": info.status,
        "reason": info.reason,
        "hint": info.hint,
        "priority": info.priority,
        "distribution": info.distribution,
        "version": info.version,
        "description": info.description,
        "details": {name: str(value) for name, value in info.details.items()},
    }


def describe_plugin(record: PluginRecord) -> dict[str, Any]:
    """A plugin as a JSON object, as docs/reference/cli.md describes it."""
    return {
        "distribution": record.distribution,
        "version": record.version,
        "entry_point": record.name,
        "status": str(record.status),
        "error": record.error,
        "backends": list(record.backends),
    }


def _show(
    backends: list[BackendInfo],
    unused: list[PluginRecord],
    installable: list[KnownBackend],
    hidden: int,
) -> None:
    from rich.text import Text

    from simquay.cli.console import listing, make_console, show

    best = chosen_by_auto(backends)
    table = listing("name", "device", "status", "distribution", "")
    for column in table.columns[:-1]:
        column.no_wrap = True  # a backend is a line: what the terminal cuts is the description
    for info in backends:
        name = Text(info.lookup, "bold")
        if info is best:
            name.append(" *")
        table.add_row(
            name,
            info.device,
            Text(info.status, "green" if info.available else "yellow"),
            f"{info.distribution} {info.version}",
            Text(info.description, no_wrap=True, overflow="ellipsis"),
        )
    for known in installable:
        status = Text("installable", "dim")
        table.add_row(known.name, known.device, status, known.distribution, known.install)
    notes = [Text("* auto takes this one", "dim")] if best is not None else []
    notes += [
        Text(one_line(f"{info.lookup}: {info.reason}; {info.hint}".rstrip("; ")))
        for info in backends
        if not info.available
    ]
    if hidden:
        notes.append(Text(f"{hidden} more cannot run here: simquay backends --all", "dim"))
    console = make_console()
    show(console, table)
    if unused:
        plugins = listing("plugin", "status", "reason")
        for record in unused:
            plugins.add_row(record.label, Text(str(record.status), "red"), Text(record.error))
        show(console, Text(""), plugins)
    if notes:
        show(console, Text(""), *notes)
