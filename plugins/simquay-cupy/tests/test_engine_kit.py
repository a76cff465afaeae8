"""The engine against Simquay's kit for engines."""

from __future__ import annotations

import pytest

from simquay.engine_api import Engine
from simquay.testing import Check
from simquay.testing.engines import ENGINE_CHECKS, check_engine
from simquay_cupy.engine import CupyEngine


@pytest.mark.parametrize("check", ENGINE_CHECKS, ids=str)
def test_the_kit(engine: CupyEngine, check: Check[Engine]) -> None:
    check_engine(engine, [check])
