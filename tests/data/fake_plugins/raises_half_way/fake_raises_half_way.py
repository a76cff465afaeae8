"""A plugin whose hook fails after its first backend."""

from collections.abc import Iterator

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    yield BackendSpec(name="half", device="cpu", factory="fake_raises_half_way:make")
    raise OSError("the second backend's table is gone")
