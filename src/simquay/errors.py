"""The errors that know no Qiskit.

::

    Exception
    └── SimquayError
        ├── RegistryError
        │   ├── UnknownBackendError (also LookupError)     no backend has this name
        │   ├── AmbiguousBackendError (also LookupError)   several plugins claim this name
        │   ├── BackendUnavailableError                    known, but its probe said no
        │   └── PluginError                                a plugin broke the rules, or (strict
        │                                                  mode) did not load
        ├── ProgramError (also ValueError)                 a circuit that cannot be lowered or run
        │   ├── UnsupportedInstructionError                names the instruction and its place
        │   └── NotACircuitError (also TypeError)          something else than a QuantumCircuit
        ├── CircuitFileError                               a file that holds no circuit
        ├── OptionError (also ValueError)                  an option's name or value is wrong
        ├── OutOfMemoryError (also MemoryError)            needed and free bytes, nothing allocated
        ├── ManyStatesError                                one state was asked for, there are more
        └── Cancelled                                      the work was told to stop

    Warning
    └── UserWarning
        └── SimquayWarning
            ├── SimquayFallbackWarning    another backend was taken than the one named
            └── SimquayPluginWarning      a plugin did not load

Errors that are Qiskit's own classes as well (a job's) live in :mod:`simquay.jobs.errors`.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousBackendError",
    "BackendUnavailableError",
    "Cancelled",
    "CircuitFileError",
    "ManyStatesError",
    "NotACircuitError",
    "OptionError",
    "OutOfMemoryError",
    "PlainMessage",
    "PluginError",
    "ProgramError",
    "RegistryError",
    "SimquayError",
    "SimquayFallbackWarning",
    "SimquayPluginWarning",
    "SimquayWarning",
    "UnknownBackendError",
    "UnsupportedInstructionError",
]


class SimquayError(Exception):
    """The base of every error that Simquay raises itself."""


class PlainMessage:
    """Has an error that is a ``QiskitError`` too print its message.

    ``QiskitError`` prints the ``repr``, with quotation marks and escapes. This class comes first
    among the bases.
    """

    message: str

    def __str__(self) -> str:
        return str(self.message)


class RegistryError(SimquayError):
    """A backend could not be found or made.

    Attributes:
        summary: what was wrong, without the advice that follows it in the message.
    """

    def __init__(self, message: str, *, summary: str = "") -> None:
        super().__init__(message)
        self.summary = summary or message


class UnknownBackendError(RegistryError, LookupError):
    """No plugin registers a backend of this name."""


class AmbiguousBackendError(RegistryError, LookupError):
    """Several plugins claim this name; ``distribution:name`` chooses one."""


class BackendUnavailableError(RegistryError):
    """The backend is known, but its probe says that it cannot run here, or its factory failed."""


class PluginError(RegistryError):
    """A plugin's factory broke the rules, or a plugin failed to load in strict mode
    (``SIMQUAY_STRICT_PLUGINS=1``)."""


class ProgramError(SimquayError, ValueError):
    """A circuit or program that cannot be lowered, planned or run."""


class UnsupportedInstructionError(ProgramError):
    """An instruction that no Simquay engine runs; the message names it and its place."""


class NotACircuitError(ProgramError, TypeError):
    """Something that is not a ``QuantumCircuit`` was given where a circuit belongs."""


class CircuitFileError(SimquayError):
    """A file that cannot be read as a circuit.

    Attributes:
        path: the file, as it was given.
        line: the line of the fault, from 1, or None where it is not known.
        column: the column of the fault, from 1, or None where it is not known.
    """

    def __init__(
        self, message: str, *, path: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.path = path
        self.line = line
        self.column = column


class OptionError(SimquayError, ValueError):
    """A run option with a wrong name or value."""


class OutOfMemoryError(SimquayError, MemoryError):
    """A run needs more memory than the device or the limit allows; nothing was allocated.

    Attributes:
        needed: bytes that the run needs.
        available: bytes that it could have at most.
    """

    def __init__(self, message: str, *, needed: int = 0, available: int = 0) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available


class ManyStatesError(SimquayError):
    """One final state was asked for, but measurement or reset makes several."""


class Cancelled(SimquayError):
    """Raised by :meth:`simquay.control.Control.check` where the work was told to stop."""


class SimquayWarning(UserWarning):
    """The base of every warning that Simquay gives."""


class SimquayFallbackWarning(SimquayWarning):
    """Another backend was taken than the one that was named first."""


class SimquayPluginWarning(SimquayWarning):
    """A plugin did not load, or one of its names is in conflict."""
