"""Sections of plugins as plain data, which JSON can hold and the page can show, whatever a plugin put into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from archbench._declarations import Chart, Line, Picture, Section, check_chart
from archbench._plugins._containment import is_stop
from archbench._plugins._faults import FaultError, one_line
from archbench._records import printable

Item = TypeVar("Item")


def copy_plainly(section: Section) -> Section:
    """Return a section as plain data.

    Lists and arrays become tuples, numbers of other libraries become those of Python, and `?` takes the place of what
    UTF-8 cannot hold, such as a part of a file name.

    Raises:
        FaultError: the page cannot show it; the message names the section and the field.
    """
    title = _text(section.title, "the title of a section")
    try:
        return _section(section)
    except FaultError as fault:
        reason = " ".join(printable(fault.message).split())
        raise FaultError(fault.stage, f"section {title!r}: {reason}") from None
    except BaseException as error:  # raised by an object of the plugin
        if is_stop(error):
            raise
        raise FaultError("collect", f"section {title!r}: {one_line(error)}", error) from error


def _section(section: Section) -> Section:
    columns = _texts(section.columns, "columns")
    rows = tuple(_texts(row, "one of the rows") for row in _listed(section.rows, "rows"))
    if any(len(row) != len(columns) for row in rows):
        raise _fault(f"each row needs {len(columns)} cells, as columns")
    return Section(
        title=_text(section.title, "title"),
        text=_text(section.text, "text"),
        columns=columns,
        rows=rows,
        charts=tuple(_chart(chart) for chart in _items(section.charts, "charts", Chart)),
        pictures=tuple(_picture(picture) for picture in _items(section.pictures, "pictures", Picture)),
    )


def _picture(picture: Picture) -> Picture:
    return Picture(data=picture.data, description=_text(picture.description, "the description of a picture"))


def _chart(chart: Chart) -> Chart:
    title = _text(chart.title, "the title of a chart")
    lines = _items(chart.lines, f"{title}: lines", Line)
    plain = Chart(
        title=title,
        x=_text(chart.x, f"{title}: x"),
        y=_text(chart.y, f"{title}: y"),
        lines=tuple(_line(line, title) for line in lines),
        log_x=_flag(chart.log_x, f"{title}: log_x"),
        log_y=_flag(chart.log_y, f"{title}: log_y"),
        description=_text(chart.description, f"{title}: description"),
    )
    try:
        check_chart(plain)
    except ValueError as error:
        raise _fault(str(error)) from None
    return plain


def _line(line: Line, chart: str) -> Line:
    label = _text(line.label, f"{chart}: the label of a line")
    x, y, seed, dashed = (f"{chart}: {name} of {label}" for name in ("x", "y", "one of the seeds", "dashed"))
    return Line(
        label=label,
        x=_numbers(line.x, x),
        y=tuple(None if value is None else _number(value, y) for value in _listed(line.y, y)),
        seeds=tuple(_dot(dot, seed) for dot in _listed(line.seeds, f"{chart}: seeds of {label}")),
        dashed=_flag(line.dashed, dashed),
    )


def _dot(dot: object, where: str) -> tuple[float, float]:
    numbers = _numbers(dot, where)
    if len(numbers) != 2:
        raise _fault(f"{where} must be two numbers, x and y")
    return numbers[0], numbers[1]


def _numbers(values: object, where: str) -> tuple[float, ...]:
    return tuple(_number(value, where) for value in _listed(values, where))


def _number(value: Any, where: str) -> float:
    plain = _scalar(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise _fault(f"{where} has {value!r:.60}, which is no number")
    try:
        return float(plain)
    except OverflowError:
        raise _fault(f"{where} has a whole number that is too large for a float") from None


def _flag(value: Any, where: str) -> bool:
    plain = _scalar(value)
    if not isinstance(plain, bool):
        raise _fault(f"{where} must be True or False, not {value!r:.60}")
    return plain


def _scalar(value: Any) -> Any:
    """Return a number of numpy or torch as one of Python, and anything else as it is."""
    return value.item() if hasattr(value, "item") else value


def _texts(values: object, where: str) -> tuple[str, ...]:
    return tuple(_text(value, f"a cell of {where}") for value in _listed(values, where))


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise _fault(f"{where} must be of type str, not {type(value).__name__}")
    return str.encode(value, "utf-8", "replace").decode()


def _items(values: object, where: str, kind: type[Item]) -> Sequence[Item]:
    items = _listed(values, where)
    if wrong := [item for item in items if not isinstance(item, kind)]:
        raise _fault(f"{where}: {wrong[0]!r:.60} is no archbench.{kind.__name__}")
    return items


def _listed(values: Any, where: str) -> Sequence[Any]:
    """Return a list, a tuple, or an array as a list; a text is none, although it is a sequence."""
    found = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(found, list | tuple):
        raise _fault(f"{where} must be a list or a tuple, not {type(values).__name__}")
    return found


def _fault(message: str) -> FaultError:
    return FaultError("collect", message)
