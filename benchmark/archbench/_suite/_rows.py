"""Records as flat rows for data frames: one row for each trial."""

from __future__ import annotations

from collections.abc import Mapping

from archbench._records import RECORD_COLUMNS, Column, Record, Value

COLUMNS: Mapping[str, Column] = {
    name: RECORD_COLUMNS[name]
    for name in (
        "id", "protocol", "task", "kind", "architecture", "provider", "revision", "options", "seed", "tuning", "status",
        "message", "metric", "higher_is_better", "test", "test_last", "validation", "further", "train_loss",
        "objective", "penalty", "selected_step", "steps", "steps_to_target", "batch_size", "learning_rate", "recipe",
        "parameters", "flops", "train_seconds", "total_seconds", "step_seconds", "samples_per_second",
        "peak_memory_bytes", "device", "started",
    )
}  # fmt: skip
"""Every column in order."""


def make_rows(records: tuple[Record, ...]) -> list[dict[str, Value]]:
    """Return one row for each record, with all columns in the order of `COLUMNS`."""
    return [{name: column.read(record) for name, column in COLUMNS.items()} for record in records]
