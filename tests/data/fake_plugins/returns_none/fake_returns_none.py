"""A plugin whose hook forgets to return."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> None:
    [BackendSpec(name="forgotten", device="cpu", factory="fake_returns_none:make")]
