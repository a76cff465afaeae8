"""The table of known backends has the values that the plugins themselves register."""

from __future__ import annotations

import re

from packaging.requirements import Requirement

from simquay.registry.messages import KNOWN_BACKENDS, OWN_NAMES, KnownBackend
from simquay.simulators.builtin import simquay_register_backends
from tests.support.plugin_sources import core_extras, specs_by_distribution


def test_the_table_has_every_plugins_first_backend_as_the_plugin_describes_it() -> None:
    plugins = specs_by_distribution()
    assert (
        tuple(
            sorted(
                (
                    KnownBackend(
                        specs[0].name,
                        distribution,
                        specs[0].device,
                        specs[0].install_hint,
                        tuple(
                            sorted(
                                {name for spec in specs for name in (spec.name, *spec.aliases)}
                                - {specs[0].name}
                            )
                        ),
                    )
                    for distribution, specs in plugins.items()
                ),
                key=lambda known: known.name,
            )
        )
        == KNOWN_BACKENDS
    )


def test_the_own_names_are_those_that_are_registered() -> None:
    registered = {
        name for spec in simquay_register_backends() for name in (spec.name, *spec.aliases)
    }
    assert registered == set(OWN_NAMES)


def test_every_plugins_hint_installs_the_plugin_from_a_checkout() -> None:
    plugins = specs_by_distribution()
    assert len(plugins) >= 3
    for distribution, specs in plugins.items():
        for spec in specs:
            hint = r'pip install "\.\[(\w+)\]" in a checkout of Simquay'
            command = re.fullmatch(hint, spec.install_hint)
            assert command, spec.install_hint
            (requirement,) = core_extras()[command[1]]
            assert Requirement(requirement).name == distribution
