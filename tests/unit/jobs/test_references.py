"""References to backends: found by the function that came with them, once, or an error."""

from __future__ import annotations

import pickle

import pytest

import simquay
from simquay.errors import UnknownBackendError
from simquay.jobs.errors import JobStateError
from simquay.jobs.references import BackendReference
from simquay.provider import find_backend
from simquay.simulators import adapt
from tests.support.foreign_backends import Foreign, plain


def test_a_backend_from_a_provider_is_found_again_after_a_pickle() -> None:
    reference = BackendReference.of(simquay.get_backend("reference"))
    assert reference is not None
    assert reference.finder is find_backend
    data = pickle.dumps(reference)
    assert b"simquay.provider" in data
    assert len(data) < 200  # names alone
    again = pickle.loads(data)
    assert again.find().engine is simquay.get_backend("reference").engine


@pytest.mark.parametrize("made", [Foreign(plain, name="mine"), adapt(Foreign(plain, name="mine"))])
def test_a_backend_made_by_hand_has_a_name_and_no_finder(made: Foreign) -> None:
    reference = BackendReference.of(made)
    assert reference is not None
    assert (reference.name, reference.finder) == ("mine", None)
    with pytest.raises(JobStateError, match=r"'mine' did not come from simquay\.get_backend"):
        reference.find()


def test_a_name_that_no_plugin_has_is_a_job_error() -> None:
    with pytest.raises(JobStateError, match="'nowhere' cannot be made here") as caught:
        BackendReference("nowhere", find_backend).find()
    assert isinstance(caught.value.__cause__, UnknownBackendError)


def test_no_backend_has_no_reference_and_a_reference_is_its_own() -> None:
    assert BackendReference.of(None) is None
    reference = BackendReference("mine", None)
    assert BackendReference.of(reference) is reference
