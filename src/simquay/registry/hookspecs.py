"""The hook that a plugin implements. There is one; more come when somebody needs one."""

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
    """The backends that the plugin offers; it may be a generator or return a list.

    It is called once for each :class:`~simquay.Provider`, on the first look-up. It should
    import and compute nothing: what costs time belongs in the factory, and what asks the machine
    belongs in the probe. All or nothing: where the hook raises or yields anything else than
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
