"""Small campaigns: each kind of fault strikes a real run once, and a suite that loses something is found out."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

import pytest

from archbench._chaos import KINDS, SWEPT, _campaign
from archbench._chaos._subject import Subject
from archbench._errors import ClusterError, SelectionError
from archbench.cli._chaos import _choose
from support import Cli


def test_a_wrong_kind_is_refused(cli: Cli, tmp_path: Path) -> None:
    """A kind that is not there ends with exit code 2 and the list of those that are."""
    done = cli("chaos", "--kinds", "driver,meteor", cwd=tmp_path)

    assert done.returncode == 2
    assert "there is no kind of fault 'meteor'" in done.stderr
    assert ",".join([*KINDS, SWEPT]) in done.stderr


def test_without_ray_no_node_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind that needs Ray is left out where Ray is not installed, unless it is asked for by name."""

    def require(kind: str) -> None:
        raise ClusterError("pip install 'archbench[ray]'")

    everything = _choose(None)
    monkeypatch.setattr("archbench._execution.require", require)

    assert [name for name in everything if name not in _choose(None)] == ["node"]
    assert _choose("driver,clock") == ["driver", "clock"]
    with pytest.raises(ClusterError, match=r"archbench\[ray\]"):
        _choose("driver,node")


def test_temporary_files_of_killed_runs_go_with_the_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs make theirs in the folder of the campaign, whose own setting is as before at the end."""
    seen: list[str] = []

    def look(*_: object) -> NoReturn:
        seen.append(os.environ["TMPDIR"])
        raise SelectionError("there is nothing to strike")

    monkeypatch.setenv("TMPDIR", "/before")
    monkeypatch.setattr(_campaign, "run_undisturbed", look)
    with pytest.raises(SelectionError):
        _campaign.carry_out(Subject(("mlp",), "digits"), seed=0, faults=1, kinds=["driver"], tell=print)

    assert Path(seen[0]).name.startswith("archbench-chaos-")
    assert not Path(seen[0]).exists()
    assert os.environ["TMPDIR"] == "/before"


@pytest.mark.slow
def test_a_damaged_record_is_survived(cli: Cli, tmp_path: Path) -> None:
    """A campaign of one fault prints its table, keeps nothing, and ends with exit code 0."""
    done = cli("chaos", "--faults", "1", "--kinds", "garbled", "--seed", "3", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[:4] for line in done.stdout.splitlines()[:2]] == [
        ["kind", "tried", "survived", "lost"],
        ["garbled", "1", "1", "0"],
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.usefixtures("one_cluster")
def test_every_kind_is_survived(cli: Cli, tmp_path: Path) -> None:
    """One fault of each kind strikes, or finds its run at an end, and nothing is lost.

    One of two ranks is killed while the other runs, which costs that trial only; the rerun has the same scores.
    """
    command = ("chaos", "--faults", str(len(KINDS)), "--kinds", ",".join(KINDS), "--seed", "1", "--json")
    done = cli(*command, cwd=tmp_path, timeout=1100)
    campaign = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert [fault["lost"] for fault in campaign["faults"] if fault["lost"]] == []
    assert {line["kind"] for line in campaign["counts"]} >= {"garbled", "stdout", "clock", "full-disk"}
    assert campaign["trials"] == 9
    killed = [fault for fault in campaign["faults"] if fault["kind"] == "rank"]
    if killed[0]["detail"].endswith("exit code 0"):  # on a busy machine both ranks may have done their part by then
        again = cli("chaos", "--faults", "3", "--kinds", "rank", "--seed", "2", "--json", cwd=tmp_path, timeout=600)
        assert again.returncode == 0, again.stderr
        killed += json.loads(again.stdout)["faults"]
    assert any(fault["detail"].endswith("exit code 1") for fault in killed)
