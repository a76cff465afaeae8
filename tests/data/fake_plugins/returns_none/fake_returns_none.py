"""A plugin whose hook forgets to return."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> None:
    [BackendSpec(name="forgotten", device="cpu", factory="fake_returns_none:make")]
