"""Plugins that fail, each in its own way: one record, one line, and the others still work."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import pytest

from simquay.errors import PluginError, SimquayPluginWarning, UnknownBackendError
from simquay.provider import Provider
from simquay.registry import PluginRecord, PluginStatus, Registry
from tests.support.fake_plugins import CASES, FakeSites, spec

BROKEN = {
    "asks_back": "a plugin asked for a backend while plugins are being loaded",
    "bad_spec": "ValueError: backend name 'Loud': expected lower-case letters",
    "damaged_metadata": "its entry points cannot be read",
    "exits_at_import": "it called sys.exit('no licence found')",
    "exits_in_hook": "it called sys.exit(3)",
    "hook_with_argument": "Argument(s) {'config'} are declared in the hookimpl but can not be",
    "malformed_value": "'this is no module'",  # said by us, or by the importlib_metadata package
    "missing_import": "ModuleNotFoundError: No module named 'a_module_that_nobody_has'",
    "missing_module": "ModuleNotFoundError: No module named 'fake_module_that_is_gone'",
    "missing_object": "AttributeError: module 'fake_missing_object' has no attribute 'plugin'",
    "never_ends": "it registers more than 1000 backends",
    "no_hook": "fake_no_hook implements no hook: expected a function simquay_register_backends",
    "panics": "PanicException: called `Option::unwrap()` on a `None` value",
    "raises_at_import": "RuntimeError: libfake.so.3: cannot open shared object file",
    "raises_half_way": "OSError: the second backend's table is gone",
    "raises_in_hook": "ValueError: cannot read /etc/fake.conf",
    "registers_twice": "it registers the name twin twice",
    "returns_none": "simquay_register_backends returned None",
    "returns_one_spec": "simquay_register_backends returned a BackendSpec",
    "unknown_hook": "unknown hook 'simquay_register_backend'",
    "yields_junk": "simquay_register_backends yielded a dict, not a BackendSpec",
}
INCOMPATIBLE = {
    "other_api": "built for version 99 of the plugin interface, and this Simquay has version 1",
    "other_api_object": "built for version 0 of the plugin interface",
}
FAILING = {**BROKEN, **INCOMPATIBLE}


def by_distribution(records: list[PluginRecord]) -> dict[str, PluginRecord]:
    return {record.distribution: record for record in records}


def distribution_of(case: str) -> str:
    return "fake-" + case.replace("_", "-")


def test_every_case_on_disk_is_tested() -> None:
    cases = {folder.name for folder in CASES.iterdir() if folder.is_dir()}
    assert cases == {*FAILING, "good", "claims_numpy"}


@pytest.mark.parametrize("case", FAILING)
def test_a_failing_plugin_is_recorded_and_the_others_work(sites: FakeSites, case: str) -> None:
    sites.use("good", case)
    registry = Registry()
    with pytest.warns(SimquayPluginWarning) as caught:
        records = by_distribution(registry.plugins())

    record = records[distribution_of(case)]
    expected = PluginStatus.BROKEN if case in BROKEN else PluginStatus.INCOMPATIBLE
    assert record.status is expected
    assert FAILING[case] in record.error
    assert "\n" not in record.error
    assert record.backends == ()
    if "cannot be read" not in record.error:
        assert record.version == "1.0"
        assert record.name == case.replace("_", "-")

    assert len(caught) == 1
    message = str(caught[0].message)
    assert "\n" not in message
    assert distribution_of(case) in message
    assert record.error in message
    assert caught[0].filename == __file__  # the line that asked, not one of Simquay's

    assert records["fake-good"].status is PluginStatus.ACTIVE
    assert records["fake-good"].backends == ("fake", "fake-gpu", "fake-oracle")
    assert records["simquay"].status is PluginStatus.ACTIVE
    assert [info.name for info in registry.backends("fake", all=True)] == ["fake"]
    assert [info.name for info in registry.backends("numpy", all=True)] == ["numpy"]


@pytest.mark.parametrize("case", FAILING)
def test_nothing_of_a_failing_plugin_is_registered(sites: FakeSites, case: str) -> None:
    sites.use(case)
    with pytest.warns(SimquayPluginWarning):
        rows = Registry().backends(all=True)
    assert {row.distribution for row in rows} == {"simquay"}


@pytest.mark.parametrize("case", FAILING)
def test_strict_mode_raises(sites: FakeSites, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sites.use("good", case)
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "1")
    provider = Provider()
    for _ in range(2):  # it stays an error: nothing was half loaded
        with pytest.raises(PluginError, match=distribution_of(case)) as caught:
            provider.get_backend("fake")
        assert FAILING[case] in str(caught.value)
    if case in ("raises_in_hook", "raises_half_way", "exits_in_hook", "panics"):
        cause = caught.value.__cause__
        assert cause is not None
        assert type(cause).__name__ in ("ValueError", "OSError", "SystemExit", "PanicException")


def test_the_argument_strict_wins_over_the_environment(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("raises_in_hook")
    with pytest.raises(PluginError):
        Registry(strict=True).plugins()
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "1")
    with pytest.warns(SimquayPluginWarning):
        assert Registry(strict=False).plugins()


def test_strict_mode_does_not_mind_blocked_plugins(
    sites: FakeSites, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites.use("good", "raises_in_hook")
    monkeypatch.setenv("SIMQUAY_STRICT_PLUGINS", "1")
    monkeypatch.setenv("SIMQUAY_DISABLE_PLUGINS", "fake-raises-in-hook")
    assert Provider().get_backend("fake").name == "fake"


def test_all_failing_plugins_together(sites: FakeSites) -> None:
    sites.use(*FAILING, "good")
    registry = Registry()
    with pytest.warns(SimquayPluginWarning) as caught:
        records = by_distribution(registry.plugins())
    assert len(caught) == len(FAILING)
    failed = {name for name, record in records.items() if record.status is not PluginStatus.ACTIVE}
    assert {distribution_of(case) for case in FAILING} <= failed
    assert registry.backends("fake", all=True)


def test_a_record_keeps_the_traceback_as_text(sites: FakeSites) -> None:
    sites.use("raises_in_hook")
    with pytest.warns(SimquayPluginWarning):
        records = by_distribution(Registry().plugins())
    traceback = records["fake-raises-in-hook"].traceback
    assert "fake_raises_in_hook.py" in traceback
    assert traceback.rstrip().endswith("ValueError: cannot read /etc/fake.conf")


def test_ctrl_c_while_a_plugin_loads_is_the_users(sites: FakeSites) -> None:
    sites.write("fake-slow", modules={"fake_slow": "raise KeyboardInterrupt\n"})
    sites.use("good")
    registry = Registry()
    with pytest.raises(KeyboardInterrupt):
        registry.plugins()
    sys.modules.pop("fake_slow", None)
    with pytest.raises(KeyboardInterrupt):  # not half loaded, not locked: it tries again
        registry.plugins()


def test_an_alias_of_two_backends(sites: FakeSites) -> None:
    sites.write("fake-two", spec("one", aliases=("x", "two")), spec("two", aliases=("x", "one")))
    with pytest.warns(SimquayPluginWarning, match="it registers the alias x twice"):
        records = by_distribution(Registry().plugins())
    assert records["fake-two"].status is PluginStatus.BROKEN


def test_an_error_that_cannot_be_printed(sites: FakeSites) -> None:
    code = """
