"""A plugin that registers something else than specs."""

from quayside.plugin import BackendSpec, hookimpl


@hookimpl
def quayside_register_backends() -> list[object]:
    return [
        BackendSpec(name="beside-junk", device="cpu", factory="fake_yields_junk:make"),
        {"name": "junk"},
    ]
