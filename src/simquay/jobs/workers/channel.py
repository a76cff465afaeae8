"""Length-prefixed messages over a private socket: both ends of the pipe to a worker process."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable

from simquay.jobs.timing import TICK

__all__ = ["Channel", "ChannelClosed"]

_LENGTH = struct.Struct("<Q")


class ChannelClosed(EOFError):
    """The other end is gone."""


class Channel:
    """One end of a stream socket that carries whole messages.

    A channel is used by one thread at a time. If ``check`` raises, a message is left half sent or
    half received: only :meth:`close` is allowed then.

    Args:
        stream: a connected stream socket, which belongs to the channel from now on.
    """

    def __init__(self, stream: socket.socket) -> None:
        stream.setblocking(False)
        self._stream = stream

    def send(self, message: bytes, check: Callable[[], object] | None = None) -> None:
        """Send ``message``.

        Args:
            message: any bytes.
            check: called every few milliseconds while the other end does not read; may raise.

        Raises:
            ChannelClosed: the other end is gone.
        """
        # Length and message in one piece, so that the other end wakes once.
        left = memoryview(_LENGTH.pack(len(message)) + message)
        while left:
            left = left[self._write(left, check) :]

    def receive(self, check: Callable[[], object] | None = None) -> bytearray:
        """Wait for a message and return it.

        Args:
            check: called every few milliseconds while none comes; may raise.

        Raises:
            ChannelClosed: the other end is gone.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, check))
        return self._read(length, check)

    def readable(self, seconds: float) -> bool:
        """Wait up to ``seconds`` until a message comes, or the other end is closed."""
        poller = select.poll()
        poller.register(self._stream, select.POLLIN)
        return bool(poller.poll(1000 * seconds))

    def hung_up(self) -> bool:
        """Whether the other end is gone."""
        if not self.readable(0):
            return False
        try:
            return not self._stream.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Close this end; the other end sees it unless a forked process still holds a copy."""
        self._stream.close()

    def _write(self, part: memoryview, check: Callable[[], object] | None) -> int:
        """Write as many bytes as fit now; returns their number."""
        try:
            return self._stream.send(part)
        except BlockingIOError:
            self._wait(select.POLLOUT, check)
            return 0
        except OSError as error:
            raise ChannelClosed(str(error)) from error

    def _read(self, length: int, check: Callable[[], object] | None) -> bytearray:
        message = bytearray(length)
        left = memoryview(message)
        while left:
            try:
                count = self._stream.recv_into(left)
            except BlockingIOError:
                self._wait(select.POLLIN, check)
                continue
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            if not count:
                raise ChannelClosed("the other end closed the channel")
            left = left[count:]
        return message

    def _wait(self, event: int, check: Callable[[], object] | None) -> None:
        """Wait until the socket may be ready, or a tick has passed."""
        if check is not None:
            check()
        poller = select.poll()
        poller.register(self._stream, event)
        poller.poll(None if check is None else 1000 * TICK)
