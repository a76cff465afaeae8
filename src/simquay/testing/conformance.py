"""The pytest class that a plugin's tests subclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from simquay.testing.checks.check import Check
from simquay.testing.harness.context import CheckContext
from simquay.testing.runner import CHECKS_IN_ORDER, run_check

__all__ = ["BackendConformance"]


def _test_name(check: Check[CheckContext]) -> str:
    return f"test_{check.id.lower()}_{check.name}"


_TESTS = {_test_name(check): check for check in CHECKS_IN_ORDER}


def _make_test(check: Check[CheckContext]) -> Callable[..., None]:
    def test(self: Any, backend: Any, request: Any) -> None:
        reason = type(self).expected_failures.get(check.id)
        if reason is not None:
            import pytest

            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
        run_check(check, self._context(backend))

    test.__name__ = _test_name(check)
    test.__qualname__ = f"BackendConformance.{test.__name__}"
    test.__doc__ = f"{check.id}: {check.title}."
    return test


class _Sealed(type):
    """Metaclass of test classes whose checks cannot be overridden, deleted or weakened.

    A check that a backend fails is declared in ``expected_failures``, and nowhere else.
    """

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any
    ) -> _Sealed:
        if not any(isinstance(base, _Sealed) for base in bases):
            namespace = {**namespace, **{one: _make_test(check) for one, check in _TESTS.items()}}
            return super().__new__(mcs, name, bases, namespace, **keywords)
        made = super().__new__(mcs, name, bases, namespace, **keywords)
        for test in (*_TESTS, "_context"):
            original = inspect.getattr_static(BackendConformance, test)
            if inspect.getattr_static(made, test) is not original:
                raise TypeError(_sealed_message(name, test))
        _check_declared(made)
        return made

    def __setattr__(cls, name: str, value: object) -> None:
        if name in _TESTS or name == "_context":
            raise TypeError(_sealed_message(cls.__name__, name))
        if name == "expected_failures":
            raise TypeError(f"{cls.__name__}: set {name} in the class body; later it has no effect")
        if name == "pytestmark" and any(
            getattr(mark, "name", "") == "xfail"
            for mark in (value if isinstance(value, list) else [value])
        ):
            raise TypeError(
                f"{cls.__name__}: xfail would hide every check; use "
                "expected_failures = {'J18': 'reason'} for those that fail"
            )
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        if name in _TESTS or name == "_context":
            raise TypeError(_sealed_message(cls.__name__, name))
        super().__delattr__(name)


def _sealed_message(owner: str, test: str) -> str:
    identity = _TESTS[test].id if test in _TESTS else "J18"
    return (
        f"{owner} overrides or deletes {test}, which is a check of simquay.testing: "
        f"declare a check that fails as expected_failures = {{'{identity}': 'reason'}}"
    )


def _check_declared(made: type) -> None:
    """Check ``expected_failures``.

    Raises:
        TypeError: if a key is not the id of a check, or a reason is empty.
    """
    declared = inspect.getattr_static(made, "expected_failures")
    if not isinstance(declared, Mapping):
        raise TypeError(f"{made.__name__}: expected_failures is {declared!r}; expected a dict")
    for identity, reason in declared.items():
        if identity not in {check.id for check in CHECKS_IN_ORDER}:
            raise TypeError(
                f"{made.__name__}: expected_failures has {identity!r}; expected the id of a "
                "check, such as 'J18'"
            )
        if not isinstance(reason, str) or not reason.strip():
            raise TypeError(f"{made.__name__}: expected_failures[{identity!r}] needs a reason")


class BackendConformance(metaclass=_Sealed):
    """Every check of the kit as a pytest test, for one backend.

    Subclass it under a name that begins with ``Test``, and give the fixture ``backend``::

        import pytest

        import simquay
        from simquay.testing import BackendConformance


        class TestMine(BackendConformance):
            @pytest.fixture
            def backend(self):
                return simquay.get_backend("mine")

    Three checks run in a child process, which gets the backend by its name from
    ``simquay.get_backend``, or by ``backend_name`` or ``backend_factory``.

    Attributes:
        expected_failures: from the id of each check that the backend fails to the reason. These
            tests must fail: a check that passes is a failure. There is no other way to leave a
            check out.
        backend_name: passed to ``simquay.get_backend`` in a child process; None for the
            backend's own name.
        backend_factory: ``module:callable``, called without arguments in a child process to make a
            backend that is not in the registry.
        failing_circuit: a circuit whose run fails; None for one of 100 qubits, or, where that one
            succeeds, one with a gate that nothing defines. It must be a plain function or a static
            method that returns a new circuit each time.
    """

    expected_failures: ClassVar[Mapping[str, str]] = {}
    backend_name: ClassVar[str | None] = None
    backend_factory: ClassVar[str | None] = None
    failing_circuit: ClassVar[Callable[[], Any] | None] = None

    def _context(self, backend: Any) -> CheckContext:
        make = inspect.getattr_static(type(self), "failing_circuit")
        if isinstance(make, staticmethod):
            make = make.__func__
        return CheckContext(
            backend,
            name=self.backend_name,
            factory=self.backend_factory,
            failing=None if make is None else make(),
        )
