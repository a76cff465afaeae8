"""A plugin object in a module that is built for another version of the plugin interface."""

from quayside.plugin import BackendSpec, hookimpl

QUAYSIDE_PLUGIN_API = 0


class Plugin:
    """The entry point names an instance of it."""

    @hookimpl
    def quayside_register_backends(self) -> list[BackendSpec]:
        return [BackendSpec(name="ancient", device="cpu", factory="fake_other_api_object:make")]


plugin = Plugin()
