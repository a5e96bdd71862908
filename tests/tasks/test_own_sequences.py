"""`sequences:FILE`: three formats, variable length, and messages that say where a mistake is."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import DataError
from archbench.testing import check_task
from archbench_tasks._new_sequences import prepare
from archbench_tasks._sequences import SequenceOptions
from archbench_tasks.own_sequences import fit, inspect, load

PLAIN = SequenceOptions()
HEAD = "id,x,label\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep parsed sequences in a folder of the test."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))


def table(count: int = 40, seed: int = 0) -> list[dict[str, Any]]:
    """Return sequences of 2 to 6 steps in long form: two features, a class and a number to predict."""
    draw = np.random.default_rng(seed)
    steps = []
    for sequence in range(count):
        label, size = ("up", "down")[sequence % 2], draw.normal(5, 2)
        for _ in range(int(draw.integers(2, 6, endpoint=True))):
            x, y = draw.normal(3, 2, 2)
            steps.append({"id": f"s{sequence}", "x": x, "y": y, "label": label, "size": size})
    return steps


def write_csv(path: Path, steps: list[dict[str, Any]]) -> Path:
    """Write steps as csv, and return the path."""
    lines = [",".join(steps[0]), *(",".join(map(str, step.values())) for step in steps)]
    path.write_text("\n".join(lines))
    return path


def arrays(steps: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
    """Return the values of all steps, the lengths and the labels."""
    ids = list(dict.fromkeys(step["id"] for step in steps))
    values = np.array([[step["x"], step["y"], step["size"]] for step in steps])
    lengths = np.array([sum(step["id"] == name for step in steps) for name in ids])
    labels = np.array([next(step["label"] for step in steps if step["id"] == name) for name in ids])
    return values, lengths, labels


def as_csv(path: Path, steps: list[dict[str, Any]]) -> Path:
    """Write a csv file in long form."""
    return write_csv(path / "steps.csv", steps)


def as_parquet(path: Path, steps: list[dict[str, Any]]) -> Path:
    """Write a parquet file in long form."""
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    parquet.write_table(pyarrow.Table.from_pylist(steps), path / "steps.parquet")
    return path / "steps.parquet"


def as_ragged(path: Path, steps: list[dict[str, Any]]) -> Path:
    """Write an npz file with all steps one after the other, and lengths."""
    values, lengths, labels = arrays(steps)
    np.savez(path / "ragged.npz", values=values, lengths=lengths, targets=labels)
    return path / "ragged.npz"


def as_padded(path: Path, steps: list[dict[str, Any]]) -> Path:
    """Write an npz file with one row for each sequence, NaN after its end."""
    values, lengths, labels = arrays(steps)
    inputs = np.full((len(lengths), lengths.max(), 3), np.nan)
    inputs[np.arange(lengths.max()) < lengths[:, None]] = values
    np.savez(path / "padded.npz", inputs=inputs, lengths=lengths, targets=labels)
    return path / "padded.npz"


@pytest.mark.parametrize("write", [as_csv, as_parquet, as_ragged, as_padded])
def test_every_format_reads_the_same(write: Callable[..., Path], tmp_path: Path) -> None:
    """All formats give the same values, lengths and labels; features are scaled, the padding is zero."""
    steps = table()
    path = write(tmp_path, steps)
    found = inspect(path, PLAIN)
    splits = load(path, PLAIN, found.content, 0)
    everything = [splits.train, splits.validation, splits.test]
    inputs, targets, lengths = (
        np.concatenate([getattr(split, name) for split in everything]) for name in ("inputs", "targets", "lengths")
    )
    values, known, labels = arrays(steps)
    known_steps = sum(split.lengths.sum() for split in (splits.train, splits.validation))
    real = np.arange(6) < lengths[:, None]

    assert found.info.variable_length
    assert found.info.input_shape == (6, 3)
    assert found.facts["classes"] == {"down": 20, "up": 20}
    assert sorted(lengths) == sorted(known)
    assert np.bincount(targets).tolist() == [20, 20]
    assert not inputs[~real].any()
    spread = np.concatenate([split.inputs[np.arange(6) < split.lengths[:, None]] for split in everything[:2]])
    assert len(spread) == known_steps
    np.testing.assert_allclose(spread.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(spread.std(axis=0), 1, atol=1e-5)
    # Undo the scaling of one feature: its first value identifies a sequence, and so its label.
    scale = np.polyfit(np.sort(inputs[real][:, 0]), np.sort(values[:, 0]), 1)
    back = {round(float(np.polyval(scale, row[0, 0])), 3): int(t) for row, t in zip(inputs, targets, strict=True)}
    starts = np.r_[0, known.cumsum()[:-1]]
    assert back == {round(float(values[s, 0]), 3): int(name == "up") for s, name in zip(starts, labels, strict=True)}


def test_regression(tmp_path: Path) -> None:
    """Numbers to predict are scaled by all but the test split, whose mean scores `chance` on the test."""
    path = as_csv(tmp_path, table())
    options = SequenceOptions(target="size")
    found = inspect(path, options)
    splits = load(path, options, found.content, 0)

    assert found.info.outputs == 1
    assert found.info.input_shape == (6, 2)  # the column of the label is no feature
    assert splits.test.targets.shape == (8, 1)
    assert found.chance == pytest.approx(float((splits.test.targets**2).mean()), rel=1e-5)
    known = np.concatenate([splits.train.targets, splits.validation.targets])
    assert known.mean() == pytest.approx(0, abs=1e-6)
    assert known.std() == pytest.approx(1, abs=1e-6)


def test_equal_lengths_are_no_variable_length(tmp_path: Path) -> None:
    """Without shorter sequences there are no lengths, and (N, T) is one feature."""
    np.savez(tmp_path / "a.npz", inputs=np.random.default_rng(0).random((30, 4)), targets=np.arange(30) % 3)
    found = inspect(tmp_path / "a.npz", PLAIN)
    splits = load(tmp_path / "a.npz", PLAIN, found.content, 0)

    assert found.info.input_shape == (4, 1)
    assert not found.info.variable_length
    assert splits.train.lengths is None


def test_rows_of_a_sequence_need_not_stand_together(tmp_path: Path) -> None:
    """Rows of different sequences may be mixed; the steps of each keep the order of their rows."""
    rows = [(step, name) for step in range(3) for name in "abcdefgh"]
    text = "".join(f"{name},{10 * ord(name) + step},{'ab'[ord(name) % 2]}\n" for step, name in rows)
    (tmp_path / "mixed.csv").write_text(HEAD + text)
    splits = load(tmp_path / "mixed.csv", PLAIN, inspect(tmp_path / "mixed.csv", PLAIN).content, 0)

    assert (np.diff(splits.train.inputs[:, :, 0], axis=1) > 0).all()


def test_equal_sequences_lie_on_one_side(tmp_path: Path) -> None:
    """A sequence that occurs three times is in one split only."""
    steps = table(20)
    copies = [{**step, "id": f"{step['id']}-{copy}"} for copy in range(3) for step in steps]
    path = as_csv(tmp_path, copies)
    splits = load(path, PLAIN, inspect(path, PLAIN).content, 0)
    rows = [{row.tobytes() for row in split.inputs} for split in (splits.train, splits.validation, splits.test)]

    assert sum(map(len, rows)) == len(set.union(*rows)) == 20


BAD_CSV = {
    "": "has no rows",
    HEAD: "has no rows",
    HEAD + "a,1,u\na,2\n": "line 3 has 2 columns, the first line has 3",
    HEAD + "a,1,u\n\na,oops,u\n": "line 4, column 'x': 'oops' is not a finite number; fill it in, or .* drop=x$",
    HEAD + "a,nan,u\n": "line 2, column 'x': 'nan' is not a finite number; .* or set missing=mask",
    HEAD + "a,,u\nb,inf,u\n": "line 2, column 'x': an empty cell is not a finite number, nor are 1 more",
    HEAD + "a,1,u\nb,2,\n": "line 3: 'label' is missing",
    HEAD + ",1,u\n": "line 2: 'id' is missing",
    HEAD + "a,1,u\na,2,v\n": "sequence 'a' has label u in line 2 and v in line 3",
    HEAD + "a,1,u\nb,2,u\nc,3,u\n": "one class only, 'u'",
    HEAD + "a,1,u\nb,2,u\nc,3,u\nd,4,v\n": "class 'v' has 1 distinct sequences, and none in the train and validation",
    "id,x,x,label\na,1,2,u\n": "two columns 'x'",
    ",id,x,label\n0,a,1,u\n": "a column without a name; pandas writes .* index=False",
    "id;x;label\na;1;u\n": "columns that ';' separates",
    "id;x;label\na;1,5;u\n": "columns that ';' separates",
    HEAD + "a,1,u\nb,2,v\nc,3,w\n": "3 of 3 classes have fewer than 3 sequences, such as 'u'; each needs one in each",
    "name,x,label\na,1,u\n": "no column 'id'; its columns are name, x, label: set id=NAME",
    "id,x,kind\na,1,u\n": "no column 'label'; its columns are id, x, kind: set label=NAME, or target=NAME",
    "id,label\na,u\n": "no columns beside 'id' and 'label'",
    HEAD + 'a,"1,u\n': "not readable as csv .*save it as csv in UTF-8",
}


@pytest.mark.parametrize(("text", "says"), BAD_CSV.items())
def test_bad_csv(text: str, says: str, tmp_path: Path) -> None:
    """The message says which line and column are wrong, and why."""
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        inspect(tmp_path / "bad.csv", PLAIN)


def test_csv_in_another_encoding(tmp_path: Path) -> None:
    """A byte order mark is accepted; other encodings than UTF-8 are refused."""
    steps = table()
    write_csv(tmp_path / "marked.csv", steps)
    text = (tmp_path / "marked.csv").read_text()
    (tmp_path / "marked.csv").write_text(text, encoding="utf-8-sig")
    assert inspect(tmp_path / "marked.csv", PLAIN).info.input_shape == (6, 3)

    (tmp_path / "latin.csv").write_bytes((HEAD + "ä,1,u\n").encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        inspect(tmp_path / "latin.csv", PLAIN)


X = np.arange(24.0).reshape(6, 4, 1)
BAD_NPZ = [
    ({"x": X}, "has x; give inputs"),
    ({"values": X[0], "targets": np.zeros(6)}, "give inputs"),
    ({"inputs": X}, "no array `targets`"),
    ({"inputs": X, "targets": np.zeros(5)}, r"targets of shape \(5,\); give targets \(6,\)"),
    ({"inputs": X, "lengths": np.full(6, 5), "targets": np.zeros(6)}, "one for each sequence, 1 to 4"),
    ({"inputs": X, "lengths": np.zeros(6), "targets": np.zeros(6)}, "one for each sequence, 1 to 4"),
    ({"values": X[0], "lengths": np.array([3, 2]), "targets": np.zeros(2)}, "1 or more each, 4 together"),
    ({"inputs": X, "lengths": np.full(6, 2.5), "targets": np.zeros(6)}, "lengths is float64 .*; give whole numbers"),
    ({"inputs": X, "lengths": np.full(6, "a"), "targets": np.zeros(6)}, "lengths is <U1 .*; give whole numbers"),
    ({"inputs": X[..., :0], "targets": np.zeros(6)}, "give numbers"),
    ({"inputs": X.astype(str), "targets": np.zeros(6)}, "give numbers"),
    ({"inputs": np.where(X == 9, np.nan, X), "targets": np.zeros(6)}, "sequence 2, step 1, feature 0 is nan"),
    ({"inputs": X, "targets": np.array([0, 1, np.nan, 0, 0, 0])}, "the target of sequence 2 is nan"),
    ({"inputs": X, "targets": np.ones(6)}, "every number to predict is 1"),
    ({"inputs": X, "targets": np.array(["u", "", "v", "u", "u", "v"])}, "the label of sequence 1 is missing"),
    ({"inputs": np.array([X, 1], object), "targets": np.zeros(6)}, "holds Python objects, which could run code"),
]


def test_new_npz_for_a_network_of_named_columns(tmp_path: Path) -> None:
    """An npz file has numbered features, so a network that was trained on columns of a table does not take it."""
    path = as_csv(tmp_path, table())
    np.savez(tmp_path / "new.npz", inputs=np.ones((2, 3, 1)))
    with pytest.raises(DataError, match=r"new.npz has no names of columns, .* trained on x, y, size; give a .csv"):
        prepare([tmp_path / "new.npz"], PLAIN, fit(path, PLAIN, inspect(path, PLAIN).content))


@pytest.mark.parametrize(("arrays", "says"), BAD_NPZ, ids=range(len(BAD_NPZ)))
def test_bad_npz(arrays: dict[str, Any], says: str, tmp_path: Path) -> None:
    """The message says which array is wrong, or which number of which sequence."""
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(DataError, match=says):
        inspect(tmp_path / "bad.npz", PLAIN)


@pytest.mark.parametrize("option", ["id", "label", "target"])
def test_npz_has_no_columns(option: str, tmp_path: Path) -> None:
    """An option that names a column of a table is refused for an npz file, also where an array has that name."""
    targets = np.arange(30) % 3
    np.savez(tmp_path / "a.npz", inputs=np.random.default_rng(0).random((30, 4)), targets=targets, other=targets)
    settings: dict[str, Any] = {option: "other"}
    with pytest.raises(DataError, match=f"a.npz: {option}=other names a column, .* leave {option}= out"):
        inspect(tmp_path / "a.npz", SequenceOptions(**settings))


def test_endings_in_capitals(tmp_path: Path) -> None:
    """A file whose ending is in capitals is read."""
    write_csv(tmp_path / "steps.csv", table())
    (tmp_path / "steps.csv").rename(tmp_path / "STEPS.CSV")
    assert inspect(tmp_path / "STEPS.CSV", PLAIN).info.input_shape == (6, 3)


def test_files_of_other_kinds(tmp_path: Path) -> None:
    """Folders, unknown endings and contents that do not fit the ending are refused by name."""
    for name, content in {"a.tsv": b"", "a.npz": b"no archive", "b.parquet": b"PAR1 or not"}.items():
        (tmp_path / name).write_bytes(content)
    for name, says in {
        ".": "is a folder",
        "a.tsv": "ends in .tsv",
        "a.npz": "not readable as npz",
        "b.parquet": "not readable as parquet",
    }.items():
        with pytest.raises(DataError, match=says):
            inspect(tmp_path / name, PLAIN)


def test_missing_cells_of_parquet(tmp_path: Path) -> None:
    """The message about an empty cell says its row and column."""
    steps = table()
    steps[7]["x"] = None
    with pytest.raises(DataError, match="row 8, column 'x': an empty cell is not a finite number"):
        inspect(as_parquet(tmp_path, steps), PLAIN)


def write_parquet(path: Path, columns: list[list[Any]], names: list[str]) -> None:
    """Write a parquet file with these columns."""
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    parquet.write_table(pyarrow.table([pyarrow.array(column) for column in columns], names=names), path)


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"id": ["a", "b"], "x": [1.0, 2.0], "label": [1.0, float("nan")]}, "row 2: 'label' is missing"),
        ({"id": ["a", "b"], "x": [[1.0, 2.0], [3.0, 4.0]], "label": ["u", "v"]}, r"row 1, column 'x': \[1.0, 2.0\]"),
    ],
)
def test_odd_cells_of_parquet(columns: dict[str, list[Any]], says: str, tmp_path: Path) -> None:
    """A label that is NaN counts as missing, and a list counts as no number."""
    write_parquet(tmp_path / "odd.parquet", list(columns.values()), list(columns))
    with pytest.raises(DataError, match=says):
        inspect(tmp_path / "odd.parquet", PLAIN)


def test_headers_of_parquet(tmp_path: Path) -> None:
    """The index column of pandas and two columns with one name are refused."""
    write_parquet(tmp_path / "index.parquet", [["a"], [1.0], [0]], ["id", "x", "__index_level_0__"])
    with pytest.raises(DataError, match="a column without a name"):
        inspect(tmp_path / "index.parquet", PLAIN)
    write_parquet(tmp_path / "twice.parquet", [["a"], [1.0], [2.0]], ["id", "x", "x"])
    with pytest.raises(DataError, match="two columns 'x'"):
        inspect(tmp_path / "twice.parquet", PLAIN)


def test_labels_as_bytes(tmp_path: Path) -> None:
    """Labels of an npz file that are bytes are read as text."""
    targets = np.array(["kurz", "lang"] * 5).astype("S")
    np.savez(tmp_path / "bytes.npz", inputs=np.random.default_rng(0).random((10, 4)), targets=targets)
    assert inspect(tmp_path / "bytes.npz", PLAIN).facts["classes"] == {"kurz": 5, "lang": 5}


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names the extra to install."""
    path = as_parquet(tmp_path, table())
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(DataError, match=r"archbench\[parquet\]"):
        inspect(path, PLAIN)


def test_changed_file_is_noticed(tmp_path: Path) -> None:
    """A changed file is not used: the planned content comes from the cache, or there is an error."""
    path = as_csv(tmp_path, table())
    content = inspect(path, PLAIN).content
    write_csv(path, table(seed=1))

    assert load(path, PLAIN, content, 0).test.inputs.shape == (8, 6, 3)
    with pytest.raises(DataError, match="changed after the run began"):
        load(path, PLAIN, "0" * 32, 0)


@pytest.mark.parametrize("options", ["", "[target=size]"])
def test_conformance(options: str, tmp_path: Path, open_own: Any) -> None:
    """A task made of sequences passes the conformance kit."""
    (selected,) = open_own(f"sequences:{as_csv(tmp_path, table(200))}{options}")
    results = check_task(selected.registered, options=selected.options)

    assert [str(r) for r in results if r.status != "passed" and r.code != "T501"] == []
