"""The run options: one table, and one validator for ``run``, ``set_options`` and constructors."""

from __future__ import annotations

import copy
import difflib
import math
import numbers
import os
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from qiskit.exceptions import QiskitError
from qiskit.providers import Options

from simquay.errors import NoiseModelError, OptionError, PlainMessage, SimquayOptionWarning
from simquay.execution.settings import RunContext
from simquay.noise.model import NoiseModel
from simquay.noise.reading import noise_of
from simquay.program import Precision
from simquay.system.variables import JOB_STORE
from simquay.system.warning import warn

__all__ = [
    "DEVICE_OPTIONS",
    "DISPATCH",
    "ELSEWHERE",
    "OPTIONS",
    "Check",
    "Option",
    "RunOptionError",
    "RunOptions",
    "UnknownOptionError",
    "about_job",
    "default_options",
    "ignore",
    "resolve",
    "unknown_option",
    "validate",
]

RESERVED_METADATA = frozenset({"backend", "engine", "device", "precision", "fallback", "tags"})
"""Keys of ``job.metadata`` that Simquay sets; a user's metadata cannot have them."""

_SEED_BITS = 53
"""Bits of a random seed: at most 53, so that every JSON reader keeps it a whole number."""

_MEGABYTE = 2**20


class RunOptionError(PlainMessage, QiskitError, OptionError):  # type: ignore[misc]  # Qiskit ships no types
    """An option's value is wrong; also a ``ValueError`` and a ``QiskitError``."""


class UnknownOptionError(RunOptionError, AttributeError):
    """No option has this name; an ``AttributeError`` too, as Qiskit's ``set_options`` raises."""


Check = Callable[[str, Any], Any]
"""Gives the value of an option as it is used, from the option's name and the value given; or raises
:class:`RunOptionError`."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of every Simquay backend; docs/reference/options.md says what it means.

    Attributes:
        default: the value where none is given.
        check: gives the value as it is used.
        result: whether it asks for a kind of result, of the same name
            (:data:`~simquay.execution.kinds.KINDS`).
    """

    default: Any
    check: Check
    result: bool = False


def _wrong(name: str, value: Any, expected: str) -> RunOptionError:
    return RunOptionError(f"option {name}={value!r}: expected {expected}")


def _integer(least: int) -> Check:
    def check(name: str, value: Any) -> int:
        if type(value) is not int:  # a float such as 1e4 is a whole number as well
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not number or value % 1 != 0:
                raise _wrong(name, value, f"an integer of {least} or more")
        if value < least:
            raise _wrong(name, value, f"an integer of {least} or more")
        return int(value)

    return check


def _executor(name: str, value: Any) -> Executor:
    if isinstance(value, Executor):
        return value
    hint = "; of a Dask client, client.get_executor()" if hasattr(value, "get_executor") else ""
    raise _wrong(name, value, f"a concurrent.futures.Executor, or None{hint}")


def _flag(name: str, value: Any) -> bool:
    # A NumPy bool is a flag as well.
    if type(value).__name__ not in ("bool", "bool_"):
        raise _wrong(name, value, "True or False")
    return bool(value)


def _tags(name: str, value: Any) -> tuple[str, ...]:
    listed = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    tags = tuple(value) if listed else ()
    if not listed or not all(isinstance(tag, str) and tag and "\0" not in tag for tag in tags):
        raise _wrong(name, value, "a list of strings, such as ['calibration']")
    return tuple(dict.fromkeys(map(str, tags)))


def _precision(name: str, value: Any) -> str:
    if isinstance(value, Precision):
        return value.value
    if value not in ("double", "single"):
        raise _wrong(name, value, "'double' or 'single'")
    return str(value)


_METHODS = ("automatic", "trajectories", "density_matrix")


def _method(name: str, value: Any) -> str:
    if value == "statevector":  # Aer's name
        return "trajectories"
    if value not in _METHODS:
        known = "'automatic', 'trajectories' (or 'statevector', Aer's name) or 'density_matrix'"
        raise _wrong(name, value, f"{known}; {ELSEWHERE['method']}")
    return str(value)


def _noise(name: str, value: Any) -> NoiseModel:
    try:
        return noise_of(value)
    except NoiseModelError as error:
        raise RunOptionError(f"option {name}: {error}") from error


