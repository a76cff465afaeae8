"""A plugin object in a module that is built for another version of the plugin interface."""

from simquay.plugin import BackendSpec, hookimpl

SIMQUAY_PLUGIN_API = 0


class Plugin:
    """The entry point names an instance of it."""

    @hookimpl
    def simquay_register_backends(self) -> list[BackendSpec]:
        return [BackendSpec(name="ancient", device="cpu", factory="fake_other_api_object:make")]


plugin = Plugin()
