"""Sections of plugins: tables, charts with data, and pictures of their own that stay within their block."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archbench import Chart, DeclarationError, Line, Picture, Section
from archbench._plugins import load_plugins
from archbench._plugins._sections import MOST_BYTES
from archbench._records import Origin
from support import MakeRecord, write_page

ORIGIN = Origin(distribution="drawer", version="1.0", entry_point="drawer", editable=False)
CHART = Chart(title="Norms", x="steps", y="norm", lines=(Line(label="lstm", x=(0, 1, 2), y=(1.0, 0.5, 0.25)),))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="red"/></svg>'
HOSTILE = b"""<?xml version="1.0"?><?xml-stylesheet href="https://example.com/a.css"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="90000" height="90000"
 onload="parent.document.title='taken'; alert(1)">
<script>parent.document.body.replaceChildren(); alert(2)</script>
<script href="https://example.com/a.js"/><style>@import url("https://example.com/b.css");</style>
<foreignObject width="99999" height="99999"><body xmlns="http://www.w3.org/1999/xhtml">
<iframe src="https://example.com/"></iframe><img src="https://example.com/a.png" onerror="alert(3)"/>
<form action="https://example.com/"><button>Pay</button></form></body></foreignObject>
<image href="https://example.com/b.png" width="10" height="10"/><use xlink:href="https://example.com/c.svg#a"/>
<a href="https://example.com/"><text x="10" y="90">]]&gt; &lt;/script&gt;</text></a></svg>"""


def png(width: int = 40, height: int = 20) -> bytes:
    """Return the content of a PNG file."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "PNG")
    return out.getvalue()


def section(pictures: Sequence[bytes] = (), **fields: Any) -> Section:
    """Return a section with these pictures."""
    drawn = tuple(Picture(data=data, description=f"Picture {number}") for number, data in enumerate(pictures))
    return Section(**{"title": "Drawn by a plugin", "pictures": drawn, **fields})


def test_a_section_brings_charts_and_pictures(make_record: MakeRecord, tmp_path: Path) -> None:
    """Charts are drawn as those of the page, pictures are images with descriptions, and JSON has both."""
    write_page([make_record()], tmp_path, [(ORIGIN, section([SVG, png()], charts=(CHART,)))])
    page = (
        (tmp_path / "index.html").read_text(encoding="utf-8").partition('id="/section/1"')[2].partition("</section>")[0]
    )
    data = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))["sections"][0]

    assert re.search(r'<svg viewBox="[^"]*"[^>]*aria-label="Norms"', page)
    assert re.findall(r'<img src="data:(image/[a-z+]+);base64,[^"]*" alt="([^"]*)"', page) == [
        ("image/svg+xml", "Picture 0"),
        ("image/png", "Picture 1"),
    ]
    assert data["charts"][0]["lines"][0]["y"] == [1.0, 0.5, 0.25]
    assert base64.b64decode(data["pictures"][1]["data"]) == png()
    assert "On the page: Picture 0." in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"GIF89a", "neither a PNG file nor well-formed SVG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", "neither a PNG file nor well-formed SVG"),
        (b"<html/>", "its root is <html>"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><svg xmlns='http://www.w3.org/2000/svg'>&b;</svg>", "entities"),
        (png()[:20], "begins like a PNG file"),
        (png()[:16] + (9000).to_bytes(4, "big") + png()[20:], "9000 by 20 pixels"),
        ("<svg/>", "must be bytes"),
    ],
)
def test_what_is_no_picture_is_refused(data: Any, words: str) -> None:
    """A file of another kind, a broken one, and one that unpacks to gigabytes are refused with the reason."""
    with pytest.raises(DeclarationError, match=re.escape(words)):
        Picture(data=data, description="It")


def test_a_picture_needs_a_description() -> None:
    """People who cannot see it are told what it shows."""
    with pytest.raises(DeclarationError, match="description"):
        Picture(data=SVG, description=" ")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("charts=(archbench.Chart(title='C', x='a', y='b', lines=(archbench.Line(label='l', x=(1,), y=()),)),)",
         "1 values of x and 0 of y"),
        ("charts=(archbench.Chart(title='C', x='a', y='b', lines=(archbench.Line(label='l', x=(1,), y=(1e999,)),)),)",
         "not finite"),
        ("charts=(archbench.Chart(title='C', x='a', y='b', lines=(archbench.Line(label='l', x=(1,), y=(1e308,)),)),)",
         "C: l has the value 1e+308; an axis reaches to 1e+300"),
        ("charts=('a chart',)", "is no archbench.Chart"),
        ("charts=(archbench.Chart(title=3, x='a', y='b', lines=()),)", "the title of a chart must be of type str"),
        (f"pictures=(archbench.Picture(data=SVG + b'<!--' + b'x' * {MOST_BYTES} + b'-->', description='D'),)",
         f"at most {MOST_BYTES:,} are shown"),
        ("columns=('a',), rows=(('x' * 1000,),) * 201", "the texts have 201,002 characters together"),
    ],
)  # fmt: skip
def test_what_the_page_cannot_draw_is_left_out(tmp_path: Path, made: str, words: str) -> None:
    """A plugin whose charts or pictures break or bloat the page has no sections, and the page can say why."""
    path = tmp_path / "drawer.py"
    path.write_text(
        f"import archbench\nSVG = {SVG!r}\n@archbench.hookimpl\ndef archbench_leaderboard_sections():\n"
        f"    return [archbench.Section(title='T', {made})]\n"
    )
    sections, problems = load_plugins(files=[path], only=[]).leaderboard_sections([])

    assert sections == []
    assert words in problems[0].message


def test_pictures_cross_to_the_page_from_a_process_of_their_own(tmp_path: Path) -> None:
    """A plugin whose hooks run apart has the same sections as one whose hooks run here."""
    path = tmp_path / "drawer.py"
    path.write_text(
        f"import archbench\n@archbench.hookimpl\ndef archbench_leaderboard_sections():\n"
        f"    picture = archbench.Picture(data={png()!r}, description='D')\n"
        "    line = archbench.Line(label='l', x=(1,), y=(2,))\n"
        "    chart = archbench.Chart(title='C', x='a', y='b', lines=(line,))\n"
        "    return [archbench.Section(title='T', pictures=(picture,), charts=(chart,))]\n"
    )
    plugins = load_plugins(files=[path], only=[])
    here, _ = plugins.leaderboard_sections([])
    with plugins.apart():
        apart, _ = plugins.leaderboard_sections([])

    assert here
    assert [found for _, found in here] == [found for _, found in apart]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_a_hostile_picture_stays_in_its_block(
    open_page: Any, make_record: MakeRecord, tmp_path: Path, width: int
) -> None:
    """Scripts in a picture do not run, nothing is requested, and a picture of any size stays within its block.

    The fixture fails on a request that leaves the page, on a dialog and on an error in the console.
    """
    write_page([make_record()], tmp_path, [(ORIGIN, section([HOSTILE, png(3000, 2000)], charts=(CHART,)))])
    page = open_page(tmp_path / "index.html", "#/data", viewport={"width": width, "height": 900})
    images = page.locator("figure.drawn-by img")
    images.evaluate_all("images => Promise.all(images.map(image => image.decode().catch(() => 0)))")

    assert ("taken" in page.title(), images.count()) == (False, 2)
    for image, block in zip(images.all(), page.locator("figure.drawn-by").all(), strict=True):
        inner, outer = image.bounding_box(), block.bounding_box()
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1
        assert outer["x"] + outer["width"] <= width
        assert 0 < inner["height"] <= 700
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
