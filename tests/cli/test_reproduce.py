"""`benchmark reproduce`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from archbench._records import Store, encode_record
from support import Cli, MakeRecord


@pytest.fixture
def gone(make_record: MakeRecord, tmp_path: Path) -> Path:
    """A folder with two records of a plugin that is not installed."""
    store = Store(tmp_path / "gone")
    for seed in range(2):
        store.write(make_record(seed))
    return tmp_path / "gone"


@pytest.mark.slow
def test_a_record_that_comes_out_again(cli_here: Cli, tmp_path: Path) -> None:
    """The exit code is 0, standard output has a row and the count, and the certificate is a file."""
    cli_here("run", "mlp", "--task", "digits", "--protocol", "smoke", "--seeds", "2", cwd=tmp_path)
    (kept, _) = sorted((tmp_path / "leaderboard" / "records").glob("*/*.json"))
    done = cli_here("reproduce", kept.stem[:12], "--out", "made.json", cwd=tmp_path)
    made = json.loads((tmp_path / "made.json").read_text())

    assert done.returncode == 0, done.stderr
    assert "1 to train" not in done.stdout
    assert "Forecast: about" in done.stderr
    assert done.stdout.splitlines()[-1] == "1 reproduced. Certificate: made.json"
    assert made["command"] == f"benchmark reproduce {kept.stem[:12]} --out made.json"
    assert [check["id"] for check in made["checks"]] == [kept.stem]


def test_records_of_a_plugin_that_is_gone(cli_here: Cli, gone: Path) -> None:
    """The exit code is 1, and each line of a record says why."""
    done = cli_here("reproduce", str(gone), cwd=gone)

    assert done.returncode == 1
    assert done.stdout.count("changed: toy on pictures, seed ") == 2
    assert done.stdout.count("the plugin toys, which provides toy, is not there; install it") == 2
    assert done.stdout.splitlines()[-1] == "2 changed."


def test_json_is_the_certificate(cli_here: Cli, gone: Path) -> None:
    """Standard output is one JSON object: the certificate with the exit code."""
    (gone / "records" / "bad.json").write_text("[]")
    done = cli_here("reproduce", str(gone), "--sample", "1", "--seed", "5", "--json", cwd=gone)
    made = json.loads(done.stdout)

    assert (done.returncode, made["exit_code"], made["format"]) == (1, 1, 1)
    assert (made["records"], made["sample"], made["sample_seed"]) == (2, 1, 5)
    assert [file["name"] for file in made["invalid"]] == ["bad.json"]
    assert made["checks"][0]["recorded"]["environment"]["processor"] == "A processor"
    assert "bad.json is not reproduced" in done.stderr


def test_markup_in_a_record_is_only_text(cli_here: Cli, gone: Path, make_record: MakeRecord) -> None:
    """A label that looks like markup of the terminal is printed as it is."""
    record = make_record(7)
    component = msgspec.structs.replace(record.trial.architecture, label="[red]toy[/]")
    trial = msgspec.structs.replace(record.trial, architecture=component)
    (gone / "one.json").write_bytes(encode_record(msgspec.structs.replace(record, trial=trial, id=trial.id)))
    done = cli_here("reproduce", str(gone / "one.json"), cwd=gone)

    assert done.stdout.count("[red]toy[/]") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "missing argument"),
        (["nowhere"], "there is no record or folder 'nowhere'"),
        (["gone/records/bad.json"], "is no record that can be read"),
        (["empty"], "empty holds no folder records/"),
        (["gone", "--sample", "0"], "--sample is 0; at least 1 is needed"),
        (["gone", "--sample", "many"], "'many' is not a valid int"),
        (["gone", "--task", "images:nowhere"], "there is no file or folder"),
        (["gone", "--out", "gone/records/new.json"], "is among the records"),
    ],
)
def test_bad_input(cli_here: Cli, gone: Path, arguments: list[str], words: str) -> None:
    """The exit code is 2, and one line says what is wrong; with --json it is the key `error`."""
    (gone / "records" / "bad.json").write_text('{"schema": 2')
    (gone.parent / "empty").mkdir()
    done = cli_here("reproduce", *arguments, cwd=gone.parent)
    as_json = cli_here("reproduce", *arguments, "--json", cwd=gone.parent)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[-1]
    assert (as_json.returncode, words in json.loads(as_json.stdout)["error"]) == (2, True)
