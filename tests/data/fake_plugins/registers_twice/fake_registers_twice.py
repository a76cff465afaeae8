"""A plugin that registers one name twice."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    spec = BackendSpec(name="twin", device="cpu", factory="fake_registers_twice:make")
    return [spec, spec]
