"""`trials.csv`, Parquet, LaTeX and BibTeX: complete, escaped, and in an order that does not depend on the records'."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from archbench._protocols import find_protocol
from archbench._records import ArchitectureFacts, Record
from archbench._report import build_leaderboard
from archbench._report._exports import (
    TRIAL_COLUMNS,
    make_trial_rows,
    render_bibtex,
    render_latex,
    render_parquet,
    render_trials,
)
from archbench._report._exports._bibtex import references_of
from archbench._report._exports._latex_text import escape, slug
from support import MakeRecord, sharing

HOSTILE = "\\input{/etc/passwd} 50% of #1 & $x_i^2$ ~{a}} <b> 'q' \"p\" `c` |\n\n% @misc{x, 中文 \U0001f600 é \u2013"


def rows_of(records: list[Record]) -> list[dict[str, str]]:
    """Return the rows of `trials.csv`."""
    return list(csv.DictReader(io.StringIO(render_trials(build_leaderboard(records), records))))


def test_each_measure_of_a_trial_has_a_row(make_record: MakeRecord) -> None:
    """A finished trial has its test scores, its validation and its loss in rows of their own, with their directions."""
    (record,) = records = [make_record("mlp", "adding", seed=2, score=0.05)]
    rows = rows_of(records)

    assert {row["measure"]: (row["metric"], row["direction"], row["chance"], row["oracle"]) for row in rows} == {
        "test": ("mean_squared_error", "lower", "0.167", "0.0"),
        "test_last": ("mean_squared_error", "lower", "0.167", "0.0"),
        "validation": ("mean_squared_error", "lower", "0.167", "0.0"),
        "train_loss": ("loss", "lower", "", ""),
    }
    values = {row["measure"]: float(row["value"]) for row in rows}
    assert values["test"] == 0.05
    assert values["test_last"] == pytest.approx(0.048)
    assert values["validation"] == min(record.curves.validation)
    assert values["train_loss"] == record.scores.plain_train_loss
    assert {(row["record"], row["seed"], row["status"], row["use"]) for row in rows} == {
        (record.id, "2", "ok", "board")
    }
    assert {int(row["parameters"]) for row in rows} == {record.resources.parameters}


def test_a_trial_without_a_score_has_one_row(make_record: MakeRecord) -> None:
    """A failed trial has a row with its status and no value; a combination that cannot exist is no trial."""
    records = [make_record("a", status="diverged"), make_record("b", status="skipped")]

    (row,) = rows_of(records)
    assert (row["architecture"], row["measure"], row["value"], row["status"]) == ("a", "test", "", "diverged")


def test_a_trial_that_does_not_count_is_set_aside(make_record: MakeRecord) -> None:
    """A seed that ran with another release of torch than the rest of its cell keeps its value, as `set aside`."""
    records = [make_record(seed=seed) for seed in range(3)]
    newer = msgspec.structs.replace(records[2].environment, torch="9.0.0")
    records[2] = msgspec.structs.replace(records[2], environment=newer)

    status = {row["seed"]: (row["status"], bool(row["value"])) for row in rows_of(records)}
    assert status == {"0": ("ok", True), "1": ("ok", True), "2": ("set aside", True)}


def test_trials_of_tuning_have_no_test_score(make_record: MakeRecord) -> None:
    """A trial that tries a recipe is marked, and its only row is that of validation."""
    record = make_record(protocol=find_protocol("standard"))
    trial = msgspec.structs.replace(record.trial, tuning=True, recipe=record.trial.settings)
    tried = msgspec.structs.replace(record, trial=trial, id=trial.id, scores=None)

    (row,) = rows_of([tried])
    assert (row["use"], row["status"], row["measure"]) == ("tuning", "ok", "validation")
    assert float(row["value"]) == max(tried.curves.validation)


def test_rows_hold_no_formula(make_record: MakeRecord) -> None:
    """Text that a spreadsheet would take for a formula gets an apostrophe, and a negative value stays a number."""
    rows = rows_of([make_record("evil", a_label="=1+1", score=-0.5)])

    assert {row["architecture"] for row in rows} == {"'=1+1"}
    assert float(rows[0]["value"]) == -0.5


def test_parquet_holds_the_rows_of_the_csv(realistic: list[Record]) -> None:
    """Parquet has the rows and columns of `trials.csv`, with numbers as numbers and unknown values as null."""
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = rows_of(realistic)
    table = parquet.read_table(io.BytesIO(render_parquet(build_leaderboard(realistic), realistic)))

    assert table.column_names == list(TRIAL_COLUMNS)
    assert table.column("value").to_pylist() == [float(row["value"]) if row["value"] else None for row in rows]
    assert table.column("seed").to_pylist() == [int(row["seed"]) for row in rows]
    assert table.column("architecture").to_pylist() == [row["architecture"] for row in rows]


def test_parquet_without_records_has_its_columns() -> None:
    """An empty folder gives an empty table."""
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(render_parquet(build_leaderboard([]), [])))

    assert (table.num_rows, table.column_names) == (0, list(TRIAL_COLUMNS))


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    """Asked for Parquet without pyarrow, the command exits with 2, names the pip command, and writes nothing."""
    (tmp_path / "records").mkdir()
    code = "import sys; sys.modules['pyarrow'] = None; from archbench.cli import main; main()"
    command = [sys.executable, "-c", code, "leaderboard", "--parquet", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'archbench[parquet]'" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["records"]


def test_latex_shows_hostile_text_and_obeys_none_of_it() -> None:
    """Escaped text is one line of plain letters in which every special sign is a command of ours."""
    text = escape(HOSTILE)
    bare = re.sub(r"\\(text[a-z]+\{\}|[$&#%_])|\$(-|\\[a-z]+)\$", "", text)

    assert not set(bare) & set('\\{}$&#%_~^<>|"`\n')
    assert "[U+4E2D][U+6587] [U+1F600] é --" in bare


def test_latex_is_balanced(realistic: list[Record]) -> None:
    """Each board is a table whose rows have as many cells as columns, with braces and environments closed."""
    facts = ArchitectureFacts(source="arXiv:1512.03385, sec. 4")
    trial = realistic[0].trial
    hostile = msgspec.structs.replace(trial.architecture, label=HOSTILE)
    records = [
        msgspec.structs.replace(record, trial=msgspec.structs.replace(record.trial, architecture=hostile))
        if record.trial.architecture == trial.architecture
        else msgspec.structs.replace(record, architecture_facts=facts)
        for record in realistic
    ]
    board = build_leaderboard(records)
    text = render_latex(board)

    assert text.count(r"\begin{table}") == text.count(r"\end{table}") == len(board.boards) + len(board.overall)
    assert text.count("{") == text.count("}")
    for table in text.split(r"\begin{tabular}{")[1:]:
        columns = len(table.partition("}")[0])
        lines = [line for line in table.splitlines() if line.endswith(r" \\")]
        assert len(lines) > 1
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines} == {columns}
    assert r"\cite{arxiv-1512.03385}" in text


@pytest.mark.parametrize(
    ("source", "keys"),
    [
        ("arXiv:1512.03385, sec. 4.2; arXiv:1603.05027", ["arxiv-1512.03385", "arxiv-1603.05027"]),
        ("arXiv:cs/9901001", ["arxiv-cs-9901001"]),
        ("doi:10.1162/neco.1997.9.8.1735.", ["doi-10.1162-neco.1997.9.8.1735"]),
        ("Hochreiter & Schmidhuber 1997, sec. 5.4", ["hochreiter-and-schmidhuber-1997"]),
        ("Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000",
         ["hochreiter-and-schmidhuber-1997", "gers-et-al-2000"]),
        ("made for this suite, after Kalman 1960 and Astrom 1970, ch. 8", ["kalman-1960", "astrom-1970"]),
        ("Jozefowicz et al., ICML 2015, sec. 4", ["jozefowicz-et-al-icml-2015"]),
        ("a note of ours", ["a-note-of-ours"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_source_names_works(source: str, keys: list[str]) -> None:
    """Works are found by arXiv id, DOI, or authors and year; other text is one work of its own."""
    assert [reference.key for reference in references_of(source)] == keys


def test_bibtex_holds_what_appears_and_nothing_else(make_record: MakeRecord) -> None:
    """Each work has one entry that names who cites it; no title and no author is made up."""
    cited = {"a": "arXiv:1512.03385, sec. 4", "b": "arXiv:1512.03385; Elman 1990", "c": "50% {of} @misc{x, y}"}
    records = [make_record(name, architecture_facts=ArchitectureFacts(source=text)) for name, text in cited.items()]
    text = render_bibtex(build_leaderboard(records))

    assert re.findall(r"^@misc\{(.*),$", text, re.MULTILINE) == ["50-of-misc-x-y", "arxiv-1512.03385", "elman-1990"]
    assert "  eprint = {1512.03385},\n  archiveprefix = {arXiv}" in text
    assert "annote = {a; b}" in text
    assert not re.search(r"\b(title|author)\s*=", text)
    assert text.count("{") == text.count("}")
    assert all(line.startswith(("  ", "@misc{", "}")) for line in text.splitlines()[3:] if line)


def test_bibtex_has_the_sources_of_tasks(make_record: MakeRecord) -> None:
    """The paper of a task has an entry that names the task, also where older records do not name it."""
    new = make_record(seed=0)
    facts = msgspec.structs.replace(new.task_facts, source="arXiv:1511.06464, sec. 4.2")
    records = [msgspec.structs.replace(new, task_facts=facts), make_record(seed=1, started="2030-01-01T00:00:00+00:00")]

    assert "annote = {task digits}" in render_bibtex(build_leaderboard(records))


def test_a_line_is_what_a_csv_writer_makes_of_its_row(realistic: list[Record], make_record: MakeRecord) -> None:
    """Lines put together from shared pieces are those that the `csv` module writes of the typed rows."""
    records = sharing([*realistic, make_record('a,"b"\n', 'of "x", y', seed=3), make_record("a", status="oom")])
    board, out = build_leaderboard(records), io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TRIAL_COLUMNS)
    writer.writerows(make_trial_rows(board, records))

    assert render_trials(board, records) == out.getvalue()


def test_keys_are_short_and_differ() -> None:
    """A key is ASCII of bounded length, and texts in other scripts do not share one."""
    long = [slug("x" * 300 + end) for end in ("a", "b")]

    assert len({*long, slug("中文"), slug("日本")}) == 4
    assert all(re.fullmatch(r"[a-z0-9.-]{1,70}", key) for key in [*long, slug("中文"), slug("\U0001f600")])


def test_exports_do_not_depend_on_the_order_of_records(realistic: list[Record]) -> None:
    """The records in reverse give the same tables, entries and rows."""
    first, second = (build_leaderboard(records) for records in (realistic, realistic[::-1]))

    assert render_trials(first, realistic) == render_trials(second, realistic[::-1])
    assert render_latex(first) == render_latex(second)
    assert render_bibtex(first) == render_bibtex(second)
