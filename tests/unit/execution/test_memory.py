"""What a run needs, and the ledger of who has reserved what."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from simquay.engines.reference import ReferenceEngine
from simquay.errors import OutOfMemoryError
from simquay.execution.memory import (
    Budget,
    Ledger,
    ledger_for,
    over_ceiling,
    required_bytes,
    statevector_bytes,
)
from simquay.program import Measure, Permutation, Precision, Program
from tests.support.job_doubles import until

MIB = 1 << 20
NOT = np.array([1, 0])


def x(qubit: int, *controls: int) -> Permutation:
    return Permutation(NOT, (qubit,), controls, (1 << len(controls)) - 1)


def test_a_run_needs_what_its_stored_qubits_take() -> None:
    engine = ReferenceEngine()
    program = Program(50, 1, (x(3), x(7, 3), x(8, 20), Measure(9, 0)))
    for precision in Precision:
        assert required_bytes(program, engine, precision) == engine.required_bytes(2, precision)
    assert statevector_bytes(Program(20, 0, (x(3),)), Precision.SINGLE) == 8 << 20


def test_sixty_qubits_are_refused_in_human_units() -> None:
    engine = ReferenceEngine()
    need = required_bytes(Program(60, 0, tuple(x(q) for q in range(60))), engine, Precision.DOUBLE)
    assert need >= 16 << 60
    with pytest.raises(OutOfMemoryError, match=r"needs \d+ EiB of memory, but this machine") as why:
        ledger_for(engine).try_reserve(need)
    assert why.value.needed == need
    assert 0 < why.value.available < 1 << 50


def test_reserve_until_full_and_release() -> None:
    ledger = Ledger("a test", lambda: 100 * MIB)
    first = ledger.try_reserve(60 * MIB)
    assert first is not None
    assert first.bytes == 60 * MIB
    assert ledger.try_reserve(60 * MIB) is None
    second = ledger.try_reserve(40 * MIB)
    assert second is not None
    assert ledger.reserved == 100 * MIB
    assert ledger.try_reserve(1) is None
    first.release()
    first.release()  # the second time does nothing
    assert ledger.reserved == 40 * MIB
    with second:
        pass
    assert ledger.reserved == 0


def test_what_is_spared_is_for_a_run_alone() -> None:
    ledger = Ledger("a test", lambda: 100 * MIB, spare=lambda: 20 * MIB)
    alone = ledger.try_reserve(100 * MIB)
    assert alone is not None
    alone.release()
    first = ledger.try_reserve(50 * MIB)
    assert first is not None
    assert ledger.try_reserve(40 * MIB) is None
    assert ledger.try_reserve(30 * MIB) is not None


def test_the_error_says_what_limits_the_device() -> None:
    ledger = Ledger("a test", lambda: MIB, bound=lambda: "a quota")
    with pytest.raises(OutOfMemoryError, match="a test has only 1 MiB available, by a quota"):
        ledger.try_reserve(2 * MIB)


def test_what_can_never_fit_is_an_error_whatever_is_reserved() -> None:
    ledger = Ledger("the toy", lambda: 100 * MIB, lambda: 200 * MIB)
    with pytest.raises(OutOfMemoryError, match="150 MiB of memory, but the toy has only 100 MiB"):
        ledger.try_reserve(150 * MIB)
    held = ledger.try_reserve(50 * MIB)
    assert held is not None
    assert ledger.try_reserve(150 * MIB) is None  # alone it might fit: worth waiting for
    with pytest.raises(OutOfMemoryError, match="201 MiB"):
        ledger.try_reserve(201 * MIB)
    held.release()


def test_what_others_take_meanwhile_counts() -> None:
    free = [100 * MIB]
    ledger = Ledger("a test", lambda: free[0])
    held = ledger.try_reserve(20 * MIB)
    assert held is not None
    free[0] = 30 * MIB
    assert ledger.try_reserve(40 * MIB) is None
    assert ledger.try_reserve(25 * MIB) is not None
    held.release()


def test_callbacks_are_called_after_each_release() -> None:
    ledger = Ledger("a test", lambda: 100)
    seen: list[int] = []
    forget = ledger.on_release(lambda: seen.append(ledger.reserved))
    for reservation in [ledger.try_reserve(10), ledger.try_reserve(30)]:
        assert reservation is not None
        reservation.release()
        reservation.release()
    assert seen == [30, 0]
    forget()
    forget()
    last = ledger.try_reserve(1)
    assert last is not None
    last.release()
    assert seen == [30, 0]


def test_a_callback_may_reserve() -> None:
    ledger = Ledger("a test", lambda: 10)
    taken = []
    ledger.on_release(lambda: taken.append(ledger.try_reserve(10)))
    first = ledger.try_reserve(10)
    assert first is not None
    first.release()
    assert taken[0] is not None
    assert ledger.reserved == 10


def test_threads_never_have_more_than_there_is() -> None:
    ledger = Ledger("a test", lambda: 10)
    seen: list[int] = []

    def work() -> None:
        for _ in range(500):
            reservation = ledger.try_reserve(3)
            if reservation is not None:
                seen.append(ledger.reserved)
                reservation.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) >= 500
    assert max(seen) <= 9
    assert ledger.reserved == 0


def test_a_budget_has_a_ceiling() -> None:
    ledger = Ledger("a test", lambda: 100)
    budget = Budget(ledger, ceiling=50, used=20)
    assert budget.try_reserve(31) is None
    part = budget.try_reserve(30)
    assert part is not None
    assert part.bytes == 30
    assert ledger.reserved == 30
    assert budget.try_reserve(1) is None
    part.release()
    part.release()
    assert ledger.reserved == 0
    others = ledger.try_reserve(90)
    assert others is not None
    assert budget.try_reserve(30) is None  # the ledger has not got them, and
    others.release()
    with budget.try_reserve(30) or pytest.fail("they were counted as used"):
        assert ledger.reserved == 30


def test_max_memory_mb() -> None:
    assert over_ceiling(5 * MIB, None) is None
    assert over_ceiling(5 * MIB, 5 * MIB) is None
    error = over_ceiling(6 * MIB, 5 * MIB)
    assert error is not None
    assert "the run needs 6 MiB of memory, but max_memory_mb allows 5 MiB" in str(error)
    assert (error.needed, error.available) == (6 * MIB, 5 * MIB)


def test_one_ledger_a_device() -> None:
    class Gpu(ReferenceEngine):
        device = "toy-gpu"

        def available_bytes(self) -> int:
            return 7

    assert ledger_for(ReferenceEngine()) is ledger_for(ReferenceEngine())
    gpu = ledger_for(Gpu())
    assert gpu is not ledger_for(ReferenceEngine())
    with pytest.raises(OutOfMemoryError, match="8 bytes of memory, but the TOY-GPU has only 7"):
        gpu.try_reserve(8)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
# Python 3.12 warns of a fork in a process that has threads, and other tests leave some behind.
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_begins_with_nothing_reserved() -> None:
    state = {"asked": False, "answer": True}  # no lock of ours that a fork could catch held

    def available() -> int:
        state["asked"] = True
        until(lambda: state["answer"])
        return 100

    ledger = Ledger("a test", available)
    held = ledger.try_reserve(80)
    assert held is not None
    state.update(asked=False, answer=False)
    thread = threading.Thread(target=ledger.try_reserve, args=(10,))
    thread.start()  # it asks for what is available, and holds the ledger's lock meanwhile
    assert until(lambda: state["asked"])
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a child that hangs must not outlive the test
        state["answer"] = True
        clean = ledger.reserved == 0 and ledger.try_reserve(100) is not None
        os._exit(0 if clean else 1)
    _, status = os.waitpid(child, 0)
    state["answer"] = True
    thread.join(20)
    assert os.waitstatus_to_exitcode(status) == 0
    assert ledger.reserved == 90
    held.release()
