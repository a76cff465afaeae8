"""A plugin that claims a name of Quayside's own, and an unclaimed one."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    return [
        BackendSpec(name="numpy", device="cpu", priority=1, factory="fake_backends:make"),
        BackendSpec(name="unclaimed", device="cpu", priority=1, factory="fake_backends:make"),
    ]
