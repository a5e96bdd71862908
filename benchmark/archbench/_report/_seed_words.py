"""The trials of an entrant on a task in a few words, in the order of their seeds."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from archbench._report._addresses import Addresses
from archbench._report._schema import SeedResult
from archbench._report._text import count, fixed, seconds


def seeds_words(seeds: Sequence[SeedResult]) -> str:
    """Return the seeds: `0\N{EN DASH}4` where none is left out, else one by one."""
    numbers = [seed.seed for seed in seeds]
    whole = len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]}\N{EN DASH}{numbers[-1]}" if whole else ", ".join(map(str, numbers))


def linked_scores(seeds: Sequence[SeedResult], at: Addresses, digits: int) -> Markup:
    """Return the score or the status of each, which is a link to the trial."""
    return Markup(" ".join([_linked(seed, at, digits) for seed in seeds]))  # noqa: S704 - of addresses and escaped


def _linked(seed: SeedResult, at: Addresses, digits: int) -> str:
    status = "" if seed.status == "ok" else escape(seed.status)
    class_ = f' class="s-{status}"' if status else ""
    aside = "" if seed.counted else " (not counted)"
    return f'<a href="#{at.trial(seed.record)}"{class_}>{status or fixed(seed.test, digits)}</a>{aside}'


def steps_words(seeds: Sequence[SeedResult]) -> str:
    """Return the steps that they took, once if all took as many."""
    found = [count(seed.steps) for seed in seeds]
    return found[0] if len(set(found)) == 1 else "; ".join(found)


def seconds_words(seeds: Sequence[SeedResult]) -> str:
    """Return the seconds of training of each."""
    return "; ".join(seconds(seed.train_seconds) for seed in seeds)
