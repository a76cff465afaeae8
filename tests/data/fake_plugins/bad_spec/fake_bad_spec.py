"""A plugin that describes its backend wrongly."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    return [BackendSpec(name="Loud", device="cpu", factory="fake_bad_spec:make")]
