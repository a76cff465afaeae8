"""The error that ends a command, and what is said where an extra is missing."""

from __future__ import annotations

import pytest

from simquay.cli.errors import FAILED, USAGE, CommandError, require_extra


def test_the_exit_code_is_that_of_wrong_usage_unless_another_is_given() -> None:
    assert CommandError("no").exit_code == USAGE == 2
    assert CommandError("no", FAILED).exit_code == 1


def test_a_missing_extra_is_named_with_the_command_that_installs_it() -> None:
    require_extra("json", "the table")
    with pytest.raises(CommandError) as error:
        require_extra("no_such_module", "the table")
    assert str(error.value) == (
        'the table needs no_such_module: pip install ".[cli]" in a checkout of Simquay'
    )
