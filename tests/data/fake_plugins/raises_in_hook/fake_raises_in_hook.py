"""A plugin whose hook fails."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    raise ValueError("cannot read /etc/fake.conf")
