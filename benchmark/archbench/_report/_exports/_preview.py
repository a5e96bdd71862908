"""`preview.png`: the picture that sites show beside a link to the page. Drawn without a browser.

The same leaderboard gives the same bytes with one release of Pillow; another may draw letters otherwise.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from archbench._report import _text
from archbench._report._headline import headline
from archbench._report._schema import Leaderboard, Matrix, OverCell

SIZE = (1200, 630)
_LEFT, _RIGHT, _CHART_TOP, _CHART_BOTTOM = 72, 1128, 330, 540
_PAPER, _INK, _MUTED, _EMPTY = (255, 255, 255), (26, 29, 33), (95, 101, 110), (238, 240, 243)
_WORST, _BEST = (222, 235, 247), (8, 81, 156)
_LACKING, _ALIKE = re.compile(r"[^ -~·‘’“”]+"), str.maketrans("–—−×", "---x")  # noqa: RUF001 - the font lacks them
_Draw = ImageDraw.ImageDraw
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_preview(board: Leaderboard) -> bytes:
    """Return the picture as PNG: the finding, how much stands behind it, and scores of architectures by task."""
    image = Image.new("RGB", SIZE, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((_LEFT, 56), "archbench", _MUTED, ImageFont.load_default(30))
    names = _written_names(board)
    _write(draw, _written(headline(board), names), ImageFont.load_default(44), top=112, lines=3)
    if board.matrices and board.matrices[0].tasks:
        _draw_scores(draw, board, board.matrices[0], names)
    _write(draw, _text.summary_line(board), ImageFont.load_default(24), top=576, lines=1, colour=_MUTED)
    out = io.BytesIO()
    image.save(out, "png", optimize=False, compress_level=6)
    return out.getvalue()


def _written_names(board: Leaderboard) -> dict[str, str]:
    """Return what stands for the labels that the font cannot write: their numbers in the order of the page.

    Another font of the system may have the letters, but then the picture would depend on the machine.
    """
    labels = {"architecture": [entrant.label for entrant in board.entrants], "task": [t.label for t in board.tasks]}
    numbered = [(label, f"{kind} {n}") for kind, group in labels.items() for n, label in enumerate(group, 1)]
    lacking = [pair for pair in numbered if _LACKING.search(_simpler(pair[0]))]
    return dict(sorted(lacking, key=lambda pair: -len(pair[0])))  # a name may be a part of a longer one


def _written(text: str, names: Mapping[str, str]) -> str:
    """Return a text in letters that the font has; dots stand for words that cannot be written."""
    for label, name in names.items():
        text = text.replace(label, name)
    return _LACKING.sub("...", _simpler(text))


def _simpler(text: str) -> str:
    """Return a text without accents, since the font has none, and with plain dashes."""
    apart = unicodedata.normalize("NFKD", text).translate(_ALIKE)
    return "".join(letter for letter in apart if unicodedata.category(letter) not in {"Mn", "Cf"})


def _draw_scores(draw: _Draw, board: Leaderboard, matrix: Matrix, written: Mapping[str, str]) -> None:
    """Draw a row for each task and a column for each architecture, the best on the left; darker is better."""
    labels, font = {task.id: task.label for task in board.tasks}, ImageFont.load_default(20)
    rows = sorted(matrix.rows, key=lambda row: (-_mean(row.cells), row.entrant))
    height = min(34, (_CHART_BOTTOM - _CHART_TOP) // len(matrix.tasks))
    names = [_cut(_written(labels[task], written), font, 220) for task in matrix.tasks]
    left = _LEFT + 16 + max(round(font.getlength(name)) for name in names)
    width = (_RIGHT - left) / len(rows)
    for line, name in enumerate(names):
        top = _CHART_TOP + line * height
        draw.text((_LEFT, top + height / 2), name, _INK, font, anchor="lm")
        for column, row in enumerate(rows):
            x = left + column * width
            draw.rectangle((x, top, x + width - 2, top + height - 3), _colour(row.cells[line]))
    words = "One column for each architecture; the darker a field, the better its score. Grey: no score."
    draw.text((_LEFT, _CHART_TOP + len(names) * height + 6), words, _MUTED, ImageFont.load_default(18))


def _mean(cells: Sequence[OverCell]) -> float:
    scores = [_bounded(cell.normalised) for cell in cells if cell.normalised is not None]
    return sum(scores) / len(cells)


def _bounded(score: float) -> float:
    return min(max(score, 0.0), 1.0)


def _colour(cell: OverCell) -> tuple[int, int, int]:
    if cell.normalised is None:
        return _EMPTY
    share = _bounded(cell.normalised)
    red, green, blue = (round(low + share * (high - low)) for low, high in zip(_WORST, _BEST, strict=True))
    return red, green, blue


def _write(draw: _Draw, text: str, font: _Font, *, top: int, lines: int, colour: tuple[int, int, int] = _INK) -> None:
    """Write text within the margins, in at most so many lines; what is left ends in an ellipsis."""
    width, wrapped = _RIGHT - _LEFT, [""]
    for word in text.split():
        longer = f"{wrapped[-1]} {word}".strip()
        if font.getlength(longer) <= width or not wrapped[-1]:
            wrapped[-1] = longer
        else:
            wrapped.append(word)
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], f"{wrapped[lines - 1]} ..."]
    height = round(font.getbbox("Ag")[3] * 1.3)
    for number, line in enumerate(wrapped):
        draw.text((_LEFT, top + number * height), _cut(line, font, width), colour, font)


def _cut(text: str, font: _Font, width: float) -> str:
    """Return text that is no wider than this; if it was, it ends in an ellipsis."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."
