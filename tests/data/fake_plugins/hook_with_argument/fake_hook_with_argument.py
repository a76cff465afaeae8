"""A plugin whose hook wants an argument that nobody gives."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends(config: object) -> list[BackendSpec]:
    return [BackendSpec(name="wanting", device="cpu", factory="fake_hook_with_argument:make")]
