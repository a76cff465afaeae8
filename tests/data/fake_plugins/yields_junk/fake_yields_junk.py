"""A plugin that registers something else than specs."""

from simquay.plugin import BackendSpec, hookimpl


@hookimpl
def simquay_register_backends() -> list[object]:
    return [
        BackendSpec(name="beside-junk", device="cpu", factory="fake_yields_junk:make"),
        {"name": "junk"},
    ]
