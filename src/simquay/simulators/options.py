"""The run options: one table, and one validator for ``run``, ``set_options`` and constructors."""

from __future__ import annotations

import copy
import difflib
import math
import numbers
import operator
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers import Options

from simquay.errors import OptionError, PlainMessage
from simquay.execution.settings import RunContext
from simquay.program import Precision

__all__ = [
    "OPTIONS",
    "Option",
    "Resolved",
    "RunOptionError",
    "RunOptions",
    "UnknownOptionError",
    "default_options",
    "resolve",
    "unknown_option",
    "validate",
]

RESERVED_METADATA = frozenset({"backend", "engine", "device", "precision", "fallback"})
"""Keys of ``job.metadata`` that Simquay sets; a user's metadata cannot have them."""

_SEED_BITS = 53
"""Bits of a random seed: at most 53, so that every JSON reader keeps it a whole number."""

_MEGABYTE = 2**20


class RunOptionError(PlainMessage, QiskitError, OptionError):  # type: ignore[misc]  # Qiskit ships no types
    """An option's value is wrong; also a ``ValueError`` and a ``QiskitError``."""


class UnknownOptionError(RunOptionError, AttributeError):
    """No option has this name; an ``AttributeError`` too, as Qiskit's ``set_options`` raises."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of every Simquay backend.

    Attributes:
        name: as given to ``run``.
        type: the accepted values, in words.
        default: the value where none is given.
        meaning: one sentence for the reference page.
        check: gives the value as it is used, or raises :class:`RunOptionError`.
        result: whether it asks for a kind of result, of the same name
            (:data:`~simquay.execution.kinds.KINDS`).
    """

    name: str
    type: str
    default: Any
    meaning: str
    check: Callable[[Any], Any]
    result: bool = False


def _wrong(name: str, value: Any, expected: str) -> RunOptionError:
    return RunOptionError(f"option {name}={value!r}: expected {expected}")


def _integer(name: str, least: int, *, or_none: bool = False) -> Callable[[Any], int | None]:
    def check(value: Any) -> int | None:
        if or_none and value is None:
            return None
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not whole or value < least:
            raise _wrong(name, value, f"an integer of {least} or more")
        return operator.index(value)

    return check


def _executor(value: Any) -> Executor | None:
    if value is None or isinstance(value, Executor):
        return value
    hint = "; of a Dask client, client.get_executor()" if hasattr(value, "get_executor") else ""
    raise _wrong("executor", value, f"a concurrent.futures.Executor, or None{hint}")


