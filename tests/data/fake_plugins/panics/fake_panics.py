"""A plugin in Rust: its panics are no ``Exception``."""

from quayside.plugin import BackendSpec, hookimpl


class PanicException(BaseException):
    """What extension modules raise where their Rust code panics."""


@hookimpl
def quayside_register_backends() -> list[BackendSpec]:
    raise PanicException("called `Option::unwrap()` on a `None` value")
