"""A backend that fails the check of a given id, and no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import Any
from unittest import mock

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError

from simquay.engines.reference import ReferenceEngine
from simquay.jobs.base import BaseJob
from simquay.jobs.dispatch.threads import WorkerPool
from simquay.jobs.errors import JobFailedError
from simquay.jobs.job import Job
from simquay.simulators.engine import backend as engine_module
from simquay.simulators.engine.backend import EngineBackend
from simquay.simulators.engine.pubs.jobs import JoinPubs, PrimitiveJob
from simquay.system.lifecycle import before_exit
from simquay.testing import CHECKS_IN_ORDER, run_checks
from simquay.testing.harness.circuits import flips
from tests.support.broken import jobs, results

_engine = ReferenceEngine()
_one_worker = WorkerPool(1)


class Mutant(EngineBackend):
    """The backend ``reference`` with jobs of ``job_class``."""

    job_class: type[Job] = Job

    def __init__(self, **options: Any) -> None:
        super().__init__(_engine, name="reference", **options)

    def run(self, run_input: Any = None, **options: Any) -> Job:
        with mock.patch.object(engine_module, "Job", self.job_class):
            return super().run(run_input, **options)


class B01(Mutant):
    """Has no description."""

    def __init__(self) -> None:
        super().__init__()
        self.description = ""


class B02(Mutant):
    """Its number of qubits is no integer."""

    @property
    def num_qubits(self) -> Any:
        return 1024.0


class B03(Mutant):
    """Drops the Toffoli gate of a circuit with a SWAP gate."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if isinstance(run_input, QuantumCircuit) and {"swap", "ccx"} <= set(run_input.count_ops()):
            whole, run_input = run_input, run_input.copy_empty_like()
            for instruction in whole.data:
                if instruction.operation.name != "ccx":
                    run_input.append(instruction)
        return super().run(run_input, **options)


class B04(Mutant):
    """Takes one shot more than ``options.shots``."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if getattr(run_input, "name", "") == "bell" and self.options.shots > 100:
            options.setdefault("shots", self.options.shots + 1)
        return super().run(run_input, **options)


class B05(Mutant):
    """Raises another error for an option that it does not have."""

    def set_options(self, **fields: Any) -> None:
        try:
            super().set_options(**fields)
        except AttributeError as error:
            raise ValueError(str(error)) from None


class B06(Mutant):
    """Takes 0 shots for 1."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if options.get("shots") == 0:
            options["shots"] = 1
        return super().run(run_input, **options)


class B07(Mutant):
    """Takes a text for a circuit."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        return super().run(flips() if isinstance(run_input, str) else run_input, **options)


class B08(Mutant):
    """Runs three flips in reverse order."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if isinstance(run_input, list) and [one.name for one in run_input] == ["flips"] * 3:
            run_input = run_input[::-1]
        return super().run(run_input, **options)


class J35(Mutant):
    """Its jobs keep the circuits."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        job = super().run(run_input, **options)
        job.__dict__["circuits"] = run_input
        return job


class J36(Mutant):
    """Runs one job at a time."""

    def __init__(self) -> None:
        super().__init__(pool=_one_worker)


class J40(Mutant):
    """Each run leaves a thread that the interpreter waits for."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        threading.Thread(target=time.sleep, args=(4.0,), daemon=False).start()
        return super().run(run_input, **options)


class _Forgetful(PrimitiveJob):
    """Forgets the pubs that succeeded."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except JobFailedError as error:
            raise JobFailedError(str(error)) from error.__cause__


class J41(Mutant):
    """The jobs of primitives are of another class; by default one without partial results."""

    kind: type[Job] = _Forgetful

    def submit(self, parts: Any, join: Any, *arguments: Any) -> BaseJob:
        if isinstance(join, JoinPubs):
            kind = type("Join", (JoinPubs,), {"job_class": self.kind})
            join = kind(join.names, join.sizes, join.shown, join.seed, join.metadata)
        return super().submit(parts, join, *arguments)


class J43(Mutant):
    """Its jobs are cancelled at the exit, and nothing is told."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        job = super().run(run_input, **options)

        def cancel() -> None:
            if not job.in_final_state():
                job.cancel()

        before_exit(cancel)
        return job


class R03(Mutant):
    """Takes at most 4096 shots."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if options.get("shots") == 4097:
            options["shots"] = 4096
        return super().run(run_input, **options)


class R07(Mutant):
    """Ignores the seed."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        options.pop("seed_simulator", None)
        return super().run(run_input, **options)


class R08(Mutant):
    """Refuses circuits without measurement."""

    def run(self, run_input: Any = None, **options: Any) -> Job:
        if isinstance(run_input, QuantumCircuit) and not run_input.clbits:
            raise QiskitError("nothing is measured")
        return super().run(run_input, **options)


_IDS = {check.id for check in CHECKS_IN_ORDER}
_BACKENDS = {one.__name__: one for one in Mutant.__subclasses__()}
_JOBS = {
    name: one
    for module in (jobs, results)
    for name, one in vars(module).items()
    if name in _IDS and issubclass(one, Job)
}
BROKEN = sorted({*_BACKENDS, *_JOBS})
"""The ids of the checks that there is a broken backend for."""

IN_A_CHILD = {"J38", "J40", "J42", "J43"}
"""Checks that make the backend in a child process."""

BESIDE = {"J01", "J05", "J11", "J14", "R01", "R06"}
"""Quick checks that are run beside the broken one."""


def broken_backend(identity: str) -> Mutant:
    """A new backend that fails the check ``identity``, and no other."""
    mutant: Mutant = _BACKENDS.get(identity, Mutant)()
    mutant.job_class = _JOBS.get(identity, Job)
    return mutant


def breaks_j38() -> Mutant:
    """For a child process."""
    return broken_backend("J38")


def breaks_j40() -> Mutant:
    """For a child process."""
    return broken_backend("J40")


def breaks_j42() -> Mutant:
    """For a child process."""
    return broken_backend("J42")


def breaks_j43() -> Mutant:
    """For a child process."""
    return broken_backend("J43")


def failed_checks(identity: str, chosen: Collection[str] | None = None) -> list[str]:
    """The checks that the backend which breaks ``identity`` fails.

    Args:
        identity: the id of a check.
        chosen: the checks to run; by default that check and :data:`BESIDE`.
    """
    factory = None
    if identity in IN_A_CHILD:
        factory = f"{__name__}:breaks_{identity.lower()}"
    chosen = {identity} | BESIDE if chosen is None else chosen
    checks = [check for check in CHECKS_IN_ORDER if check.id in chosen]
    verdicts = list(run_checks(lambda: broken_backend(identity), factory=factory, checks=checks))
    return [one.check.id for one in verdicts if not one.kept]
