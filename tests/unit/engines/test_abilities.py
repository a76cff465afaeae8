"""An engine that says that it has none of the abilities refuses by its name."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest

from simquay.control import Control
from simquay.engines.reference import ReferenceEngine
from simquay.errors import ProgramError
from simquay.program import Precision

ENGINE = ReferenceEngine()


def test_none_is_there_by_default() -> None:
    said = (ENGINE.folds, ENGINE.packs, ENGINE.list_qubits, ENGINE.sweep_qubits(Precision.DOUBLE))
    assert not any(said)


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("exchange_parts", (Mock(), 0, 1)),
        ("folded", (Mock(), Mock(), Mock())),
        ("gate_list", ((), (), {}, 0, Mock(), ())),
        ("run_list", (Mock(), None, Mock())),
        ("apply_sweep", (Mock(), Mock(), Control())),
    ],
)
def test_a_call_is_refused_by_the_engine_s_name(method: str, arguments: Any) -> None:
    with pytest.raises(ProgramError, match="the engine reference"):
        getattr(ENGINE, method)(*arguments)
