"""A plugin that registers backends without end."""

from collections.abc import Iterator
from itertools import count

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    for number in count():
        yield BackendSpec(name=f"endless-{number}", device="cpu", factory="fake_never_ends:make")
