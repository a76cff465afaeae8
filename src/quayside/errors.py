"""The errors that know no Qiskit.

::

    Exception
    └── QuaysideError
        ├── RegistryError
        │   ├── UnknownBackendError (also LookupError)     no backend has this name
        │   ├── AmbiguousBackendError (also LookupError)   several plugins claim this name
        │   ├── BackendUnavailableError                    known, but its probe said no
        │   └── PluginError                                a plugin failed to load (strict mode)
        ├── ProgramError (also ValueError)                 a circuit that cannot be lowered or run
        │   └── UnsupportedInstructionError                names the instruction and its place
        ├── OptionError (also ValueError)                  an option's name or value is wrong
        ├── OutOfMemoryError (also MemoryError)            needed and free bytes, nothing allocated
        ├── ManyStatesError                                one state was asked for, there are several
        └── Cancelled                                      the work was told to stop

    Warning
    └── UserWarning
        └── QuaysideWarning
            ├── QuaysideFallbackWarning    another backend was taken than the one named
            └── QuaysidePluginWarning      a plugin did not load

Errors that are Qiskit's own classes as well (a job's) live in :mod:`quayside.jobs.errors`.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousBackendError",
    "BackendUnavailableError",
    "Cancelled",
    "ManyStatesError",
    "OptionError",
    "OutOfMemoryError",
    "PluginError",
    "ProgramError",
    "QuaysideError",
    "QuaysideFallbackWarning",
    "QuaysidePluginWarning",
    "QuaysideWarning",
    "RegistryError",
    "UnknownBackendError",
    "UnsupportedInstructionError",
]


class QuaysideError(Exception):
    """The base of every error that Quayside raises itself."""


class RegistryError(QuaysideError):
    """A backend could not be found or made."""


class UnknownBackendError(RegistryError, LookupError):
    """No plugin registers a backend of this name."""


class AmbiguousBackendError(RegistryError, LookupError):
    """Several plugins claim this name; ``distribution:name`` chooses one."""


class BackendUnavailableError(RegistryError):
    """The backend is known, but its probe says that it cannot run here."""


class PluginError(RegistryError):
    """A plugin failed to load, and ``QUAYSIDE_STRICT_PLUGINS=1`` asked for an error."""


class ProgramError(QuaysideError, ValueError):
    """A circuit or program that cannot be lowered, planned or run."""


class UnsupportedInstructionError(ProgramError):
    """An instruction that no Quayside engine runs; the message names it and its place."""


class OptionError(QuaysideError, ValueError):
    """A run option with a wrong name or value."""


class OutOfMemoryError(QuaysideError, MemoryError):
    """A run needs more memory than the device or the limit allows; nothing was allocated.

    Attributes:
        needed: bytes that the run needs.
        available: bytes that it could have at most.
    """

    def __init__(self, message: str, *, needed: int = 0, available: int = 0) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available


class ManyStatesError(QuaysideError):
    """One final state was asked for, but measurement or reset makes several."""


class Cancelled(QuaysideError):
    """Raised by :meth:`quayside.control.Control.check` where the work was told to stop."""


class QuaysideWarning(UserWarning):
    """The base of every warning that Quayside gives."""


class QuaysideFallbackWarning(QuaysideWarning):
    """Another backend was taken than the one that was named first."""


class QuaysidePluginWarning(QuaysideWarning):
    """A plugin did not load, or one of its names is in conflict."""
