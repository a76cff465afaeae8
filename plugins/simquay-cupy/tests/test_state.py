"""The state on the device: its sizes, and where qubits are stored."""

from __future__ import annotations

import numpy as np

from simquay.engine_api import Layout, Precision
from simquay_cupy.state import DeviceState


def test_sizes_and_the_layout_are_read_from_the_array_and_the_order() -> None:
    state = DeviceState(5, Precision.SINGLE, (3, 0), np.zeros((4, 1 << 12), dtype=np.complex64))
    assert (state.batch, state.stride) == (4, 4096)
    assert state.layout == Layout((3, 0))
    assert state.layout.positions() == {3: 0, 0: 1}
