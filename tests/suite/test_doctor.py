"""The doctor: what it looks at, and what it says of a machine that is not well."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from typer.testing import CliRunner

from archbench._errors import DeviceError
from archbench._plugins import Plugins, Problem, load_plugins
from archbench._suite import _doctor
from archbench._suite._doctor import Symptom, examine
from archbench.cli._app import VERBS, make_app


@pytest.fixture
def ailing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Symptom]]:
    """`ailing(out, plugins)` returns what is found before anything is started, by what it is about."""

    def found(out: Path, plugins: Plugins | None = None) -> dict[str, Symptom]:
        monkeypatch.setattr(_doctor, "open_pool", _no_pool)
        return {symptom.about: symptom for symptom in examine(plugins or Plugins(), out, "auto")}

    return found


def _no_pool(**options: object) -> None:
    raise DeviceError("no device in this test")


def test_a_healthy_machine(tmp_path: Path) -> None:
    """Here, where the tests run, nothing is a problem, a step is trained, and nothing is left behind."""
    symptoms = {symptom.about: symptom for symptom in examine(load_plugins(), tmp_path / "out", "cpu")}

    assert [s for s in symptoms.values() if s.state == "problem"] == []
    assert symptoms["Python"].found.startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert symptoms["torch"].found == metadata.version("torch")
    assert "first step after" in symptoms["training on cpu"].found
    assert "first step after" in symptoms["training on 2 cpu devices together"].found
    assert list(tmp_path.iterdir()) == []


def test_libraries_that_are_old_or_absent(
    ailing: Callable[..., dict[str, Symptom]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each requirement that is not met is a problem with its remedy; one of another system is none."""
    needs = ["torch>=99", "absent-library>=1", "never; sys_platform == 'nowhere'", "pyarrow; extra == 'parquet'"]
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    found = ailing(tmp_path)

    assert (found["torch"].state, found["torch"].advice) == ("problem", "pip install 'torch>=99'")
    assert (found["absent-library"].state, found["absent-library"].found) == ("problem", "not installed")
    assert "never" not in found
    assert "pyarrow" not in found
    assert found["extra parquet"].state == "ok"


def test_folders(ailing: Callable[..., dict[str, Symptom]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder below a file cannot be written, a full disk is a warning, and a folder that will be made is fine."""
    (tmp_path / "file").write_text("")
    assert ailing(tmp_path / "new" / "deep")["output folder"].state == "ok"
    broken = ailing(tmp_path / "file" / "below")["output folder"]
    assert (broken.state, broken.advice) == ("problem", "choose another with --out")
    monkeypatch.setattr("shutil.disk_usage", lambda place: type("Usage", (), {"free": 1e8}))
    assert ailing(tmp_path)["output folder"].state == "warning"


def test_plugins_and_devices(ailing: Callable[..., dict[str, Symptom]], tmp_path: Path) -> None:
    """A plugin that did not load is a problem with its name; so is a device that is not there."""
    found = ailing(tmp_path, Plugins(problems=(Problem("broken", "import", "SyntaxError"),)))

    assert (found["plugin broken"].state, found["plugin broken"].found) == ("problem", "SyntaxError")
    assert "--no-plugin broken" in found["plugin broken"].advice
    assert (found["devices"].state, found["devices"].found) == ("problem", "no device in this test")


def test_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory is short for the trials that run at a time, the advice names a number that fits."""
    monkeypatch.setattr(_doctor, "_available_memory", lambda: 3_200_000_000)

    assert _doctor._memory(2).state == "ok"
    short = _doctor._memory(8)
    assert (short.state, short.advice.split(",")[0]) == ("warning", "use fewer with --workers 2")


def test_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem gives exit code 1 and the advice below it; JSON says the same."""
    bad = Symptom(about="disk", state="problem", found="full", advice="free some")
    monkeypatch.setattr(_doctor, "examine", lambda *of: [Symptom(about="Python", state="ok", found="3"), bad])
    words = CliRunner().invoke(make_app(VERBS), ["doctor"])
    as_json = CliRunner().invoke(make_app(VERBS), ["doctor", "--json"])

    assert words.exit_code == as_json.exit_code == 1
    assert "problem  disk: full\n         -> free some\n" in words.output
    assert json.loads(as_json.stdout)["healthy"] is False
