"""The files of the leaderboard: self-contained, escaped, and useful when there are no results."""

from __future__ import annotations

import csv
import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from archbench._declarations import Section
from archbench._protocols import find_protocol
from archbench._records import ArchitectureFacts, Environment, Origin, Record, TaskFacts
from archbench._report import build_leaderboard
from archbench._report._charts import strip, strip_domain
from archbench._report._charts._scatter import place_names
from archbench._report._schema import Entrant, SeedResult
from archbench._report._statistics import Estimate
from archbench._report._text import NOTHING, loss
from archbench._report._write import render_files
from archbench._suite._leaderboard import FILES
from support import MakeRecord, write_page

FACTS = TaskFacts(
    kind="image", metric="accuracy", higher_is_better=True, chance=0.1, oracle=1.0, summary="Made up", margin=0.02
)
ENTRANT = Entrant(
    id="1", label="a", selector="a", provider="", name="a", revision=1, options={}, fingerprint="", summary="",
    source="", control="", expected_failures={}, colour=0, superseded_by="", origins=[], environments=[],
)  # fmt: skip
HOSTILE = "<img src=x onerror=alert(1)></script></style>|`[a](b) ' \" {{ 7*7 }} &amp;"
ORIGIN = Origin(distribution=HOSTILE, version=HOSTILE, entry_point="", commit=HOSTILE)


class Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture
def hostile(make_record: MakeRecord, tmp_path: Path) -> Path:
    """A leaderboard in which every text from records and plugins is an attack."""
    names = ("archbench", "python", "torch", "lightning", "platform", "processor", "device")
    texts: Any = dict.fromkeys(names, HOSTILE)
    place = Environment(
        **texts,
        threads=1,
    )
    fields = {
        "a_label": HOSTILE,
        "a_provider": HOSTILE,
        "a_options": {HOSTILE: HOSTILE},
        "t_label": HOSTILE,
        "architecture_origin": ORIGIN,
        "architecture_facts": ArchitectureFacts(
            summary=HOSTILE, source=HOSTILE, control=HOSTILE, expected_failures={HOSTILE: HOSTILE}
        ),
        "environment": place,
    }
    records = [make_record("evil", seed=seed, **fields) for seed in range(3)]
    records.append(make_record("evil", "shapes", status="failed", message=HOSTILE, **fields))
    records.append(make_record("evil", "adding", status="skipped", message=HOSTILE, **fields))
    section = Section(title=HOSTILE, text=HOSTILE, columns=(HOSTILE,), rows=((HOSTILE,),))
    write_page(records, tmp_path, [(ORIGIN, section)], [HOSTILE])
    return tmp_path


def test_html_obeys_no_foreign_markup(hostile: Path) -> None:
    """Foreign text adds no image, script, style or event handler to the page."""
    text = (hostile / "index.html").read_text(encoding="utf-8")
    page = Page(text)

    assert page.tags.count("img") == 0
    assert (page.tags.count("script"), page.tags.count("style")) == (2, 1)
    assert page.attributes.count(("type", "application/json")) == 1  # one of the two is data, which nothing runs
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "49 &amp;amp;" not in text


def test_markdown_obeys_no_foreign_markup(hostile: Path) -> None:
    """Foreign text adds no tag outside of code, and every row of a table has as many cells as its head."""
    lines = (hostile / "README.md").read_text(encoding="utf-8").splitlines()

    assert not [line for line in lines if "<" in line and not line.startswith("    ")]
    width = 0
    for line in lines:
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert cells in (0, width) or width == 0
        width = cells


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "|"])
def test_csv_holds_no_formula(make_record: MakeRecord, tmp_path: Path, start: str) -> None:
    """A label that a spreadsheet would take for a formula gets an apostrophe; negative numbers stay numbers."""
    write_page([make_record("evil", a_label=f"{start}1+1", score=0.0)], tmp_path)

    rows = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text(encoding="utf-8"))))

    assert not [cell for row in rows for cell in [row["architecture"]] if cell.lstrip().startswith(tuple("=+-@"))]
    assert float(rows[1]["normalised"]) < 0


def test_the_page_asks_the_network_for_nothing(realistic: list[Record], tmp_path: Path) -> None:
    """No link leaves the folder, and the content security policy forbids everything outside the file."""
    write_page(realistic, tmp_path)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))

    places = [value or "" for name, value in page.attributes if name in ("src", "href", "srcset", "action", "data")]
    assert {*FILES, "data:,"} - {"index.html", "preview.png"} == {p for p in places if p[0] != "#"}
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    within = {place[1:] for place in places if place[0] == "#"}
    # The view of a trial is drawn by the script of the page, from the data of all trials.
    assert {place for place in within if not place.startswith("/trial/")} <= set(ids)
    assert any("default-src 'none'" in (value or "") for _, value in page.attributes)
    assert not [name for name, _ in page.attributes if name == "style"]


