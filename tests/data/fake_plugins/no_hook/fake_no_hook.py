"""A plugin that forgot to mark its hook."""

from quayside.plugin import BackendSpec


def quayside_register_backends() -> list[BackendSpec]:
    return [BackendSpec(name="unmarked", device="cpu", factory="fake_no_hook:make")]
