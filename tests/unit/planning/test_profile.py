"""Layouts and profiles as values."""

from __future__ import annotations

from simquay.planning import Layout, Profile


def test_positions_are_the_inverse_of_the_order() -> None:
    layout = Layout((4, 0, 2))
    assert layout.positions() == {4: 0, 0: 1, 2: 2}
    assert Layout().positions() == {}


def test_profiles_are_keys_of_the_plan_cache() -> None:
    one, same, other = (Profile("tiled", tile=4, low=low) for low in (1, 1, 2))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
