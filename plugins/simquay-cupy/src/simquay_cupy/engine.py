"""The CuPy engine: tiled plans on a GPU. It is a :class:`simquay.engine_api.BaseEngine`."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simquay.engine_api import (
    Control,
    Plan,
    Precision,
    Profile,
    ProgramError,
    SweepPlan,
    WidePass,
    apply_wide,
    check_plan,
)
from simquay_cupy.encoding.encode import encode_plan, encode_sweep
from simquay_cupy.encoding.geometry import geometry_for
from simquay_cupy.encoding.programs import Launch
from simquay_cupy.plans import MOST_AMPLITUDES, ReplayRule, UploadedPlan
from simquay_cupy.reading import ReadingEngine
from simquay_cupy.states import DeviceState

if TYPE_CHECKING:  # it imports CuPy
    from simquay_cupy.device.cuda import CudaDevice

__all__ = ["CupyEngine"]

LOW = {Precision.SINGLE: 4, Precision.DOUBLE: 3}
"""Storage bits that every tile holds: 128 neighbouring bytes in global memory."""

SCRATCH_BYTES = 16 << 20
"""Device memory for programs, for sums on their way to the host, and for amplitudes to read."""

AHEAD = 2
"""Launches that may be queued and not done, for large states: a cancelled run still does them."""

MOST_VECTORS = (1 << 16) - 1
"""Vectors of a batch: the largest second and third dimension of a CUDA grid."""

PLANS_KEPT = 32
"""Plans whose programs stay on the device."""

SWEEP_QUBITS = 14
"""Qubits up to which a launch takes less time than encoding its program, so that sweeps pay."""

LONG_LAUNCH = 1 << 26
"""Amplitudes from which on a state is large in the sense of ``AHEAD``: a launch takes a quarter of
a millisecond or more, many times what waking the thread that waits does."""


class CupyEngine(ReadingEngine):
    """Tiled plans in CUDA kernels. Any thread may call any method.

    Args:
        device: what to run on.
        replay: when a short plan is launched as a CUDA graph; see :mod:`simquay_cupy.plans`.
    """

    name = "cupy"
    engine_api = 1
    device = "gpu"
    batched = True
    sweep_bytes = 32 << 20
    """Some 60 states of 14 qubits, little enough to stay in the cache."""

    def __init__(self, device: CudaDevice, replay: ReplayRule = "measured") -> None:
        self.on = device
        self._replay = replay
        self._lock = threading.Lock()
        # By a plan's id: programs of the last plans. The plans are kept alive, so that no other
        # plan gets their ids.
        self._plans: OrderedDict[tuple[int, Precision], tuple[Plan, UploadedPlan]] = OrderedDict()

    def profile(self, precision: Precision, num_qubits: int) -> Profile:
        """Tiles of the kernel's size, and rounds that fit a thread's registers."""
        geometry = geometry_for(precision, num_qubits)
        return Profile("tiled", tile=geometry.tile, low=LOW[precision], span=geometry.register)

    def required_bytes(self, num_qubits: int, precision: Precision, batch: int = 1) -> int:
        """The state and ``SCRATCH_BYTES``: passes work in place. The numbers of a gate on more
        qubits than a tile has are not counted; the caller has them in the host's memory, too."""
        return batch * precision.amplitude_bytes * self._stride(num_qubits, precision) + (
            SCRATCH_BYTES
        )

    def available_bytes(self) -> int:
        """Bytes of device memory that a new run could take now."""
        return self.on.available_bytes()

    def total_bytes(self) -> int:
        """Bytes of memory that the device has."""
        return self.on.total_bytes()

    def _stride(self, stored: int, precision: Precision) -> int:
        return 1 << max(stored, geometry_for(precision, stored).tile)

    def allocate(
        self, num_qubits: int, precision: Precision, *, capacity: int, batch: int = 1
    ) -> DeviceState:
        """A state with every qubit |0> and nothing stored.

        Raises:
            OutOfMemoryError: if the device has not that much free.
            ProgramError: if there are more vectors than a launch can number.
        """
        if batch > MOST_VECTORS:
            raise ProgramError(
                f"a batch of the cupy engine has at most {MOST_VECTORS} vectors, not {batch}; use "
                "several"
            )
        with self.on.active():
            shape = (batch, self._stride(capacity, precision))
            vectors = self.on.empty(shape, precision.complex_dtype)
            vectors[:, 0] = 1
        return DeviceState(num_qubits, precision, (), vectors)

    def copy(self, state: DeviceState) -> DeviceState:
        """A new state with the same amplitudes."""
        with self.on.active():
            vectors = self.on.empty(state.vectors.shape, state.vectors.dtype)
            stored = 1 << len(state.order)
            vectors[:, :stored] = state.vectors[:, :stored]
        return DeviceState(state.num_qubits, state.precision, state.order, vectors)

    def release(self, state: DeviceState) -> None:
        """Free the state's memory at once."""
        state.vectors = None
        self.on.trim()

    def apply(self, state: DeviceState, plan: Plan, control: Control) -> None:
        """Apply ``plan`` in place.

        Work is queued ahead of the GPU. For large states, ``control`` is checked when all but the
        last ``AHEAD`` launches are done; progress is reported for the queued passes.
        """
        self.on.check()
        self._check(state, plan)
        uploaded = self.uploaded(plan, state.precision)
        graphs = uploaded.graphs
        if graphs is None or state.batch * state.stride > MOST_AMPLITUDES:
            self._queue(state, uploaded, control)
        else:
            control.check()
            replayed = graphs.run(
                (self.on.address(state.vectors), state.batch, state.stride),
                lambda: self._queue(state, uploaded, control),
                lambda: self._launch(state, uploaded, uploaded.launches()),
            )
            if replayed:
                control.report(1.0)
        state.order = plan.final.order

    def sweep_qubits(self, precision: Precision) -> int:
        """Qubits of the largest states that run faster as one batch."""
        return SWEEP_QUBITS

    def apply_sweep(self, state: DeviceState, plan: SweepPlan, control: Control) -> None:
        """Apply ``plan`` in place: each vector has its own programs and launches.

        The vectors share one upload, the copies of programs to constant memory, and above all one
        wait for the results.
        """
        self._check(state, plan)
        uploaded = UploadedPlan(self.on, encode_sweep(plan, state.precision), "never")
        self._queue(state, uploaded, control)
        state.order = plan.final.order

    def _check(self, state: DeviceState, plan: Plan | SweepPlan) -> None:
        check_plan(self.name, state, plan, ("tiled",), state.stride.bit_length() - 1)
        tile = geometry_for(state.precision, plan.profile.tile).tile
        if state.stride < 1 << tile:
            raise ProgramError(
                f"the plan's tiles have {tile} qubits, more than the state was allocated for; make "
                "it with the profile for as many qubits as the state's capacity"
            )

    def _queue(self, state: DeviceState, uploaded: UploadedPlan, control: Control) -> None:
        marks: deque[Any] = deque()
        passes = uploaded.programs.passes
        for done, step in enumerate(passes, start=1):
            control.check()
            if isinstance(step, WidePass):
                with self.on.active():
                    apply_wide(state.vectors, step, self.on.xp)
            else:
                self._launch(state, uploaded, step)
            if state.batch * state.stride >= LONG_LAUNCH:
                marks.append(self.on.mark(sleep=True))
                if len(marks) > AHEAD:
                    self.on.wait(marks.popleft())
            control.report(done / len(passes))

    def _launch(
        self, state: DeviceState, uploaded: UploadedPlan, launches: Sequence[Launch]
    ) -> None:
        programs = uploaded.programs
        geometry = programs.geometry
        kernel = f"tile_pass_{geometry.kernel}"
        real = state.precision.real_dtype.itemsize
        stride, arrays = np.uint64(state.stride), (uploaded.tables, uploaded.ints, uploaded.angles)
        with self.on.active():
            for launch in launches:
                window = programs.windows[launch.window]
                vectors = state.vectors
                if launch.vector is not None:
                    vectors = vectors[launch.vector : launch.vector + 1]
                self.on.load_programs(kernel, uploaded.words, window.start, window.stop)
                self.on.launch(
                    kernel,
                    (launch.tiles, len(vectors), 1),
                    1 << geometry.thread,
                    (vectors, stride, np.uint32(launch.start), *arrays),
                    (2 * real << geometry.tile) + real * launch.forms,
                )

    def uploaded(self, plan: Plan, precision: Precision) -> UploadedPlan:
        """The programs of ``plan`` on the device; encoded and uploaded if they are new."""
        key = (id(plan), precision)
        with self._lock:
            known = self._plans.get(key)
            if known is not None:
                self._plans.move_to_end(key)
                return known[1]
        uploaded = UploadedPlan(self.on, encode_plan(plan, precision), self._replay)
        with self._lock:
            self._plans[key] = (plan, uploaded)
            while len(self._plans) > PLANS_KEPT:
                self._plans.popitem(last=False)
        return uploaded