def _flag(name: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        # A NumPy bool is a flag as well; None is Aer's way of leaving a flag out.
        if value is None:
            return False
        if type(value).__name__ not in ("bool", "bool_"):
            raise _wrong(name, value, "True or False")
        return bool(value)

    return check


def _precision(value: Any) -> str:
    if isinstance(value, Precision):
        return value.value
    if value not in ("double", "single"):
        raise _wrong("precision", value, "'double' or 'single'")
    return str(value)


def _memory_limit(value: Any) -> float | None:
    if value is None:
        return None
    expected = "a number of megabytes above 0, or None"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise _wrong("max_memory_mb", value, expected)
    number = float(value)
    if not 0 < number < math.inf:
        raise _wrong("max_memory_mb", value, expected)
    return number


def _metadata(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong("metadata", value, "a dict with string keys")
    taken = sorted(RESERVED_METADATA.intersection(value))
    if taken:
        raise RunOptionError(
            f"option metadata: the key {taken[0]!r} is reserved "
            f"(so are {', '.join(sorted(RESERVED_METADATA - {taken[0]}))}); choose another"
        )
    return dict(value)


_TABLE = (
    Option(
        "shots",
        "integer, 1 or more",
        1024,
        "How many times each circuit is sampled.",
        _integer("shots", 1),
    ),
    Option(
        "memory",
        "True or False",
        False,
        "Keep the outcome of every shot, for `result.get_memory()`.",
        _flag("memory"),
    ),
    Option(
        "seed_simulator",
        "integer, 0 or more, or None",
        None,
        "The seed of all random choices; None takes a fresh one, which the result records.",
        _integer("seed_simulator", 0, or_none=True),
    ),
    Option(
        "precision",
        "'double' or 'single'",
        "double",
        "The amplitudes' number format: complex128 or complex64.",
        _precision,
    ),
    Option(
        "max_memory_mb",
        "number above 0, or None",
        None,
        "The most memory that a run may take, in megabytes of 2**20 bytes; None sets no limit "
        "but the device's.",
        _memory_limit,
    ),
    Option(
        "statevector",
        "True or False",
        False,
        "Also return each circuit's final state, for `result.get_statevector()`.",
        _flag("statevector"),
        result=True,
    ),
    Option(
        "executor",
        "`concurrent.futures.Executor`, or None",
        None,
        "The executor that runs the job's tasks; None takes Simquay's workers.",
        _executor,
    ),
    Option(
        "max_circuits_per_task",
        "integer, 1 or more, or None",
        None,
        "The most circuits of one task; None is 1 on an executor of yours, and all of the job's "
        "on Simquay's workers.",
        _integer("max_circuits_per_task", 1, or_none=True),
    ),
    Option(
        "max_shots_per_task",
        "integer, 1 or more, or None",
        None,
        "The most shots of each circuit in one task; None sets no limit.",
        _integer("max_shots_per_task", 1, or_none=True),
    ),
    Option(
        "metadata",
        "dict with string keys, or None",
        None,
        "Your entries of `job.metadata`.",
        _metadata,
    ),
)

OPTIONS: Mapping[str, Option] = MappingProxyType({option.name: option for option in _TABLE})
"""Every option, by name."""

_HINTS = {
    "seed": "seed_simulator",
    "seed_transpiler": "seed_simulator",
    "max_memory": "max_memory_mb",
    "memory_mb": "max_memory_mb",
    "num_shots": "shots",
    "save_statevector": "statevector",
    "job_metadata": "metadata",
    "max_job_size": "max_circuits_per_task",
    "max_shot_size": "max_shots_per_task",
}
"""Names of other libraries and similar words: the option that means the same."""


def validate(options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with every value checked and in its plain form.

    Raises:
        UnknownOptionError: for a name that is no option, with close matches.
        RunOptionError: for a value that is not of the option's type.
    """
    checked = {}
    for name, value in options.items():
        option = OPTIONS.get(name)
        if option is None:
            raise unknown_option(name, OPTIONS, _HINTS)
        checked[name] = option.check(value)
    return checked


def unknown_option(
    name: str, names: Iterable[str], hints: Mapping[str, str] | None = None
) -> UnknownOptionError:
    """The error for a name that is no option.

    Args:
        name: that was given.
        names: of all options there are.
        hints: by lower-case name from elsewhere: the option that means the same.
    """
    names, given = list(names), str(name).lower()
    close = difflib.get_close_matches(given, names, n=3, cutoff=0.6)
    if hints and given in hints:
        hint = f"did you mean {hints[given]!r}?"
    elif close:
        hint = f"did you mean {' or '.join(map(repr, close))}?"
    else:
        hint = "there is none with a name close to it."
    return UnknownOptionError(f"no option is named {name!r}: {hint} Options: {', '.join(names)}.")


class RunOptions(Options):  # type: ignore[misc]  # Qiskit ships no types
    """Qiskit's ``Options``, whose updates are checked.

    The attribute syntax (``options.shots = 5``) is not checked; ``run`` checks those values.
    """

    __slots__ = ()

    def update_options(self, **fields: Any) -> None:
        """Update options, checked as :func:`validate` does; on an error none is changed."""
        super().update_options(**validate(fields))

    def __deepcopy__(self, memo: dict[int, Any]) -> RunOptions:
        """A deep copy that shares the executor."""
        shared = self.get("executor")
        memo[id(shared)] = shared
        return type(self)(**copy.deepcopy(dict(self), memo))


def default_options() -> RunOptions:
    """A new set of options with the defaults."""
    return RunOptions(**{option.name: option.default for option in _TABLE})


_RESULTS = tuple([option.name for option in _TABLE if option.result])


@dataclass(frozen=True, slots=True)
class Resolved:
    """The options of one run.

    Attributes:
        context: those that the run needs.
        metadata: the user's.
        executor: runs the job's tasks; None for Simquay's workers.
        max_circuits_per_task: the most circuits of one task, or None.
        max_shots_per_task: the most shots of each circuit in one task, or None.
    """

    context: RunContext
    metadata: Mapping[str, Any]
    executor: Executor | None
    max_circuits_per_task: int | None
    max_shots_per_task: int | None

    @property
    def split(self) -> bool:
        """Whether the job is split into tasks, or runs on an executor of the user's."""
        return (
            self.executor is not None
            or self.max_circuits_per_task is not None
            or self.max_shots_per_task is not None
        )


def resolve(options: Mapping[str, Any], overrides: Mapping[str, Any]) -> Resolved:
    """The options of a run: a backend's ``options``, overridden by the arguments of ``run``.

    Raises:
        RunOptionError: as :func:`validate`.
    """
    given = validate({**options, **overrides})
    seed = given["seed_simulator"]
    limit = given["max_memory_mb"]
    context = RunContext(
        shots=given["shots"],
        seed=secrets.randbits(_SEED_BITS) if seed is None else seed,
        precision=Precision(given["precision"]),
        max_bytes=None if limit is None else int(limit * _MEGABYTE),
        memory=given["memory"],
        wanted={name: given[name] for name in _RESULTS if given[name]},
    )
    front = ("metadata", "executor", "max_circuits_per_task", "max_shots_per_task")
    return Resolved(context, *[given[name] for name in front])
