"""A plugin whose hook fails."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    raise ValueError("cannot read /etc/fake.conf")