@pytest.mark.parametrize("name", ["index.html", "README.md"])
def test_nothing_to_show_says_what_to_run(tmp_path: Path, name: str) -> None:
    """Without records the page names a command that works, and still shows the notes."""
    write_page([], tmp_path, notes=["no plugin could be loaded"])

    text = (tmp_path / name).read_text(encoding="utf-8")
    assert "benchmark run all" in text
    assert "no plugin could be loaded" in text


def test_environments_that_differ_are_told(realistic: list[Record], tmp_path: Path) -> None:
    """The page says that timings from two processors are not comparable."""
    write_page(realistic, tmp_path)

    assert "not comparable" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.494, "1.494"),
        (0.1, "0.100"),
        (0.0316, "0.032"),
        (0.0007, "0.00070"),
        (1.7e-5, "0.000017"),
        (8.1e-7, "8.1e-07"),
        (0.0, "0.000"),
        (None, NOTHING),
    ],
)
def test_a_small_loss_is_not_shown_as_zero(value: float | None, text: str) -> None:
    """Small losses keep two significant digits, so that losses that differ a hundredfold do not look equal."""
    assert loss(value) == text


def test_names_in_the_scatter_stay_at_their_points() -> None:
    """Names that would cover another name are hidden, and no name moves further than its own height."""
    points = [(100.0, 100.0 + n / 10) for n in range(20)]

    places = place_names(points, ["some-network"] * 20)

    assert places[0][1]
    assert not all(free for _, free in places)
    assert all(abs(height - y) <= 14 for (_, y), (height, _) in zip(points, places, strict=True))


def test_equal_means_are_drawn_on_a_readable_axis() -> None:
    """Means that differ only in the last bit are drawn on an axis of readable width."""
    close = [Estimate(mean=mean, low=None, high=None, n=1) for mean in (0.768, 0.768 + 1e-16)]

    low, high = strip_domain([(estimate, []) for estimate in close])

    assert high - low > 0.05


def test_reasons_are_told_once(make_record: MakeRecord, tmp_path: Path) -> None:
    """Entrants that cannot take a task for the same reason are named together, with the reason once."""
    records = [make_record(name, "adding", status="skipped", message="takes images") for name in ("a", "b")]
    write_page([*records, make_record("c", "adding")], tmp_path)

    assert "Not compatible: a, b (takes images)." in (tmp_path / "README.md").read_text(encoding="utf-8").replace(
        "\\", ""
    )
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("(takes images)") == 1


def test_a_kind_without_results_has_no_empty_table(make_record: MakeRecord, tmp_path: Path) -> None:
    """Where every entrant was skipped, the page says that nobody takes the tasks and shows no empty table."""
    write_page([make_record("a", status="skipped", message="takes tokens")], tmp_path)

    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "No entrant takes image tasks, so nobody is ranked." in text
    assert "<tbody></tbody>" not in text


def test_a_page_of_the_usual_size_stays_small(make_record: MakeRecord) -> None:
    """28 entrants, twelve of which take all of ten tasks and the others four, with five seeds: less than 1.5 MB."""
    draw, five_seeds = np.random.default_rng(0), msgspec.structs.replace(find_protocol("quick"), seeds=5)
    records = [
        make_record(
            f"architecture-{entrant:02d}",
            f"task-{task:02d}",
            seed=seed,
            protocol=five_seeds,
            score=0.3 + entrant / 50 + draw.normal() / 50,
            task_facts=msgspec.structs.replace(FACTS, kind="image" if task < 4 else "sequence"),
        )
        for entrant, task, seed in itertools.product(range(28), range(10), range(5))
        if task < 4 or entrant < 12
    ]

    assert len(render_files(build_leaderboard(records))["index.html"]) < 1_500_000


def test_equal_seeds_are_three_dots() -> None:
    """Seeds with one score are drawn beside each other, so that they can be counted."""
    equal = Estimate(mean=0.9, low=None, high=None, n=3)
    seeds = [
        SeedResult(seed=n, record="", status="ok", message="", counted=True, test=0.9, steps_to_target=None)
        for n in range(3)
    ]

    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', strip(ENTRANT, equal, seeds, (0.0, 1.0), 3))

    assert len(set(dots)) == 3
    assert len({across for across, _ in dots}) == 1


def test_a_row_far_from_all_others_leaves_them_room() -> None:
    """Of scores of .90 to .99 and one of .3, the axis holds the nine, and the strip of the tenth points to its side."""
    rows = [(Estimate(mean=m, low=None, high=None, n=3), [m]) for m in (*np.linspace(0.9, 0.99, 9), 0.3)]

    domain = strip_domain(rows)

    assert pytest.approx((0.9, 0.99)) == domain
    seeds = [SeedResult(seed=0, record="", status="ok", message="", counted=True, test=0.3, steps_to_target=None)]
    text = strip(ENTRANT, rows[-1][0], seeds, domain, 3)
    assert "◂" in text
    assert "<circle" not in text
    assert 'class="mean"' not in text
