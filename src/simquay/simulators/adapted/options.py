"""The options of an adapted backend: those of the foreign backend, checked by its validators."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from qiskit.providers import Options

from simquay.simulators.options import (
    DEVICE_OPTIONS,
    DISPATCH,
    ELSEWHERE,
    OPTIONS,
    Check,
    RunOptionError,
    ignore,
    unknown_option,
)
from simquay.system.signatures import signature_of

__all__ = ["ABOUT_JOB", "ISOLATIONS", "AdaptedOptions", "check_isolation"]

ISOLATIONS = ("process", "thread")

ABOUT_JOB = ("executor", "metadata", "tags", "keep")
"""Options about the job alone, which are those of Simquay's engines."""

_OWN = ("isolation", *ABOUT_JOB)
"""Options of the adapted backend itself. The foreign backend never gets them, even where it has an
option of the same name (Aer has an executor)."""

_SPLITTING = ("max_circuits_per_task", "max_shots_per_task")
"""Options of Simquay's engines that a foreign backend cannot keep."""

_SHARED = ("shots", "seed_simulator", "memory")
"""Options with the same meaning on every backend, checked as for Simquay's engines if not None."""


def check_isolation(name: str, value: Any) -> str:
    """``value``, if it is one of :data:`ISOLATIONS`.

    Raises:
        RunOptionError: if it is not.
    """
    if value not in ISOLATIONS:
        raise RunOptionError(f"option {name}={value!r}: expected 'process' or 'thread'")
    return str(value)


_CHECKS: Mapping[str, Check] = {
    "isolation": check_isolation,
    **{name: OPTIONS[name].check for name in (*ABOUT_JOB, *_SHARED)},
}


class AdaptedOptions:
    """The names of the options, and the checks of their values.

    Args:
        foreign: the backend that was adapted.
        checks: of options of the foreign backend's, by name; see
            :func:`~simquay.simulators.adapted.backend.adapt`.
    """

    def __init__(self, foreign: Any, checks: Mapping[str, Check] = {}) -> None:
        self._checks = {**checks, **_CHECKS}
        self._defaults = dict(foreign.options)
        self._template = foreign.options
        names = list(dict.fromkeys([*self._defaults, *_OWN]))
        more = [one for one in _run_parameters(foreign) if one not in names]
        self._names = {False: names, True: names + more}

    def initial(self) -> Options:
        """A new set of options with the foreign backend's values."""
        return copy.copy(self._template)

    def without_none(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments of ``run`` without the options that are None: they are not given."""
        names = self._names[True]
        return {
            name: value
            for name, value in given.items()
            if value is not None or name in DISPATCH or name not in names
        }

    def check(self, given: Mapping[str, Any], *, running: bool) -> dict[str, Any]:
        """``given``, checked.

        Args:
            given: options by name.
            running: whether they are arguments of ``run``, which may have more parameters.

        Raises:
            UnknownOptionError: for a name that is no option.
            RunOptionError: for a wrong value.

        Warns:
            SimquayOptionWarning: options of devices are ignored.
        """
        names = self._names[running]
        checked: dict[str, Any] = {}
        ignored: dict[str, Any] = {}
        for name, value in given.items():
            if name in _SPLITTING and name not in self._defaults:
                if value is not None:
                    raise _undivided(name)
                continue
            if name not in names:
                if name in DEVICE_OPTIONS:
                    ignored[name] = value
                elif value is not None or name not in ELSEWHERE:
                    raise unknown_option(name, names)
                continue
            if value is None and name in _SHARED:
                value = self._defaults.get(name)
            elif value is None and name == "isolation":
                continue
            elif value is None and name in ABOUT_JOB:
                pass  # not given
            elif name in self._checks:
                value = self._checks[name](name, value)
            checked[name] = value
        if ignored:
            ignore(ignored)
        theirs = {
            name: value
            for name, value in checked.items()
            if name in self._defaults and name not in _OWN
        }
        try:
            self.initial().update_options(**theirs)  # which calls the foreign backend's validators
        except (ValueError, TypeError) as error:
            raise RunOptionError(f"the backend refuses an option: {error}") from error
        return checked

    def changed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of an adapted backend that differ from the foreign backend's."""
        return {
            name: value
            for name, value in dict(options).items()
            if name not in _OWN
            and (name not in self._defaults or value is not self._defaults[name])
        }


def _undivided(name: str) -> RunOptionError:
    return RunOptionError(
        f"option {name}: a foreign backend's job is one task. Its random numbers depend on the "
        "index of a circuit in the job and of a shot in the run, so results would depend on how "
        "it is split. Run the circuits in separate jobs instead"
    )


def _run_parameters(foreign: Any) -> tuple[str, ...]:
    """The named parameters of the backend's ``run``, but for the circuits."""
    try:
        parameters = list(signature_of(foreign.run).parameters.values())
    except (TypeError, ValueError):  # written in C, or not callable
        return ()
    return tuple(
        one.name
        for one in parameters[1:]
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
    )
