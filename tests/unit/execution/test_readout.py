"""The end of a run: classical bits and final resets."""

from __future__ import annotations

import numpy as np
import pytest

from simquay.errors import ManyStatesError
from simquay.execution.readout import many_states, write_outcomes, write_words
from simquay.program import Measure, Reset
from tests.support.small_gates import cx, h, x
from tests.support.small_gates import run_operations as run
from tests.support.small_gates import shot_values as values


@pytest.mark.parametrize("seed", range(20))
def test_each_bit_of_an_outcome_goes_where_it_is_written(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clbits, shots = 150, 30
    qubits = sorted(rng.choice(99, 10, replace=False).tolist())
    writes = [
        (int(rng.choice([*qubits, 99])), int(clbit))  # qubit 99 has no bit: it is 0
        for clbit in rng.integers(0, clbits, 25)
    ]
    outcomes = rng.integers(0, 1 << len(qubits), shots)
    samples = np.zeros((shots + 5, 3), dtype=np.uint64)
    write_outcomes(samples, slice(5, None), writes, qubits, outcomes)
    assert not samples[:5].any()
    last = {clbit: qubit for qubit, clbit in writes}  # a later write wins
    for row, outcome in zip(samples[5:].tolist(), outcomes.tolist(), strict=True):
        for clbit in range(clbits):
            qubit = last.get(clbit, 99)
            expected = outcome >> qubits.index(qubit) & 1 if qubit != 99 else 0
            assert row[clbit >> 6] >> (clbit & 63) & 1 == expected


def test_words_go_to_the_rows_of_their_group() -> None:
    samples = np.zeros((5, 2), dtype=np.uint64)
    groups = [np.array([3, 0]), np.array([1, 4])]
    write_words(samples, groups, [1 << 63 | 5, 1 << 64 | 1 << 100])
    first, second = [1 << 63 | 5, 0], [0, 1 | 1 << 36]
    assert samples.tolist() == [first, second, [0, 0], first, second]


def test_the_error_names_circuit_and_operation() -> None:
    assert str(many_states("bell", "the reset of qubit 3")).startswith(
        "circuit 'bell' has no single state vector: the reset of qubit 3 splits its shots"
    )
    assert str(many_states("", "x")).startswith("the circuit has no single")


def test_one_qubit_into_several_bits_and_one_bit_from_several_qubits() -> None:
    several = run((h(0), Measure(0, 0), Measure(0, 2), Measure(0, 70)), 1, 71, shots=100)
    assert set(values(several)) == {0, 1 | 4 | 1 << 70}
    # The last write wins: bit 0 holds qubit 1, which is 1; bit 1 holds qubit 0.
    over = run((h(0), x(1), Measure(0, 0), Measure(1, 0), Measure(0, 1)), 2, 2, shots=100)
    assert set(values(over)) == {1, 3}
    zero = run((x(1), Measure(1, 0), Measure(0, 0)), 2, 1, shots=10)
    assert set(values(zero)) == {0}


def test_resets_at_the_end_matter_to_the_state_alone() -> None:
    certain = run((x(0), h(1), Reset(0)), 2, 0, shots=10, statevector=True)
    np.testing.assert_allclose(certain["statevector"], [np.sqrt(0.5), 0, np.sqrt(0.5), 0])
    measured = (x(0), h(1), Measure(0, 0), Reset(0), Measure(1, 1))
    outcome = run(measured, 2, 2, shots=50, statevector=True)
    assert set(values(outcome)) == {1, 3}
    bell = (h(0), cx(0, 1), Reset(0), Measure(1, 0))
    assert run(bell, 2, 1, shots=10).metadata["branches"] == 1
    with pytest.raises(ManyStatesError, match="the reset of qubit 0"):
        run(bell, 2, 1, shots=10, statevector=True)
