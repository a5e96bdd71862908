"""The suite from Python: `archbench.run` and `archbench.read`."""

from __future__ import annotations

import errno
import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Observer, Record, Results


def test_run_returns_what_was_asked_for(small_results: Results) -> None:
    """Every trial of the plan has a record, seed by seed; what cannot exist is no trial, and has a reason."""
    trials = [(r.trial.architecture.label, r.trial.task.label, r.trial.seed, r.status) for r in small_results.records]

    assert trials == [
        ("lstm", "digits", 0, "ok"),
        ("plain[depth=8]", "digits", 0, "ok"),
        ("lstm", "adding", 0, "ok"),
        ("lstm", "digits", 1, "ok"),
        ("plain[depth=8]", "digits", 1, "ok"),
        ("lstm", "adding", 1, "ok"),
    ]
    assert [(r.trial.architecture.label, r.trial.task.label, r.message) for r in small_results.refused] == [
        ("plain[depth=8]", "adding", "takes image, the task gives sequence")
    ]
    assert small_results.trained == 6
    assert small_results.failures == []
    assert all((small_results.out / name).is_file() for name in small_results.files)


def test_read_returns_what_run_did(small_results: Results) -> None:
    """The records and the leaderboard of the folder are those of the run, and nothing is written."""
    before = {path: path.stat().st_mtime_ns for path in small_results.out.rglob("*")}
    read = archbench.read(small_results.out)

    assert sorted(read.records, key=lambda r: r.id) == sorted(small_results.records, key=lambda r: r.id)
    assert read.refused == small_results.refused
    assert read.leaderboard == small_results.leaderboard
    assert read.rows() == sorted(small_results.rows(), key=lambda row: row["id"])
    assert {path: path.stat().st_mtime_ns for path in small_results.out.rglob("*")} == before


def test_the_command_line_and_python_write_one_folder(small_results: Results, cli_here: Any, tmp_path: Path) -> None:
    """A run from the command line finds every record of a run from Python, and trains nothing."""
    arguments = ["run", "lstm", "plain[depth=8]", "--task", "digits", "--task", "adding", "--protocol", "smoke"]
    done = cli_here(*arguments, "--seeds", "2", "--out", str(small_results.out), "--json", cwd=tmp_path)

    assert done.returncode == 0
    assert '"trained": 0' in done.stdout


def test_an_interrupt_keeps_what_is_finished(recorder: Any, tmp_path: Path) -> None:
    """Ctrl-C ends the running trials and raises; the next call trains only the rest."""
    import os
    import signal

    class Impatient(type(recorder)):  # type: ignore[misc]
        """Interrupts its own process once a trial is finished."""

        def trial_finished(self, record: Record) -> None:
            """Press Ctrl-C."""
            super().trial_finished(record)
            os.kill(os.getpid(), signal.SIGINT)

    observer = Impatient()
    wanted: dict[str, Any] = {
        "tasks": "digits", "protocol": "smoke", "seeds": 4, "workers": 1, "out": tmp_path / "out",
    }  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        archbench.run("mlp", **wanted, observer=observer)

    assert observer.events[-2:] == ["ended", "interrupted after 1 of 4"]
    assert [record.status for record in archbench.read(tmp_path / "out").records] == ["ok"]
    assert archbench.run("mlp", **wanted, observer=recorder).trained == 3
    assert recorder.events[0] == "3 to train, 1 kept"


