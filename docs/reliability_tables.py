"""Tables of docs/reliability.md, made of campaigns of `benchmark chaos --json`, and the command that writes the page.

python docs/reliability_tables.py CAMPAIGN.json...
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from generated_pages import markdown, write_page

Results = dict[str, Any]

KILLED = ("driver", "group", "server", "worker", "rank")
"""Kinds of faults that are a kill signal."""


def render(results: Results) -> str:
    """Return all tables as Markdown."""
    campaigns = results["campaigns"]
    faults = [fault for campaign in campaigns for fault in campaign["faults"]]
    parts = [_summary(faults), _counts(campaigns)]
    lost = [f"- `{fault['kind']}`, {fault['detail']}: {'; '.join(fault['lost'])}" for fault in faults if fault["lost"]]
    if lost:
        parts += ["### What was lost", "\n".join(lost)]
    return "\n\n".join([*parts, "### Campaigns", *map(_conditions, campaigns)])


def _summary(faults: list[Results]) -> str:
    killed = [fault for fault in faults if fault["kind"] in KILLED]
    fresh = sum(not fault["forked"] for fault in killed)
    calls = sum(fault["kind"] == "disk-call" for fault in faults)
    lost = sum(bool(fault["lost"]) for fault in faults)
    verdict = "None of them cost anything" if not lost else f"**{lost} of them cost something**"
    return (
        f"{len(faults)} faults struck, among them {len(killed)} kill signals at random moments, {fresh} of them to "
        f"runs that were not forked, and {calls} failing file calls. {verdict} beside the trials that were running."
    )


def _counts(campaigns: list[Results]) -> str:
    lines: dict[str, list[Any]] = {}
    for campaign in campaigns:
        for count in campaign["counts"]:
            line = lines.setdefault(count["kind"], [f"`{count['kind']}`", count["what"], 0, 0, 0])
            for place, name in enumerate(("tried", "survived", "lost"), start=2):
                line[place] += count[name]
    return markdown(("kind", "fault", "tried", "survived", "lost"), lines.values())


def _conditions(campaign: Results) -> str:
    kinds = ",".join(count["kind"] for count in campaign["counts"])
    struck = sum(count["tried"] for count in campaign["counts"])
    forked, resumed = campaign["forked_seconds"], campaign["resumed"]
    return (
        f"- Seed {campaign['seed']}, {struck} faults of the kinds {kinds} in {campaign['seconds']:.0f} s, with "
        f"archbench {campaign['archbench']}. The suite is `benchmark {shlex.join(campaign['suite'])}`: "
        f"{campaign['trials']} trials, which take {campaign['undisturbed_seconds']} s undisturbed"
        f"{'' if forked is None else f', and {forked} s if the run is forked'}."
        f"{f' {resumed} trials went on in the middle.' if resumed else ''}"
        f"{' It was stopped early.' if campaign['stopped'] else ''}"
    )


def main() -> None:
    """Write both files from the campaigns that are named."""
    campaigns = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    write_page("reliability", {"campaigns": campaigns}, render)


if __name__ == "__main__":
    main()
