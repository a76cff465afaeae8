"""Sweeps: the programs of each vector, in one set of buffers."""

from __future__ import annotations

import dataclasses

from gate_sweeps import BOTH, TOLERANCE, applied, check, lists, sweep_of

from simquay.engine_api import Precision
from simquay_cupy.encoding.encode import encode_sweep
from simquay_cupy.encoding.programs import PROGRAM_BYTES
from simquay_cupy.engine import CupyEngine


@BOTH
def test_many_vectors_share_a_window(engine: CupyEngine, precision: Precision) -> None:
    gate_lists = lists(5, 150, 1, gates=20)
    plan = sweep_of(engine, gate_lists, 5, precision)
    programs = encode_sweep(plan, precision)
    launches = [each for step in programs.passes if isinstance(step, tuple) for each in step]
    assert [launch.vector for launch in launches] == [*range(150)] * len(plan)
    assert len(programs.windows) < 150 // 5
    for window in programs.windows:
        assert 4 * (window.stop - window.start) <= PROGRAM_BYTES
    check(applied(engine, plan, 5, precision), gate_lists, TOLERANCE[precision])


@BOTH
def test_vectors_with_equal_numbers_share_a_program(
    engine: CupyEngine, precision: Precision
) -> None:
    first, second = lists(6, 2, 4)
    gate_lists = [[dataclasses.replace(gate) for gate in gates] for gates in (first, second)]
    plan = sweep_of(engine, [first, *gate_lists, second], 6, precision)
    programs, others = (
        encode_sweep(one, precision)
        for one in (plan, sweep_of(engine, [first, second], 6, precision))
    )
    assert len(programs.words) == len(others.words)
    check(applied(engine, plan, 6, precision), [first, first, second, second], TOLERANCE[precision])
