"""The registry: finds plugins, keeps the catalog of their backends, and chooses one by name.

Takes the entry points of installed distributions, the environment variables ``SIMQUAY_*``, and a
request: names to try. Gives a new backend object and the :class:`Resolution` that says how it was
chosen, or an error that says what to do; and records for listings. Read ``selection.py`` first,
then ``entry_points.py``. It does not import Qiskit.
"""

from simquay.registry.catalog import (
    BackendInfo,
    PluginRecord,
    PluginStatus,
    RegisteredBackend,
    Resolution,
)
from simquay.registry.messages import KnownBackend, installable_backends
from simquay.registry.selection import Registry

__all__ = [
    "BackendInfo",
    "KnownBackend",
    "PluginRecord",
    "PluginStatus",
    "RegisteredBackend",
    "Registry",
    "Resolution",
    "installable_backends",
]
