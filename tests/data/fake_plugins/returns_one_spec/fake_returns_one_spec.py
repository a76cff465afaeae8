"""A plugin that returns a spec where a list of them is expected."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> BackendSpec:
    return BackendSpec(name="lonely", device="cpu", factory="fake_returns_one_spec:make")
