"""`--task SCHEME:PATH`: its form, the identity of the task, and that no path gets into a record."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import DataError, DeclarationError, Found, PluginError, Reader, SelectionError, TaskInfo
from archbench._planning import Device, Job, make_plan
from archbench._plugins import Plugins, PluginSource, Registered
from archbench._protocols import find_protocol
from archbench._records import Origin
from archbench._selection import is_own_data, open_own_data, select, select_tasks
from archbench.cli._options import tasks_of
from support import Make

pytestmark = pytest.mark.usefixtures("forked_calls")


@dataclass(frozen=True)
class Options:
    """An option of each kind."""

    size: int = 4
    grey: bool = False


def inspect(path: Path, options: Options) -> Found:
    """Return a task whose content hash is the text of the file."""
    return Found(
        content=path.read_text(),
        info=TaskInfo(kind="image", input_shape=(1, options.size, options.size), outputs=2),
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5,
        oracle=1.0,
        summary="Two classes",
    )


def reader(distribution: str = "files", **changes: Any) -> Registered[Reader]:
    """Return a reader as the loader registers it."""
    declared: dict[str, Any] = {"scheme": "spots", "inspect": inspect, "load": "a:b", "options": Options, **changes}
    origin = Origin(distribution=distribution, version="1.0", entry_point="spots")
    return Registered(Reader(**declared), origin, PluginSource(distribution=distribution, entry_point="spots"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file at a path with a space, a colon, a comma and an at sign."""
    path = tmp_path / "my: spots, a@b"
    path.write_text("0123456789abcdef")
    return path


def test_selector_with_options(data: Path) -> None:
    """Several values of an option make several tasks, and the label has the name of the file without its folder."""
    small, big = open_own_data(f"spots:{data}[size=2,3,grey=true]", [reader()])

    assert small.component.label == "spots:my: spots, a@b@012345[size=2,grey=true]"
    assert small.component.name == "spots-0123456789ab"
    assert small.component.options == {"grey": True, "size": 2}
    assert big.registered.item.describe(big.options).input_shape == (1, 3, 3)
    assert small.named


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    """Files below a folder whose name is no UTF-8 are refused before a trial would get them."""
    data = tmp_path / os.fsdecode(b"bl\xfften") / "spots"
    data.parent.mkdir()
    data.write_text("0123456789abcdef")

    with pytest.raises(DataError, match=r"bl\\xfften/spots' is no valid UTF-8; choose a path with names that are"):
        open_own_data(f"spots:{data}", [reader()])


@dataclass(frozen=True)
class Listed:
    """Options that came later than the others, and one that holds several values."""

    size: int = 4
    only: tuple[str, ...] | None = None
    group: str | None = None


def test_option_of_several_values_takes_them_all(data: Path) -> None:
    """An option that holds several values makes one task, and the label writes them as the selector does."""
    listed = reader(options=Listed)
    both = open_own_data(f"spots:{data}[only=a b,c,size=2,3,group=null]", [listed])

    assert [task.component.options for task in both] == [
        {"group": "null", "only": ["a b", "c"], "size": size} for size in (2, 3)
    ]
    assert both[0].options.only == ("a b", "c")
    assert both[0].component.label.endswith("[size=2,only=a b,c,group=null]")
    (again,) = open_own_data(f"spots:{data}[{both[0].component.label.partition('[')[2]}", [listed])
    assert again.component == both[0].component


def test_options_that_are_not_set_do_not_change_the_identity(data: Path) -> None:
    """A reader that gets further options, None by default, keeps the identity of the tasks that do not set them."""
    (before,) = open_own_data(f"spots:{data}", [reader(options=make_dataclass("Old", [("size", int, 4)], frozen=True))])
    (after,) = open_own_data(f"spots:{data}", [reader(options=Listed)])

    assert after.component == before.component
    assert after.component.options == {"size": 4}


def test_relative_paths_and_the_home_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths and `~` work as in a shell, and the worker gets an absolute path without `..`."""
    monkeypatch.chdir(data.parent)
    monkeypatch.setenv("HOME", str(data.parent))
    for written in (data.name, f"./../{data.parent.name}/{data.name}", f"~/{data.name}"):
        (opened,) = open_own_data(f"spots:{written}", [reader()])
        assert opened.registered.own_data is not None
        assert opened.registered.own_data.path == str(data)


def test_identity_is_content_and_options(data: Path, tmp_path: Path) -> None:
    """Equal content at another path is the same task; other options or other content make another task."""
    copy = tmp_path / "copy"
    copy.write_text(data.read_text())
    tasks = select_tasks([f"spots:{data}", f"spots:{copy}", f"spots:{data}[size=4]"], [], [reader()])
    assert len(tasks) == 1

    copy.write_text("fedcba9876543210")
    assert len(select_tasks([f"spots:{data}", f"spots:{copy}", f"spots:{data}[size=5]"], [], [reader()])) == 3


def test_label_is_a_selector_of_that_content(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The label on the leaderboard is a selector, which is refused once the files have changed."""
    monkeypatch.chdir(data.parent)
    (opened,) = open_own_data(f"spots:{data}[size=3]", [reader()])
    (again,) = open_own_data(opened.component.label, [reader()])
    assert again.component == opened.component

    data.write_text("fedcba9876543210")
    with pytest.raises(DataError, match="has the content fedcba987654 now, not 012345"):
        open_own_data(opened.component.label, [reader()])


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("spot:{}", "nothing reads 'spot'; did you mean 'spots:'?"),
        ("pictures:{}", "nothing reads 'pictures'; there are spots:"),
        ("spots:{}[colour=1]", "spots has no option 'colour'; it has size, grey"),
        ("spots:{}[size=big]", "see `benchmark show spots`"),
        ("spots:{}[size]", "write the options as"),
        ("spots:", "write SCHEME:PATH"),
        ("spots:{}]", "the path without brackets"),
        ("spots:a [b].csv", "the path without brackets"),
    ],
)
def test_mistakes_in_selectors(written: str, says: str, data: Path) -> None:
    """Each mistake has a message that says what is allowed."""
    with pytest.raises(SelectionError) as caught:
        open_own_data(written.format(data), [reader()])

    assert says in str(caught.value)