class HostileError(Exception):
    def __str__(self):
        raise RuntimeError("no text for you")

raise HostileError()
"""
    sites.write("fake-hostile", modules={"fake_hostile": code})
    with pytest.warns(SimquayPluginWarning, match="HostileError"):
        records = by_distribution(Registry().plugins())
    assert records["fake-hostile"].status is PluginStatus.BROKEN


def test_an_endless_message_is_cut(sites: FakeSites) -> None:
    sites.write("fake-wordy", modules={"fake_wordy": "raise ValueError('word ' * 1000)\n"})
    with pytest.warns(SimquayPluginWarning):
        records = by_distribution(Registry().plugins())
    assert len(records["fake-wordy"].error) == 400


def test_warnings_as_errors_leave_a_working_registry(sites: FakeSites) -> None:
    sites.use("raises_in_hook", "good")
    provider = Provider()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SimquayPluginWarning):
            provider.get_backend("fake")
        assert provider.get_backend("fake").name == "fake"


def test_plugins_are_warned_of_once(sites: FakeSites) -> None:
    sites.use("raises_in_hook", "good")
    provider = Provider()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            provider.get_backend("fake")
            provider.backends()
    assert [warning.category for warning in caught] == [SimquayPluginWarning]


def test_an_unknown_name_tells_of_plugins_that_did_not_load(sites: FakeSites) -> None:
    sites.use("raises_in_hook")
    with (
        pytest.warns(SimquayPluginWarning),
        pytest.raises(UnknownBackendError, match=r"fake-raises-in-hook 1.0 \(broken: ValueError"),
    ):
        Provider().get_backend("some-name")


def test_a_plugin_may_be_an_object_a_class_or_register_nothing(sites: FakeSites) -> None:
    code = """
