"""The first screen of the reference page in a real browser: the text of its first 1,250 pixels has the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.browsing import Tabs

FIRST_SCREEN = 1250
VISIBLE = """(limit) => {
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const boxes = [...range.getClientRects()], node = walker.currentNode;
    const inside = boxes.length && boxes.every((box) => box.top >= 0 && box.bottom <= limit);
    if (inside && node.parentElement.checkVisibility()) texts.push(node.data);
  }
  return texts.join(" ");
}"""
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def board(rebuilt: Path) -> dict[str, Any]:
    """The numbers of that leaderboard as its JSON has them."""
    read: dict[str, Any] = json.loads((rebuilt / "leaderboard.json").read_text(encoding="utf-8"))
    return read


@pytest.fixture
def opened(open_page: Any, rebuilt: Path) -> Callable[..., Any]:
    """`opened(width)` is the page in a window of this width."""
    return lambda width, **options: open_page(
        rebuilt / "index.html", viewport={"width": width, "height": 900}, **options
    )


@pytest.fixture(scope="module")
def first_screen(tabs: Tabs, rebuilt: Path) -> str:
    """The text that a reader sees on the first screen, in one line."""
    page = tabs.open(rebuilt / "index.html", viewport={"width": 1440, "height": 900})
    return " ".join(page.evaluate(VISIBLE, FIRST_SCREEN).split())


def labels(board: dict[str, Any]) -> dict[str, str]:
    """Return the labels of the entrants by id."""
    return {entrant["id"]: entrant["label"] for entrant in board["entrants"]}


def over(board: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the board over the tasks of a kind."""
    (found,) = [item for item in board["overall"] if item["kind"] == kind]
    return dict(found)


def test_does_the_shortcut_matter(board: dict[str, Any], first_screen: str) -> None:
    """The claim about shortcuts stands there with its verdict, and how many times as large the loss is without them."""
    (claim,) = [claim for claim in board["claims"] if claim["name"] == "shortcuts-train-deep-nets"]

    assert claim["verdict"] == "supported"
    assert claim["statement"] in first_screen
    mean, low, high = (f"{float(f'{10 ** claim[name]:.2g}'):.0f}" for name in ("mean", "low", "high"))  # of log10
    assert f"{mean} times ({low} to {high}), {claim['n']} seeds" in first_screen


def test_the_headline_states_supported_claims(board: dict[str, Any], opened: Callable[..., Any]) -> None:
    """Every sentence of the headline is the statement of a claim that these records support."""
    headline = opened(1440).locator("#finding").inner_text()
    supported = [claim["statement"] for claim in board["claims"] if claim["verdict"] == "supported"]
    quoted = [statement for statement in supported if statement in headline]

    assert quoted
    assert sum(map(len, quoted)) + len(quoted) - 1 == len(headline)


def test_who_is_best_on_sequences_and_how_sure(board: dict[str, Any], first_screen: str) -> None:
    """All who could be the best are named, nobody else, with the confidence and how much is told apart."""
    found, names = over(board, "sequence"), labels(board)
    ranked = [row for row in found["rows"] if row["rank"] is not None]
    # From the comparison itself: could be the best is who has nobody certainly better.
    best = [names[row["entrant"]] for row in ranked if not row["worse_than"]]
    who = " or ".join([", ".join(best[:-1]), best[-1]] if len(best) > 1 else best)
    pairs = f"{found['comparison']['told_apart']} of {found['comparison']['pairs']} pairs can be told apart"

    assert f"With 95% confidence the best of the {len(ranked)} ranked is {who}; {pairs}." in first_screen
    assert f"{len(found['rows']) - len(ranked)} more are not ranked" in first_screen


@pytest.mark.parametrize("kind", ["image", "sequence", "tokens"])
def test_what_does_it_cost(board: dict[str, Any], first_screen: str, kind: str) -> None:
    """The fastest and the slowest of the best stand there: seconds, their range over seeds, and parameters."""
    names, tasks = labels(board), over(board, kind)["tasks"]
    best = [row for row in over(board, kind)["rows"] if row["rank"] is not None and not row["worse_than"]]
    for row in (min(best, key=lambda row: row["train_seconds"]), max(best, key=lambda row: row["train_seconds"])):
        sizes = sorted({f"{min(row['parameters']):,}", f"{max(row['parameters']):,}"})
        mine = [
            r
            for item in board["boards"]
            for r in item["rows"]
            if (r["entrant"], item["task"] in tasks) == (row["entrant"], True)
        ]
        seeds = zip(*[[seed["train_seconds"] for seed in found["seeds"]] for found in mine], strict=True)
        times = sorted(map(sum, seeds))
        facts = f"{times[0]:.1f}–{times[-1]:.1f} by seed; {'–'.join(sizes)} parameters"  # noqa: RUF001
        assert f"{names[row['entrant']]} trains {row['train_seconds']:.1f} s ({facts})" in first_screen


def test_protocol_trials_and_machine_are_in_one_line(board: dict[str, Any], first_screen: str) -> None:
    """The header says under which rules, from how many trials and on which processor."""
    place = board["environments"][0]["environment"]["processor"]

    assert f"{board['protocols'][0]['label']} protocol" in first_screen
    assert f"{board['trials']} trials" in first_screen
    assert place in first_screen


def test_a_contradicted_claim_is_on_the_first_screen(board: dict[str, Any], first_screen: str) -> None:
    """A page with contradicted claims shows one of them beside the supported ones."""
    contradicted = [claim["statement"] for claim in board["claims"] if claim["verdict"] == "contradicted"]

    assert any(statement in first_screen for statement in contradicted)
    assert "✕ Contradicted here" in first_screen


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1440, 2560])
def test_the_page_never_scrolls_sideways(opened: Callable[..., Any], width: int, scheme: str) -> None:
    """Wide tables scroll in their own boxes, at every width."""
    page = opened(width, color_scheme=scheme)

    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_without_scripts_the_overview_is_complete(opened: Callable[..., Any]) -> None:
    """The line with selects is hidden, and all else is readable."""
    page = opened(1440, java_script_enabled=False)

    assert page.locator("#finding").is_visible()
    assert page.locator(".heat").is_visible()
    assert not page.locator("#ask").is_visible()


def test_the_line_answers_what_the_board_found(board: dict[str, Any], opened: Callable[..., Any]) -> None:
    """For every pair of a board, the sentence says what the rows of the board say of the two."""
    page, names = opened(1440), labels(board)
    item = next(item for item in board["boards"] if item["comparison"]["pairs"] < 50)
    task = next(task["label"] for task in board["tasks"] if task["id"] == item["task"])
    page.locator("#ask-task").select_option(label=task)
    ranked = [row for row in item["rows"] if row["rank"] is not None]
    for first in ranked:
        page.locator("#ask-a").select_option(label=names[first["entrant"]])
        for second in ranked:
            page.locator("#ask-b").select_option(label=names[second["entrant"]])
            said = page.locator("#ask-answer").inner_text()
            better = second["entrant"] in first["better_than"], second["entrant"] in first["worse_than"]
            assert (f"{names[first['entrant']]} is better" in said) == better[0]
            assert (f"{names[second['entrant']]} is better" in said) == better[1]
            assert ("equivalent" in said) == (second["entrant"] in first["equivalent_to"])
