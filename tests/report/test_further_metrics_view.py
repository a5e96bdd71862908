"""Further metrics on the page and in its files, and the scale of targets in words."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from archbench import TargetScale
from archbench._records import MetricFacts, Record, Store, TaskFacts, decode_record
from archbench._report import build_leaderboard
from archbench._report._exports._trials import render_trials
from archbench._report._further import metric_facts, target_scale_words
from archbench._suite._rows import make_rows
from support import MakeRecord, write_page

FACTS = TaskFacts(
    kind="sequence",
    metric="mean_squared_error",
    higher_is_better=False,
    chance=1.0,
    oracle=0.0,
    summary="Made up",
    metrics={
        "r2": MetricFacts(higher_is_better=True, highest=1.0, chance=0.0, oracle=1.0),
        "own_error": MetricFacts(higher_is_better=False),
    },
    baseline="persistence",
    target_scale=TargetScale(offset=-12.5, scale=4.0, of="by the training rows", unit="MW"),
)
R2 = {0: 0.9, 1: 0.95, 2: 0.99}


@pytest.fixture
def records(make_record: MakeRecord) -> list[Record]:
    """Return three seeds of two entrants; one of them has no value in one metric."""
    made = []
    for name, shift in (("good", 0.0), ("bad", 0.5)):
        for seed, value in R2.items():
            record = make_record(name, "series", seed=seed, score=0.1 + shift, task_facts=FACTS)
            assert record.scores is not None
            further = {"r2": value - shift, "own_error": None if name == "bad" else 2.0 + seed}
            scores = msgspec.structs.replace(record.scores, further=further)
            made.append(msgspec.structs.replace(record, scores=scores))
    return made


def test_means_and_intervals(records: list[Record]) -> None:
    """A row has the mean of each metric over its seeds, with an interval inside the range; what is None is left out."""
    (board,) = build_leaderboard(records).boards
    rows = {row.entrant: row for row in board.rows}
    good, bad = (rows[record.trial.architecture.key] for record in (records[0], records[-1]))

    assert good.further["r2"].mean == pytest.approx(np.mean(list(R2.values())))
    assert good.further["r2"].high == 1.0  # Student's interval would end at 1.06
    assert good.further["own_error"].mean == 3.0
    assert set(bad.further) == {"r2"}


def test_the_table_of_a_task(records: list[Record], tmp_path: Path) -> None:
    """The view of a task has a table of further metrics, the scale of its targets, and the baseline by name."""
    write_page(records, tmp_path)
    page = (tmp_path / "index.html").read_text()
    table = page[page.index("Further metrics:") :]
    table = table[: table.index("</table>")]

    assert "Ranks and comparisons go by the mean squared error" in table
    assert re.findall(r'<th scope="col" class="n"[^>]*>([^<]*)</th>', table) == ["Own error", "R2"]
    assert re.findall(r"<b>(\d[^<]*)</b>", table)[:2] == ["3.0000", "0.9467"]
    assert "persistence 1, perfect 0" in page
    assert "Targets are scaled as (value + 12.5) / 4, by the training rows: an error of 1 is 4 MW." in page


def test_facts_in_words(records: list[Record]) -> None:
    """Direction and known ends are said; a task without a scale says nothing."""
    (task,) = build_leaderboard(records).tasks
    assert metric_facts("r2", task) == "higher is better, chance 0, perfect 1"
    assert metric_facts("own_error", task) == "lower is better"
    assert target_scale_words(msgspec.structs.replace(task, target_scale=None)) == ""


def test_trials_csv(records: list[Record]) -> None:
    """Each trial has a line for each further metric, with its direction and ends."""
    lines = list(csv.DictReader(io.StringIO(render_trials(build_leaderboard(records), records))))
    further = [line for line in lines if line["measure"] == "further"]

    assert len(further) == 2 * len(records)
    first = next(line for line in further if line["architecture"] == "good" and line["metric"] == "r2")
    assert [first[name] for name in ("seed", "direction", "value", "chance", "oracle")] == [
        "0",
        "higher",
        "0.9",
        "0.0",
        "1.0",
    ]


def test_rows_for_data_frames(records: list[Record]) -> None:
    """A row has the further scores as JSON, and nothing where a task has none."""
    row = make_rows((records[0],))[0]
    assert row["further"] == '{"own_error":2.0,"r2":0.9}'


def test_records_keep_them(records: list[Record], tmp_path: Path) -> None:
    """A record on disk gives the same further scores and facts back."""
    store = Store(tmp_path)
    store.write(records[0])

    assert store.read(records[0].id) == records[0]


def test_a_scale_that_cannot_be(records: list[Record]) -> None:
    """A record whose scale is 0, which no task can declare, is refused as one that is not whole."""
    body = msgspec.json.encode(records[0]).replace(b'"scale":4.0', b'"scale":0.0')
    data = msgspec.json.encode(
        {"schema": records[0].schema, "sha256": hashlib.sha256(body).hexdigest(), "record": msgspec.Raw(body)}
    )
    with pytest.raises(ValueError, match=r"TargetScale has offset -12\.5 and scale 0\.0"):
        decode_record(data)
