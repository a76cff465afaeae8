"""The histogram in the terminal: order, remainder, widths and encodings."""

from __future__ import annotations

import io

from rich.console import Console

from simquay.cli.console import histogram
from simquay.cli.views.counts import CircuitCounts


def counts_of(counts: dict[str, int], seed: int | None = 7) -> CircuitCounts:
    shots = sum(counts.values())
    return CircuitCounts("demo", 3, "c[2..0], left to right", shots, seed, counts)


def drawn(counts: dict[str, int], *, width: int = 80, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)  # strict: an odd character raises
    console = Console(file=file, width=width, highlight=False)
    console.print(histogram(counts_of(counts), console), markup=False)
    file.flush()
    return [line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()]


def test_it_names_the_circuit_the_seed_and_the_bits() -> None:
    lines = drawn({"000": 3, "111": 1})
    assert lines[0] == "demo: 3 qubits, 4 shots, seed 7"
    assert lines[1] == "bits: c[2..0], left to right"


def test_rows_have_outcome_bar_shots_and_share() -> None:
    _, _, first, second = drawn({"000": 1, "111": 3})
    assert first.split()[0] == "111"
    assert first.split()[-2:] == ["3", "75.0%"]
    assert second.split()[0] == "000"
    assert second.split()[-2:] == ["1", "25.0%"]
    assert first.count("█") == 3 * second.count("█") == 48


def test_many_outcomes_end_in_a_remainder_that_completes_the_shots() -> None:
    counts = {f"{value:06b}": 10 + value for value in range(64)}
    lines = drawn(counts)
    assert len(lines) == 2 + 20 + 1
    assert "and 44 other outcomes" in lines[-1]
    shown = sum(int(line.split()[-2]) for line in lines[2:])
    assert shown == sum(counts.values())


def test_one_more_outcome_is_told_in_the_singular() -> None:
    lines = drawn({f"{value:05b}": 2 for value in range(21)})
    assert "and 1 other outcome " in lines[-1]


def test_a_rare_outcome_still_shows_a_sliver() -> None:
    line = drawn({"0": 1_000_000, "1": 1})[-1]
    assert line.split()[:2] == ["1", "▏"]


def test_an_ascii_terminal_gets_ascii() -> None:
    lines = drawn({"0": 30, "1": 10}, encoding="ascii")
    assert lines[2].count("#") == 3 * lines[3].count("#")


def test_no_line_is_wider_than_a_narrow_terminal() -> None:
    counts = {f"{value:08b}": 1000 for value in range(30)}
    assert max(map(len, drawn(counts, width=40))) <= 40


def test_an_outcome_wider_than_the_terminal_is_folded_not_cut() -> None:
    outcome = "01" * 60
    text = "".join("".join(line.split()) for line in drawn({outcome: 4}, width=60)[2:])
    assert text.replace("█", "").startswith("01" * 10)
    assert sum(text.count(digit) for digit in "01") >= 120
