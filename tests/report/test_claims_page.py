"""Claims and studies on the page and in the README: what is said, how it is drawn, and that nothing foreign acts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from archbench import Chart, Line
from archbench._report import build_leaderboard
from archbench._report._charts import effect_strip
from archbench._report._schema import ClaimEntry, Leaderboard, StudyEntry, StudyFailure
from archbench._report._write import render_files

HOSTILE = "<img src=x onerror=alert(1)></script>|`[a](b) ' \" {{ 7*7 }} ]]>"
CHART = Chart(title="Loss", x="depth", y="loss", lines=(Line(label="plain", x=(1, 2), y=(0.5, 1.0)),))


def claim(**changes: Any) -> ClaimEntry:
    """Return a claim whose effects lie above its threshold."""
    fields: dict[str, Any] = {
        **dict.fromkeys(("statement", "source", "effect", "note", "criterion", "published", "refuted_by"), "words"),
        "id": "archbench/c",
        "name": "c",
        "provider": "archbench 1",
        "study": "archbench/depth",
        "size": "quick",
        "verdict": "supported",
        "says": "supported",
        "reason": "",
        "flags": [],
        "command": "",
        "manifest": "ab",
        "mean": 2.0,
        "low": 1.5,
        "high": 2.5,
        "n": 3,
        "effects": [(0, 1.8), (1, 2.0), (2, 2.2)],
        "missing": [],
        "rule": "above",
        "threshold": 0.3,
        "noise": 0.1,
        "seeds": 3,
        "family": 20,
        "replications": [],
    }
    return ClaimEntry(**{**fields, **changes})


def study(**changes: Any) -> StudyEntry:
    """Return a study with one chart, a table and a trial that failed."""
    failure = StudyFailure(
        record="f" * 32,
        architecture="plain-56",
        task="digits",
        protocol="nets",
        seed=2,
        status="failed",
        message="boom",
    )
    fields: dict[str, Any] = {
        "id": "archbench/depth",
        "name": "depth",
        "provider": "archbench 1",
        "question": "Deeper?",
        "source": "x",
        "size": "quick",
        "trials": {"ok": 8, "failed": 1},
        "text": "Plain nets fail.",
        "numbers": {},
        "charts": [CHART],
        "columns": ["Net", "Loss"],
        "rows": [["plain", "1.5"]],
        "problem": "",
        "lacking": 0,
        "failures": [failure],
        "command": "benchmark run depth",
    }
    return StudyEntry(**{**fields, **changes})


def board(claims: list[ClaimEntry], studies: list[StudyEntry]) -> Leaderboard:
    """Return a leaderboard of nothing but these."""
    return msgspec.structs.replace(build_leaderboard([]), claims=claims, studies=studies)


def render(claims: list[ClaimEntry], studies: list[StudyEntry]) -> tuple[str, str]:
    """Return the page and the README."""
    files = render_files(board(claims, studies))
    return files["index.html"].decode(), files["README.md"].decode()


def cells(page: str, identifier: str) -> str:
    """Return the text of a row of the page without its tags."""
    row = re.search(rf'<tr id="{identifier}">(.*?)</tr>', page, re.DOTALL)
    assert row
    return " ".join(re.sub(r"<[^>]+>", " ", row[1]).split())


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["supported"] * 2 + ["contradicted"], "2 supported and 1 contradicted of 3 published claims."),
        (["supported", "undecided", "undecided"], "1 supported of 3 published claims; 2 undecided."),
        (["tampered", "contradicted"], "1 contradicted of 2 published claims; 1 tampered."),
        (["undecided", "tampered"], "None of the 2 claims can be decided from these records."),
    ],
)
def test_headline(verdicts: list[str], said: str) -> None:
    """The headline counts only supported and contradicted claims as decided, and names the others."""
    entries = [claim(id=f"a/{n}", name=f"c{n}", verdict=verdict) for n, verdict in enumerate(verdicts)]

    for text in render(entries, [study()]):
        assert said.split(";", maxsplit=1)[0] in text.replace("\\", "")
        assert said in text.replace("\\", "")


def test_a_row_holds_what_was_found() -> None:
    """A row has the statement, the verdict with its flags, the mean with its interval, the seeds, and the paper."""
    page, readme = render([claim(low=-1.5, mean=-0.25, flags=["missing seeds"], published="27 %")], [study()])

    for text in (cells(page, "/claim/c"), readme.replace("\\", "")):
        for part in ("words", "supported (missing seeds)", "−0.25", "−1.5 to 2.5", "3", "27 %"):  # noqa: RUF001
            assert part in text, part


@pytest.mark.parametrize(
    ("figures", "says_none", "summary"),
    [
        ({}, True, ""),
        ({"published": "27 %"}, False, "Figures of the paper"),
        ({"replications": ["26 %"]}, True, "Figures of replications"),
        ({"published": "27 %", "replications": ["26 %"]}, False, "Figures of the paper and of replications"),
    ],
)
def test_a_paper_without_a_figure_is_said(figures: dict[str, Any], says_none: bool, summary: str) -> None:
    """Page and README say that a paper gives no figure, and the fold names whose figures it holds."""
    page, readme = render([claim(**{"published": "", "replications": [], **figures})], [study()])
    folds = re.findall(r"<summary>(Figures of [^<]*)</summary>", page)

    assert folds == ([summary] if summary else [])
    assert ("The paper gives no figure for it" in cells(page, "/claim/c")) == says_none
    assert ("The paper gives no figure for it" in readme) == says_none


def test_an_undecided_claim_says_what_would_decide_it() -> None:
    """The reason and the command stand in the row; a claim without an effect shows a dash and no interval."""
    entry = claim(
        verdict="undecided", reason="2 seeds; 5 are needed", command="benchmark run depth --seeds 5", mean=None,
        low=None, high=None, n=0, effects=[],
    )  # fmt: skip
    row = cells(render([entry], [study()])[0], "/claim/c")

    assert "2 seeds; 5 are needed" in row
    assert "benchmark run depth --seeds 5" in row
    assert " to 2.5" not in row


@pytest.mark.parametrize(("rule", "places"), [("above", 1), ("below", 1), ("within", 2)])
def test_the_strip_shows_seeds_and_thresholds(rule: str, places: int) -> None:
    """Every seed is a dot; the threshold is a line, and `within` has one on each side; the order is that of values."""
    drawn = effect_strip(claim(rule=rule, threshold=1.0, effects=[(0, -3.0), (1, 0.0), (2, 3.0)], mean=0.0))
    image = ElementTree.fromstring(str(drawn))
    dots = [float(element.attrib["cx"]) for element in image.iter("circle")]
    lines = [float(e.attrib["x1"]) for e in image.iter("line") if e.attrib["class"] == "target"]

    assert len(dots) == 3
    assert len(lines) == places
    assert dots[0] < dots[1] < lines[-1] < dots[2]
    if rule == "within":
        assert dots[0] < lines[0] < dots[1]


def test_a_study_is_shown_with_its_chart_table_and_failures() -> None:
    """The view of a study has its finding, its chart, its table, the trials that failed, and the command."""
    page, readme = render([], [study()])
    view = page[page.index('id="study-depth"') :]

    for part in ("Plain nets fail.", "<polyline", "<td>1.5</td>", "plain-56 on digits, seed 2", "benchmark run depth"):
        assert part in view, part
    assert "9 trials, quick size; 1 failed" in view
    assert "2 combinations are still to be trained" in render([], [study(lacking=2)])[0]
    assert "Plain nets fail\\." in readme or "Plain nets fail." in readme


def test_a_study_without_findings_says_why() -> None:
    """An analysis that failed leaves its reason in the place of the finding."""
    page, readme = render([], [study(text="", charts=[], columns=[], rows=[], problem="analyse raised KeyError")])

    assert "analyse raised KeyError" in page
    assert "analyse raised KeyError" in readme


def test_texts_of_plugins_do_not_act() -> None:
    """Markup in any text of a claim or a study is shown as text, and no cell of the README breaks its table."""

    class Tags(HTMLParser):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.found: set[str] = set()
            self.feed(text)

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.add(tag)
            assert not any(name.startswith("on") for name, _ in attrs)

    names = ("statement", "source", "effect", "note", "criterion", "published", "refuted_by", "reason")
    texts = dict.fromkeys(names, HOSTILE)
    line = Line(label=HOSTILE, x=(1, 2), y=(1.0, 2.0))
    chart = Chart(title=HOSTILE, x=HOSTILE, y=HOSTILE, lines=(line,), description=HOSTILE)
    foreign = study(question=HOSTILE, text=HOSTILE, source=HOSTILE, charts=[chart], columns=[HOSTILE], rows=[[HOSTILE]])
    page, readme = render([claim(**texts, replications=[HOSTILE])], [foreign])

    assert "img" not in Tags(page).found
    rows = [line for line in readme.splitlines() if line.startswith("|") and "supported" in line]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 8


def test_what_a_reader_has_to_know_of_an_effect_stands_beside_it() -> None:
    """The claims, the study and the README say it."""
    page, readme = render([claim(note="Losses below 0.05 count as 0.05.")], [study()])
    of_study = page[page.index('id="/study/depth"') :].partition("</section>")[0]

    for text in (cells(page, "/claim/c"), of_study, readme.replace("\\", "")):
        assert "Losses below 0.05 count as 0.05." in text


def test_a_statement_is_no_quotation() -> None:
    """A claim is told in words of whoever registered it, so no marks make them the words of the paper."""
    assert "<q" not in cells(render([claim()], [study()])[0], "/claim/c")


def test_a_study_shows_the_rule_of_its_claims_before_the_result() -> None:
    """The view of a study lists the claims that it decides, with rule, what would refute it, and then the verdict."""
    mine = claim(name="mine", statement="It grows", criterion="CRITERION", refuted_by="REFUTED", mean=-0.25, low=-1.5)
    other = claim(id="archbench/o", name="other", statement="It shrinks", study="archbench/width")
    page = render([mine, other], [study(), study(id="archbench/width", name="width")])[0]

    view = page[page.index('id="/study/depth"') :].partition("</section>")[0]
    parts = ['<a href="#/claim/mine">It grows</a>', "CRITERION", "REFUTED", "<b>supported</b>", "−0.25 (−1.5 to 2.5)"]  # noqa: RUF001
    places = [view.index(part) for part in parts]
    assert places == sorted(places)
    assert "It shrinks" not in view


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({}, "Rule, fixed before the trials"),
        ({"verdict": "undecided", "flags": ["post hoc"]}, "Rule, made or changed after trials"),
        ({"verdict": "tampered", "flags": ["tampered"]}, "Rule, made or changed after trials"),
        ({"verdict": "undecided", "size": "", "n": 0, "effects": [], "mean": None}, "Rule"),
        ({"verdict": "undecided", "manifest": ""}, "Rule"),
    ],
)
def test_the_head_of_the_rules_holds_for_each_row(changes: dict[str, Any], head: str) -> None:
    """A rule is said to be fixed before the trials only where it was, alone and above a table with other rows."""
    row = claim(name="a", id="archbench/a", **changes)
    late = claim(name="b", id="archbench/b", verdict="undecided", flags=["post hoc"], reason="why")
    page = render([row], [study()])[0]
    mixed = render([row, late], [study()])[0]

    assert page.count(f'<th scope="col">{head}</th>') == 2  # of the claims, and of the study
    assert f'<td data-head="{head}">' in page
    fixed = head.endswith("fixed before the trials")
    assert mixed.count("Rule, fixed before the trials</th>") == fixed  # above the decided ones, which stand apart
    assert mixed.count("Rule, fixed before the trials") == 2 * fixed
    assert 'data-head="Rule, made or changed after trials"' in mixed
