"""Artificial claims and studies, as the page has them."""

from __future__ import annotations

from typing import Any

from archbench import Chart
from archbench._report._schema import ClaimEntry, StudyEntry


def claim(name: str, verdict: str = "supported", study: str = "s", times: float = 2.0, **changes: Any) -> ClaimEntry:
    """Return a claim whose mean lies so many half widths above its threshold of 0.3."""
    fields: dict[str, Any] = {
        **dict.fromkeys(("source", "effect", "note", "criterion", "published", "refuted_by", "reason", "command"), ""),
        "id": name,
        "name": name,
        "statement": f"{name} holds.",
        "provider": "p",
        "study": study,
        "size": "quick",
        "verdict": verdict,
        "says": verdict,
        "flags": [],
        "manifest": "ab",
        "rule": "above",
        "threshold": 0.3,
        "mean": 0.3 + 0.1 * times,
        "low": 0.2 + 0.1 * times,
        "high": 0.4 + 0.1 * times,
        "n": 3,
        "effects": [],
        "missing": [],
        "noise": 0.1,
        "seeds": 3,
        "family": 9,
        "replications": [],
    }
    return ClaimEntry(**{**fields, **changes})


def study(*charts: Chart) -> StudyEntry:
    """Return a study with these charts."""
    texts = dict.fromkeys(("id", "name", "provider", "question", "source", "size", "text", "problem", "command"), "s")
    nothing: dict[str, Any] = {"trials": {}, "lacking": 0, "numbers": {}, "columns": [], "rows": [], "failures": []}
    return StudyEntry(**texts, **nothing, charts=list(charts))
