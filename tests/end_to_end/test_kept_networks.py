"""From own files to a trained network to predictions for new files."""

from __future__ import annotations

import csv
import io
import json
import math
import warnings
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import archbench
from archbench import DataError, Observer, PluginError, Results, SelectionError
from archbench._records import read_sidecar, read_weights, write_network
from archbench.cli._app import make_app
from support import Cli

SYMBOLS = "abcdefg \n,"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images in train/ and test/ of two classes that overlap; walks with times and a number to predict; a text."""
    folder, draw = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    for number in range(120):
        place = folder / "spots" / ("train", "test")[number % 3 == 0] / ("dark", "light")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = draw.normal(110 + 20 * (number % 2) + 20 * draw.normal(), 30, (9, 8, 3)).clip(0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    rows = ["walk,when,x,size"]
    for walk in range(60):
        moment = walk * 100.0
        for step in range(2 + walk % 4):
            rows.append(f"w{walk},{moment},{draw.normal() + walk % 5},{1000 + 50 * (walk % 5)}")
            moment += 1 + step % 2 + draw.random()
    (folder / "walks.csv").write_text("\n".join(rows))
    (folder / "notes.txt").write_bytes("".join(draw.choice(list(SYMBOLS), 3000)).encode())
    return folder


def train(files: Path, name: str, task: str, **options: Any) -> Results:
    """Return the results of one short trial."""
    rules: dict[str, Any] = {"protocol": "smoke", "out": files / "out", "workers": 1, "observer": Observer()}
    results = archbench.run(name, tasks=task, **{**rules, **options})
    assert [record.status for record in results.records] == ["ok"], results.records[0].detail
    return results


def predict(files: Path, record: archbench.Record, *new: str, out: str = "out") -> list[dict[str, str]]:
    """Return the lines that the command prints, here in this process."""
    target = f"{files / out / 'records' / record.id[:2] / record.id}.json"
    words = ["predict", target, *(str(files / name) for name in new)]
    done = CliRunner().invoke(make_app(["predict"]), words, catch_exceptions=False)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_new_images(files: Path, cli: Cli) -> None:
    """Predictions for the files of the test split are as often right as the record says; --out and --json agree."""
    (record,) = train(files, "mlp", f"images:{files / 'spots'}[size=8]").records
    rows = predict(files, record, "spots/test")
    right = [row["predicted"] == Path(row["file"]).parent.name for row in rows]

    assert record.scores is not None
    assert 0.5 < record.scores.test < 1  # of a test that could tell
    assert np.mean(right) == pytest.approx(record.scores.test, abs=1e-7)
    for row in rows:
        dark, light = (float(row[f"probability of {name}"]) for name in ("dark", "light"))
        assert dark + light == pytest.approx(1, abs=1e-6)
        assert float(row["probability"]) == max(dark, light) == float(row[f"probability of {row['predicted']}"])
    done = cli("predict", f"out/{record.id[:8]}", rows[5]["file"], "--out", "p.csv", "--json", cwd=files)
    (one,) = json.loads(done.stdout)["predictions"]
    assert (done.returncode, done.stderr) == (0, "")
    assert one["probability"] == pytest.approx(float(rows[5]["probability"]), rel=1e-5)
    assert list(csv.DictReader(io.StringIO((files / "p.csv").read_text()))) == [
        {key: str(value) for key, value in one.items()}
    ]


def test_new_sequences(files: Path) -> None:
    """Numbers for the walks of the test, in their own unit, have the error of the record; an answer is not needed.

    The last twelve of sixty walks are the test, and errors are counted in standard deviations of the others.
    """
    for name in ("gru", "tcn"):  # of which one takes lengths, and the other gets padding in front
        (record,) = train(files, name, f"sequences:{files / 'walks.csv'}[id=walk,target=size,time=when]").records
        header, *lines = [line.rsplit(",", 1)[0] for line in (files / "walks.csv").read_text().split("\n")]
        test = [line for line in lines if int(line.split(",")[0][1:]) >= 48]
        (files / "new.csv").write_text("\n".join([header, *test]))
        rows = predict(files, record, "new.csv")
        sizes = np.array([1000 + 50 * (walk % 5) for walk in range(60)])
        found = np.array([float(row["predicted"]) for row in rows])

        assert record.scores is not None
        assert [row["sequence"] for row in rows] == [f"w{walk}" for walk in range(48, 60)]
        error = np.mean(((found - sizes[48:]) / sizes[:48].std()) ** 2)
        assert error == pytest.approx(record.scores.test, rel=1e-5)
    (files / "holes.csv").write_text(f"{header}\nw1,0,\n")
    advice = "an empty cell is not a finite number; fill it in, since the network was trained with it$"
    with pytest.raises(DataError, match=f"column 'x': {advice}"):
        predict(files, record, "holes.csv")


def test_new_texts(files: Path) -> None:
    """The characters of the last tenth of a text cost as many bits as the record says."""
    (record,) = train(files, "gru", f"text:{files / 'notes.txt'}[length=20]").records
    last = (files / "notes.txt").read_bytes().decode()[-300:]
    (files / "last.txt").write_bytes(last.encode())
    rows = predict(files, record, "last.txt")
    bits = [-math.log2(float(row[f"probability of {row['character']}"])) for row in rows]

    assert record.scores is not None
    assert [(int(row["position"]), row["character"]) for row in rows] == list(enumerate(last))[1:]
    assert np.mean(bits) == pytest.approx(record.scores.test, rel=1e-5)


def test_mistakes(files: Path) -> None:
    """Files that are missing, no images, too long or of other characters are errors that name them."""
    (image,) = train(files, "mlp", f"images:{files / 'spots'}[size=8]").records
    (text,) = train(files, "gru", f"text:{files / 'notes.txt'}[length=20]").records
    (files / "short.txt").write_text("abc")
    (files / "foreign.txt").write_text("abcdefg " * 4 + "z")
    for record, name, words in (
        (image, "gone.png", "gone.png is not there; give images"),
        (image, "walks.csv", "walks.csv cannot be read"),
        (text, "short.txt", "short.txt has 3 characters; give 21 or more"),
        (text, "foreign.txt", "foreign.txt has 'z' at position 32, which the text of the training does not have"),
    ):
        with pytest.raises(DataError, match=words):
            predict(files, record, name)


def test_generated_tasks_keep_nothing_unless_asked(files: Path, cli_here: Cli) -> None:
    """Without --keep there is no network, and a record that lacks it is not trained again; loading says what to do."""
    rules: dict[str, Any] = {"out": files / "digits"}
    (record,) = train(files, "mlp", "digits", **rules).records
    lines: list[str] = []
    observer = type("Listener", (Observer,), {"warned": lambda self, line: lines.append(line)})()
    again = train(files, "mlp", "digits", keep="selected", observer=observer, **rules)

    assert again.trained == 0
    assert lines == [
        "the network of 1 finished trials is not kept (they were trained without it); to train them again, delete "
        "their records or give another folder with --out"
    ]
    with pytest.raises(archbench.RecordError, match="train with --keep selected, into another folder"):
        archbench.load(record, out=files / "digits")
    (other,) = train(files, "mlp", "digits", keep="last", out=files / "kept").records
    network = archbench.load(other, out=files / "kept")
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    done = cli_here("predict", f"kept/{other.id[:8]}", "spots/test", cwd=files)
    assert done.returncode == 2
    assert "has no reader that prepares new files" in done.stderr
    with pytest.raises(SelectionError, match="`keep` is 'best'; give one of selected, last, none"):
        archbench.run("mlp", tasks="digits", keep="best")  # type: ignore[arg-type]


def test_a_network_of_another_recipe_is_not_that_of_the_record(files: Path) -> None:
    """Where tuning chose another recipe since, loading says so, a run misses the network, and its file still loads."""
    out = files / "recipes"
    (record,) = train(files, "mlp", "digits", keep="selected", out=out).records
    kept = read_sidecar(out / "networks", record.id)
    recipe = msgspec.structs.replace(record.trial.settings, learning_rate=0.5)
    earlier = msgspec.structs.replace(kept, trial=msgspec.structs.replace(kept.trial, recipe=recipe))
    write_network(out / "networks", earlier, read_weights(out / "networks", kept))
    lines: list[str] = []
    observer = type("Listener", (Observer,), {"warned": lambda self, line: lines.append(line)})()
    train(files, "mlp", "digits", keep="selected", out=out, observer=observer)
    file = out / "networks" / f"{record.id}.safetensors"

    for target in (record, out / record.id[:8]):
        with pytest.raises(archbench.RecordError, match=r"network has .*learning rate 0\.5.*train again") as caught:
            archbench.load(target, out=out)
        assert str(caught.value).endswith(f"give {file}")
    assert [line.partition(" (")[0] for line in lines] == ["the network of 1 finished trials is not kept"]
    assert archbench.load(file)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


def test_a_network_of_one_file_that_was_changed(files: Path, tmp_path: Path) -> None:
    """A changed source is told, a changed revision is refused, and without its plugin a network is not built."""
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "import archbench\n"
        "def build(task, options):\n"
        "    from torch import nn\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
        "@archbench.hookimpl\n"
        "def archbench_architectures():\n"
        "    yield archbench.Architecture(name='mine', build=build, inputs=('image',), revision=1)\n"
    )
    out = tmp_path / "out"
    (record,) = train(files, "mine", "digits", keep="last", out=out, plugin_files=[plugin]).records
    weights = out / "networks" / f"{record.id}.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        archbench.load(weights, plugin_files=[plugin])
    plugin.write_text(plugin.read_text() + "# changed\n")
    with pytest.warns(UserWarning, match="the code of mine.py was changed since mine was trained"):
        archbench.load(weights, plugin_files=[plugin])
    plugin.write_text(plugin.read_text().replace("revision=1", "revision=2"))
    with pytest.raises(PluginError, match=r"has revision 2 .* trained with revision 1"):
        archbench.load(weights, plugin_files=[plugin])
    with pytest.raises(PluginError, match=r"mine.py, which provides mine, is not there; give it with --plugin"):
        archbench.load(weights)
