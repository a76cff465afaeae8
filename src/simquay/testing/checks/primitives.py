"""The point of the contract about the jobs of primitives (J41)."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any

from qiskit.primitives import BasePrimitiveJob, PrimitiveResult
from qiskit.providers import JobError, JobStatus, JobTimeoutError, JobV1

from simquay.primitives import EstimatorV2, SamplerV2
from simquay.testing.harness.assertions import (
    call_with_timeout,
    exception_of,
    raises,
    reaches,
    require,
    require_equal,
    returns,
)
from simquay.testing.harness.circuits import bell, circuit_of, flips
from simquay.testing.harness.context import LONG, CheckContext

_SHOTS = 100
_PRECISION = 0.05


def j41_primitives(context: CheckContext) -> None:
    """The jobs of `SamplerV2` and `EstimatorV2` on the backend keep the contract, too."""
    sampler = SamplerV2(context.backend, default_shots=_SHOTS, seed=1)
    estimator = EstimatorV2(context.backend, default_precision=_PRECISION, seed=1)
    sampled = _done(context, "SamplerV2", lambda: sampler.run([(bell(),), (flips(1), None, 7)]))
    counts = [_counts(one) for one in sampled]
    outcomes = sum(counts[0].values()), set(counts[0]) <= {"00", "11"}, counts[1]
    require_equal(outcomes, (_SHOTS, True, {"1": 7}), "shots, Bell's outcomes and flips by sampler")
    pair = circuit_of("pair", (2,), ("h", 0), ("cx", 0, 1))
    estimated = _done(context, "EstimatorV2", lambda: estimator.run([(pair, ["ZZ", "XX"])]))
    values = estimated[0].data.evs.tolist()
    are_right = len(values) == 2 and all(abs(value - 1) < 6 * _PRECISION for value in values)
    require(are_right, f"the means of ZZ and XX in a Bell pair are {values}; expected about 1")
    _fails(context, sampler)
    if not context.calibration.synchronous:
        _waits_and_stops(context, sampler)


def _counts(result: Any) -> dict[str, int]:
    """The counts of a pub's result, whose circuit has one register."""
    (register,) = result.data.values()
    counts: dict[str, int] = register.get_counts()
    return counts


def _submitted(context: CheckContext, who: str, call: Callable[[], Any]) -> Any:
    job = context.submitted(call, f"{who}.run()")
    for kind in (JobV1, BasePrimitiveJob):
        what = f"the job of {who} is a {type(job).__qualname__}, which is no {kind.__qualname__}"
        require(isinstance(job, kind), what)
    is_same = job.backend() is context.backend
    require(is_same, f"backend() of a job of {who} is not the primitive's backend")
    require(isinstance(job.job_id(), str), f"job_id() of a job of {who} is no string")
    return job


def _done(context: CheckContext, who: str, call: Callable[[], Any]) -> Sequence[Any]:
    """The result of a primitive's job, which must succeed and keep what any job keeps."""
    job = _submitted(context, who, call)
    result = context.result(job)
    is_result = isinstance(result, PrimitiveResult)
    require(is_result, f"the result of {who} is a {type(result).__qualname__}, no PrimitiveResult")
    require(call_with_timeout(job.result) is result, f"result() of {who} gave another object")
    returns(job.wait_for_final_state, f"wait_for_final_state() of a job of {who}")
    found = job.status(), job.done(), job.progress(), job.error_message(), job.cancel()
    expected = JobStatus.DONE, True, 1.0, None, False
    what = "status(), done(), progress(), error_message() and cancel() of a finished job of "
    require_equal(found, expected, what + who)
    again = returns(lambda: pickle.loads(pickle.dumps(job)), f"pickling a finished job of {who}")
    copied = again.status(), again.job_id(), len(call_with_timeout(again.result))
    what = f"status, id and number of pubs of an unpickled job of {who}"
    require_equal(copied, (JobStatus.DONE, job.job_id(), len(result)), what)
    raises(job.submit, JobError, what=f"a second submit() of a job of {who}")
    pubs: Sequence[Any] = result
    return pubs


def _fails(context: CheckContext, sampler: SamplerV2) -> None:
    """A pub that fails fails the job, and the error keeps the results of the others."""
    bad = context.failing_circuit()
    pubs = [(flips(2), None, 4), (bad,), (flips(1), None, 4)]
    job = _submitted(context, "SamplerV2", lambda: sampler.run(pubs))
    require_equal(context.wait(job), JobStatus.ERROR, "a primitive's job of which a pub fails")
    error = raises(job.result, JobError, what="result() of a primitive's job of which a pub fails")
    for text in (str(error), str(job.error_message())):
        require(bad.name in text, f"the error does not name the circuit {bad.name!r}: {text}")
    partial: Any = getattr(error, "partial_result", None)
    is_result = isinstance(partial, PrimitiveResult)
    require(is_result, f"of 3 pubs 2 succeeded; the error's partial_result is {partial!r}")
    what = "the counts in the partial_result of a primitive's job"
    require_equal([_counts(one) for one in partial], [{"11": 4}, {"1": 4}], what)


def _waits_and_stops(context: CheckContext, sampler: SamplerV2) -> None:
    """A primitive's job runs beside its caller, times out, and can be cancelled."""
    long, shots = context.circuit(LONG), context.calibration.shots_for(LONG)
    job = _submitted(context, "SamplerV2", lambda: sampler.run([(long, None, shots)] * 2))
    what = "result(timeout=0.05) of a primitive's job that runs"
    raises(lambda: job.result(timeout=0.05), JobTimeoutError, TimeoutError, what=what)
    runs = reaches(job, {JobStatus.RUNNING})
    require(runs, f"a primitive's job of some seconds was never RUNNING, but {job.status()}")
    refused = isinstance(exception_of(lambda: pickle.dumps(job)), JobError)
    require(refused, "pickling a primitive's job that runs is no JobError")
    require_equal(call_with_timeout(job.cancel), True, "cancel() of a primitive's running job")
    require_equal(job.status(), JobStatus.CANCELLED, "after cancel(), a primitive's job")
    what = "result() of a primitive's cancelled job"
    raises(job.result, JobError, CancelledError, what=what)
