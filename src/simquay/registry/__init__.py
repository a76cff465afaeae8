"""The registry: finds plugins, keeps names, chooses a backend. It knows no Qiskit."""

from simquay.registry.environment import VARIABLES, Variable
from simquay.registry.names import Resolution
from simquay.registry.records import BackendInfo, PluginRecord, PluginStatus, Registered
from simquay.registry.registry import Registry

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
