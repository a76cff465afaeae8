"""Errors and warnings whose classes do not depend on Qiskit.

::

    Exception
    └── SimquayError
        ├── RegistryError                                  a backend was not found or not created
        │   ├── UnknownBackendError (also LookupError)     no plugin registers this name
        │   ├── AmbiguousBackendError (also LookupError)   several plugins register this name
        │   ├── BackendUnavailableError                    the backend cannot run here
        │   └── PluginError                                a plugin broke the rules, or (strict
        │                                                  mode) did not load
        ├── ProgramError (also ValueError)                 a circuit cannot be lowered or run
        │   ├── UnsupportedInstructionError                no engine runs this instruction
        │   └── NotACircuitError (also TypeError)          an argument is not a QuantumCircuit
        ├── CircuitFileError                               a file cannot be read as a circuit
        ├── OptionError (also ValueError)                  an option's name or value is wrong
        ├── OutOfMemoryError (also MemoryError)            a run needs more memory than it can have
        ├── ManyStatesError                                a run has several final states, not one
        ├── NoiseModelError (also ValueError)              a channel or noise model that is none
        └── Cancelled                                      the work was cancelled

    Warning
    └── UserWarning
        └── SimquayWarning
            ├── SimquayCacheWarning       compiled code cannot be kept on disk, or was damaged there
            ├── SimquayFallbackWarning    a fallback is used instead of the backend named
            ├── SimquayOptionWarning      options that mean nothing to a simulator are ignored
            └── SimquayPluginWarning      a plugin did not load, or its factory failed

The errors of jobs, which are subclasses of Qiskit's too, are in :mod:`simquay.jobs.errors`.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AmbiguousBackendError",
    "BackendUnavailableError",
    "Cancelled",
    "CircuitFileError",
    "ManyStatesError",
    "NoiseModelError",
    "NotACircuitError",
    "OptionError",
    "OutOfMemoryError",
    "PlainMessage",
    "PluginError",
    "ProgramError",
    "RegistryError",
    "SimquayCacheWarning",
    "SimquayError",
    "SimquayFallbackWarning",
    "SimquayOptionWarning",
    "SimquayPluginWarning",
    "SimquayWarning",
    "UnknownBackendError",
    "UnsupportedInstructionError",
    "one_line",
]


def one_line(text: str, most: int = 1000) -> str:
    """``text`` as a message may show it, whoever wrote it.

    Control characters, line breaks and marks of direction are escaped. Of a text longer than
    ``most`` characters, the middle is left out.
    """
    if len(text) > most:
        text = f"{text[: most * 2 // 3]} ... {text[-(most // 3) :]}"
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


class SimquayError(Exception):
    """The base of all of Simquay's errors."""


class PlainMessage:
    """A mix-in for subclasses of ``QiskitError``: ``str()`` is the plain message.

    ``QiskitError`` gives the ``repr`` of it, with quotation marks and escapes. This class must be
    the first of the bases.
    """

    message: str

    def __str__(self) -> str:
        return str(self.message)


class RegistryError(SimquayError):
    """A backend could not be found or created.

    Attributes:
        summary: the message without the advice at its end.
    """

    def __init__(self, message: str, *, summary: str = "") -> None:
        super().__init__(message)
        self.summary = summary or message


class UnknownBackendError(RegistryError, LookupError):
    """No installed plugin registers a backend of this name."""


class AmbiguousBackendError(RegistryError, LookupError):
    """Several plugins register this name; ``distribution:name`` chooses one."""


class BackendUnavailableError(RegistryError):
    """The backend cannot run here: its probe says so, or its factory failed."""


class PluginError(RegistryError):
    """A plugin's factory broke the rules, or a plugin failed to load in strict mode
    (``SIMQUAY_STRICT_PLUGINS=1``)."""


class ProgramError(SimquayError, ValueError):
    """A circuit or program that cannot be lowered, planned or run."""


class UnsupportedInstructionError(ProgramError):
    """An instruction that no engine of Simquay runs; the message names it and its place."""


class NotACircuitError(ProgramError, TypeError):
    """An argument that must be a ``QuantumCircuit`` is something else."""


class CircuitFileError(SimquayError):
    """A file that cannot be read as a circuit.

    Attributes:
        path: the file's path, as the caller gave it.
        line: the line of the mistake, from 1; None if it is not known.
        column: the column of the mistake, from 1; None if it is not known.
    """

    def __init__(
        self, message: str, *, path: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(one_line(message))
        self.path = path
        self.line = line
        self.column = column


class OptionError(SimquayError, ValueError):
    """A run option with a wrong name or value."""


class OutOfMemoryError(SimquayError, MemoryError):
    """A run needs more memory than the device or the limit allows; nothing was allocated.

    Attributes:
        needed: bytes that the run needs.
        available: bytes that it can have at most.
    """

    def __init__(self, message: str, *, needed: int = 0, available: int = 0) -> None:
        super().__init__(message)
        self.needed = needed
        self.available = available

    def __reduce__(self) -> tuple[Any, ...]:
        # What BaseException's gives; but tblib, which Dask installs into pickle, calls __new__ of
        # classes that have none of their own, and that of MemoryError does not make subclasses.
        return type(self), self.args, vars(self)


class ManyStatesError(SimquayError):
    """One final state was requested, but measurements or resets lead to several."""


class NoiseModelError(SimquayError, ValueError):
    """A channel or noise model that cannot be read, or that no physical process has; see
    :mod:`simquay.noise.model`."""


class Cancelled(SimquayError):
    """Raised by :meth:`simquay.control.Control.check` after the work was told to stop."""


class SimquayWarning(UserWarning):
    """The base of all of Simquay's warnings."""


class SimquayCacheWarning(SimquayWarning):
    """Compiled code cannot be kept on disk, or was damaged there and is compiled anew."""


class SimquayFallbackWarning(SimquayWarning):
    """A fallback is used instead of the backend that was named first."""


class SimquayOptionWarning(SimquayWarning):
    """Run options of devices were given, which mean nothing to a simulator, and are ignored."""


class SimquayPluginWarning(SimquayWarning):
    """A plugin did not load, another plugin claims one of its names, or its factory failed."""
