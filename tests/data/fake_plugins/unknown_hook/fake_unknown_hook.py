"""A plugin that misspells the hook."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backend() -> list[BackendSpec]:
    return [BackendSpec(name="misspelt", device="cpu", factory="fake_unknown_hook:make")]
