"""Compiled kernels on disk, in Numba's cache; no fault of the disk or of a file breaks a run.

*Promised:*

- A kernel that cannot be read from the cache is compiled, and the first one in a process is told
  in the log, before. A file that is damaged or unreadable is removed and made anew.
- Where a kernel cannot be kept (no space, a quota, a limit, no folder that can be written to), it
  is used all the same, and the next process compiles it again.
- The first of these faults in a process gives one :class:`SimquayCacheWarning`, or a line in the
  log where warnings are errors; the others are in the log at level INFO.
- Processes may write at once, also of different CPUs that share a folder: a process reads the code
  of its own CPU and of the types that it asked for, or none.
"""

from __future__ import annotations

import errno
import functools
import logging
import pickle
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    IndexDataCacheFile,
    NullCache,
)
from numba.core.serialize import dumps

from simquay.engine_api import SimquayCacheWarning

__all__ = ["KernelCache", "NoCache"]

_log = logging.getLogger("simquay.numba")

_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""Errors of the process, which say nothing of the file."""

_told = False


class _Checked(CompileResultCacheImpl):
    """Compiled functions with a checksum: after a crash of the machine, a file may hold zeros in
    place of machine code, and LLVM ends the process where it is given such."""

    def reduce(self, data: Any) -> tuple[int, bytes]:
        """The checksum and the pickle of a compiled function."""
        pickled = dumps(super().reduce(data))
        return zlib.crc32(pickled), pickled

    def rebuild(self, target_context: Any, reduced_data: tuple[int, bytes]) -> Any:
        """The compiled function.

        Raises:
            Exception: of any class, where the data are damaged.
        """
        checksum, pickled = reduced_data
        if zlib.crc32(pickled) != checksum:
            raise ValueError("wrong checksum")
        return super().rebuild(target_context, pickle.loads(pickled))


class KernelCache(FunctionCache):
    """The cache of one function: an index (``.nbi``) and a data file (``.nbc``) for each signature
    and CPU. Numba calls it when it compiles, under its own lock.

    Numba itself has one index for a function. Two processes that add to it at once may then both
    write the data file with the same number, so that the index names code of other types.

    Raises:
        RuntimeError: no folder can be written to, neither here nor in the user's home.
        OSError: the function's source cannot be read.
    """

    _impl_class = _Checked

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        key = super()._index_key(sig, codegen)
        self._base = f"{self._impl.filename_base}.{zlib.crc32(repr(key).encode()):08x}"
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = IndexDataCacheFile(self.cache_path, self._base, stamp)
        return key

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled function, or None where it must be compiled."""
        self._damage = ""
        try:
            if found := super().load_overload(sig, target_context):
                return found
        except Exception as error:  # noqa: BLE001 - a damaged pickle raises errors of any class
            if not isinstance(error, MemoryError) and (
                getattr(error, "errno", None) not in _SHORTAGES
            ):
                self._damage = _in_words(error)
                self._remove()
        _tell_compiling()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function, where that can be."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - the index may be damaged, and not removed
            _tell_uncached(f" in {self.cache_path} ({_in_words(error)})")
        else:
            if self._damage:
                _tell(
                    f"a file of compiled kernels in {self.cache_path} could not be read "
                    f"({self._damage}): it was compiled and written anew; if this comes again, set "
                    "NUMBA_CACHE_DIR to another folder"
                )

    def _remove(self) -> None:
        """Remove the files of the key that was asked for last."""
        for path in Path(self.cache_path).glob(f"{self._base}.*nb[ic]"):
            with suppress(OSError):  # removed by another process; or else saving fails, and tells
                path.unlink()


class NoCache(NullCache):
    """Keeps nothing, and tells so when something is compiled.

    Args:
        reason: why there is no cache.
    """

    def __init__(self, reason: Exception) -> None:
        self._reason = _in_words(reason)

    def load_overload(self, sig: Any, target_context: Any) -> None:
        """Nothing is kept."""
        _tell_compiling()

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep nothing."""
        _tell_uncached(f" ({self._reason})")


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@functools.cache
def _tell_compiling() -> None:
    # A warning, so that it is seen where logging was not configured.
    _log.warning("compiling kernels, once on this machine: about 10 seconds")


def _tell_uncached(where: str) -> None:
    _tell(
        f"compiled kernels cannot be kept{where}: each new process compiles them again, in some 10 "
        "seconds; set NUMBA_CACHE_DIR to a folder that can be written to, with 10 MB of "
        "free space"
    )


def _tell(text: str) -> None:
    global _told
    if _told:
        _log.info("%s", text)
        return
    _told = True
    try:
        warnings.warn(text, SimquayCacheWarning, stacklevel=2)
    except SimquayCacheWarning:  # warnings are errors here, but the run has all that it needs
        _log.warning("%s", text)
