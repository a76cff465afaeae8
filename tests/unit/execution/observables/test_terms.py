"""Observables as weights and strings of storage bits."""

from __future__ import annotations

from unittest.mock import Mock

import numpy as np
import pytest

from simquay.execution.observables import terms as module
from simquay.execution.observables.terms import reading_bytes, terms_of
from tests.support.observables import observable


def test_letters_are_masks_of_storage_bits() -> None:
    """Labels have qubit 0 last; qubit 0 is bit 1 here, qubit 2 is bit 0, and qubit 1 is |0>."""
    some = [observable(3, {"XIZ": 2.0, "YZY": 3.0, "IZI": 5.0, "IXI": 7.0, "1I0": 11.0})]
    terms = terms_of(some, (2, 0))
    masks = np.transpose(terms.strings).tolist()
    found = dict(zip(map(tuple, masks), terms.weights.tolist(), strict=True))
    assert found == {(0b01, 0b10, 0, 0): 2, (0b11, 0b11, 0, 0): 3, (0, 0, 0b11, 0b01): 11}
    assert terms.constants.tolist() == [5]
    assert terms.rotations == ()


def test_observables_without_strings_are_not_present() -> None:
    some = [observable(1, {"I": 2.0}), observable(1, {"Z": 1.0, "X": 4.0})]
    terms = terms_of(some, (0,))
    assert (terms.present.tolist(), terms.first.tolist()) == ([1], [0])
    assert terms.constants.tolist() == [2, 0]


def test_measured_qubits_and_resets() -> None:
    """After a measurement X has mean 0, and a projector onto |+> 1/2; after a reset Z is 1."""
    some = [observable(2, {"XI": 1.0, "+I": 4.0, "IZ": 8.0})]
    terms = terms_of(some, (0, 1), measured=(1,), resets=(0,))
    assert not len(terms.weights)
    assert terms.constants.tolist() == [10]


def test_terms_are_found_once_for_equal_observables_and_layouts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = Mock(side_effect=module._find_terms)
    monkeypatch.setattr(module, "_find_terms", found)
    one = {"ZZ": 1.0, "XX": 0.625}  # of no other test
    first = terms_of([observable(2, one)], (0, 1))
    assert terms_of([observable(2, one)], (0, 1)) is first
    assert terms_of([observable(2, one)], (1, 0)) is not first
    assert found.call_count == 2


def test_projectors_that_become_strings_take_memory() -> None:
    plain, projectors = (reading_bytes([observable(4, {one: 1.0})]) for one in ("XYXY", "+r+r"))
    assert projectors > 16 * plain
