"""Values to JSON and back: equal in type and value."""

from __future__ import annotations

import json
import math
import struct
from datetime import date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives import (
    BitArray,
    DataBin,
    PrimitiveResult,
    PubResult,
    SamplerPubResult,
)
from qiskit.providers import JobStatus
from qiskit.quantum_info import (
    PTM,
    Chi,
    Choi,
    Clifford,
    DensityMatrix,
    Operator,
    Pauli,
    PauliList,
    SparsePauliOp,
    StabilizerState,
    Statevector,
    SuperOp,
)
from qiskit.result import Counts, ProbDistribution, QuasiDistribution
from qiskit.result.models import MeasLevel, MeasReturnType

from simquay.jobs.errors import JobStoreError
from simquay.jobs.store.encoding import decoded, encoded

CLIFFORD = Clifford(np.eye(4, 5, dtype=bool))
PLUS = ParameterVector("v", 3)[1]


def there_and_back(value: Any) -> Any:
    tree, arrays, lost = encoded(value)
    assert not lost
    return decoded(json.loads(json.dumps(tree, allow_nan=False)), arrays)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(10**400),
        0.1,
        "a\ud800\0",
        [1, [2.5, None]],
        {"a": {"b": []}},
        {"$": 1},
        {1: "a", (2, 3): {4.5}, None: 6},
        (1, (2,), [3]),
        {1, "a"},
        frozenset({(1, 2)}),
        1.5 - 0.1j,
        b"\0\xff",
        range(1, 10, 3),
        datetime(2026, 1, 2, 3, 4, 5, 6),
        datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5))),
        date(2026, 1, 2),
        timedelta(-3, 2, 1),
        UUID(int=2**127),
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.complex64(1j),
        np.str_("ab"),
        np.str_(""),
        np.datetime64("2026-01-02T03:04:05"),
        JobStatus.DONE,
        MeasLevel.KERNELED,
        MeasReturnType.SINGLE,
        Statevector([1, 0, 0], dims=(3,)),
        DensityMatrix(np.eye(4) / 4),
        Operator(np.eye(6)[:2], input_dims=(2, 3), output_dims=2),
        *(cls(np.eye(4)) for cls in (SuperOp, Choi, PTM, Chi)),
        CLIFFORD,
        StabilizerState(CLIFFORD),
        Pauli("-iXYZ"),
        PauliList(["iXX", "-ZZ"]),
        SparsePauliOp.from_list([("XX", 1j), ("ZI", 0.5)]),
        Parameter("a"),
        PLUS,
        2 * PLUS + Parameter("a").sin(),
        Counts({"0x1": 3}, memory_slots=2, time_taken=0.5),
        ProbDistribution({1: 0.5}, shots=4),
        QuasiDistribution({"01": -0.5, "11": 1.5}, 3, 0.2),
        BitArray(np.array([[1], [2]], np.uint8), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back(value: Any) -> None:
    read = there_and_back([value])[0]
    assert type(read) is type(value)
    assert read == value
    if isinstance(value, dict) and type(value) is not dict:
        assert vars(read) == vars(value)


@pytest.mark.parametrize(
    "bits", [0x8000000000000000, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000123]
)
def test_floats_come_back_to_the_bit(bits: int) -> None:
    (value,) = struct.unpack(">d", struct.pack(">Q", bits))
    for read in (there_and_back(value), there_and_back({"a": complex(1, value)})["a"].imag):
        assert struct.unpack(">Q", struct.pack(">d", read)) == (bits,)


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.5),
        np.zeros((0, 3), np.int8),
        np.arange(6, dtype=">i2").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(4000)[::2],
        np.arange(2000) * (1 - 1e-300j),
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([math.nan, -0.0, math.inf], np.float16),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_arrays_come_back_to_the_bit(array: np.ndarray) -> None:
    read = there_and_back({"a": array})["a"]
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    assert read.tobytes() == array.tobytes()


def test_results_of_primitives_come_back() -> None:
    bits = BitArray(np.array([[[1], [2]]], np.uint8), 2)
    result = PrimitiveResult(
        [
            SamplerPubResult(DataBin(c=bits, shape=(1,)), {"circuit_metadata": {"k": (1,)}}),
            PubResult(DataBin(evs=np.array(0.1), stds=np.float64(0.2)), {}),
        ],
        {"version": 2},
    )
    read = there_and_back(result)
    assert repr(read) == repr(result)
    assert [type(one) for one in read] == [SamplerPubResult, PubResult]
    assert read[0].data.c == bits
    assert read[0].data.shape == (1,)
    assert type(read[1].data.stds) is np.float64


def test_one_object_stays_one() -> None:
    state = Statevector([1, 0])
    array = np.arange(3)
    read = there_and_back([state, [state, array], {"a": array}, np.float64(1), state])
    assert read[0] is read[1][0] is read[4]
    assert read[1][1] is read[2]["a"]
    assert len(json.dumps(encoded([state] * 1000).tree)) < 45 * 1000


class Foreign:
    """No form holds it."""


def test_what_no_form_holds_is_named_and_the_rest_comes_back() -> None:
    value = {"a": [1, (Foreign(), 2)], "b": np.array([object()]), "c": 3}
    tree, arrays, lost = encoded(value)
    assert lost == ("['a'][1].items[0]: Foreign", "['b']: an array of object")
    assert decoded(tree, arrays) == {"a": [1, (None, 2)], "b": None, "c": 3}


def test_subclasses_are_not_their_bases() -> None:
    class Special(dict):
        pass

    assert encoded([Special(), np.ma.array([1])]).lost == ("[0]: Special", "[1]: MaskedArray")


def test_what_holds_itself_is_refused() -> None:
    value: list[Any] = [()]
    value.append(value)
    with pytest.raises(JobStoreError, match="holds itself"):
        encoded(value)


@pytest.mark.parametrize("form", ["system", "Foreign", "object", "os.system", "type"])
def test_a_file_makes_no_other_classes(form: str) -> None:
    with pytest.raises(JobStoreError, match="not known here"):
        decoded({"$": form, "parts": ["true"]}, {})
