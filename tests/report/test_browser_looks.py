"""The page at every width and in both themes: nothing overlaps, nothing sticks out, whatever the records hold."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench._records import Record, Store
from archbench._records._files import encode_record
from support import Cli, MakeRecord
from support.browsing import follow

pytestmark = pytest.mark.browser

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference" / "index.html"
WIDTHS = (390, 768, 1440, 2560)
USUAL = ((390, "dark"), (1440, "light"))
"""Screens on which the reference is looked at in the default tests."""
SIDEWAYS = "document.scrollingElement.scrollWidth"
TOO_WIDE = """() => [...document.querySelectorAll(".scroll")]
    .filter((block) => block.offsetParent && block.scrollWidth > block.clientWidth + 1)
    .map((block) => block.getAttribute("aria-label") || block.textContent.slice(0, 60))"""
OVERLAPS = """() => {
    const found = [];
    const seen = (text) => text.textContent.trim() && text.checkVisibility({ opacityProperty: true });
    for (const chart of document.querySelectorAll("svg")) {
        const texts = [...chart.querySelectorAll("text")].filter(seen);
        const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
        boxes.forEach(([one, a], n) => {
            for (const [other, b] of boxes.slice(n + 1)) {
                const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (across > 1.5 && down > 0.35 * Math.min(a.height, b.height)) found.push(`${one} | ${other}`);
            }
        });
    }
    return found;
}"""

STRETCHED = """() => [...document.querySelectorAll("svg text[textLength]")].filter((text) => {
    const squeezed = text.getAttribute("textLength");
    text.removeAttribute("textLength");
    const natural = text.getComputedTextLength();
    text.setAttribute("textLength", squeezed);
    return natural && natural < squeezed;
}).map((text) => text.textContent)"""
BEYOND = """() => [...document.querySelectorAll("main svg.plot text")].filter((text) => {
    const chart = text.ownerSVGElement.getBoundingClientRect(), own = text.getBoundingClientRect();
    return text.checkVisibility() && (own.left < chart.left - 1 || own.right > chart.right + 1);
}).map((text) => text.textContent)"""


def routes(page: Any) -> list[str]:
    """Return one address of each kind of view that a page has, a comparison and a trial among them."""
    links = page.locator('a[href^="#/"]').evaluate_all("links => links.map(link => link.getAttribute('href'))")
    kinds = {link.split("/")[1].split("?")[0] + str(link.count("/")): link for link in links}
    trials = page.evaluate("page.data.trials.map(trial => trial[0])")
    return sorted({*kinds.values(), *(f"#/trial/{trial}" for trial in trials[:1]), "#/nothing"} - {page.url})


def assert_fits(page: Any, width: int) -> None:
    """Assert that no view of a page is wider than the screen, and that no texts of a chart lie on each other."""
    for route in routes(page):
        follow(page, route)
        assert page.evaluate(SIDEWAYS) <= width, route
        assert page.evaluate(OVERLAPS) == [], (route, width)


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        pytest.param(width, scheme, marks=() if (width, scheme) in USUAL else pytest.mark.slow)
        for width in WIDTHS
        for scheme in ("light", "dark")
    ],
)
def test_every_view_of_the_reference_fits(open_page: Any, width: int, scheme: str) -> None:
    """At four widths and in both themes no view scrolls sideways, and no texts of a chart overlap."""
    page = open_page(REFERENCE, viewport={"width": width, "height": 900}, color_scheme=scheme)

    assert_fits(page, width)


def test_tables_of_the_reference_fit_a_laptop(open_page: Any) -> None:
    """At 1280 pixels no table scrolls sideways, not even those with the commands."""
    page = open_page(REFERENCE)
    for route in routes(page):
        page.evaluate("route => { location.hash = route }", route)
        page.evaluate("document.querySelectorAll('details:not(.choose)').forEach(d => { d.open = true })")
        assert page.evaluate(TOO_WIDE) == [], route


def test_the_name_stays_in_sight(open_page: Any) -> None:
    """On a phone the names stay visible while a wide table scrolls, and the score is visible without scrolling."""
    page = open_page(REFERENCE, "#/task/noisy-digits", viewport={"width": 390, "height": 800})
    table = page.locator(".scroll:has(td.score):visible").first
    last = table.locator("tbody tr").first.locator("td").last
    score, interval = (table.locator(f"td.score {part}").first.bounding_box() for part in ("b", ".pm"))
    assert score["x"] + score["width"] <= 390 - 16
    assert interval["y"] > score["y"] + score["height"] / 2  # a row has two lines, and keeps the interval

    table.evaluate("element => { element.scrollLeft = 9999 }")

    name = table.locator("tbody th .label").first.bounding_box()
    assert name["x"] >= 0
    assert name["x"] + name["width"] <= last.bounding_box()["x"]


SMALL = """() => [...document.querySelectorAll("button, select, input[type=search], summary, header nav a")]
    .filter((control) => control.checkVisibility() && control.getBoundingClientRect().height < 43.5)
    .map((control) => `${control.className} ${control.textContent.slice(0, 30)}`)"""


def test_targets_on_a_phone_are_large(open_page: Any) -> None:
    """Every control of a phone is at least 44 pixels high, links within text left out."""
    page = open_page(REFERENCE, viewport={"width": 390, "height": 800})
    for route in ("#/", "#/task/noisy-digits", "#/compare", "#/data", "#/claims"):
        follow(page, route)
        assert page.evaluate(SMALL) == [], route


def test_print(page: Any) -> None:
    """A printed page has every view, dark letters on white even with a dark screen, and no controls."""
    page.emulate_media(color_scheme="dark", media="print")
    page.locator("#theme").evaluate("button => { button.click(); button.click(); }")  # dark, by the reader's choice

    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for control in ("#tools", "#theme", ".bar", ".pin"):
        assert page.locator(f"{control}:visible").count() == 0, control
    hidden = page.locator("main > section:not(:visible)").evaluate_all("views => views.map(view => view.dataset.view)")
    assert sorted(hidden) == ["compare", "missing", "trial"]


def test_letters_of_charts_are_neither_stretched_nor_cut(open_page: Any) -> None:
    """In no view of the reference does a text stick out of its chart, or is one made wider than it is."""
    page = open_page(REFERENCE)
    links = page.locator('a[href^="#/"]').evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for route in ["#/", *sorted({link for link in links if link.startswith(("#/study/", "#/task/"))})]:
        follow(page, route)
        assert page.evaluate(STRETCHED) == [], route
        assert page.evaluate(BEYOND) == [], route


LETTERS = """() => Math.min(...[...document.querySelectorAll("main .scroll svg.plot text")]
    .filter((text) => text.checkVisibility() && text.getBoundingClientRect().width)
    .map((text) => [parseFloat(getComputedStyle(text).fontSize), text.getScreenCTM()])
    .map(([size, turned]) => size * Math.hypot(turned.a, turned.b)))"""


@pytest.mark.parametrize("route", ["#/", "#/task/noisy-digits", "#/study/lag"])
def test_letters_of_charts_can_be_read_on_a_phone(open_page: Any, route: str) -> None:
    """No text of a chart is smaller than 8 pixels, however wide the chart is."""
    page = open_page(REFERENCE, route, viewport={"width": 390, "height": 800})

    assert 8 <= page.evaluate(LETTERS) < 16


def test_differences_have_names_and_a_scale_on_a_phone(open_page: Any) -> None:
    """In the chart of a comparison no name of a task is cut, and the axis has a mark beside that of no difference."""
    page = open_page(REFERENCE, "#/compare?with=lstm,gru", viewport={"width": 390, "height": 800})
    chart = page.locator("svg.drawn[aria-label^='Difference']")

    names = chart.locator("text[text-anchor=end]").all_text_contents()
    assert {"Sequence tasks", "permuted-digits", "moving-shapes"} <= {*names}
    marks = chart.locator("text[text-anchor=middle]").all_text_contents()
    assert "0" in marks
    assert len({*marks}) > 1


def test_the_head_of_the_seconds_stands_above_them(open_page: Any, make_record: MakeRecord) -> None:
    """In the map of the overview, numbers and their head end at the same place, however wide the column is."""
    heat = open_page([make_record(name, seed=seed) for name in "ab" for seed in range(3)]).locator("#heat")
    boxes = [heat.locator(cell).last for cell in ("thead th.n", "tbody td.n")]

    assert [box.evaluate("cell => getComputedStyle(cell).textAlign") for box in boxes] == ["right", "right"]


COVERED = """() => {
    const seen = (elements) => [...elements].filter((element) => element.checkVisibility());
    const box = (element) => element.getBoundingClientRect();
    return seen(document.querySelectorAll("main > section tbody tr + tr")).filter((row) => {
        const cells = seen(row.previousElementSibling.cells);
        return Math.max(...cells.map((cell) => box(cell).bottom)) > box(row).top + 1;
    }).map((row) => row.textContent.slice(0, 40));
}"""


@pytest.mark.parametrize("width", [390, 768])
def test_rows_of_tables_do_not_cover_each_other(open_page: Any, width: int) -> None:
    """In every kind of view, and in each study, a row of a table begins where the one before it ends."""
    page = open_page(REFERENCE, viewport={"width": width, "height": 800})
    studies = page.locator('a[href^="#/study/"]').evaluate_all("links => links.map(link => link.getAttribute('href'))")
    for route in ["#/", *routes(page), *sorted({*studies})]:
        follow(page, route)
        assert page.evaluate(COVERED) == [], route


HOSTILE = (
    "<script>alert(1)</script><b>bold</b>",
    "x" * 200,
    "long " * 40,
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe",
    "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}",
    "\N{GRINNING FACE}\N{WOMAN}\N{ZERO WIDTH JOINER}\N{WOMAN} net",
    "=cmd|' /C calc'!A0",
    "]]></script><!--",
    "a/b?c#d%e&f=g,h",
    "\"quoted\" 'twice'",
    "__proto__",
    "  ",
)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1440])
def test_hostile_names(open_page: Any, make_record: MakeRecord, width: int) -> None:
    """Whatever the names of plugins are, each view opens without an error, fits, and no texts of a chart overlap."""
    records = [
        make_record(name, task, seed=seed, score=0.5 + seed / 10 + place / 50)
        for place, name in enumerate(HOSTILE)
        for task in ("digits", HOSTILE[place % 8])
        for seed in range(2)
    ]
    page = open_page(records, viewport={"width": width, "height": 800})
    links = page.locator('a[href^="#/"]').evaluate_all("links => links.map(link => link.getAttribute('href'))")

    for link in sorted(set(links)):
        follow(page, link)
        assert "no such view" not in page.locator("main > section:visible h2").first.inner_text(), link
        assert page.evaluate(SIDEWAYS) <= width, link
        assert page.evaluate(OVERLAPS) == [], link
    assert page.locator("main script, main b:text-is('bold')").count() == 0
    follow(page, "#/compare?with=__proto__,x")
    page.get_by_label("Second architecture").locator("visible=true").select_option(label="a/b?c#d%e&f=g,h")
    address = page.url
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.url == address
    assert "a/b?c#d%e&f=g,h" in page.title()


SWAPPED = """() => {
    const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT), found = [];
    const left = (node, at) => {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const [box] = range.getClientRects();
        return box && box.width ? box : null;
    };
    while (walk.nextNode()) {
        const node = walk.currentNode, match = /[\\u0590-\\u05ff]([^\\p{L}\\d]*)(\\d)/u.exec(node.data);
        if (!match || !node.parentElement.checkVisibility()) continue;
        const name = left(node, match.index), number = left(node, match.index + match[0].length - 1);
        const line = name && number && Math.abs(name.top - number.top) < 4;
        found.push([node.data, line ? number.left < name.left : false]);
    }
    return found;
}"""


def test_a_name_from_right_to_left_moves_no_number(open_page: Any, make_record: MakeRecord) -> None:
    """In every sentence a number stays right of the Hebrew name that it follows, in views of Python and of scripts."""
    hebrew = "\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}\N{HEBREW LETTER ALEF}"
    records = [
        make_record(name, task, seed=seed, score=score + seed / 100)
        for name, score in ((hebrew, 0.9), ("mlp", 0.6), (f"{hebrew} {hebrew}", 0.5))
        for task in ("digits", "shapes")
        for seed in range(3)
    ]
    page, sentences = open_page(records), []
    for link in (
        "#/",
        "#/tasks",
        "#/task/digits",
        f"#/compare?with=mlp,{hebrew}",
        f"#/trial/{records[0].id}",
        "#/data",
    ):
        follow(page, link)
        sentences += page.evaluate(SWAPPED)

    assert len(sentences) >= 3
    assert [text for text, swapped in sentences if swapped] == []


def test_broken_and_foreign_records(open_page: Any, cli_here: Cli, tmp_path: Path) -> None:
    """Files that are no records, or of another version, cost nothing but themselves: the page shows the others."""
    out = tmp_path / "mixed"
    known = Store(REFERENCE.parent).scan()[0].values()
    trials = {(r.trial.architecture.label, r.trial.seed): r for r in known if r.trial.task.label == "noisy-digits"}
    for seed in range(3):
        fine, broken = trials["mlp", seed], encode_record(trials["lenet-5", seed])
        net = msgspec.structs.replace(fine.trial.architecture, name="stranger", label="stranger", provider="gone")
        trial = msgspec.structs.replace(fine.trial, architecture=net)
        newer = b'{"schema":999,"record":{},"sha256":""}'
        damaged = (broken[:90], broken.replace(b'"seed":1', b'"seed":7'), newer)[seed]
        written = {fine.id: encode_record(fine), trials["lenet-5", seed].id: damaged}
        written[trial.id] = encode_record(msgspec.structs.replace(fine, id=trial.id, trial=trial))
        for key, data in written.items():
            path = out / "records" / key[:2] / f"{key}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    (out / "records" / "note.txt").write_text("mine")
    done = cli_here("leaderboard", "--out", str(out), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    for width in (390, 1440):
        page = open_page(out / "index.html", "#/data", viewport={"width": width, "height": 800})
        assert page.locator(".notes li").count() == 3
        assert page.evaluate(SIDEWAYS) <= width
        assert page.evaluate(OVERLAPS) == []
        follow(page, "#/task/noisy-digits")
        shown = page.locator("main > section:visible table[id^=t-] .label").all_inner_texts()
        assert sorted(shown) == ["mlp", "stranger"]


def few(make: MakeRecord) -> dict[str, list[Record]]:
    """Records with almost nothing in them, by what they have."""
    return {
        "nothing": [],
        "one entrant": [make(seed=seed) for seed in range(3)],
        "one task": [make(name, seed=seed) for name in "ab" for seed in range(3)],
        "one seed": [make(name, task) for name in "ab" for task in ("digits", "adding")],
        "one trial": [make()],
        "only failures": [make(name, seed=seed, status="crashed") for name in "ab" for seed in range(2)],
        "only skipped": [make("a", status="skipped", message="takes images")],
    }


@pytest.mark.parametrize(
    "name", ["nothing", "one entrant", "one task", "one seed", "one trial", "only failures", "only skipped"]
)
@pytest.mark.parametrize("width", [390, pytest.param(1440, marks=pytest.mark.slow)])
def test_pages_of_little(open_page: Any, make_record: MakeRecord, name: str, width: int) -> None:
    """A page of few records opens without an error, fits the screen, and each of its links leads somewhere."""
    page = open_page(few(make_record)[name], viewport={"width": width, "height": 800})
    links = page.locator('a[href^="#/"]').evaluate_all("links => links.map(link => link.getAttribute('href'))")

    assert page.locator("main").inner_text().strip()
    for link in sorted(set(links)):
        follow(page, link)
        assert "no such view" not in page.locator("main > section:visible h2").first.inner_text(), link
        assert page.evaluate(SIDEWAYS) <= width, link
        assert page.evaluate(OVERLAPS) == [], link


@pytest.mark.performance
def test_the_page_is_ready_soon(browser: Any, tmp_path: Path) -> None:
    """The reference page takes at most five times as long as its own text without markup or scripts."""
    tab = browser.new_page()
    tab.goto(REFERENCE.as_uri())
    (tmp_path / "plain.html").write_text("<!doctype html><pre>" + REFERENCE.read_text().replace("<", "&lt;") + "</pre>")

    def seconds(path: Path, ready: str) -> float:
        found = []
        for _ in range(5):
            started = time.perf_counter()
            tab.goto(path.as_uri())
            tab.wait_for_selector(ready)
            found.append(time.perf_counter() - started)
        return min(found)

    plain, own = seconds(tmp_path / "plain.html", "pre"), seconds(REFERENCE, "html[data-ready]")
    print(f"\nready after {own:.2f} s, {own / plain:.1f} times a page of plain text of {plain:.2f} s")
    assert own < 5 * plain + 0.5
    tab.close()


FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


@pytest.mark.slow
@pytest.mark.skipif(FIREFOX is None, reason="there is no firefox on the PATH")
def test_firefox_shows_the_page(tmp_path: Path) -> None:
    """Firefox draws a picture of the page."""
    picture = tmp_path / "page.png"
    command = [str(FIREFOX), "--headless", "--profile", str(tmp_path), "--screenshot", str(picture), REFERENCE.as_uri()]
    subprocess.run(command, check=True, timeout=120, capture_output=True)

    assert picture.stat().st_size > 20_000
