"""AG News and IMDB on small files in the published formats."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import DataError, Task
from archbench_tasks import text_classification
from archbench_tasks._byte_pairs import learn_tokens
from archbench_tasks.text_classification import NewsOptions, ReviewOptions, load, read

TASKS: dict[str, Task] = {task.name: task for task in text_classification.archbench_tasks()}
SMALL = NewsOptions(vocabulary=300, length=60)


@pytest.fixture
def own_data(small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder with a copy of the two sets, which a test may damage."""
    for name in TASKS:
        shutil.copytree(small_data / name, tmp_path / "data" / name)
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_rows_of_ag_news(small_data: Path) -> None:
    """Title and text are joined, doubled quotes become quotes, commas in cells are kept, and labels begin at 0."""
    texts, labels = read("ag-news", "test")
    first, *_ = (small_data / "ag-news/test.csv").read_text().splitlines()

    assert len(texts) == 80
    assert texts[0].startswith('Title 0, of 61 He "says" ')
    assert first == '"{}","Title 0, of 61","{}"'.format(labels[0] + 1, texts[0][15:].replace('"', '""'))
    assert np.bincount(labels).tolist() == [20] * 4


def test_escapes_of_the_real_file(small_data: Path, own_data: Path) -> None:
    """Backslashes are kept, and cells may be empty or read `NA`, as in the real files."""
    rows = '"3","NA","costs \\$415\\ now"\n"1","null",""\n' * 2
    (own_data / "ag-news/test.csv").write_text(rows)
    texts, labels = read("ag-news", "test")

    assert texts == ["NA costs \\$415\\ now", "null "] * 2
    assert labels.tolist() == [2, 0, 2, 0]


def test_tokens_are_the_text(small_data: Path) -> None:
    """Decoded tokens are the beginning of the text in lower case; lengths count them; the padding is 0."""
    texts, labels = read("imdb", "test")
    tokenizer = learn_tokens(read("imdb", "train")[0], 300)
    test = load(ReviewOptions(vocabulary=300, length=60), 0, name="imdb").test
    assert test.lengths is not None

    assert test.targets.tolist() == labels.tolist()
    for text, row, length in zip(texts, np.asarray(test.inputs), test.lengths, strict=True):
        decoded = "".join(tokenizer.id_to_token(token) for token in row[:length])
        whole = "".join(tokenizer.encode(text).tokens)
        assert whole.startswith(decoded)
        assert decoded == whole or length == 60
        assert not row[length:].any()
        assert row[:length].all()


def test_cut_texts_are_counted(small_data: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says, for each published set, how many texts were cut."""
    with caplog.at_level(logging.WARNING):
        splits = load(NewsOptions(vocabulary=300, length=40), 0, name="ag-news")
    texts, _ = read("ag-news", "test")
    tokenizer = learn_tokens(read("ag-news", "train")[0], 300)
    longer = sum(len(tokenizer.encode(text).ids) > 40 for text in texts)

    assert 0 < longer < 80
    assert f"ag-news, test: {longer} of 80 texts end after 40 tokens" in caplog.messages
    assert (splits.test.lengths == 40).sum() >= longer


def test_vocabulary_is_that_of_the_training_set(small_data: Path, own_data: Path) -> None:
    """Other test texts do not change the tokens of the training texts."""
    before = load(SMALL, 0, name="ag-news")
    (own_data / "ag-news/test.csv").write_text('"1","zzzz zzzz zzzz zzzz","zzzz zzzz"\n' * 500)
    after = load(SMALL, 0, name="ag-news")

    np.testing.assert_array_equal(before.train.inputs, after.train.inputs)
    assert before.train.inputs.max() < 300


def test_same_tokens_in_another_process(small_data: Path) -> None:
    """The tokenizer is the same to the byte, whatever the hash seed and the number of threads."""
    code = (
        "from archbench_tasks.text_classification import read, learn_tokens; "
        "print(learn_tokens(read('ag-news', 'train')[0], 320).to_str(), end='')"
    )
    environment = {"ARCHBENCH_DATA": str(small_data), "PYTHONHASHSEED": "7", "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert done.stdout == learn_tokens(read("ag-news", "train")[0], 320).to_str()


def test_loading_leaves_nothing_behind(small_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Loading leaves no files in the home, the temporary or the data folder, no variables and no threads."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("HOME", str(tmp_path))
    before = dict(os.environ), threading.active_count(), sorted(small_data.rglob("*"))
    load(SMALL, 0, name="ag-news")

    assert (dict(os.environ), threading.active_count(), sorted(small_data.rglob("*"))) == before
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "tmp"]
    assert "tqdm_monitor" not in [thread.name for thread in threading.enumerate()]  # of this load or an earlier one


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("ag-news", "train.csv", b'"Sports","no","number"\n', r"train\.csv is not the csv file"),
        ("imdb", "test.parquet", b"PAR1 not at all", r"test\.parquet is not the parquet file"),
    ],
)
def test_damaged_files(own_data: Path, name: str, file: str, content: bytes, message: str) -> None:
    """The message names the damaged file, and the command that finds more of them."""
    (own_data / name / file).write_bytes(content)
    with pytest.raises(DataError, match=message + r".*benchmark data verify"):
        TASKS[name].load(TASKS[name].options(), 0)


def test_every_class_is_in_validation() -> None:
    """Validation has about equally many texts of every class."""
    for name, task in TASKS.items():
        options: Any = task.options() if task.options else None
        validation = load(options, 4, name=name).validation
        counts = np.bincount(validation.targets)
        assert counts.max() - counts.min() <= 1
        assert len(counts) == task.describe(options).outputs
