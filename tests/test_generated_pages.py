"""Pages with measured numbers: their tables are those of the committed JSON, and say plainly what is missed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import archbench
from archbench._report._csv import COLUMNS
from archbench._report._write import PARQUET
from archbench._suite._leaderboard import FILES
from support.pages import ROOT, script_of_docs

Results = dict[str, Any]


def committed(name: str) -> Results:
    """Return the committed numbers of a page."""
    results: Results = json.loads((ROOT / "docs" / f"{name}.json").read_text(encoding="utf-8"))
    return results


def render(name: str, results: Results) -> str:
    """Return the tables of a page for some numbers."""
    function: Callable[[Results], str] = script_of_docs(f"{name}_tables").render
    return function(results)


def one_machine() -> Results:
    """Return the committed numbers of the first machine of performance.json."""
    results: Results = committed("performance")["machines"][0]
    return results


def performance(*machines: Results) -> str:
    """Return the tables of docs/performance.md for machines."""
    return render("performance", {"machines": list(machines)})


def lines_of(text: str, name: str) -> list[str]:
    """Return the lines of tables whose first cell is a name."""
    return [line for line in text.splitlines() if line.startswith(f"| {name} |")]


def rows_with_target(results: Results) -> Iterator[Results]:
    """Yield the rows of a machine that have a target."""
    for section in results.values():
        for row in section if isinstance(section, list) else []:
            if isinstance(row, dict) and ("at_most" in row or "at_least" in row):
                yield row


@pytest.mark.parametrize("name", ["performance", "equivalence", "reliability"])
def test_page_shows_the_committed_numbers(name: str) -> None:
    """The generated part of a page is what the committed JSON gives, between the markers."""
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    generated = page.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]

    assert generated == f"\n\n{render(name, committed(name))}\n\n"


def test_schema_and_columns_of_the_leaderboard_are_those_of_the_code() -> None:
    """docs/leaderboard.schema.json and the columns in docs/leaderboard.md are what the code gives."""
    script, page = script_of_docs("leaderboard_schema"), (ROOT / "docs" / "leaderboard.md").read_text(encoding="utf-8")

    assert (ROOT / "docs" / "leaderboard.schema.json").read_text(encoding="utf-8") == script.render_schema()
    assert script.render_page(page) == page


def test_the_schema_admits_the_leaderboard_and_no_other_format() -> None:
    """The leaderboard of the committed records fits its schema; another format, or a score that is text, does not."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "docs" / "leaderboard.schema.json").read_text(encoding="utf-8"))
    board = json.loads(msgspec.json.encode(archbench.read(ROOT / "leaderboard" / "reference").leaderboard))
    validator = jsonschema.Draft202012Validator(schema)
    wrong = copy.deepcopy(board)
    wrong["boards"][0]["rows"][0]["ok"] = "three"

    assert list(validator.iter_errors(board)) == []
    assert [list(error.path) for error in validator.iter_errors(wrong)] == [["boards", 0, "rows", 0, "ok"]]
    assert len(list(validator.iter_errors(board | {"format": board["format"] + 1}))) == 1


