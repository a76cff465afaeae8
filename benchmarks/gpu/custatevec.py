"""cuStateVec as a peer: the state-vector updater of custatevecEx, through ctypes.

The updater is the library's best form: it fuses the gates that are queued, with its own defaults.
The wheel ``custatevec-cu13`` has the library and its headers, which this follows
(``cuquantum/include/custatevecEx.h``); the numbers below are values of its enumerations.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import numpy as np

from simquay.program import Diagonal, Matrix, Operation, Permutation, Precision, Program, Relabel

__all__ = ["CuStateVec", "find_library"]

COMPLEX_TYPE = {Precision.SINGLE: 4, Precision.DOUBLE: 5}  # CUDA_C_32F, CUDA_C_64F
DENSE, DIAGONAL = 1, 2  # custatevecExMatrixType_t
ROW_MAJOR = 1  # custatevecMatrixLayout_t


def find_library(folder: Path) -> Path | None:
    """The library somewhere under ``folder``, where the wheel was unpacked or installed."""
    return next(iter(sorted(folder.rglob("libcustatevec.so.1"))), None)


def _load(library: Path) -> ctypes.CDLL:
    """The library. cuBLAS, on which it depends, is looked for where NVIDIA's wheels have it: its
    own search path ends where it is not installed among them.

    Raises:
        OSError: if it or cuBLAS cannot be loaded.
    """
    found = find_spec("nvidia")
    for folder in (found.submodule_search_locations or ()) if found else ():
        for pattern in ("libcublasLt.so.1[3-9]", "libcublas.so.1[3-9]"):  # the first before it
            for path in sorted(Path(folder).rglob(pattern)):
                ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(str(library))


class CuStateVec:
    """A state of ``num_qubits`` on device 0, and a program to apply to it again and again."""

    def __init__(self, library: Path, num_qubits: int, precision: Precision) -> None:
        self._library = _load(library)
        self._queued: list[np.ndarray] = []  # the header does not say that matrices are copied
        self._library.custatevecGetErrorString.restype = ctypes.c_char_p
        self.precision = precision
        self.num_qubits = num_qubits
        kind = COMPLEX_TYPE[precision]
        self._state = ctypes.c_void_p()
        self._updater = ctypes.c_void_p()
        config = ctypes.c_void_p()
        self._call(
            "ConfigureStateVectorSingleDevice",
            ctypes.byref(config),
            ctypes.c_int(kind),
            ctypes.c_int32(num_qubits),
            ctypes.c_int32(num_qubits),
            ctypes.c_int32(0),
            ctypes.c_uint32(0),
        )
        self._call(
            "StateVectorCreateSingleProcess",
            ctypes.byref(self._state),
            config,
            ctypes.c_void_p(),
            ctypes.c_int32(0),
            ctypes.c_void_p(),
        )
        self._call("DictionaryDestroy", config)
        self._call(
            "ConfigureSVUpdater",
            ctypes.byref(config),
            ctypes.c_int(kind),
            ctypes.c_void_p(),
            ctypes.c_int32(0),
        )
        self._call("SVUpdaterCreate", ctypes.byref(self._updater), config, ctypes.c_void_p())
        self._call("DictionaryDestroy", config)

    def _call(self, name: str, *arguments: object) -> None:
        status = self._library["custatevecEx" + name](*arguments)
        if status:
            text = self._library.custatevecGetErrorString(ctypes.c_int(status))
            raise RuntimeError(f"custatevecEx{name}: {text.decode()} ({status})")

    def __enter__(self) -> CuStateVec:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._call("SVUpdaterDestroy", self._updater)
        self._call("StateVectorDestroy", self._state)

    def queue(self, program: Program) -> list[int]:
        """Queue the program's gates; returns the wire of each qubit at the end.

        A relabelling renames wires, as it does for Simquay: it costs nothing.
        """
        self._call("SVUpdaterClear", self._updater)
        self._queued.clear()
        wires = list(range(program.num_qubits))
        for operation in program.operations:
            if isinstance(operation, Relabel):
                moved = [wires[source] for source in operation.sources]
                for qubit, wire in zip(operation.qubits, moved, strict=True):
                    wires[qubit] = wire
            else:
                self._queue_gate(operation, wires)
        return wires

    def _queue_gate(self, operation: Operation, wires: Sequence[int]) -> None:
        matrix: np.ndarray
        if isinstance(operation, Diagonal):
            kind, matrix = DIAGONAL, operation.diagonal
        elif isinstance(operation, Matrix):
            kind, matrix = DENSE, operation.matrix
        elif isinstance(operation, Permutation):
            size = len(operation.table)
            kind, matrix = DENSE, np.zeros((size, size))
            matrix[operation.table, np.arange(size)] = 1
        else:
            raise TypeError(f"{operation} is no gate of the benchmarks")
        values = np.ascontiguousarray(matrix, dtype=np.complex128)
        self._queued.append(values)
        targets = _int32([wires[qubit] for qubit in operation.qubits])
        controls = _int32([wires[qubit] for qubit in operation.controls])
        bits = range(len(operation.controls))
        states = _int32([operation.control_state >> bit & 1 for bit in bits])
        self._call(
            "SVUpdaterEnqueueMatrix",
            self._updater,
            ctypes.c_void_p(values.ctypes.data),
            ctypes.c_int(COMPLEX_TYPE[Precision.DOUBLE]),
            ctypes.c_int(kind),
            ctypes.c_int(ROW_MAJOR),
            ctypes.c_int32(0),
            targets,
            ctypes.c_int32(len(targets)),
            controls,
            states,
            ctypes.c_int32(len(controls)),
        )

    def reset(self) -> None:
        """All qubits |0>, done when this returns."""
        self._call("StateVectorSetZeroState", self._state)
        self._call("StateVectorSynchronize", self._state)

    def apply(self) -> None:
        """Apply what was queued, done when this returns."""
        self._call(
            "SVUpdaterApply", self._updater, self._state, ctypes.c_void_p(), ctypes.c_int32(0)
        )
        self._call("StateVectorSynchronize", self._state)

    def amplitudes(self, first: int, count: int) -> np.ndarray:
        """``count`` amplitudes from ``first`` on, by wires."""
        result = np.empty(count, dtype=self.precision.complex_dtype)
        self._call(
            "StateVectorGetState",
            self._state,
            ctypes.c_void_p(result.ctypes.data),
            ctypes.c_int(COMPLEX_TYPE[self.precision]),
            ctypes.c_int64(first),
            ctypes.c_int64(first + count),
            ctypes.c_int32(1),
        )
        self._call("StateVectorSynchronize", self._state)
        return result


def _int32(values: Sequence[int]) -> ctypes.Array[ctypes.c_int32]:
    return (ctypes.c_int32 * len(values))(*values)
