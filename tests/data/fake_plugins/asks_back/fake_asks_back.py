"""A plugin that asks for a backend while it is being loaded."""

import simquay
from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    simquay.Provider().get_backend("numpy")
    return []
