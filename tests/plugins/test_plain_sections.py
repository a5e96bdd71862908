"""Sections become plain data: what stands for a number or a text is taken, and anything else is told of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archbench import Chart, Line, Section
from archbench._plugins import Plugins, load_plugins
from archbench._plugins._faults import Problem

PLUGIN = """
import os

import archbench
import numpy as np
from archbench import Picture, Section


class Odd:
    def tolist(self):
        raise RuntimeError("no list \\ud800 of this")


def chart(x=(1.0, 2.0), y=(1.0, 2.0), lines=None, **fields):
    line = archbench.Line(label="l", x=x, y=y, seeds=fields.pop("seeds", ()), dashed=fields.pop("dashed", False))
    fields = {"title": "C", "x": "a", "y": "b", "lines": (line,) if lines is None else lines, **fields}
    return Section(title="T", charts=(archbench.Chart(**fields),))


@archbench.hookimpl
def archbench_leaderboard_sections():
    yield eval(os.environ["MADE"])
"""

Ask = Callable[[str], tuple[list[Section], list[Problem]]]


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Plugins:
    """The plugin, which makes the section that the environment variable MADE describes."""
    path = tmp_path_factory.mktemp("plain") / "drawer.py"
    path.write_text(PLUGIN)
    return load_plugins(files=[path], only=[])


@pytest.fixture
def ask(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """`ask(made)`: the sections of the plugin that makes this one, in a process of its own, and the problems."""
    monkeypatch.setattr("archbench._plugins._loaded.can_fork", lambda: True)

    def asked(made: str) -> tuple[list[Section], list[Problem]]:
        monkeypatch.setenv("MADE", made)
        sections, problems = plugins.leaderboard_sections([])
        return [section for _, section in sections], problems

    return asked


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("Section(title='T', columns='ab', rows=(('1', '2'),))", "columns must be a list or a tuple, not str"),
        ("Section(title='T', columns=('a',), rows='b')", "rows must be a list or a tuple, not str"),
        ("Section(title='T', columns=('a',), rows=('b',))", "one of the rows must be a list or a tuple, not str"),
        ("Section(title='T', columns=('a',), rows=((1,),))", "a cell of one of the rows must be of type str, not int"),
        ("Section(title='T', text=None)", "text must be of type str, not NoneType"),
        ("Section(title='T', charts=chart().charts[0])", "charts must be a list or a tuple, not Chart"),
        ("Section(title='T', pictures='ab')", "pictures must be a list or a tuple, not str"),
        ("Section(title='T', pictures=(b'a',))", "pictures: b'a' is no archbench.Picture"),
        ("chart(lines='ab')", "C: lines must be a list or a tuple, not str"),
        ("chart(title='C\\n\\x1b[31mD', lines='ab')", "C D: lines must be a list or a tuple, not str"),
        ("chart(lines=('ab',))", "C: lines: 'ab' is no archbench.Line"),
        ("chart(x='12')", "C: x of l must be a list or a tuple, not str"),
        ("chart(y=range(2))", "C: y of l must be a list or a tuple, not range"),
        ("chart(y=(True, False))", "C: y of l has True, which is no number"),
        ("chart(y=np.array([True, False]))", "C: y of l has True, which is no number"),
        ("chart(x=('1', 2.0))", "C: x of l has '1', which is no number"),
        ("chart(x=np.eye(2))", "C: x of l has [1.0, 0.0], which is no number"),
        ("chart(y=(10**400, 1))", "C: y of l has a whole number that is too large for a float"),
        ("chart(seeds=(1, 2))", "C: one of the seeds of l must be a list or a tuple, not int"),
        ("chart(seeds=((1, 2, 3),))", "C: one of the seeds of l must be two numbers, x and y"),
        ("chart(dashed='no')", "C: dashed of l must be True or False, not 'no'"),
        ("chart(log_y=1)", "C: log_y must be True or False, not 1"),
        ("chart(x=Odd())", "RuntimeError: no list \\ud800 of this"),
    ],
)
def test_a_slip_is_named(ask: Ask, made: str, message: str) -> None:
    """A section with a value of a wrong kind costs the plugin its sections, and the problem names the field."""
    sections, [problem] = ask(made)

    assert sections == []
    assert (problem.plugin, problem.message) == ("file:drawer.py", f"section 'T': {message}")


def test_a_title_that_is_none_is_named(ask: Ask) -> None:
    """Without a title to name the section by, the message says so."""
    assert ask("Section(title=3)")[1][0].message == "the title of a section must be of type str, not int"


@pytest.mark.parametrize(
    "fields",
    [
        "x=np.arange(2.0), y=np.float32([1, 2])",
        "x=tuple(np.arange(2)), y=tuple(np.float32([1, 2]))",
        "x=list(np.arange(2.0)), y=[np.float64(1), 2]",
        "x=[0, 1], y=[1, 2.0]",
    ],
)
def test_numbers_of_numpy_are_numbers(ask: Ask, fields: str) -> None:
    """Arrays, and tuples of their numbers, are drawn as what they stand for."""
    sections, problems = ask(f"chart({fields}, seeds=np.eye(2), dashed=np.bool_(True), log_y=np.bool_(False))")
    line = Line(label="l", x=(0.0, 1.0), y=(1.0, 2.0), seeds=((1.0, 0.0), (0.0, 1.0)), dashed=True)

    assert problems == []
    assert sections == [Section(title="T", charts=(Chart(title="C", x="a", y="b", lines=(line,)),))]


def test_a_gap_in_a_line_stays(ask: Ask) -> None:
    """None in `y` is no fault, and no number either."""
    assert ask("chart(y=(1.0, None))")[0][0].charts[0].lines[0].y == (1.0, None)


def test_texts_that_no_file_can_hold_are_replaced(ask: Ask) -> None:
    """A part of a file name that is not UTF-8 costs a question mark, and no section; texts of numpy are texts."""
    sections, problems = ask("Section(title='a\\ud800', columns=np.array(['b']), rows=np.array([['c\\udcff']]))")

    assert problems == []
    assert sections == [Section(title="a?", columns=("b",), rows=(("c?",),))]


def test_an_error_that_no_file_can_hold_is_told(ask: Ask) -> None:
    """The text and the traceback of an exception may have characters that JSON cannot hold."""
    _, [problem] = ask("Odd().tolist()")

    assert "raised RuntimeError: no list \\ud800 of this" in problem.message
    assert problem.traceback.endswith("RuntimeError: no list \\ud800 of this\n")


def test_an_answer_that_cannot_be_read_is_a_problem(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the process of a plugin answers, the page is built without it."""
    monkeypatch.setattr("archbench._plugins._watching.make_sections", lambda *_, **__: (["a section"], None))
    sections, [problem] = ask("chart()")

    assert sections == []
    assert problem.message.startswith("archbench_leaderboard_sections gave an answer that cannot be read (Expected")
    assert problem.message.endswith("; its sections are left out")
