"""The kinds of results: their memory, their limits, and results joined from parts."""

from __future__ import annotations

import weakref

import numpy as np
import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import OutOfMemoryError
from simquay.execution.counting import counted_bytes, counting_bytes
from simquay.execution.kinds import (
    KINDS,
    counts_bytes,
    divisible,
    joined_results,
    needed_bytes,
    result_bytes,
)
from simquay.execution.results import ResultKind
from simquay.execution.run import run_program
from simquay.execution.settings import Piece, RunContext
from simquay.program import IfElse, Measure, Precision, Program, Save
from simquay.program.expressions import BitRef
from tests.support.counting_engine import CountingEngine
from tests.support.noise import random_channel
from tests.support.random_programs import random_dynamic_program
from tests.support.small_gates import h, x

STATE = {"statevector": True}


class Gpu(ReferenceEngine):
    """An engine whose states are not in the host's memory."""

    device = "toy-gpu"


@pytest.mark.parametrize("precision", list(Precision))
def test_a_run_needs_its_state_and_on_the_cpu_its_results(precision: Precision) -> None:
    engine = ReferenceEngine()
    program = Program(20, 65, (x(3), Save("s"), IfElse(BitRef(0), (Save("t"), Save("s")))))
    state = engine.required_bytes(1, precision)
    samples = 100 * 8 * 2  # two words a shot
    # In single precision, Qiskit's copy in double precision counts as well.
    vector = (8 + 16 if precision is Precision.SINGLE else 16) << 20
    for fields, expected in (
        ({}, samples + 2 * vector),
        ({"memory": True}, samples + 2 * vector),
        ({"wanted": STATE}, samples + 3 * vector),
    ):
        context = RunContext(precision=precision, **fields)
        least = max(state, 900 if context.memory else 0)  # counting, when the state is gone
        assert needed_bytes(program, engine, context, 100) == least + expected
        assert needed_bytes(program, Gpu(), context, 100) == state


@pytest.mark.parametrize("memory", [True, False])
def test_counting_many_shots_needs_what_the_state_left_or_more(memory: bool) -> None:
    engine, context, shots = ReferenceEngine(), RunContext(memory=memory), 20_000_000
    small, large = (Program(size, 70, tuple(map(h, range(size)))) for size in (4, 24))
    samples, counting = 16 * shots, counting_bytes(shots, 70, memory)
    need = needed_bytes(small, engine, context, shots)
    assert samples + counting <= need <= samples + counting + (64 << 20)
    state = engine.required_bytes(24, Precision.DOUBLE)
    assert needed_bytes(large, engine, context, shots) <= samples + max(
        state + (64 << 20), counting
    )
    assert needed_bytes(large, engine, context, shots) >= samples + max(state, counting)


