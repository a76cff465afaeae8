"""A plugin in Rust: its panics are no ``Exception``."""

from simquay.plugin import BackendSpec, hookimpl


class PanicException(BaseException):
    """Raised by extension modules whose Rust code panics."""


@hookimpl
def simquay_register_backends() -> list[BackendSpec]:
    raise PanicException("called `Option::unwrap()` on a `None` value")
