"""Write docs/the-line.md: the argument behind the built-in set, with what the committed records say of each step.

    python docs/the_line.py

Reads leaderboard/reference/leaderboard.json, which holds the findings of the studies and the verdicts of the claims,
and writes the page and its figures, docs/figures/*.svg.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec
from the_line_sections import OPENING, SECTIONS, Section

from archbench._report import _claim_words as words
from archbench._report._charts import line_chart
from archbench._report._schema import ClaimEntry, Leaderboard, StudyEntry

DOCS = Path(__file__).parent
REFERENCE = DOCS.parent / "leaderboard" / "reference" / "leaderboard.json"
SVG = 'xmlns="http://www.w3.org/2000/svg"'


class Page(NamedTuple):
    """A page and its figures: the text, and name and content of each figure."""

    text: str
    figures: dict[str, str]


def main() -> None:
    """Write the page and its figures."""
    page = make(msgspec.json.decode(REFERENCE.read_bytes(), type=Leaderboard))
    (DOCS / "the-line.md").write_text(page.text, encoding="utf-8")
    (DOCS / "figures").mkdir(exist_ok=True)
    for name, content in page.figures.items():
        (DOCS / "figures" / name).write_text(content, encoding="utf-8")


def make(board: Leaderboard) -> Page:
    """Return the page that these records give.

    Raises:
        KeyError: a section names a claim or a study that the leaderboard does not have.
        IndexError: it names a chart that the study does not have.
    """
    claims = {claim.name: claim for claim in board.claims}
    studies = {study.name: study for study in board.studies}
    figures: dict[str, str] = {}
    blocks = ["# The line", OPENING, f"In short: {words.headline(board)}"]
    for section in SECTIONS:
        blocks += [f"## {section.title}", section.text]
        blocks += _figure(section, studies, figures)
        blocks.append("\n".join(_claim(claims[name]) for name in section.claims))
    blocks += ["## The numbers behind this", "\n".join(_study(studies[name]) for name in studies), words.HOW_DECIDED]
    return Page("\n\n".join(block for block in blocks if block) + "\n", figures)


def _claim(claim: ClaimEntry) -> str:
    found = f"{words.number(claim.mean)}"
    if interval := words.interval(claim):
        found += f" ({interval}; {claim.n} seeds)"
    note = f" {words.short_note(claim)}" if claim.note else ""
    reason = f" {claim.reason[:1].upper()}{claim.reason[1:]}." if claim.reason else ""
    paper = f"The paper: {claim.published}." if claim.published else words.NO_FIGURE
    return (
        f"- **{words.verdict(claim).capitalize()}**: {claim.statement} {claim.effect}: {found}.{note}{reason} {paper} "
        f"Source: {claim.source}."
    )


def _study(study: StudyEntry) -> str:
    return f"- `{study.command}`, {words.trials_line(study)}: {study.text or study.problem}"


def _figure(section: Section, studies: dict[str, StudyEntry], figures: dict[str, str]) -> Iterator[str]:
    for study, number in section.figures:
        chart = studies[study].charts[number]
        drawn = line_chart(chart)
        if drawn is not None:
            name = f"{study}-{number + 1}.svg"
            figures[name] = _standalone(str(drawn))
            title = chart.title if chart.title.endswith("?") else f"{chart.title}."
            yield f"![{chart.title}](figures/{name})\n\n*{title} {chart.description}*"


def _standalone(svg: str) -> str:
    """Return an image that carries the colours and fonts of the page, for both colour schemes."""
    style = resources.files("archbench._report").joinpath("templates", "css", "base.css").read_text(encoding="utf-8")
    lines = style.splitlines()
    root = _until(lines, "*{box-sizing")
    kept = [line for line in lines if line.startswith((".plot ", ".curve ", ".curve.", ".c0{"))]
    inside = "\n".join([*root, "svg{background:var(--paper);font-family:system-ui,sans-serif}", *kept])
    head, _, rest = svg.partition(">")
    return f"{head} {SVG}><style>{inside}</style>{rest}\n"


def _until(lines: list[str], start: str) -> list[str]:
    """Return the lines before the first that starts so."""
    return lines[: next(index for index, line in enumerate(lines) if line.startswith(start))]


if __name__ == "__main__":
    main()
