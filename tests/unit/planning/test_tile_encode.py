"""The flat arrays, word by word: what compiled kernels rely on."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.errors import ProgramError
from simquay.planning import Layout, Profile, make_plan
from simquay.planning.plan import Plan
from simquay.planning.tiled.encode import (
    ALIGN,
    HEADER,
    EncodedPlan,
    Opcode,
    decode_pass,
    encode_plan,
)
from simquay.planning.tiled.passes import (
    Condition,
    DenseStage,
    DiagonalGroup,
    DiagonalStage,
    DiagonalTerm,
    PermuteStage,
    PrepareStage,
    Round,
    TilePass,
)
from simquay.program import Precision
from tests.support.gate_lists import random_gates

PROFILE = Profile("tiled", tile=3, low=0)


def encode_one(stage, targets=(), *, precision=Precision.DOUBLE, width=4):
    pass_ = TilePass(width, width, (0, 2, 3), (Round(targets, (stage,)),), (0, 2, 1))
    layout = Layout(tuple(range(width)))
    encoded = encode_plan(Plan(PROFILE, layout, layout, [pass_]), precision)
    body = encoded.code[4]
    round_length = encoded.code[body + 1]
    return encoded, encoded.code[body + round_length :].tolist()


def test_opcodes_keep_their_numbers():
    assert [opcode.name for opcode in Opcode] == [
        "END",
        "ROUND",
        "DENSE1",
        "DENSE1_REAL",
        "DENSE1_CROSS",
        "HADAMARD",
        "DENSE2",
        "DENSE2_REAL",
        "DENSE3",
        "DENSE3_REAL",
        "DENSE",
        "DIAGONAL",
        "FLIP",
        "PERMUTE",
        "PREPARE",
    ]
    assert list(map(int, Opcode)) == list(range(15))


def test_the_header_of_a_pass():
    stage = PermuteStage((1,), np.array([1, 0]))
    encoded, _ = encode_one(stage, (1,))
    code = encoded.code.tolist()
    assert encoded.starts == (0,)
    assert code[:HEADER] == [0, 4, 4, 3, HEADER + 6, 2, 1, 1]
    assert code[HEADER : HEADER + 6] == [0, 2, 3, 0, 2, 1]
    assert code[HEADER + 6 : HEADER + 10] == [Opcode.ROUND, 4, 1, 1]
    assert code[-2:] == [Opcode.END, 2]
    assert encoded.code.dtype == np.int32


def test_a_flip_under_a_condition():
    stage = PermuteStage((1,), np.array([1, 0]), Condition(0b101, 0b001, 0b1, 0b1))
    encoded, code = encode_one(stage, (1,))
    assert code[:9] == [Opcode.FLIP, 9, 1, 1, 0b101, 0b001, 0, 1, 1]
    assert encoded.data.size == 0


def test_a_permutation_has_its_source_table():
    _, code = encode_one(PermuteStage((0, 2), np.array([0, 2, 3, 1])), (0, 2))
    assert code[:14] == [Opcode.PERMUTE, 14, 0, 0, 0, 0, 0, 2, 0, 2, 0, 2, 3, 1]


@pytest.mark.parametrize("precision", list(Precision))
def test_a_complex_matrix_is_row_major_pairs(precision):
    matrix = np.array([[1, 2j], [3, 4 + 5j]])
    encoded, code = encode_one(DenseStage((2,), matrix), (2,), precision=precision)
    assert code[:9] == [Opcode.DENSE1, 9, 0, 0, 0, 0, 0, 1, 2]
    assert encoded.data.tolist() == [1, 0, 0, 2, 3, 0, 4, 5]
    assert encoded.data.dtype == precision.real_dtype


def test_cheaper_forms_have_reals():
    cross = DenseStage((0,), np.array([[1, 2j], [3j, 4]]), "cross")
    encoded, code = encode_one(cross, (0,))
    assert code[0] == Opcode.DENSE1_CROSS
    assert encoded.data.tolist() == [1, 2, 3, 4]
    real = DenseStage((0, 1), np.arange(16).reshape(4, 4).astype(complex), "real")
    encoded, code = encode_one(real, (0, 1))
    assert code[0] == Opcode.DENSE2_REAL
    assert encoded.data.tolist() == list(range(16))
    hadamard = np.array([[1, 1], [1, -1]]) * 0.5**0.5 + 0j
    encoded, code = encode_one(DenseStage((0,), hadamard, "hadamard"), (0,))
    assert code[:9] == [Opcode.HADAMARD, 9, 0, 0, 0, 0, 0, 1, 0]
    assert encoded.data.size == 0


def test_prepare():
    encoded, code = encode_one(PrepareStage((1,), np.array([0.6, 0.8j])), (1,))
    assert code[:9] == [Opcode.PREPARE, 9, 0, 0, 0, 0, 0, 1, 1]
    assert encoded.data.tolist() == [0.6, 0, 0, 0.8]


def test_diagonals():
    ones = np.ones(4, dtype=complex)
    stage = DiagonalStage(
        (
            DiagonalGroup(
                (0, 1),
                (
                    DiagonalTerm((0, 1), (), 2 * ones),
                    DiagonalTerm((1,), (0,), 3 * ones, 1, 1),
                ),
            ),
            DiagonalGroup((), (DiagonalTerm((), (), ones[:1]),), 0b100, 0b100),
        )
    )
    encoded, code = encode_one(stage)
    first = [0, 0, 2, 2, 0, 1, *[0, 0, 0, 2, 0, 0, 1], *[1, 1, 8, 1, 1, 1, 0]]
    second = [4, 4, 0, 1, *[0, 0, 16, 0, 0]]
    assert code[: code[1]] == [Opcode.DIAGONAL, 3 + len(first) + len(second), 2, *first, *second]
    assert encoded.data[16:].tolist() == [1, 0, 0, 0]  # padded to the alignment


@pytest.mark.parametrize("seed", range(10))
def test_offsets_are_aligned_and_lengths_lead_to_the_end(seed):
    gates = random_gates(6, 40, np.random.default_rng(seed), widest=5)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=4, low=1, span=2))
    encoded = encode_plan(plan, Precision.SINGLE)
    assert encoded.data.size % ALIGN == 0
    code = encoded.code.tolist()
    for number, start in enumerate(encoded.starts):
        if number in encoded.wide:
            assert code[start] == 1
            continue
        position, seen, rounds = code[start + 4], 0, 0
        while code[position] != Opcode.END:
            if code[position] not in (Opcode.ROUND, Opcode.DIAGONAL):
                assert code[position + 6] % ALIGN == 0
            rounds += code[position] == Opcode.ROUND
            seen += 1
            position += code[position + 1]
        assert (seen, rounds) == (code[start + 5], code[start + 6])
        following = [*encoded.starts, len(code)][number + 1]
        assert position + code[position + 1] == following


def test_a_decoded_pass_encodes_to_the_same_arrays():
    gates = random_gates(6, 40, np.random.default_rng(5), widest=3)
    plan = make_plan(gates, Layout(), Profile("tiled", tile=4, low=1, span=3))
    encoded = encode_plan(plan, Precision.DOUBLE)
    passes = [decode_pass(encoded, number) for number in range(len(plan))]
    again: EncodedPlan = encode_plan(
        Plan(plan.profile, plan.initial, plan.final, passes), Precision.DOUBLE
    )
    np.testing.assert_array_equal(again.code, encoded.code)
    np.testing.assert_array_equal(again.data, encoded.data)


def test_other_passes_are_refused():
    plan = make_plan(random_gates(3, 5, np.random.default_rng(0)), Layout(), Profile("gates"))
    with pytest.raises(ProgramError, match="no pass of a tiled plan"):
        encode_plan(plan, Precision.SINGLE)


def test_tile_numbers_of_more_than_31_bits_are_refused():
    pass_ = TilePass(34, 34, (0, 1), (), (0, 1))
    layout = Layout(tuple(range(34)))
    with pytest.raises(ProgramError, match="at least 3 qubits"):
        encode_plan(Plan(PROFILE, layout, layout, [pass_]), Precision.SINGLE)
