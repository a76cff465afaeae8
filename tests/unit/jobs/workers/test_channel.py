"""Messages over the pipe to a worker process."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from simquay.jobs.workers.channel import Channel, ChannelClosed
from tests.support.job_doubles import LONG


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = map(Channel, socket.socketpair())
    yield one, other
    one.close()
    other.close()


@pytest.mark.parametrize("size", [0, 1, 8, 1 << 12, 1 << 23])
def test_messages_of_any_size_arrive_whole(ends: tuple[Channel, Channel], size: int) -> None:
    message = os.urandom(size)
    sender = threading.Thread(target=lambda: list(map(ends[0].send, (message, b"next"))))
    sender.start()
    assert ends[1].receive() == message
    assert ends[1].receive() == b"next"
    sender.join(LONG)


def test_waiting_looks_at_its_check(ends: tuple[Channel, Channel]) -> None:
    class Enough(Exception):
        pass

    end = time.monotonic() + 0.1

    def check() -> None:
        if time.monotonic() > end:
            raise Enough

    with pytest.raises(Enough):
        ends[0].receive(check)
    with pytest.raises(Enough):
        ends[0].send(bytes(1 << 24), check)


def test_the_other_ends_end_is_noticed(ends: tuple[Channel, Channel]) -> None:
    assert not ends[0].hung_up()
    ends[1].close()
    assert ends[0].hung_up()
    with pytest.raises(ChannelClosed):
        ends[0].receive()
    with pytest.raises(ChannelClosed):
        ends[0].send(bytes(1 << 20))
