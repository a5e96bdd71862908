"""README is the contract: what it says exists, exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from archbench.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_file_tree_matches_the_disk() -> None:
    """Every line of the file tree names something that exists, and no module of the core is left out."""
    (tree,) = re.findall(r"## Files\n\n```\n(.*?)```", README, re.S)
    parents: list[str] = []
    listed = set()
    for line in tree.splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            listed.add(Path(parents[-1], name))
        else:
            parents.append(name)
            listed.add(Path(name))
    core = ROOT / "benchmark" / "archbench"
    modules = {p.relative_to(ROOT) for p in core.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}

    assert [str(path) for path in listed if not (ROOT / path).exists()] == []
    assert modules <= listed


def test_links_lead_somewhere() -> None:
    """Every relative link of README leads to a file or a heading."""
    headings = {
        re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in re.findall(r"^#+ (.*)$", README, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in headings
        else:
            assert (ROOT / target).exists(), target


def commands() -> list[str]:
    """The `benchmark` commands that README shows, without those of the set-up."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("benchmark ")]


@pytest.mark.parametrize("command", commands())
def test_commands_are_understood(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command of README selects something; those that would train stop there."""
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n# my_net.py\n(.*?)```", README, re.S)[0]
    (tmp_path / "my_net.py").write_text(code)
    monkeypatch.setattr(
        "archbench._suite._run.Run.carry_out", lambda *args, **options: (_ for _ in ()).throw(ReachedTrainingError)
    )
    monkeypatch.setattr("archbench.cli._forecast.show_forecast", lambda *args, **options: None)
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("archbench._downloads._prepare.prepare", lambda *args: None)
    (tmp_path / "leaderboard").mkdir()
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))
    write_own_data(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda url: True)
    result = CliRunner().invoke(app, shlex.split(command)[1:])

    assert result.exit_code == 0 or isinstance(result.exception, ReachedTrainingError), result.output


def write_own_data(folder: Path) -> None:
    """The files that README speaks of: flowers of two kinds, walks of two people, and notes."""
    for number in range(8):
        image = folder / "flowers" / ("daisy", "tulip")[number % 2] / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (30 * number, 0, 0)).save(image)
    rows = [f"{walk},{walk + step},{'ab'[walk % 2]}" for walk in range(8) for step in range(2 + walk % 2)]
    (folder / "notes.txt").write_text("Nothing happened today. " * 50)
    (folder / "walks.csv").write_text("\n".join(["walk,speed,person", *rows]))


class ReachedTrainingError(Exception):
    """Training was about to start."""
