"""How a worker process makes its backend."""

from __future__ import annotations

import pickle

from simquay.jobs.workers.process import BackendSource
from tests.support.foreign_backends import Foreign, make_plain, plain


def test_a_source_makes_a_new_backend_by_its_factory_or_from_its_pickle() -> None:
    by_name = BackendSource(factory=f"{make_plain.__module__}:{make_plain.__name__}")
    by_value = BackendSource(pickled=pickle.dumps(Foreign(plain, name="mine")))
    assert (by_name.make().name, by_value.make().name) == ("made-by-factory", "mine")
    assert by_value.make() is not by_value.make()


def test_equal_sources_have_equal_keys_and_others_have_not() -> None:
    sources = [
        BackendSource(factory="a:b"),
        BackendSource(factory="a:c"),
        BackendSource(pickled=b"one"),
        BackendSource(pickled=b"two"),
    ]
    again = [BackendSource(one.factory, one.pickled) for one in sources]
    assert [one.key for one in again] == [one.key for one in sources]
    assert len({one.key for one in sources}) == len(sources)


def test_a_source_pickles() -> None:
    source = BackendSource(pickled=b"one")
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    assert again.key == source.key
