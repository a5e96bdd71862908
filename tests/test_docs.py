"""Every snippet of README and of the other pages is run, and every list in them is compared with the code."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from PIL import Image
from typer.testing import CliRunner

import archbench
from archbench._protocols._toml import get_protocol
from archbench._suite._rows import COLUMNS
from archbench.cli._app import VERBS, make_app
from support.pages import (
    PAGES,
    PROJECT,
    ROOT,
    blocks,
    commands,
    headings,
    links,
    plugin_file,
    protocol_files,
    read_page,
    read_prose,
    spans,
)

CORE = ROOT / "benchmark" / "archbench"
EXAMPLE = ROOT / "examples" / "archbench-tinynet"


def unique_commands() -> list[tuple[str, str]]:
    """Return pages and their commands; a command on several pages counts once, unless it names a file of the page."""
    found = {}
    for page in PAGES:
        for command in map(shlex.join, commands(page)):
            names_a_file = any(
                name in command for name in ("my_net.py", "my_study.py", "install", *protocol_files(page))
            )
            found.setdefault((page if names_a_file else "", command), (page, command))
    return list(found.values())


COMMANDS = unique_commands()

CONTEXT = {
    "docs/authors.md": """
import torch
from typing import Annotated
from archbench.testing import parametrize_conformance
from archbench_tinynet import *
x, states, lengths = torch.zeros(2, 5, 3), torch.zeros(2, 5, 4), torch.tensor([5, 2])
class Residual(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.F = torch.nn.Linear(width, width)
    def forward(self, x):
        return x + self.F(x)
""",
    "docs/leaderboard.md": f"""
import archbench
from archbench._report._exports import render_trials
found = archbench.read({str(ROOT / "leaderboard" / "reference")!r})
with open("leaderboard/trials.csv", "w") as file:
    file.write(render_trials(found.leaderboard, found.records))
""",
}
"""What the text of a page has introduced where its excerpts begin."""


class ReachedTrainingError(Exception):
    """Training was about to start."""


@pytest.fixture
def reader_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pretend_install: Callable[[Path], dict[str, str]]
) -> Iterator[Path]:
    """The working folder of a reader: the files that the pages speak of, and the example distribution installed."""
    site = pretend_install(EXAMPLE)["PYTHONPATH"]
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([site, *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "data"))
    write_own_data(tmp_path)
    for folder in ("there/records/ab", "leaderboard/records", ".git"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "archbench_tinynet"]:
        del sys.modules[name]


def write_own_data(folder: Path) -> None:
    """Write flowers of two kinds, skin of twelve patients, walks of two people, gait, the load of a grid, and notes."""
    for number in range(8):
        image = folder / "flowers" / ("daisy", "tulip")[number % 2] / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (30 * number, 0, 0)).save(image)
    for number in range(24):
        image = folder / "skin" / ("ill", "well")[number % 2] / f"p{number // 2}_{number % 2}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (10 * number, 0, 0)).save(image)
    gait = [
        f"{walk},{walk + step},{step},{walk},p{walk // 2},2024-01-{1 + walk:02}T08:0{step * step},{'ab'[walk % 2]}"
        for walk in range(24)
        for step in range(3)
    ]
    (folder / "gait.csv").write_text("\n".join(["id,speed,step [m],session,patient,when,label", *gait]))
    rows = [f"{walk},{walk + step},{'ab'[walk % 2]}" for walk in range(8) for step in range(2 + walk % 2)]
    (folder / "notes.txt").write_text("Nothing happened today. " * 50)
    load = [
        f"2024-{1 + hour // 672:02}-{1 + hour // 24 % 28:02}T{hour % 24:02}:00,{hour % 24 + hour % 7}"
        for hour in range(1200)
    ]
    (folder / "load.csv").write_text("\n".join(["when,load", *load]))
    (folder / "walks.csv").write_text("\n".join(["walk,speed,person", *rows]))


def write_files_of(page: str, folder: Path) -> None:
    """Write the plugin and the protocols of a page under the names that it gives them."""
    for name in ("my_net.py", "my_study.py"):
        (folder / name).write_text(plugin_file(page))
    for name, code in protocol_files(page).items():
        (folder / name).write_text(code)


def stop_at_training(*args: Any, **options: Any) -> None:
    """Stand in for what would train."""
    raise ReachedTrainingError


@pytest.mark.parametrize(("page", "command"), [pair for pair in COMMANDS if pair[1].startswith("benchmark ")])
def test_benchmark_commands_run(page: str, command: str, reader_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `benchmark` command of a page runs, up to the point where it would train, download or wait for readers."""
    write_files_of(page, reader_folder)
    monkeypatch.setattr("archbench._suite._run.Run.carry_out", stop_at_training)
    monkeypatch.setattr("archbench._suite._profile.profile_cell", stop_at_training)
    monkeypatch.setattr("archbench._suite._serve.PageServer.watch", stop_at_training)
    monkeypatch.setattr("archbench.cli._leaderboard.DEFAULT_PORT", 0)
    monkeypatch.setattr("archbench._suite._reproduce.open_source", stop_at_training)
    monkeypatch.setattr("archbench._suite._networks.open_source", stop_at_training)
    monkeypatch.setattr("archbench.cli._forecast.show_forecast", lambda *args, **options: None)
    monkeypatch.setattr("archbench._downloads._prepare.prepare", lambda *args: None)
    monkeypatch.setattr("webbrowser.open", lambda url: True)
    if command.startswith("benchmark data sample"):  # it overwrites nothing, and the files of the pages are there
        (reader_folder / "empty").mkdir()
        monkeypatch.chdir(reader_folder / "empty")
    result = CliRunner().invoke(make_app(VERBS), shlex.split(command)[1:])

    # Nothing has run in the folder of a reader, so all claims are open, which is exit code 1.
    expected = 1 if command.startswith("benchmark claims") else 0
    assert result.exit_code == expected or isinstance(result.exception, ReachedTrainingError), result.output


@pytest.mark.parametrize(("page", "command"), [pair for pair in COMMANDS if not pair[1].startswith("benchmark ")])
def test_other_commands_can_be_run(page: str, command: str, reader_folder: Path) -> None:
    """Commands of other programs name extras, paths, markers and tools that exist."""
    program, *arguments = shlex.split(command)
    if program == "pip":
        check_installation(page, arguments)
    elif program == "pytest":
        assert [path for path in arguments if "/" in path and not (ROOT / path).exists()] == []
    else:
        tools = {Requirement(text).name for text in PROJECT["project"]["optional-dependencies"]["test"]}
        assert {"lint-imports": "import-linter"}.get(program, program) in tools


def check_installation(page: str, arguments: list[str]) -> None:
    """Raise unless `pip install -e FOLDER[EXTRA]` names a project and one of its extras."""
    verb, option, target = arguments
    path, _, extra = target.removesuffix("]").partition("[")
    base = ROOT if not page.startswith("examples/") else (ROOT / page).parent
    project = tomllib.loads((base / path / "pyproject.toml").read_text())["project"]

    assert (verb, option) == ("install", "-e")
    assert extra in ("", *project["optional-dependencies"])


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python", "py")])
def test_python_blocks_run(page: str, reader_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python of a page runs from top to bottom, and prints what the comments behind `print` say."""
    write_files_of(page, reader_folder)
    names: dict[str, Any] = {"__name__": "page"}
    exec(CONTEXT.get(page, ""), names)
    for code in blocks(page, "python", "py"):
        capsys.readouterr()
        exec(compile(code, page, "exec", dont_inherit=True), names)
        printed = capsys.readouterr().out
        promised = re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)

        assert [line for line in promised if line not in printed.splitlines()] == []


@pytest.mark.parametrize(("page", "code"), [(page, code) for page in PAGES for code in blocks(page, "toml")])
def test_toml_blocks_can_be_used(page: str, code: str, tmp_path: Path) -> None:
    """A TOML block is a protocol, or the declaration of a plugin package that this version of the suite admits."""
    if "[project]" in code:
        project = tomllib.loads(code)["project"]
        (requirement,) = map(Requirement, project["dependencies"])

        assert list(project["entry-points"]) == ["archbench"]
        assert requirement.name == "archbench"
        assert requirement.specifier.contains(archbench.__version__)
    else:
        (tmp_path / "mine.toml").write_text(code)

        assert get_protocol(str(tmp_path / "mine.toml")).name == tomllib.loads(code)["name"]


def options_of(command: Any) -> set[str]:
    """Return the options of a verb, or of all verbs below a group."""
    below = getattr(command, "commands", {}).values()
    return {name for parameter in command.params for name in parameter.opts}.union(*map(options_of, below))


@pytest.mark.parametrize("page", PAGES)
def test_commands_in_the_text_exist(page: str) -> None:
    """Verbs and options that the text of a page mentions are those of the command line."""
    root: Any = typer.main.get_command(make_app(VERBS))
    known = options_of(root) | {"--help"}
    for span in spans(page):
        words = span.split()
        if words[0] == "benchmark" and len(words) > 1:
            command = root
            while len(words) > 1 and hasattr(command, "commands") and not words[1].startswith("-"):
                command = command.commands[words.pop(1)]
            known_here = options_of(command) | {"--help"}
            assert [word for word in words if word.startswith("--") and word not in known_here] == [], span
        elif span.startswith("--"):
            assert words[0] in known, span


@pytest.mark.parametrize("page", sorted({*PAGES} - {"CHANGELOG.md"}))
def test_names_in_the_text_are_exported(page: str) -> None:
    """Whatever a page calls `archbench.NAME` is an attribute of the package."""
    named = {match[1] for match in re.finditer(r"\barchbench\.([A-Za-z]\w*)", read_page(page))}
    submodules = {"cli", "hookspecs", "testing", "worker"}

    assert named - submodules <= set(archbench.__all__)


@pytest.mark.parametrize("page", [*PAGES, "leaderboard/reference/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page leads to a file, and to a heading where it names one."""
    missing = [str(path) for path, _ in links(page) if not path.exists()]
    unknown = [
        f"{path.name}#{heading}"
        for path, heading in links(page)
        if heading and heading not in headings(path.read_text())
    ]

    assert missing == []
    assert unknown == []


def test_every_page_can_be_reached_from_readme() -> None:
    """No page of the project is left without a link that leads to it."""
    reached, waiting = set(), {ROOT / "README.md"}
    while waiting:
        path = waiting.pop()
        reached.add(path)
        found = {target for target, _ in links(path.relative_to(ROOT).as_posix())}
        waiting |= {target for target in found if target.suffix == ".md"} - reached

    assert [page for page in PAGES if ROOT / page not in reached and not page.startswith("examples/")] == []


def test_pages_name_no_host_and_no_machine() -> None:
    """Pages link to the repository only, and name no path of somebody's machine."""
    for page in PAGES:
        hosts = re.findall(r"https?://([\w.-]+)", read_page(page))

        assert [host for host in hosts if not host.endswith("example.org")] == [], page
        assert re.findall(r"(?<![\w.~}])/(?:home|root|tmp|usr|opt|work)\b\S*", read_page(page)) == [], page


def table(page: str, head: str) -> list[list[str]]:
    """Return the rows of the table of a page that has this head, as lists of cells."""
    lines = read_page(page).partition(f"| {head} |")[2].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    assert rows, f"{page} has no table with the head {head}"
    return rows


def test_columns_are_those_of_the_rows() -> None:
    """docs/python.md has one line for each column of `Results.rows()`, in order and in the words of the code."""
    assert table("docs/python.md", "column | what it holds") == [
        [f"`{name}`", column.words] for name, column in COLUMNS.items()
    ]


def public_names(item: Any) -> set[str]:
    """Return the public attributes of a class, fields of a dataclass included."""
    return {name for name in {*vars(item), *getattr(item, "__dataclass_fields__", ())} if not name.startswith("_")}


def names_in(cells: list[list[str]]) -> set[str]:
    """Return the names in the code spans of the first cells of a table."""
    return {name for first, *_ in cells for name in re.findall(r"`(\w+)", first)}


def test_tables_of_the_python_page_are_complete() -> None:
    """docs/python.md explains every argument of `run`, and all of Results, Observer and the error tree."""
    page = "docs/python.md"

    assert [name.strip("`") for name, _ in table(page, "argument | what it takes")] == [
        *inspect.signature(archbench.run).parameters
    ]
    assert names_in(table(page, "attribute or method | what it holds")) == public_names(archbench.Results)
    assert names_in(table(page, "method | when it is called")) == public_names(archbench.Observer)
    assert names_in(table(page, "error | when it is raised")) == {
        name for name in archbench.__all__ if name.endswith("Error")
    }


def test_rooms_are_the_layers_of_the_import_linter() -> None:
    """docs/architecture.md lists the rooms of the core in the order that import-linter holds."""
    (layers,) = [c["layers"] for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    listed = [
        " | ".join(re.findall(r"`(\w+)`", room)) for room, _ in table("docs/architecture.md", "room | what it does")
    ]

    assert listed == layers


def test_promises_are_held_by_tests_that_exist() -> None:
    """Each promise of docs/architecture.md names a test, and every test that a page names is there."""
    rows = table("docs/architecture.md", "promise | held by")
    named = {pair for page in PAGES for pair in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", read_page(page))}

    assert [promise for promise, tests in rows if "::" not in tests] == []
    assert [f"{path}::{test}" for path, test in named if f"\ndef {test}(" not in (ROOT / path).read_text()] == []


def test_way_of_a_trial_has_a_dozen_stops() -> None:
    """The way of a trial is told in twelve stops, each with its files."""
    rows = table("docs/architecture.md", "stop | file | what happens")

    assert [stop for stop, *_ in rows] == [str(number) for number in range(1, 13)]
    assert [stop for stop, files, _ in rows if "](../benchmark/archbench/" not in files] == []


def test_file_tree_matches_the_disk() -> None:
    """Every line of the file tree names something that exists; no room of the core and no page is left out."""
    (tree,) = re.findall(r"## Files\n\n```\n(.*?)```", read_page("docs/architecture.md"), re.S)
    parents: list[str] = []
    listed = set()
    for line in tree.splitlines():
        name, words = line.split(maxsplit=1)
        assert words
        if line.startswith(" "):
            listed.add(Path(parents[-1], name))
        else:
            parents.append(name)
            listed.add(Path(name))
    modules = {p.relative_to(ROOT) for p in CORE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    pages = {Path(page) for page in PAGES if page.count("/") < 2 and not page.startswith("examples/")}

    assert [str(path) for path in listed if not (ROOT / path).exists()] == []
    assert modules <= listed
    assert pages <= listed


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def test_decisions_are_numbered() -> None:
    """Decisions are numbered from 1 without a gap, and docs/architecture.md lists them in order."""
    listed = re.findall(r"^(\d+)\. \[.*\]\(decisions/(\d{4})-", read_page("docs/architecture.md"), re.MULTILINE)

    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert [(int(number), int(name)) for number, name in listed] == [(n, n) for n in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decision_takes_half_a_page(path: Path) -> None:
    """A decision has its number, a date, and three sections, in at most 40 lines."""
    text = path.read_text(encoding="utf-8")

    assert re.match(rf"# {int(path.name[:4])}\. .+\n\n\d{{4}}-\d\d-\d\d\n", text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 40


def test_log_is_dated() -> None:
    """Every entry of the log begins with a date, and the entries are in order."""
    entries = re.findall(r"^## (.*)$", read_page("docs/log.md"), re.MULTILINE)
    dates = [re.match(r"(\d{4}-\d\d-\d\d) \S", entry) for entry in entries]

    assert None not in dates
    assert [date[1] for date in dates if date] == sorted(date[1] for date in dates if date)


def test_changelog_keeps_its_form() -> None:
    """The newest changes come first, releases have dates, and changes stand under the words of Keep a Changelog."""
    releases = re.findall(r"^## (.*)$", read_page("CHANGELOG.md"), re.MULTILINE)
    kinds = set(re.findall(r"^### (.*)$", read_page("CHANGELOG.md"), re.MULTILINE))

    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release) for release in releases[1:])
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_citation_is_that_of_the_newest_release() -> None:
    """CITATION.cff has all that its format asks for, and the version and date of the newest release."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    version, date = re.findall(r"^## \[(\d.*)\] - (.*)$", read_page("CHANGELOG.md"), re.MULTILINE)[0]

    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"] == PROJECT["project"]["name"]
    assert citation["license"] == PROJECT["project"]["license"]
    assert all(author["name"] for author in citation["authors"])
    assert (citation["version"], str(citation["date-released"])) == (version, date)
    assert version == PROJECT["project"]["version"]


def test_contributing_fits_on_a_screen() -> None:
    """CONTRIBUTING has at most 60 lines, and the sizes it asks for are those that tests/test_layout.py holds."""
    text = read_prose("CONTRIBUTING.md")
    asked = re.findall(r"<= (\d+)$", (ROOT / "tests" / "test_layout.py").read_text(), re.MULTILINE)

    assert len(read_page("CONTRIBUTING.md").splitlines()) <= 60
    assert asked
    assert [number for number in asked if not re.search(rf"\b{number}\b", text)] == []
