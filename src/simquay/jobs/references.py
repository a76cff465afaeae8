"""References to backends, which go where a backend cannot: into pickles and to other processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simquay.errors import RegistryError
from simquay.jobs.errors import JobStateError

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

__all__ = ["BackendFinder", "BackendReference"]

BackendFinder = Callable[[str], "BackendV2"]
"""Makes a backend by its name, in any process: a function of a module, which pickles by reference.

It is the attribute ``simquay_finder`` of a backend that a provider gave."""


@dataclass(frozen=True)
class BackendReference:
    """Stands for a backend in a pickle: a backend holds threads and devices, which do not pickle.

    Attributes:
        name: the backend's.
        finder: makes it again; None for a backend that did not come from a provider.
    """

    name: str
    finder: BackendFinder | None

    @classmethod
    def of(cls, backend: BackendV2 | BackendReference | None) -> BackendReference | None:
        """The reference to ``backend``; a reference is its own, and None has none."""
        if backend is None or isinstance(backend, BackendReference):
            return backend
        return cls(str(backend.name), getattr(backend, "simquay_finder", None))

    def find(self) -> BackendV2:
        """A new backend object.

        Raises:
            JobStateError: there is no finder, or it does not find the backend.
        """
        if self.finder is None:
            raise JobStateError(
                f"the job's backend {self.name!r} did not come from simquay.get_backend, and so "
                "cannot be found by its name here"
            )
        try:
            return self.finder(self.name)
        except RegistryError as error:
            raise JobStateError(
                f"the job's backend {self.name!r} cannot be made here: {error}"
            ) from error
