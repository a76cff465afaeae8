"""Three backends: one that runs, one for a device that is not there, one chosen by name only."""

from collections.abc import Iterator

from simquay.plugin import BackendSpec, hookimpl

SIMQUAY_PLUGIN_API = 1


@hookimpl
def simquay_register_backends() -> Iterator[BackendSpec]:
    yield BackendSpec(
        name="fake",
        device="cpu",
        priority=10,
        factory="fake_good.backend:make",
        probe="fake_good.probes:yes",
        aliases=("fakey", "phoney"),
        description="A backend that runs nothing",
    )
    yield BackendSpec(
        name="fake-gpu",
        device="gpu",
        priority=20,
        factory="fake_good.backend:make",
        probe="fake_good.probes:no",
        description="A backend for a device that nobody has",
        install_hint="buy the device",
    )
    yield BackendSpec(
        name="fake-oracle", device="cpu", priority=-1, factory="fake_good.backend:make"
    )