def test_every_column_of_the_boards_is_explained() -> None:
    """docs/leaderboard.md explains each column of leaderboard.csv, and names each file of the leaderboard."""
    page = (ROOT / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    section = page.partition("## `leaderboard.csv`")[2].partition("\n## ")[0]
    listed = [
        name
        for line in section.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    ]
    files = re.findall(r"^\| `([\w.]+)` \|", page.partition("\n## ")[0], re.MULTILINE)

    assert sorted(listed) == sorted(COLUMNS)
    assert sorted(files) == sorted([*FILES, PARQUET])


def test_a_missed_target_is_called_missed() -> None:
    """A row is met on its target and missed just beyond it, and the count above the table follows."""
    results = one_machine()
    for row in rows_with_target(results):
        row["found"] = row.get("at_most", row.get("at_least"))
    rows = list(rows_with_target(results))
    met = performance(results)
    rows[0]["found"] *= 1.01 if "at_most" in rows[0] else 0.99
    (at_least,) = [row for row in rows if row["name"].endswith("workers times wall")]
    at_least["found"] *= 0.99
    missed = performance(results)

    assert f"Of {len(rows)} targets {len(rows)} are met and 0 are missed." in met
    assert f"Of {len(rows)} targets {len(rows) - 2} are met and 2 are missed." in missed
    for row in (rows[0], at_least):
        assert lines_of(met, row["name"])[0].endswith("| met |")
        assert lines_of(missed, row["name"])[0].endswith("| missed |")
    assert missed.index("| missed |") < missed.index("| met |")


def test_targets_of_several_machines_stand_side_by_side() -> None:
    """A target that is missed on both machines comes before one that is missed on one; each machine is counted."""
    machines = [one_machine() | {"processor": name} for name in ("fast", "slow")]
    on_fast, on_slow = ([*rows_with_target(machine)] for machine in machines)
    for row in (*on_fast, *on_slow):
        row["found"] = row.get("at_most", row.get("at_least"))
    for row in (on_fast[-1], on_slow[-1], on_slow[0]):
        row["found"] *= 2 if "at_most" in row else 0.5
    text = performance(*machines)
    verdicts = [line for line in text.splitlines() if line.endswith((" met |", " missed |"))]

    assert f"Of {len(on_fast)} targets {len(on_fast) - 1} are met and 1 are missed on fast. " in text
    assert f"Of {len(on_slow)} targets {len(on_slow) - 2} are met and 2 are missed on slow.\n" in text
    assert "| measured | target | fast |  | slow |  |" in text
    assert [line.count("missed") for line in verdicts[:3]] == [2, 1, 0]
    assert "## On fast" in text


def test_every_target_of_the_issue_stands_beside_its_number() -> None:
    """There are targets for steps, trials, first steps, start-up, slow nets, many trials, efficiency and runs."""
    rows = list(rows_with_target(one_machine()))

    assert {row["at_most"] for row in rows if "at_most" in row} == {0.15, 0.2, 1.0, 1.1, 1.3, 2.0}
    assert {row["at_least"] for row in rows if "at_least" in row} - {1.5} == {0.9, 3.0}  # 1.5: of seeds together


def test_seeds_together_have_a_table_where_they_were_measured() -> None:
    """Numbers from before seeds were trained together have no table of them; later ones have it, and its targets."""
    results = one_machine()
    row = copy.deepcopy(results["ladder"][0]) | {"name": "10 seeds of mlp", "found": 1.25, "at_least": 1.5}
    found = performance(results | {"together": [row]})

    assert "10 seeds of mlp" not in performance(results | {"together": []})
    assert [line.split("|")[2].strip() for line in lines_of(found, "10 seeds of mlp")] == ["at least 1.50", "1.25"]


def test_numbers_of_a_busy_machine_are_called_provisional() -> None:
    """A load of 4 before the measurement began makes all numbers provisional, and a load of 0.1 does not."""
    results = one_machine()

    assert "provisional" in performance(results | {"load": [4.0, 4.0]})
    assert "provisional" not in performance(results | {"load": [0.1, 2.0]})


def test_benchopt_has_a_number_only_where_it_ran() -> None:
    """Without benchopt the page says so, and its row has no number; with it, the row has one."""
    results = one_machine()
    without = performance(results | {"benchopt": [], "benchopt_release": None})
    row = copy.deepcopy(results["runs"][0]) | {"name": "benchopt, 6 repetitions of a torch solver", "found": 1.75}
    del row["at_least"]
    ran = performance(results | {"benchopt": [row], "benchopt_release": "1.8"})

    assert "benchopt was not installed" in without
    assert lines_of(without, "benchopt, a torch solver on the same work")[0].split("|")[2].strip() == "not measured"
    assert lines_of(ran, row["name"])[0].split("|")[2].strip() == "1.75"
    assert "not measured" not in ran


@pytest.mark.parametrize("beyond", [1.01, float("nan")])
def test_a_difference_beyond_its_tolerance_is_called_exceeded(beyond: float) -> None:
    """A committed difference is within its tolerance; beyond it, or without a value, it is called exceeded."""
    results = committed("equivalence")
    before = render("equivalence", results)
    row = results["networks"][0]
    row["relative"] = row["tolerance"] * beyond
    after = render("equivalence", results)

    assert "exceeded" not in before
    assert " and 0 are not." in before
    assert "**exceeded**" in lines_of(after, row["speed_up"])[0]
    assert " and 1 are not." in after


def test_equal_bits_allow_no_difference() -> None:
    """Where equal bits are promised, the smallest difference exceeds the tolerance."""
    results = committed("equivalence")
    row = results["training"][0]
    row["relative"] = 1e-300

    assert row["tolerance"] == 0
    assert "**exceeded**" in lines_of(render("equivalence", results), row["speed_up"])[0]


def test_a_fault_that_cost_something_is_named() -> None:
    """The committed campaigns lost nothing; a loss is counted, named, and takes the place of that sentence."""
    results = committed("reliability")
    before = render("reliability", results)
    campaign = results["campaigns"][0]
    campaign["faults"][0]["lost"] = ["torn: ab12.json"]
    after = render("reliability", results)

    assert "None of them cost anything" in before
    assert "torn" not in before
    assert "**1 of them cost something**" in after
    assert "torn: ab12.json" in after


def test_counts_of_campaigns_are_those_of_their_faults() -> None:
    """In the committed campaigns, each line counts the faults of its kind, and the page has the sums."""
    campaigns = committed("reliability")["campaigns"]
    for campaign in campaigns:
        for line in campaign["counts"]:
            mine = [fault for fault in campaign["faults"] if fault["kind"] == line["kind"]]
            assert (line["tried"], line["lost"]) == (len(mine), sum(bool(fault["lost"]) for fault in mine))
    kinds = ("driver", "group", "server", "worker", "rank")
    kills = sum(f["kind"] in kinds for c in campaigns for f in c["faults"])

    assert f"among them {kills} kill signals" in render("reliability", {"campaigns": campaigns})
    campaigns[0]["faults"].append({"kind": "rank", "detail": "after 9.0 s; exit code 1", "lost": [], "forked": True})
    assert f"among them {kills + 1} kill signals" in render("reliability", {"campaigns": campaigns})
