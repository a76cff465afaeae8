"""A plugin that claims a name of Simquay's own, and an unclaimed one."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    return [
        BackendSpec(
            name="numpy", device="cpu", priority=1, factory="tests.support.fake_backends:make"
        ),
        BackendSpec(
            name="unclaimed", device="cpu", priority=1, factory="tests.support.fake_backends:make"
        ),
    ]
