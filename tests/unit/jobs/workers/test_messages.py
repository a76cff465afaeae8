"""What both ends of the pipe to a worker process know of backends."""

from __future__ import annotations

import pickle

import pytest

from simquay.jobs.workers.messages import BackendSource, Failed, RecentKeys, Run
from tests.support.foreign_backends import Foreign, make_plain, plain


def test_both_ends_forget_alike() -> None:
    one, other = RecentKeys(), RecentKeys()
    forgotten = [(one.use(key), other.use(key)) for key in "abcabdefghijab"]
    assert all(left == right for left, right in forgotten)
    assert [left for left, _ in forgotten if left] == ["c", "a", "b", "d"]
    assert "a" in one
    assert "c" not in one


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


@pytest.mark.parametrize(
    "message", [Run("key", BackendSource("a:b"), b"body"), Failed("no", {"text": "no"}, None)]
)
def test_messages_pickle(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message
