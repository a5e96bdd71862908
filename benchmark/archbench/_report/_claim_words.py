"""Words about claims and studies that the page and the README share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from archbench._report._schema import ClaimEntry, Leaderboard, StudyEntry
from archbench._report._text import MINUS, NOTHING

DECIDED = ("supported", "contradicted")

NO_FIGURE = "The paper gives no figure for it."

CAPTION = (
    "Published claims, judged by the trials of these records. Dots are seeds, the bar is the interval of their mean "
    "that holds for all claims of a provider at once, the dashed line is the threshold of the rule."
)

RULES = "Only a rule that was fixed before its trials ran decides a claim."

HOW_DECIDED = (
    "Only a rule that was fixed, and hashed into the records, before its trials ran decides a claim. Every seed gives "
    "one effect; the interval of their mean holds for all claims of a provider at once, with 95% confidence. A claim "
    "is supported if the whole interval lies where the rule puts it, contradicted if the whole interval lies "
    "elsewhere, and else undecided. The verdicts are about these nets, data and budgets; the figure of the paper "
    "stands beside."
)


def headline(board: Leaderboard) -> str:
    """Return how many claims are decided, and how."""
    counts = Counter(claim.verdict for claim in board.claims)
    decided = sum(counts[verdict] for verdict in DECIDED)
    if not decided:
        return f"None of the {len(board.claims)} claims can be decided from these records."
    found = " and ".join(f"{counts[verdict]} {verdict}" for verdict in DECIDED if counts[verdict])
    left = [f"{number} {verdict}" for verdict, number in sorted(counts.items()) if verdict not in DECIDED]
    return f"{found} of {len(board.claims)} published claims" + (f"; {', '.join(left)}." if left else ".")


def split(claims: Sequence[ClaimEntry]) -> tuple[list[ClaimEntry], list[ClaimEntry]]:
    """Return the claims that are decided, the supported ones first, and the others."""
    decided = [claim for verdict in DECIDED for claim in claims if claim.verdict == verdict]
    return decided, [claim for claim in claims if claim.verdict not in DECIDED]


def open_claims(claims: Sequence[ClaimEntry]) -> str:
    """Return how many claims are not decided."""
    return f"{len(claims)} claim{' is' if len(claims) == 1 else 's are'} not decided by these trials"


def number(value: float | None) -> str:
    """Return an effect with three significant digits and a true minus sign; a dash for None."""
    return NOTHING if value is None else f"{value:.3g}".replace("-", MINUS)


def interval(claim: ClaimEntry) -> str:
    """Return the interval of the mean effect; empty if there is none."""
    return "" if claim.low is None or claim.high is None else f"{number(claim.low)} to {number(claim.high)}"


def short_note(claim: ClaimEntry) -> str:
    """Return the first sentence of what a reader has to know of an effect."""
    return re.split(r"(?<=[.!?])\s", claim.note, maxsplit=1)[0]


def verdict(claim: ClaimEntry) -> str:
    """Return the verdict, with the flags that qualify it."""
    flags = [flag for flag in claim.flags if flag != claim.verdict]
    return claim.verdict + (f" ({', '.join(flags)})" if flags else "")


def rule_head(claims: Sequence[ClaimEntry]) -> str:
    """Return what stands above, or beside, the rules of some claims: when they were made, if it is the same of all."""
    if all(_fixed(claim) for claim in claims):
        return "Rule, fixed before the trials"
    return "Rule, made or changed after trials" if all(_late(claim) for claim in claims) else "Rule"


def _fixed(claim: ClaimEntry) -> bool:
    """Return whether there are trials of a claim, and all of them ran under its rule."""
    return bool(claim.size and claim.manifest) and not _late(claim)


def _late(claim: ClaimEntry) -> bool:
    """Return whether trials of a claim are older than its rule as it is now."""
    return not {"post hoc", "tampered"}.isdisjoint(claim.flags)


def trials_line(study: StudyEntry) -> str:
    """Return how many trials a study rests on, and what became of them."""
    total = sum(study.trials.values())
    others = [f"{count} {status}" for status, count in sorted(study.trials.items()) if status != "ok"]
    text = f"{total} trial{'' if total == 1 else 's'}, {study.size} size" + (f"; {', '.join(others)}" if others else "")
    if not study.lacking:
        return text
    return f"{text}; {study.lacking} combination{' is' if study.lacking == 1 else 's are'} still to be trained"
