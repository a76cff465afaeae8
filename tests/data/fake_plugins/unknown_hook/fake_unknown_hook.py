"""A plugin that misspells the hook."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backend() -> list[BackendSpec]:
    return [BackendSpec(name="misspelt", device="cpu", factory="fake_unknown_hook:make")]