def _memory_limit(name: str, value: Any) -> float:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not 0 < float(value) < math.inf:
        raise _wrong(name, value, "a number of megabytes above 0, or None")
    return float(value)


def _metadata(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise _wrong(name, value, "a dict with string keys")
    taken = sorted(RESERVED_METADATA.intersection(value))
    if taken:
        raise RunOptionError(
            f"option metadata: the key {taken[0]!r} is reserved "
            f"(so are {', '.join(sorted(RESERVED_METADATA - {taken[0]}))}); choose another"
        )
    return dict(value)


OPTIONS: Mapping[str, Option] = MappingProxyType(
    {
        "shots": Option(1024, _integer(1)),
        "memory": Option(False, _flag),
        "seed_simulator": Option(None, _integer(0)),
        "precision": Option("double", _precision),
        "max_memory_mb": Option(None, _memory_limit),
        "noise_model": Option(None, _noise),
        "method": Option("automatic", _method),
        "statevector": Option(False, _flag, result=True),
        "density_matrix": Option(False, _flag, result=True),
        "executor": Option(None, _executor),
        "max_circuits_per_task": Option(None, _integer(1)),
        "max_shots_per_task": Option(None, _integer(1)),
        "metadata": Option(None, _metadata),
        "tags": Option(None, _tags),
        "keep": Option(None, _flag),
    }
)
"""Every option, by name."""

DISPATCH = frozenset({"executor", "max_circuits_per_task", "max_shots_per_task"})
"""Options that say where and in which pieces a job runs: for them, None as an argument of ``run``
means Simquay's workers and no limit, whatever the backend's options say."""

_HINTS = {
    "seed": "seed_simulator",
    "seed_transpiler": "seed_simulator",
    "max_memory": "max_memory_mb",
    "memory_mb": "max_memory_mb",
    "num_shots": "shots",
    "save_statevector": "statevector",
    "save_density_matrix": "density_matrix",
    "job_metadata": "metadata",
    "store": "keep",
    "max_job_size": "max_circuits_per_task",
    "max_shot_size": "max_shots_per_task",
}
"""Names of other libraries and similar words: the option that means the same."""

ELSEWHERE = {
    "method": "another method is a backend: simquay.get_backend('aer-mps'), 'aer-stabilizer', "
    "'aer-density-matrix', or 'auto' for the state vector.",
    "device": "simquay.get_backend('gpu') or 'cpu' chooses the device.",
    "noise_model": "simquay.get_backend('cpu') and 'aer' take one.",
    "parameter_binds": "it is an argument of run, for its circuits alone.",
    **dict.fromkeys(
        ("statevector", "density_matrix"),
        "an adapted backend gives the state where a circuit saves it, as qiskit-aer's "
        "save_statevector() and save_density_matrix() do.",
    ),
}
"""Options of other libraries: what to do instead. None asks for nothing, and is ignored."""


_UNHEEDED = (
    *("calibration_set_id", "disable_qubit_rewiring", "dynamic", "extra_metadata"),
    *("extra_query_params", "header", "image", "init_num_resets", "instance", "job_limit"),
    *("job_name", "job_share_level", "job_tags", "live_data_enabled", "max_execution_time"),
    *("meas_return", "priority", "private", "rep_delay", "rep_time", "session_time"),
    *("skip_transpilation", "start_session", "timeout_secs", "use_fractional_gates"),
    *("use_measure_esp", "validate", "verbatim"),
)

DEVICE_OPTIONS: Mapping[str, tuple[Any, ...] | None] = MappingProxyType(
    {**dict.fromkeys(_UNHEEDED), "init_qubits": (True,), "meas_level": (2,)}
)
"""Options that ``run`` of devices and cloud services takes, and that change nothing in what a
simulator of ideal circuits gives: they are ignored. By name: the only values for which that is so,
or None for all."""


def ignore(options: Mapping[str, Any]) -> None:
    """Ignore options of :data:`DEVICE_OPTIONS`, with one warning; None is "not given".

    Raises:
        RunOptionError: for a value that asks for another result.

    Warns:
        SimquayOptionWarning: names them.
    """
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        allowed = DEVICE_OPTIONS[name]
        if allowed is not None and not any(value == one for one in allowed):
            raise _wrong(name, value, f"{allowed[0]!r}, which is all that a simulator gives")
    if given:
        warn(
            f"ignored, since they mean nothing to a simulator: options {', '.join(given)}",
            SimquayOptionWarning,
        )


def validate(options: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with every value checked and in its plain form; None is the default.

    Raises:
        UnknownOptionError: for a name that is no option, with close matches.
        RunOptionError: for a value that is not of the option's type.

    Warns:
        SimquayOptionWarning: options of devices are ignored.
    """
    checked = {}
    ignored = {}
    for name, value in options.items():
        option = OPTIONS.get(name)
        if option is not None:
            if value is None:
                value = option.default
            checked[name] = None if value is None else option.check(name, value)
        elif name in DEVICE_OPTIONS:
            ignored[name] = value
        elif value is not None or name not in ELSEWHERE:
            raise unknown_option(name, OPTIONS)
    if ignored:
        ignore(ignored)
    return checked


def unknown_option(name: str, names: Iterable[str]) -> UnknownOptionError:
    """The error for a name that is no option; ``names`` are those of all options there are."""
    names, given = list(names), str(name).lower()
    close = difflib.get_close_matches(given, names, n=3, cutoff=0.6)
    if (meant := _HINTS.get(given)) in names:
        close = [str(meant)]
    hint = "there is none with a name close to it."
    if given in ELSEWHERE:
        hint = ELSEWHERE[given]
    elif close:
        hint = f"did you mean {' or '.join(map(repr, close))}?"
    return UnknownOptionError(f"no option is named {name!r}: {hint} Options: {', '.join(names)}.")


class RunOptions(Options):  # type: ignore[misc]  # Qiskit ships no types
    """Qiskit's ``Options``, whose updates are checked.

    The attribute syntax (``options.shots = 5``) is not checked; ``run`` checks those values.
    """

    __slots__ = ()

    def update_options(self, **fields: Any) -> None:
        """Update options, checked as :func:`validate` does; on an error none is changed.

        A noise model stays the object that was given: each run reads it as it then is.
        """
        checked = validate(fields)
        if "noise_model" in checked:
            checked["noise_model"] = fields["noise_model"]
        super().update_options(**checked)

    def __deepcopy__(self, memo: dict[int, Any]) -> RunOptions:
        """A deep copy that shares the executor and the noise model."""
        for name in ("executor", "noise_model"):
            shared = self.get(name)
            memo[id(shared)] = shared
        return type(self)(**copy.deepcopy(dict(self), memo))


def default_options() -> RunOptions:
    """A new set of options with the defaults."""
    return RunOptions(**{name: option.default for name, option in OPTIONS.items()})


_RESULTS = tuple([name for name, option in OPTIONS.items() if option.result])


def resolve(
    options: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[RunContext, NoiseModel | None, dict[str, Any]]:
    """The options of a run: a backend's ``options``, overridden by the arguments of ``run``.

    An argument that is None is not given, but for those of :data:`DISPATCH`.

    Returns:
        The context, of those that the run needs; the noise, or None; and the others, which are
        about its job.

    Raises:
        RunOptionError: as :func:`validate`.
    """
    merged = dict(options)
    for name, value in overrides.items():
        if value is not None or name in DISPATCH or name not in merged:
            merged[name] = value
    given = validate(merged)
    seed = given.pop("seed_simulator")
    limit = given.pop("max_memory_mb")
    context = RunContext(
        shots=given.pop("shots"),
        seed=secrets.randbits(_SEED_BITS) if seed is None else seed,
        precision=Precision(given.pop("precision")),
        max_bytes=None if limit is None else int(limit * _MEGABYTE),
        memory=given.pop("memory"),
        wanted={name: value for name in _RESULTS if (value := given.pop(name))},
        method=given.pop("method"),
    )
    return context, given.pop("noise_model"), about_job(given)


def about_job(given: dict[str, Any]) -> dict[str, Any]:
    """The options of a run that are about its job, ready for use: the tags are in the metadata, and
    ``keep`` is True or None."""
    given["metadata"] = given["metadata"] or {}
    if tags := given.pop("tags"):
        given["metadata"]["tags"] = [*tags]
    if given["keep"] is None:
        given["keep"] = bool(os.environ.get(JOB_STORE)) or None
    elif not given["keep"]:
        given["keep"] = None
    return given
