"""A certificate of reproduction, printed: a row for each record, and the reasons."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.text import Text

from archbench._suite._certificate import Certificate, Check
from archbench.cli._output import print_json
from archbench.cli._tables import make_table, print_table


def show_certificate(made: Certificate, path: Path | None, *, json: bool) -> int:
    """Print a certificate and return the exit code: 0 if all was reproduced, else 1.

    Args:
        made: the certificate.
        path: where it was written; None if it was not.
        json: print JSON and no table.
    """
    code = 0 if made.reproduced else 1
    if json:
        print_json({"exit_code": code, **msgspec.to_builtins(made)})
    else:
        _print(made, path)
    return code


def _print(made: Certificate, path: Path | None) -> None:
    table = make_table("task", "architecture", "seed", "metric", "then", "now", "verdict", "by", right=(2, 4, 5))
    for check in made.checks:
        table.add_row(*_make_row(check))
    print_table(table)
    for check in made.checks:
        if check.reason:
            print(f"{check.verdict}: {check.architecture} on {check.task}, seed {check.seed}: {check.reason}")
    for file in made.invalid:
        print(f"no record: {file.name}: {file.reason}")
    counts = ", ".join(f"{count} {verdict}" for verdict, count in made.counts.items() if count)
    drawn = "" if made.sample is None else f", drawn from {made.records} with seed {made.sample_seed}"
    print(f"\n{counts}{drawn}." + (f" Certificate: {path}" if path else ""))


def _make_row(check: Check) -> tuple[Text | str, ...]:
    now = check.again
    return (
        Text(check.task),
        Text(check.architecture),
        f"{check.seed}",
        check.metric,
        _result(check, check.recorded.test, check.recorded.validation, check.recorded.status),
        "" if now is None else _result(check, now.test, now.validation, now.status),
        check.verdict,
        "" if check.rule == "none" else check.rule,
    )


def _result(check: Check, test: float | None, validation: float | None, status: str) -> str:
    """Return the score of a training, of tuning its validation; else how it ended."""
    score = validation if check.tuning else test
    return status if score is None else f"{score:.6g}"