def test_millions_of_shots_that_branch_need_memory_for_each() -> None:
    engine, context = ReferenceEngine(), RunContext()
    straight, branching = (
        Program(1, 1, (h(0), Measure(0, 0))),
        Program(1, 1, (h(0), Measure(0, 0), h(0), Measure(0, 0))),
    )
    few, many = (
        needed_bytes(branching, engine, context, shots)
        - needed_bytes(straight, engine, context, shots)
        for shots in (1000, 20_000_000)
    )
    assert few == 0
    assert 24 * 20_000_000 <= many <= 24 * 20_000_000 + (64 << 20)


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("bits", [3, 70])
def test_results_are_expected_to_be_as_large_as_they_can_be(bits: int, memory: bool) -> None:
    engine, context, shots = ReferenceEngine(), RunContext(memory=memory), 3_000_000
    kept, counting = result_bytes(Program(2, bits, (h(0),)), engine, context, shots, True)
    outcomes = min(shots, 1 << bits)
    pointers = 9 * shots if memory else 0
    assert kept == counted_bytes(outcomes, bits, memory) + pointers
    words = max(1, -(-bits // 64))
    portions = 8 * (words + 1) * outcomes
    assert counting >= 8 * words * shots + portions
    assert result_bytes(Program(2, bits, (h(0),)), Gpu(), context, shots, True) == (0, 0)
    with_state = RunContext(memory=memory, wanted=STATE)
    more, same = result_bytes(Program(2, bits, (h(0),)), engine, with_state, shots, True)
    assert (more - kept, same) == (16 << 2, counting)
    samples = result_bytes(Program(2, bits, (h(0),)), engine, context, shots, False)
    assert samples == (8 * words * shots, 0)


def test_counts_may_take_of_a_limit_what_samples_leave() -> None:
    engine, shots = ReferenceEngine(), 20_000_000
    limited = RunContext(max_bytes=900 << 20)
    assert counts_bytes(limited, engine, 20, shots) == (900 << 20) - 8 * shots
    assert counts_bytes(RunContext(max_bytes=1 << 20), engine, 20, shots) == 0
    assert counts_bytes(RunContext(), engine, 20, shots) is None
    assert counts_bytes(limited, Gpu(), 20, shots) is None  # the limit is that of the device


def test_shots_are_not_split_where_one_state_is_asked_for() -> None:
    inside = Program(1, 1, (IfElse(BitRef(0), (Save("s"),)),))
    assert divisible(Program(1, 1, (h(0), Measure(0, 0))), RunContext())
    assert not divisible(Program(1, 1, (h(0),)), RunContext(wanted=STATE))
    assert not divisible(inside, RunContext())


def test_shots_are_not_split_where_saves_of_a_density_matrix_count_them_as_one() -> None:
    noise = random_channel("kraus", 1, np.random.default_rng(1))
    assert noise is not None
    save = Save("s", "probabilities", "list", qubits=(0,))
    context = RunContext(method="density_matrix")
    assert divisible(Program(1, 1, (h(0), noise, Measure(0, 0))), context)
    assert not divisible(Program(1, 1, (h(0), noise, save)), context)
    assert divisible(Program(1, 1, (h(0), noise, save)), RunContext(method="trajectories"))


def test_samples_of_parts_are_joined_in_the_order_of_shots() -> None:
    program, context = random_dynamic_program(3, 30, 2), RunContext(shots=50, seed=4)
    engine = ReferenceEngine()
    whole = run_program(program, engine, context, Control())
    parts = [
        run_program(program, engine, context, Control(), Piece((0,), first, count)).results
        for first, count in ((0, 20), (20, 1), (21, 29))
    ]
    np.testing.assert_array_equal(joined_results(parts)["samples"], whole["samples"])
    assert not parts


def test_parts_are_gone_as_they_are_joined() -> None:
    made = [np.full((1 << 20, 1), number, dtype=np.uint64) for number in range(20)]  # 8 MiB each
    expected = np.repeat(np.arange(20, dtype=np.uint64), 1 << 20)
    gone: list[int] = []
    for number, part in enumerate(made):
        weakref.finalize(part, gone.append, number)
    part = made[0]
    del part
    samples = KINDS["samples"].join(made)
    assert gone == [*reversed(range(20))]
    np.testing.assert_array_equal(samples[:, 0], expected)


def test_a_kind_of_its_own_is_read_and_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    class Norm(ResultKind):
        """The norm of the final state."""

        joins = True

        def read(self, engine, state, context, end):
            return np.linalg.norm(engine.amplitudes(state), axis=1) * context.wanted["norm"]

        def join(self, parts):
            return max(parts)

    monkeypatch.setitem(KINDS, "norm", Norm())
    context = RunContext(shots=4, wanted={"norm": 3.0})
    program = Program(2, 2, (h(0), Measure(0, 0)))
    found = run_program(program, ReferenceEngine(), context, Control()).results
    assert found["norm"] == pytest.approx(3.0)
    assert divisible(program, context)
    assert joined_results([found, found]).keys() == {"samples", "norm"}


def test_a_statevector_too_large_for_the_host_is_refused_first() -> None:
    engine = CountingEngine()
    settings = RunContext(wanted={"statevector": True})
    with pytest.raises(OutOfMemoryError, match="60 qubits takes 16 EiB") as caught:
        run_program(Program(60, 0, (x(3),)), engine, settings, Control())
    assert caught.value.needed == 16 << 60
    assert engine.allocated == 0
    saving = Program(60, 0, (x(3), Save("s")))
    with pytest.raises(OutOfMemoryError, match="16 EiB"):
        run_program(saving, engine, RunContext(shots=1), Control())
    assert engine.alive == 0
