"""Starting a thread: whatever goes wrong is one kind of error."""

from __future__ import annotations

import threading

import pytest

from simquay.system.starting import start_thread


@pytest.mark.parametrize("error", [RuntimeError("full"), OSError("full"), MemoryError("full")])
def test_whatever_a_start_raises_is_a_runtime_error(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise error

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="no thread can be started: full") as caught:
        start_thread(threading.Thread())
    assert caught.value.__cause__ is error


def test_a_thread_is_started() -> None:
    done = threading.Event()
    start_thread(threading.Thread(target=done.set))
    assert done.wait(10)