from simquay.plugin import BackendSpec, hookimpl

class Plugin:
    def __init__(self, name):
        self.name = name

    @hookimpl
    def simquay_register_backends(self):
        yield BackendSpec(name=self.name, device="cpu", factory="tests.support.fake_backends:make")

class Static:
    @staticmethod
    @hookimpl
    def simquay_register_backends():
        return ()

plugin = Plugin("from-object")
other = Plugin("from-other")
"""
    entry_points = (
        "[console_scripts]\nfake = fake_object:main\n\n"
        "[simquay]\none = fake_object:plugin\ntwo = fake_object:other\nnone = fake_object:Static\n"
    )
    sites.write("fake-object", modules={"fake_object": code}, entry_points=entry_points)
    registry = Registry()
    mine = [record for record in registry.plugins() if record.distribution == "fake-object"]
    assert [(record.name, record.backends) for record in mine] == [
        ("none", ()),
        ("one", ("from-object",)),
        ("two", ("from-other",)),
    ]
    assert all(record.status is PluginStatus.ACTIVE for record in mine)


def test_one_distribution_cannot_register_a_name_in_two_entry_points(sites: FakeSites) -> None:
    entry_points = "[simquay]\nb = fake_pair\na = fake_pair\n"
    code = """
from simquay.plugin import BackendSpec, hookimpl

@hookimpl
def simquay_register_backends():
    return [BackendSpec(name="pair", device="cpu", factory="tests.support.fake_backends:make")]
"""
    sites.write("fake-pair", modules={"fake_pair": code}, entry_points=entry_points)
    registry = Registry()
    with pytest.warns(SimquayPluginWarning, match="registers pair in another entry point"):
        records = [r for r in registry.plugins() if r.distribution == "fake-pair"]
    assert [(r.name, r.status.value) for r in records] == [("a", "active"), ("b", "conflict")]
    assert [row.lookup for row in registry.backends("fake-pair:pair", all=True)] == ["pair"]


def test_a_new_provider_sees_what_was_installed_meanwhile(sites: FakeSites) -> None:
    old = Provider()
    assert old.backends("late") == []
    sites.write("fake-late", spec("late"))
    assert old.backends("late") == []
    assert [info.name for info in Provider().backends("late")] == ["late"]


def test_nothing_is_loaded_before_the_first_question(sites: FakeSites) -> None:
    sites.use("good")
    provider = Provider()
    assert "fake_good.plugin" not in sys.modules
    provider.plugins()
    assert "fake_good.plugin" in sys.modules
    assert "fake_good.probes" not in sys.modules
    provider.backends()
    assert "fake_good.probes" in sys.modules
    assert "fake_good.backend" not in sys.modules  # a factory only when its backend is asked for
    provider.get_backend("fake")
    assert "fake_good.backend" in sys.modules


def test_the_own_backends_come_through_the_same_entry_point(sites: FakeSites) -> None:
    (record,) = (r for r in Registry().plugins() if r.distribution == "simquay")
    assert record.target == "simquay.simulators.builtin"
    assert {"numpy", "reference"} <= set(record.backends)
    assert Path(sys.modules["simquay.simulators.builtin"].__file__ or "").name == "builtin.py"
