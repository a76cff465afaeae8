"""A plugin that registers one name twice."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    spec = BackendSpec(name="twin", device="cpu", factory="fake_registers_twice:make")
    return [spec, spec]
