"""The table of known backends has the values that the plugins themselves register."""

from __future__ import annotations

import re

from simquay.registry.messages import KNOWN_BACKENDS, KnownBackend
from tests.support.plugin_sources import extras_of, specs_by_distribution


def test_the_table_has_every_plugins_first_backend_as_the_plugin_describes_it() -> None:
    firsts = {name: specs[0] for name, specs in specs_by_distribution().items()}
    assert (
        tuple(
            sorted(
                (
                    KnownBackend(first.name, distribution, first.device, first.install_hint)
                    for distribution, first in firsts.items()
                ),
                key=lambda known: known.name,
            )
        )
        == KNOWN_BACKENDS
    )


def test_every_plugins_hint_installs_the_plugin_with_an_extra_that_it_has() -> None:
    plugins = specs_by_distribution()
    assert len(plugins) >= 3
    for distribution, specs in plugins.items():
        for spec in specs:
            command = re.fullmatch(r"pip install '?([\w-]+)(?:\[(\w+)\])?'?", spec.install_hint)
            assert command, spec.install_hint
            assert command[1] == distribution
            assert command[2] is None or command[2] in extras_of(distribution)
