"""Plans launched as CUDA graphs: the same amplitudes, the right state, and only where it is
faster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from evolution import BOTH, REFERENCE, TOLERANCE, oracle
from host_device import HostDevice

from simquay.engine_api import (
    Cancelled,
    Control,
    Layout,
    Plan,
    Precision,
    make_plan,
)
from simquay.testing.engines import random_gates
from simquay_cupy import engine as engine_module
from simquay_cupy.encoding import programs as programs_module
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.engine import CupyEngine
from simquay_cupy.plans import GRAPHS_KEPT, MOST_AMPLITUDES, TRIALS, PlanGraphs
from simquay_cupy.states import DeviceState

QUBITS = 14


LIMIT = 4096


def make(engine: CupyEngine, seed: int, precision: Precision) -> tuple[Plan, np.ndarray]:
    """A plan of several passes, and the amplitudes that it gives."""
    gates = random_gates(QUBITS, 80, seed)
    plan = make_plan(gates, Layout(), engine.profile(precision, QUBITS))
    assert len(plan) > 1
    return plan, REFERENCE.amplitudes(oracle(gates, QUBITS))


def begin(engine: CupyEngine, state: DeviceState) -> None:
    """|0…0>, and nonsense elsewhere: what nobody writes shows."""
    state.order = ()
    with engine.on.active():
        state.vectors[...] = np.nan
        state.vectors[:, 0] = 1


def apply(engine: CupyEngine, state: DeviceState, plan: Plan, control: Control) -> np.ndarray:
    begin(engine, state)
    engine.apply(state, plan, control)
    return engine.amplitudes(state)


@BOTH
def test_replays_do_what_launches_do_on_the_state_and_plan_at_hand(
    engine: CupyEngine, precision: Precision, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So little program memory that a plan needs several windows: copies between its launches.
    monkeypatch.setattr(programs_module, "PROGRAM_BYTES", LIMIT)
    replaying = CupyEngine(engine.on, replay="always")
    replays = count_replays(replaying, monkeypatch)
    plans = [make(replaying, seed, precision) for seed in (1, 2)]
    monkeypatch.setattr(engine_module, "encode_plan", partial(encode_plan, limit=LIMIT))
    for plan, _ in plans:
        assert len(replaying.uploaded(plan, precision).programs.windows) > 1
    states = [
        replaying.allocate(QUBITS, precision, capacity=QUBITS, batch=batch) for batch in (1, 2, 1)
    ]
    # The first application of a plan to a state is never a replay, nor is one after another state
    # than a recorded one.
    order = [(0, 0, 0), (0, 0, 1), (0, 0, 1), (1, 0, 0), (1, 0, 1), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
    order += [(1, 1, 0), (1, 1, 1), (0, 0, 1), (2, 0, 0), (2, 0, 1), (1, 0, 1), (0, 0, 0)]
    for where, which, replayed in order:
        plan, expected = plans[which]
        before = len(replays)
        control = Control()
        found = apply(replaying, states[where], plan, control)
        assert len(replays) - before == replayed
        assert control.fraction == 1
        assert found.shape == (states[where].batch, 1 << QUBITS)
        assert np.abs(found - expected).max() < TOLERANCE[precision]
        for other, state in enumerate(states):  # each is asked for, and not written again
            if other != where:
                with replaying.on.active():
                    state.vectors[...] = np.nan


def test_a_batch_at_the_address_of_a_single_vector_is_another_state(engine: CupyEngine) -> None:
    replaying = CupyEngine(engine.on, replay="always")
    plan, expected = make(replaying, 6, Precision.DOUBLE)
    both = replaying.allocate(QUBITS, Precision.DOUBLE, capacity=QUBITS, batch=2)
    one = DeviceState(QUBITS, Precision.DOUBLE, (), both.vectors[:1])
    assert replaying.on.address(one.vectors) == replaying.on.address(both.vectors)
    for state in (one, one, both, both, one, both):
        found = apply(replaying, state, plan, Control())
        assert found.shape[0] == state.batch
        assert np.abs(found - expected).max() < TOLERANCE[Precision.DOUBLE]


def count_replays(engine: CupyEngine, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    replays: list[Any] = []
    replay = engine.on.replay

    def counted(graph: Any) -> None:
        replays.append(graph)
        replay(graph)

    monkeypatch.setattr(engine.on, "replay", counted)
    return replays


@pytest.mark.parametrize("rule", ["measured", "always", "never"])
def test_runs_give_the_same_with_and_without(engine: CupyEngine, rule: Any) -> None:
    running = CupyEngine(engine.on, replay=rule)
    plan, expected = make(running, 3, Precision.DOUBLE)
    first: Any = None
    for _ in range(2 * TRIALS + 4):
        state = running.allocate(QUBITS, Precision.DOUBLE, capacity=QUBITS)
        found = apply(running, state, plan, Control())
        running.release(state)
        first = found if first is None else first
        np.testing.assert_array_equal(found, first)
    assert np.abs(first - expected).max() < TOLERANCE[Precision.DOUBLE]


@pytest.mark.parametrize("cancelled", [0, 1])
def test_a_cancelled_run_replays_nothing(
    engine: CupyEngine, cancelled: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaying = CupyEngine(engine.on, replay="always")
    plan, _ = make(replaying, 4, Precision.DOUBLE)
    state = replaying.allocate(QUBITS, Precision.DOUBLE, capacity=QUBITS)
    replays = count_replays(replaying, monkeypatch)
    for _ in range(3):
        apply(replaying, state, plan, Control())
    assert len(replays) == 2
    control = Control()
    if cancelled:
        control.cancel()
        with pytest.raises(Cancelled):
            apply(replaying, state, plan, control)
    else:
        apply(replaying, state, plan, control)
    assert len(replays) == 3 - cancelled


def test_what_is_long_or_one_launch_is_not_recorded(
    make_host_engine: Callable[[], CupyEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = CupyEngine(make_host_engine().on, replay="always")
    monkeypatch.setattr(engine.on, "capture", None)  # asking for it would fail
    profile = engine.profile(Precision.SINGLE, 12)
    small = make_plan(random_gates(12, 40, 1), Layout(), profile)
    plan, _ = make(engine, 1, Precision.SINGLE)
    large = MOST_AMPLITUDES.bit_length()  # one qubit more than are replayed
    for each, capacity in ((small, 12), (plan, large)):
        state = engine.allocate(QUBITS, Precision.SINGLE, capacity=capacity)
        for _ in range(3):
            apply(engine, state, each, Control())
        engine.release(state)
    assert isinstance(engine.on, HostDevice)
    launched = engine.on.launches
    assert launched.count("tile_pass_single") == 3 + 3 * len(plan)


class Clockwork(HostDevice):
    """A device whose launches and replays take as long as they are told to."""

    def __init__(self, launches: float, replay: float, able: bool = True) -> None:
        # No library: only queueing, graphs and marks are asked of it.
        self.now = 0.0
        self.costs = (launches, replay)
        self.able = able
        self.done: list[str] = []

    def queue(self) -> None:
        self.now += self.costs[0]
        self.done.append("launches")

    def replay(self, graph: Any) -> None:
        assert graph is not None
        self.now += self.costs[1]
        self.done.append("replay")

    def capture(self, queue: Callable[[], None]) -> Any:
        self.now += 50  # capturing is not part of what is timed
        return object() if self.able else None

    def timed(self, work: Callable[[], object]) -> float:
        start = self.now
        work()
        return self.now - start


@pytest.mark.parametrize(
    ("launches", "replay", "better"), [(10, 1, "replay"), (1, 10, "launches"), (5, 5, "launches")]
)
def test_the_faster_way_is_kept(launches: float, replay: float, better: str) -> None:
    clock = Clockwork(launches, replay)
    replays = PlanGraphs(clock, "measured")
    for _ in range(2 + 2 * TRIALS):
        assert replays.faster is None
        replays.run((1, 1, 1), clock.queue, clock.queue)
    assert clock.done.count("launches") == 1 + TRIALS  # the first one is not timed, of both ways
    assert replays.faster is (better == "replay")
    clock.done.clear()
    for _ in range(5):
        replays.run((1, 1, 1), clock.queue, clock.queue)
    assert clock.done == [better] * 5


def test_few_recordings_are_kept_and_none_for_states_that_come_once() -> None:
    clock = Clockwork(1, 1)
    replays = PlanGraphs(clock, "always")
    for state in range(10):
        replays.run((state, 1, 1), clock.queue, clock.queue)
    assert "replay" not in clock.done
    for state in range(5):
        for _ in range(2):
            replays.run((state, 1, 1), clock.queue, clock.queue)
    assert clock.done.count("replay") == 5
    assert len(replays._graphs) == GRAPHS_KEPT


def test_a_device_that_cannot_record_is_not_asked_again() -> None:
    clock = Clockwork(1, 1, able=False)
    replays = PlanGraphs(clock, "always")
    for _ in range(4):
        assert not replays.run((1, 1, 1), clock.queue, clock.queue)
    assert clock.done == ["launches"] * 4
    assert clock.now == 54
