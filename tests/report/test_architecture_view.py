"""The view of an architecture: its paper, its control with differences, its trials; and the views of studies."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from archbench._protocols import HOUSE_RECIPE
from archbench._records import ArchitectureFacts, Record, TaskFacts, Training
from archbench._report import build_leaderboard
from archbench._report._architectures import OnTask, control_of, paper_links, results_of
from archbench._report._charts._normalised import dots
from archbench._report._charts._strips import RADIUS
from archbench._report._pairs import find_pair
from archbench._report._schema import Comparison, Differences, Entrant, Leaderboard
from archbench._report._text import MINUS
from support import MakeRecord, write_page

NETS = {"base": [0.80, 0.81, 0.82], "good": [0.90, 0.912, 0.921], "same": [0.801, 0.811, 0.821]}
FACTS = TaskFacts(
    kind="image", metric="accuracy", higher_is_better=True, chance=0.5, oracle=1.0, summary="Made up", margin=0.02
)


def of_nets(make: MakeRecord, nets: dict[str, list[float]] = NETS, **changes: Any) -> list[Record]:
    """Records of some nets by seed; `base` is the control of the others."""
    facts = {name: ArchitectureFacts(summary=name, control="" if name == "base" else "base") for name in nets}
    fields = {"task_facts": FACTS, **changes}
    return [
        make(name, seed=seed, score=score, architecture_facts=facts[name], **fields)
        for name, scores in nets.items()
        for seed, score in enumerate(scores)
    ]


def result(board: Leaderboard, label: str) -> OnTask:
    """The only result of an entrant."""
    (found,) = results_of(entrant(board, label), board)
    return found


def entrant(board: Leaderboard, label: str) -> Entrant:
    """The entrant with that label."""
    return next(entrant for entrant in board.entrants if entrant.label == label)


def test_the_difference_is_that_of_the_board(make_record: MakeRecord) -> None:
    """The difference from the control is that of the means, with the interval and verdict of the whole board."""
    board = build_leaderboard(of_nets(make_record))

    found = result(board, "good").versus
    gap = float(np.mean(NETS["good"]) - np.mean(NETS["base"]))
    assert found is not None
    assert found.verdict == "better"
    assert found.mean == pytest.approx(gap / 0.5)  # from chance .5 to perfect 1
    comparison = board.boards[0].comparison.scores
    places = sorted(comparison.entrants.index(entrant(board, name).id) for name in ("good", "base"))
    half = comparison.half_widths[places[1]][places[0]]
    assert (found.low, found.high) == pytest.approx(((gap - half) / 0.5, (gap + half) / 0.5))
    assert found.text == f"+{gap:.3f} (+{gap - half:.3f} to +{gap + half:.3f})"


def test_a_pair_has_its_own_interval() -> None:
    """Half a width is that of the later entrant against the earlier one, whichever is asked for first."""
    scores = Differences(entrants=["a", "b", "c"], means=[3.0, 2.0, 1.0], half_widths=[[], [0.1], [0.2, 0.3]])
    steps = Differences(entrants=["a", "b"], means=[50.0, 60.0], half_widths=[[], [7.0]])
    found = Comparison(
        pairs=3, told_apart=0, equivalent=0, margin=None, factor=None, reason="", scores=scores, steps=steps
    )

    assert find_pair(found, "b", "c") == ("difference", 2.0, 1.0, 0.3)
    assert find_pair(found, "c", "b") == ("difference", 1.0, 2.0, 0.3)
    assert find_pair(found, "c", "a") == ("difference", 1.0, 3.0, 0.2)
    assert find_pair(found, "a", "b") == ("steps", 50.0, 60.0, 7.0)
    assert find_pair(found, "a", "d") is None


def test_verdicts_of_the_control(make_record: MakeRecord) -> None:
    """A net that differs by less than the margin is equivalent; without a control there is nothing beside it."""
    board = build_leaderboard(of_nets(make_record))

    same = result(board, "same").versus
    assert same is not None
    assert same.verdict == "equivalent"
    assert result(board, "base").versus is None


def test_where_less_is_better_the_sign_turns(make_record: MakeRecord) -> None:
    """A smaller error is drawn to the right of the line, though its difference is negative."""
    errors = {"base": [0.5, 0.51, 0.52], "good": [0.1, 0.11, 0.12]}
    facts = msgspec.structs.replace(
        FACTS, metric="mean_squared_error", higher_is_better=False, chance=1.0, oracle=0.0, kind="sequence"
    )
    found = result(build_leaderboard(of_nets(make_record, errors, task_facts=facts)), "good").versus

    assert found is not None
    assert found.verdict == "better"
    assert found.mean == pytest.approx(0.4)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.4 < found.high
    assert found.text.startswith(f"{MINUS}0.40 (")


def test_ratios_have_no_place_on_the_axis(make_record: MakeRecord) -> None:
    """Errors that are compared by ratios are told as a ratio of geometric means, and not drawn as a difference."""
    errors = {"base": [0.1, 0.2, 0.4], "good": [0.001, 0.002, 0.004]}
    facts = msgspec.structs.replace(
        FACTS, metric="mean_squared_error", higher_is_better=False, chance=1.0, oracle=0.0, margin=None, factor=1.25
    )
    found = result(build_leaderboard(of_nets(make_record, errors, task_facts=facts)), "good").versus

    assert found is not None
    assert (found.verdict, found.mean) == ("better", None)
    assert found.text.startswith("0.01 times the error (")


def test_solvers_are_compared_by_steps(make_record: MakeRecord) -> None:
    """Two that solve the task with every seed differ by their steps."""
    records = []
    for record in of_nets(make_record, {"base": [1.0] * 3, "good": [1.0] * 3}, t_target=0.9):
        slow = record.trial.architecture.name == "base"
        steps = (300 if slow else 100) + 10 * record.trial.seed
        training = Training(
            track="house recipe", recipe=HOUSE_RECIPE, batch_size=1, examples=1, planned_steps=500,
            steps=500, stopped="budget", target=0.9, steps_to_target=steps,
        )  # fmt: skip
        records.append(msgspec.structs.replace(record, training=training))
    found = result(build_leaderboard(records), "good").versus

    assert found is not None
    assert (found.verdict, found.mean) == ("better", None)
    assert re.fullmatch(r"-200 \(-2\d\d to -1\d\d\) steps", found.text.replace(MINUS, "-"))


def test_what_is_not_ranked_is_not_compared(make_record: MakeRecord) -> None:
    """Where the control did not finish, the view names it and says why nothing is said."""
    records = of_nets(make_record)
    records[0] = make_record("base", seed=0, status="diverged", task_facts=FACTS)

    found = result(build_leaderboard(records), "good").versus

    assert found is not None
    assert (found.verdict, found.text) == ("not compared", "base diverged 1 of 3")


def test_scores_on_the_shared_scale(make_record: MakeRecord) -> None:
    """Dots are seeds from chance to perfect, and so are the ends of the interval of their mean."""
    found = result(build_leaderboard(of_nets(make_record)), "good")

    assert found.scores == pytest.approx([(score - 0.5) / 0.5 for score in NETS["good"]])
    assert found.row.score is not None
    assert found.row.score.low is not None
    assert found.low == pytest.approx((found.row.score.low - 0.5) / 0.5)


@pytest.mark.parametrize(
    ("control", "expected"),
    [("plain", "plain-20"), ("plain-56", "plain-56"), ("plain[depth=56]", "plain-56"), ("mlp", None), ("", None)],
)
def test_the_control_is_the_nearest_of_its_name(control: str, expected: str | None) -> None:
    """A control without options is the entrant of that name that shares most options; one with a label is that one."""
    common: dict[str, Any] = {
        "provider": "", "revision": 1, "fingerprint": "", "summary": "", "source": "", "expected_failures": {},
        "superseded_by": "", "origins": [], "environments": [],
    }  # fmt: skip
    nets = [("plain-56", "plain[depth=56]", "plain", 56), ("plain-20", "plain[depth=20]", "plain", 20)]
    entrants = [
        Entrant(
            id=label, label=label, selector=selector, name=name, options={"depth": depth, "x": 1},
            control=control if name == "fixup" else "", colour=0, **common,
        )
        for label, selector, name, depth in [*nets, ("fixup-20", "fixup", "fixup", 20)]
    ]  # fmt: skip

    for order in itertools.permutations(entrants[:2]):
        found = control_of(entrants[2], [*order, entrants[2]])
        assert (found.label if found else None) == expected


def test_papers_are_links() -> None:
    """An arXiv number or a DOI becomes a link, and all other text stays; nothing else is a link."""
    text = "Gers 2000; arXiv:1406.1078, sec. 2.3; arXiv:cs/0101001; doi:10.1162/neco.1997.9.8.1735, javascript:alert(1)"

    links = paper_links(text)

    assert "".join(piece for piece, _ in links) == text
    assert [address for _, address in links if address] == [
        "https://arxiv.org/abs/1406.1078",
        "https://arxiv.org/abs/cs/0101001",
        "https://doi.org/10.1162/neco.1997.9.8.1735",
    ]


def test_the_view_has_paper_options_and_trials(make_record: MakeRecord, tmp_path: Path) -> None:
    """The view links the paper, its tasks and control, and has a row with a link for each trial and its problem."""
    about = ArchitectureFacts(summary="A net", source="arXiv:1406.1078, sec. 2", control="base")
    records = of_nets(make_record, {"base": [0.8, 0.81, 0.82]})
    fields: dict[str, Any] = {"task_facts": FACTS, "architecture_facts": about, "a_options": {"k": 3}}
    records += [make_record("net", seed=seed, **fields) for seed in (0, 1)]
    failed = make_record("net", seed=2, status="diverged", message="not finite", **fields)
    skipped = make_record("net", "adding", status="skipped", message="takes images", **fields)
    write_page([*records, failed, skipped], tmp_path)

    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    view = page[page.index('id="/architecture/net"') :].partition("</section>")[0]
    assert '<a href="https://arxiv.org/abs/1406.1078" rel="noopener noreferrer">arXiv:1406.1078</a>, sec. 2' in view
    assert '<a href="#/architecture/base">base</a>' in view
    assert '<a href="#/task/digits">digits</a>' in view
    assert "<code>k=3</code>" in view
    assert len(re.findall(r'<a href="#/trial/\w+">0\.\d+</a>', view)) == 2
    assert f'<a href="#/trial/{failed.id}" class="s-diverged">diverged</a>' in view
    assert "<td>0\N{EN DASH}2</td>" in view
    assert "1 of its trials did not finish:" in view
    assert f'<a href="#/trial/{failed.id}">digits, seed 2</a>: diverged, not finite' in view
    assert "<dt>Does not take</dt><dd>adding: takes images</dd>" in view


def test_a_dot_stands_beside_those_that_it_would_cover() -> None:
    """The height of a dot goes by the number of dots before it that are nearer than a radius, counted one by one."""
    places = np.sort(np.random.default_rng(0).uniform(0, 60, 50)).tolist()
    near = [sum(place - other < RADIUS for other in places[:n]) for n, place in enumerate(places)]
    expected = "".join(
        f"M{f'{place:.1f}'.removesuffix('.0')} {20 + (0, -5, 5, -8, 8)[covered % 5]}h0"
        for place, covered in zip(places, near, strict=True)
    )

    assert max(near) > 2
    assert f'd="{expected}"' in dots(places, 20)
