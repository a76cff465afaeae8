"""A plugin for another version of the plugin interface."""

from quayside.plugin import BackendSpec, hookimpl

QUAYSIDE_PLUGIN_API = 99


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    return [BackendSpec(name="futuristic", device="cpu", factory="fake_other_api:make")]
