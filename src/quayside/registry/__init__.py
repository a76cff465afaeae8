"""The registry: finds plugins, keeps names, chooses a backend. It knows no Qiskit."""

from quayside.registry.environment import VARIABLES, Variable
from quayside.registry.names import Resolution
from quayside.registry.records import BackendInfo, PluginRecord, PluginStatus, Registered
from quayside.registry.registry import Registry

__all__ = [
    "VARIABLES",
    "BackendInfo",
    "PluginRecord",
    "PluginStatus",
    "Registered",
    "Registry",
    "Resolution",
    "Variable",
]
