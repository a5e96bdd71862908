"""Compiled templates: kept for the next process where that is safe, and done without elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import jinja2
import pytest

from archbench._report import _templates
from archbench._report._templates import templates

NAME = "views/trial.html.j2"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder that takes compiled templates, in a temporary folder of its own."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"_jinja2-cache-{os.getuid()}"


def new_process() -> jinja2.Environment:
    """Return the templates as a process has them that has just started."""
    return templates.__wrapped__()


def test_the_next_process_compiles_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A template that one process has compiled is loaded by the next one; nobody else can have put it there."""
    new_process().get_template(NAME)

    def compile_(*_: Any, **__: Any) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(jinja2.Environment, "compile", compile_)

    assert new_process().get_template(NAME).name == NAME
    assert len(list(folder.iterdir())) == 1
    assert folder.stat().st_mode & 0o077 == 0


def test_other_options_are_compiled_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was compiled with other options, such as without escaping, is not loaded."""
    new_process().get_template(NAME)
    monkeypatch.setattr(_templates, "_OPTIONS", {**_templates._OPTIONS, "autoescape": False})
    new_process().get_template(NAME)

    assert len(list(folder.iterdir())) == 2


def test_a_folder_that_is_gone_costs_nothing(folder: Path) -> None:
    """Where the folder is removed meanwhile, or the disk is full, the template is there all the same."""
    found = new_process()
    shutil.rmtree(folder)

    assert found.get_template(NAME).name == NAME


@pytest.mark.parametrize("why", ["no folder", "no bytecode"])
def test_templates_are_not_kept(why: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is written where something else has the name of the folder, or Python is to write no bytecode."""
    if why == "no folder":
        folder.write_text("")
    else:
        monkeypatch.setattr(sys, "dont_write_bytecode", True)

    assert new_process().get_template(NAME).name == NAME
    assert [path for path in tmp_path.rglob("*") if path.suffix == ".cache"] == []