@pytest.mark.slow
def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    """A script that calls `run` at its top level trains once, not once more in every worker; torch stays out of it."""
    script = tmp_path / "script.py"
    script.write_text(
        "import archbench, sys\n"
        "print('begin')\n"
        "results = archbench.run('mlp', tasks='digits', protocol='smoke', seeds=2, out='out')\n"
        "print(results, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "begin\n2 records in out: 2 ok False\n"
    assert "[2/2] ok mlp on digits" in done.stderr


def test_failing_trials_are_records(tmp_path: Path) -> None:
    """A network that raises costs its own records; the call returns, and names them as failures."""
    plugin = tmp_path / "broken.py"
    plugin.write_text(
        "import archbench\n"
        "def build(task, options):\n"
        "    raise RuntimeError('no such layer')\n"
        "@archbench.hookimpl\n"
        "def archbench_architectures():\n"
        "    yield archbench.Architecture(name='broken', build=build, inputs=('image',))\n"
    )
    results = archbench.run(
        ["broken", "mlp"],
        tasks="digits",
        protocol="smoke",
        out=tmp_path / "out",
        plugin_files=plugin,
        observer=Observer(),
    )

    assert [record.trial.architecture.name for record in results.failures] == ["broken"]
    assert "no such layer" in results.failures[0].message
    assert str(results) == f"2 records in {tmp_path / 'out'}: 1 failed, 1 ok"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"architectures": "mpl"}, archbench.UnknownNameError, "did you mean 'mlp'"),
        ({"tasks": "digts"}, archbench.UnknownNameError, "did you mean 'digits'"),
        ({"tasks": []}, archbench.SelectionError, "tasks is empty; name one at least, or leave it out"),
        ({"architectures": ()}, archbench.SelectionError, "architectures is empty; name one at least"),
        ({"out": ""}, archbench.SelectionError, "out is ''; name a folder"),
        ({"tasks": "images:nowhere"}, archbench.DataError, "no file or folder"),
        ({"protocol": "quik"}, archbench.UnknownNameError, "did you mean 'quick'"),
        ({"protocol": "mine.toml"}, archbench.ProtocolError, "cannot read the protocol file"),
        ({"seeds": 0}, archbench.SelectionError, "at least 1"),
        ({"timeout": 0}, archbench.SelectionError, "positive number of seconds"),
        ({"workers": 0}, archbench.SelectionError, "at least 1"),
        ({"devices_per_trial": 0}, archbench.SelectionError, "at least 1"),
        ({"devices_per_trial": 17}, archbench.SelectionError, "16 examples per step, which 17 devices cannot share"),
        ({"strategy": "fsdp"}, archbench.SelectionError, "shards weights over the devices of a trial.*give 2 at least"),
        ({"strategy": "dp", "devices_per_trial": 2}, archbench.SelectionError, "'dp'; give one of ddp, fsdp"),
        ({"per_device": 0}, archbench.SelectionError, "at least 1, or auto"),
        ({"per_device": "many"}, archbench.SelectionError, "'many'; give a number"),
        (
            {"per_device": 2, "workers": 3},
            archbench.SelectionError,
            "`workers` is 3 and `per_device` is 2.*leave one out",
        ),
        ({"per_device": "auto", "workers": 1}, archbench.SelectionError, "leave one out"),
        ({"per_device": 2, "devices_per_trial": 2}, archbench.SelectionError, "a trial takes several devices, or"),
        ({"device": "tpu"}, archbench.SelectionError, "auto, cpu, cuda, mps"),
        ({"tasks": "adding", "architectures": "lenet"}, archbench.IncompatibleError, "fits none"),
        ({"plugin_files": ["nowhere.py"]}, archbench.PluginError, "cannot be read"),
        ({"plugin_files": "nowhere.py"}, archbench.PluginError, r"nowhere\.py cannot be read"),
        ({"out": __file__}, archbench.StoreError, "cannot write"),
    ],
)
def test_mistakes_raise_errors_of_the_tree(
    arguments: dict[str, Any], error: type[Exception], words: str, tmp_path: Path
) -> None:
    """A mistake raises an `ArchbenchError` that says what is wrong, and nothing is written."""
    wanted = {"architectures": "mlp", "tasks": "digits", "protocol": "smoke", "out": tmp_path / "out", **arguments}
    with pytest.raises(error, match=words):
        archbench.run(**wanted, observer=Observer())

    assert issubclass(error, archbench.ArchbenchError)
    assert not (tmp_path / "out").exists()


def test_reading_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error names the folder and what to do."""
    with pytest.raises(archbench.StoreError, match=r"no folder .*nowhere; run archbench\.run first"):
        archbench.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "ask",
    [
        archbench.read,
        archbench.claims,
        functools.partial(archbench.study, "gates"),
        archbench.load,
        archbench.reproduce,
    ],
)
def test_a_folder_that_the_system_refuses(ask: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever reads a folder raises an error of the suite that names it, the reason and the way out."""
    known, refused = Path.is_dir, [tmp_path, tmp_path / "records"]

    def fail(path: Path) -> bool:
        if path in refused:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return known(path)

    monkeypatch.setattr(Path, "is_dir", fail)
    with pytest.raises(
        archbench.StoreError, match=f"cannot read {tmp_path}.*: Permission denied; make it readable, or"
    ):
        ask(tmp_path)


def test_a_file_in_the_place_of_the_records(tmp_path: Path) -> None:
    """The error names the file and what to do."""
    (tmp_path / "records").touch()

    with pytest.raises(
        archbench.StoreError, match=r"cannot read .*records: Not a directory; make it readable, or give"
    ):
        archbench.read(tmp_path)


def test_reading_moves_no_invalid_record(tmp_path: Path) -> None:
    """A file that is no record is listed with its reason and stays where it is."""
    broken = tmp_path / "records" / "ab" / "ab.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    (item,) = archbench.read(tmp_path).set_aside

    assert item.name == "ab.json"
    assert broken.is_file()