def test_scheme_without_a_path() -> None:
    """A scheme without a path is an error that asks for the path; it is not taken for a misspelt task."""
    for written in ("spots", "spots[size=4]"):
        with pytest.raises(SelectionError, match="needs a path: write spots:PATH, see `benchmark show spots`"):
            select_tasks([written], [], [reader()])
    with pytest.raises(SelectionError, match="no task 'spot'"):
        select_tasks(["spot"], [], [reader()])


def test_missing_path_and_rival_readers(data: Path) -> None:
    """A missing path is named in the error, and two readers of one scheme are an error."""
    with pytest.raises(DataError, match=r"there is no file or folder .*nowhere; check the path"):
        open_own_data("spots:nowhere", [reader()])
    with pytest.raises(SelectionError, match="two plugins read 'spots': files/spots@1 and rival/spots@1"):
        open_own_data(f"spots:{data}", [reader(), reader("rival")])


def test_names_are_told_from_own_data() -> None:
    """A selector with a colon before its brackets is own data."""
    assert is_own_data("images:C")
    assert not is_own_data("digits")
    assert not is_own_data("net[a=b:c]")


def broken(path: Path, options: Any) -> Any:
    """Raise an error that does not say what is wrong."""
    raise KeyError("label")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (broken, "the reader spots: of files failed on .*: KeyError"),
        (lambda path, options: {}, "it returned dict, not archbench.Found"),
    ],
)
def test_faulty_reader_is_blamed(function: Any, says: str, data: Path) -> None:
    """An exception or a wrong result of a reader is an error that names the plugin and the path."""
    with pytest.raises(PluginError, match=says):
        open_own_data(f"spots:{data}", [reader(inspect=function)])


def test_declarations_are_checked(data: Path) -> None:
    """A reader with a wrong name, function or options, and a content hash with too few digits, are refused."""
    for changes, says in (
        ({"scheme": "Spots"}, "Reader name is 'Spots'"),
        ({"load": 3}, "load must be a function"),
        ({"inspect": "nowhere"}, "inspect is 'nowhere'"),
        ({"options": dict}, "dataclass with frozen=True"),
    ):
        with pytest.raises(DeclarationError, match=says):
            reader(**changes)
    data.write_text("xyz")
    with pytest.raises(DeclarationError, match=r"Found\.content is 'xyz'"):
        open_own_data(f"spots:{data}", [reader()])


def test_path_travels_in_the_job_only(data: Path, make_architecture: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker gets the path and the found task as JSON; the record of the job contains no path."""
    architectures = select(["toy"], [make_architecture()], "architecture")
    tasks = select_tasks([f"spots:{data}"], [], [reader()])
    (planned,) = make_plan(architectures, tasks, protocol=find_protocol("smoke"), seeds=1).trials
    job = planned.job(Device(kind="cpu"))

    assert msgspec.json.decode(msgspec.json.encode(job), type=Job) == job
    assert job.own_data is not None
    assert job.own_data.path == str(data)
    record = msgspec.json.encode(job.record("failed", "why")).decode()
    assert str(data.parent) not in record
    assert "spots:my: spots, a@b@012345" in record


def test_names_in_files_cannot_steer_a_terminal(data: Path) -> None:
    """Names of classes and features, and warnings, come from files of strangers; terminal escapes in them go."""

    def hostile(path: Path, options: Options) -> Found:
        facts = {"classes": {"\x1b[2Jcat": 3}, "odd": ["\x1b]0;t\x07x", 2], "size": (1, 2)}
        found = inspect(path, options)
        return replace(found, summary="a\x1b[1m", facts=facts, features=("\x1b[31mred",), warnings=("\x1bcno",))

    (task,) = tasks_of([f"spots:{data}"], Plugins(readers=(reader(inspect=hostile),)))
    own = task.registered.own_data
    assert own is not None
    found = own.found

    assert (found.summary, found.features, found.warnings) == ("a", ("red",), ("no",))
    assert found.facts == {"classes": {"cat": 3}, "odd": ["x", 2], "size": [1, 2]}


def test_reading_is_announced_and_warnings_are_printed(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal shows that files are being read, and the warnings of a reader are always printed."""

    def warns(path: Path, options: Options) -> Found:
        return replace(inspect(path, options), warnings=("2 files are left out",))

    plugins = Plugins(readers=(reader(inspect=warns),))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    tasks_of([f"spots:{data}"], plugins)
    said = capsys.readouterr().err

    assert f"Reading spots:{data} ..." in said
    assert "warning: spots:my: spots, a@b@012345: 2 files are left out" in said
