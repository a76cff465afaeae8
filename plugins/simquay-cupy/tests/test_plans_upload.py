"""A plan on the device: one copy, and which plans have graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simquay.engine_api import Layout, Precision, make_plan
from simquay.testing.engines import random_gates
from simquay_cupy.encoding.encode import encode_plan
from simquay_cupy.engine import CupyEngine
from simquay_cupy.plans import ALIGNMENT, MOST_LAUNCHES, UploadedPlan


@pytest.mark.parametrize("precision", list(Precision), ids=lambda p: p.value)
def test_the_device_s_arrays_are_the_programs_aligned(
    make_host_engine: Callable[[], CupyEngine], precision: Precision
) -> None:
    engine = make_host_engine()
    plan = make_plan(random_gates(14, 120, 1), Layout(), engine.profile(precision, 14))
    programs = encode_plan(plan, precision)
    uploaded = UploadedPlan(engine.on, programs, "measured")
    for name in ("words", "tables", "ints", "angles"):
        found, wanted = getattr(uploaded, name), getattr(programs, name)
        assert found.dtype == wanted.dtype
        np.testing.assert_array_equal(found, wanted)
        assert (engine.on.address(found) - engine.on.address(uploaded.buffer)) % ALIGNMENT == 0


@pytest.mark.parametrize(
    ("qubits", "gates", "limit", "has_graphs"),
    [(12, 40, 61440, False), (14, 120, 61440, True), (14, 6000, 2048, False)],
    ids=["one launch", "few launches", "very many launches"],
)
def test_a_few_launches_are_worth_a_graph(
    make_host_engine: Callable[[], CupyEngine],
    qubits: int,
    gates: int,
    limit: int,
    has_graphs: bool,
) -> None:
    engine = make_host_engine()
    profile = engine.profile(Precision.SINGLE, qubits)
    plan = make_plan(random_gates(qubits, gates, 2), Layout(), profile)
    uploaded = UploadedPlan(engine.on, encode_plan(plan, Precision.SINGLE, limit), "measured")
    count = len(uploaded.launches())
    assert (1 < count <= MOST_LAUNCHES) is has_graphs
    assert (uploaded.graphs is not None) is has_graphs
