"""The hook that a plugin implements. There is one."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from simquay.plugin import BackendSpec

__all__ = ["PROJECT", "simquay_register_backends"]

PROJECT = "simquay"
"""The pluggy project; :data:`simquay.plugin.hookimpl` carries the same name."""

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def simquay_register_backends() -> Iterable[BackendSpec]:
    """The backends that the plugin offers, as a generator or a list.

    The hook is called once for each :class:`~simquay.Provider`, at the first question to it. It
    should import and compute nothing: slow work belongs in the factory, and questions about the
    machine belong in the probe. If the hook raises, or yields anything but
    :class:`~simquay.plugin.BackendSpec`, none of the plugin's backends is registered.

    An implementation, in the module that the entry point of the group ``simquay`` names::

        from simquay.plugin import BackendSpec, hookimpl

        SIMQUAY_PLUGIN_API = 1

        @hookimpl
        def simquay_register_backends():
            yield BackendSpec(
                name="tensor-train",
                device="cpu",
                priority=20,
                factory="my_package.backend:make_backend",
                probe="my_package.probe:probe",
                aliases=("mps",),
                description="Matrix product states of bounded bond dimension",
                install_hint="pip install 'my-package[fast]'",
            )
    """
    raise NotImplementedError("this is the hook's specification; a plugin implements it")
