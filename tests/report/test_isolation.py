"""Words that run from right to left stand between isolates; characters that turn others are replaced."""

from __future__ import annotations

import pytest

from archbench._report._isolation import isolate

A, B = "\N{HEBREW LETTER ALEF}", "\N{ARABIC LETTER BEH}"
FSI, PDI = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é text", "plain é text"),
        (f"{A}{A} 3 of 5", f"{FSI}{A}{A}{PDI} 3 of 5"),
        (f"{A} {B}-{A}", f"{FSI}{A} {B}-{A}{PDI}"),
        (f"{A}, {B}", f"{FSI}{A}{PDI}, {FSI}{B}{PDI}"),
        (f"net-{A}-2", f"net-{FSI}{A}{PDI}-2"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "\N{REPLACEMENT CHARACTER}gnp.exe"),
        (f"{A}{PDI}{A}", f"{FSI}{A}{A}{PDI}"),
    ],
)
def test_runs_are_isolated(text: str, shown: str) -> None:
    """A run ends at a letter, a number or a comma, and an isolate of a name cannot end that of the page."""
    assert isolate(text) == shown


def test_data_are_left_as_they_are() -> None:
    """The script finds names in the data as they were declared."""
    data = f'<script type="application/json" id="data">"{A}"</script>'

    assert isolate(f"<p>{A}</p>{data}") == f"<p>{FSI}{A}{PDI}</p>{data}"
