"""The version that an engine is written for."""

from __future__ import annotations

import pytest

from simquay.engines.reference import ReferenceEngine
from simquay.errors import PluginError


def test_an_engine_for_another_version_of_the_api_is_refused_by_name() -> None:
    with pytest.raises(PluginError, match=r"NewEngine is written for version 2 .* has version 1"):

        class NewEngine(ReferenceEngine):
            engine_api = 2
