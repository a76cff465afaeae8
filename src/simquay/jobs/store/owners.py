"""Which processes live: each holds a lock on a file of its own as long as it does.

The system drops a process's locks when it ends, however it ends. An owner is a process and a store:
it has a name that never comes again, unlike a process's id.

POSIX record locks (``fcntl.lockf``) have two properties that all here depends on. A forked child
does not inherit them, so it does not keep its parent's alive; it becomes an owner by itself. And a
process loses its lock when it closes *any* descriptor of the file: so no process ever opens the
file of an owner of its own again.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from simquay.system.lifecycle import after_fork, at_exit

__all__ = ["forget_dead", "is_alive", "own_name"]

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, own: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, own: bool) -> None:
        # Readers share theirs: two that look at once both find that the owner is dead.
        fcntl.lockf(descriptor, (fcntl.LOCK_EX if own else fcntl.LOCK_SH) | fcntl.LOCK_NB)


_owners: dict[Path, tuple[str, int]] = {}
"""By the store's folder, this process's name there, and the descriptor that holds the lock."""


def own_name(store: Path) -> str:
    """The name of this process in a store; it is made, and its file locked, at the first call, and
    anew where the file was removed with the store.

    Raises:
        OSError: the file cannot be made or locked.
    """
    held = _owners.get(store)
    if held is not None and not (store / "owners" / held[0]).exists():
        # The descriptor stays open, since another thread may find the same at this moment.
        _owners.pop(store, None)
    if store not in _owners:
        folder = store / "owners"
        folder.mkdir(parents=True, exist_ok=True)
        name = os.urandom(16).hex()
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            _lock(descriptor, own=True)
            about = {"pid": os.getpid(), "host": socket.gethostname()}
            os.write(descriptor, json.dumps(about).encode())
        except OSError:
            os.close(descriptor)
            raise
        if _owners.setdefault(store, (name, descriptor))[0] != name:  # another thread was first
            os.close(descriptor)
            (folder / name).unlink()
    return _owners[store][0]


def is_alive(store: Path, name: str) -> bool:
    """Whether the process of this name lives. Rows name an owner only after it has its lock.

    Raises:
        OSError: its file cannot be opened, though it is there.
    """
    if name in [own for own, _ in _owners.values()]:
        return True
    try:
        descriptor = os.open(store / "owners" / name, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        _lock(descriptor, own=False)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def forget_dead(store: Path, before: float) -> None:
    """Remove the files of processes that have died, if they are older than the time ``before``, in
    seconds since 1970: a younger one may be about to be locked."""
    for path in (store / "owners").glob("*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < before and not is_alive(store, path.name):
                path.unlink()


def _leave() -> None:
    """The process ends in good order: its files are not needed to tell so."""
    for store, (name, _) in _owners.items():
        with contextlib.suppress(OSError):
            (store / "owners" / name).unlink()


def _forked() -> None:
    """A child is another owner; the descriptors are its parent's."""
    for _, descriptor in _owners.values():
        os.close(descriptor)
    _owners.clear()


after_fork(_forked)
at_exit(_leave)
