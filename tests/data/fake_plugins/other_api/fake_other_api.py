"""A plugin for another version of the plugin interface."""

from simquay.plugin import BackendSpec, hookimpl

SIMQUAY_PLUGIN_API = 99


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    return [BackendSpec(name="futuristic", device="cpu", factory="fake_other_api:make")]
