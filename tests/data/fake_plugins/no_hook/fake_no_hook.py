"""A plugin that forgot to mark its hook."""

from simquay.plugin import BackendSpec


def simquay_register_backends() -> list[BackendSpec]:
    return [BackendSpec(name="unmarked", device="cpu", factory="fake_no_hook:make")]
