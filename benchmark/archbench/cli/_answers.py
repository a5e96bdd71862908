"""Findings of studies and verdicts on claims: lines for people, or plain data."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from archbench._claims import Judgement
    from archbench._studies import StudyResult
    from archbench._suite._answers import Read

WIDTH = 100


def describe_answers(studies: Sequence[StudyResult], claims: Sequence[Judgement]) -> dict[str, Any]:
    """Return studies and claims as JSON has them: with the fields of `leaderboard.json`."""
    if not studies and not claims:
        return {"studies": [], "claims": []}  # without numpy and scipy
    from archbench._report import describe_claim, describe_study

    return {
        "studies": [msgspec.to_builtins(describe_study(result)) for result in studies],
        "claims": [msgspec.to_builtins(describe_claim(judged)) for judged in claims],
    }


def print_answers(studies: Sequence[StudyResult], claims: Sequence[Judgement], where: str) -> None:
    """Print the paragraph of each study, and a line for each of its claims.

    Args:
        studies: what was found.
        claims: the verdicts.
        where: options of a command that shows more: for the plugins and the folder.
    """
    for result in studies:
        print(f"\n{result.study.item.name}: {result.study.item.question}")
        print_findings(result)
        for judged in claims:
            if judged.study and judged.study.canonical == result.study.canonical:
                print(f"  {line_of(judged)}")
    if claims:
        print(f"\nMore about a claim: benchmark claims NAME{where}")


def print_findings(result: StudyResult) -> None:
    """Print what a study found, or why it found nothing."""
    text = result.problem or (result.findings.text if result.findings else "no trial has finished")
    print(textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="  "))


def read(folder: Path) -> Read:
    """Return the records of a folder and the files that do not count, after a warning of each on standard error.

    Raises:
        StoreError: there is no such folder.
    """
    from archbench._suite._answers import read_records

    found = read_records(folder)
    for line in found.left_out:
        print(f"warning: {line}", file=sys.stderr)
    return found


def line_of(judged: Judgement) -> str:
    """Return a claim and its verdict in one line."""
    flags = f" [{', '.join(judged.flags)}]" if judged.flags else ""
    reason = f": {judged.reason}" if judged.reason else ""
    effect = "" if judged.mean is None else f": {effect_of(judged)}"
    return f"{judged.verdict:<12} {judged.claim.item.name}{effect}{flags}{reason}"


def effect_of(judged: Judgement) -> str:
    """Return the mean effect with its interval and the number of seeds."""
    seeds = len(judged.measured.effects)
    if judged.mean is None:
        return "no effect"
    interval = "" if judged.low is None else f" ({judged.low:.3g} to {judged.high:.3g})"
    return f"{judged.mean:.3g}{interval}, {seeds} seed{'' if seeds == 1 else 's'}"
