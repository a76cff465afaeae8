"""A plugin whose hook ends the program."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    raise SystemExit(3)
