"""A plugin that describes its backend wrongly."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    return [BackendSpec(name="Loud", device="cpu", factory="fake_bad_spec:make")]
