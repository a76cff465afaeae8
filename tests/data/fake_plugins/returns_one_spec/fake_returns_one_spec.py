"""A plugin that returns a spec where a list of them is expected."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> BackendSpec:
    return BackendSpec(name="lonely", device="cpu", factory="fake_returns_one_spec:make")
