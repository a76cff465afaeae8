"""A plugin in Rust: its panics are no ``Exception``."""

from simquay.plugin import BackendSpec, hookimpl


class PanicException(BaseException):
    """What extension modules raise where their Rust code panics."""


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    raise PanicException("called `Option::unwrap()` on a `None` value")
