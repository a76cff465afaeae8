"""What can travel to a worker process, pickled."""

from __future__ import annotations

import io
import pickle
from typing import Any

from simquay.jobs.workers.pickling import pickled

__all__ = ["NotPortableError", "portable"]


class NotPortableError(Exception):
    """It cannot be unpickled in another process; the message says why."""


def portable(thing: Any) -> bytes:
    """``thing`` as a pickle that a worker can read.

    A pickle names classes by their modules, and a worker's ``__main__`` is not the caller's: what
    is defined in a script or a notebook cannot be found there.

    Raises:
        NotPortableError: if it does not pickle, or names what is defined in ``__main__``.
    """
    try:
        data = pickled(thing)
    except Exception as error:  # pickling runs the foreign classes' own code
        raise NotPortableError(f"it does not pickle ({type(error).__name__}: {error})") from error
    if b"__main__" in data:
        try:
            _Reader(io.BytesIO(data)).load()
        except NotPortableError:
            raise
        except Exception as error:  # as above
            raise NotPortableError(
                f"its pickle cannot be read ({type(error).__name__}: {error})"
            ) from error
    return data


class _Reader(pickle.Unpickler):
    """Reads a pickle of our own as a worker would, but stops at what only this script has."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "__main__":
            raise NotPortableError(
                f"{name} is defined in __main__, which a worker cannot import; "
                "define it in a module"
            )
        return super().find_class(module, name)
