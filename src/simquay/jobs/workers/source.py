"""How a worker process makes its own backend object."""

from __future__ import annotations

import hashlib
import pickle
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["BackendSource"]


@dataclass(frozen=True)
class BackendSource:
    """How a worker makes its own backend object.

    Attributes:
        factory: ``module:callable``, called without arguments; or empty.
        pickled: the backend, pickled, where there is no factory.
    """

    factory: str = ""
    pickled: bytes = b""

    @cached_property
    def key(self) -> str:
        """Equal for equal sources."""
        return self.factory or hashlib.sha256(self.pickled).hexdigest()

    def make(self) -> Any:
        """A new backend."""
        if not self.factory:
            return pickle.loads(self.pickled)
        return pkgutil.resolve_name(self.factory)()
