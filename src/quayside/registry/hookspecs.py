"""The hook that a plugin implements. There is one; more come when somebody needs one."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from quayside.plugin import BackendSpec

__all__ = ["PROJECT", "quayside_register_backends"]

PROJECT = "quayside"
"""The pluggy project; :data:`quayside.plugin.hookimpl` carries the same name."""

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def quayside_register_backends() -> Iterable[BackendSpec]:
    """The backends that the plugin offers; it may be a generator or return a list.

    It is called once for each :class:`~quayside.Provider`, on the first look-up. It should
    import and compute nothing: what costs time belongs in the factory, and what asks the machine
    belongs in the probe. All or nothing: where the hook raises or yields anything else than
    :class:`~quayside.plugin.BackendSpec`, none of the plugin's backends is registered.

    An implementation, in the module that the entry point of the group ``quayside`` names::

        from quayside.plugin import BackendSpec, hookimpl

        QUAYSIDE_PLUGIN_API = 1

        @hookimpl
        def quayside_register_backends():
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
