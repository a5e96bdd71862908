"""The finding at the top of the page: which claims it states and shows, and what a page without claims says."""

from __future__ import annotations

import msgspec
import pytest

from archbench._records import Record
from archbench._report import build_leaderboard
from archbench._report._headline import chosen_claims, headline
from archbench._report._overview import build_overview
from archbench._report._schema import ClaimEntry, Leaderboard
from archbench._report._write import render_files
from support import MakeRecord
from support.claim_entries import claim, study

UNDECIDED = "No claim can be decided from these records."


def told(claims: list[ClaimEntry]) -> str:
    """Return the headline of a page with these claims."""
    return headline(msgspec.structs.replace(build_leaderboard([]), claims=claims))


def names(claims: list[ClaimEntry]) -> list[str]:
    """Return the names of the claims that the overview shows."""
    return [entry.name for entry in chosen_claims(claims)]


def test_a_page_of_failures_says_so_first(make_record: MakeRecord) -> None:
    """Where nothing ended ok, that is the finding, and not that nobody is ranked yet."""
    failed = [make_record(seed=n, status=status) for n, status in enumerate(("oom", "timeout", "failed"))]

    assert headline(build_leaderboard(failed)) == "None of the 3 trials ended ok."
    assert headline(build_leaderboard(failed[:1])) == "The only trial did not end ok."
    assert "ended ok" not in headline(build_leaderboard([*failed, make_record(seed=3)]))


def test_a_replicated_claim_leads_and_then_the_clearest() -> None:
    """What others have replicated comes first, however clear the rest is; without any, the clearest does."""
    clear, clearer = claim("clear", times=3.0), claim("clearer", times=8.0)

    assert names([clear, clearer, claim("known", times=1.5, replications=["by others"])])[0] == "known"
    assert names([clear, clearer])[0] == "clearer"


def test_clearness_is_in_half_widths_for_every_rule() -> None:
    """A mean far from its threshold with a wide interval is less clear than a near one with a narrow interval."""
    wide = claim("wide", mean=3.0, low=0.5, high=5.5)  # 2.7 away, half width 2.5
    narrow = claim("narrow", mean=0.5, low=0.45, high=0.55)  # 0.2 away, half width 0.05
    inside = claim("inside", rule="within", mean=-0.05, low=-0.07, high=-0.03)  # 0.25 away, half width 0.02
    edge = claim("edge", rule="within", mean=-0.28, low=-0.29, high=-0.27)  # 0.02 away, half width 0.01

    assert names([wide, narrow, edge])[0] == "narrow"
    assert names([wide, narrow, inside])[0] == "inside"


def test_one_card_for_each_study_those_with_most_decided_claims_first() -> None:
    """After the lead come the studies that decide most, each with its clearest claim."""
    claims = [
        claim("lead", study="a", times=9.0),
        claim("again", study="a", times=8.0),
        claim("lonely", study="b", times=7.0),
        claim("first", study="c", times=3.0),
        claim("second", study="c", times=2.0),
    ]

    assert names(claims) == ["lead", "first", "lonely"]


def test_a_contradicted_claim_has_the_last_card() -> None:
    """The clearest contradicted claim is shown if there is one, of a study without a card if possible."""
    claims = [claim(name, study=name, times=2.0 + n) for n, name in enumerate("abcd")]
    against = [claim("same", "contradicted", study="d", times=-9.0), claim("other", "contradicted", "e", times=-2.0)]

    assert names([*claims, *against]) == ["d", "c", "other"]
    assert names([*claims, against[0]])[-1] == "same"
    assert "same" not in names(claims)


def test_the_headline_states_what_no_card_repeats() -> None:
    """It states up to two other replicated claims of the study of the first card; else the claim of that card."""
    known = [claim(f"k{n}", times=9.0 - n, replications=["x"]) for n in range(4)]
    elsewhere = claim("elsewhere", study="t", times=7.5, replications=["x"])

    assert told([*known, elsewhere]) == "k1 holds. k2 holds."
    assert told(known[:2]) == "k1 holds."
    assert told([known[0], elsewhere]) == "k0 holds."
    assert told([claim("no", "contradicted", times=-3.0)]) == "Contradicted: no holds."


@pytest.mark.parametrize("verdict", ["undecided", "tampered"])
def test_without_a_decided_claim_there_is_no_card(verdict: str) -> None:
    """A page that decides nothing says so."""
    entry = claim("open", verdict)

    assert chosen_claims([entry]) == []
    assert told([entry]) == UNDECIDED


def test_page_and_readme_open_with_the_same_headline() -> None:
    """The first heading of the README and the finding of the page are the same sentence."""
    board = msgspec.structs.replace(build_leaderboard([]), claims=[claim("it", study="s")], studies=[study()])
    files = render_files(board)

    assert files["README.md"].decode().startswith("# it holds.\n")
    assert '<h2 class="finding" id="finding">it holds.</h2>' in files["index.html"].decode()


def of_protocol(make_record: MakeRecord, protocol: str) -> Leaderboard:
    """Return the leaderboard of two entrants under a protocol."""
    scores = {"a": 0.5, "b": 0.9}
    records: list[Record] = [
        make_record(name, protocol=protocol, seed=seed, score=score + seed / 100)
        for name, score in scores.items()
        for seed in range(3)
    ]
    return build_leaderboard(records)


def test_without_claims_the_headline_is_about_the_boards(make_record: MakeRecord) -> None:
    """The first board over tasks says who is best."""
    board = of_protocol(make_record, "quick")

    assert headline(board) == board.overall[0].verdict
    assert "b is the best on image tasks" in headline(board)


def test_smoke_ranks_nobody_and_says_so_on_top(make_record: MakeRecord) -> None:
    """Under the smoke protocol no row has a rank on the page, in the README and in the CSV; all say why."""
    board = of_protocol(make_record, "smoke")
    files = {name: text.decode() for name, text in render_files(board).items() if not name.endswith(".png")}
    said = "Scores of the smoke protocol mean nothing, and nobody is ranked."

    assert headline(board) == said
    assert files["README.md"].startswith(f"# {said}")
    assert files["index.html"].index(said) < files["index.html"].index("<table")
    rows = [row for one in board.boards for row in one.rows] + [row for over in board.overall for row in over.rows]
    assert {row.rank for row in rows} == {None}
    assert {row.could_be_best for row in rows} == {None}
    assert all("so nobody is ranked on" in item.verdict for item in [*board.boards, *board.overall])
    heat = build_overview(board).heat
    assert heat is not None
    assert [row.entrant.label for row in heat.groups[0].rows] == ["a", "b"]  # the order of the names
    head, *lines = (line.split(",") for line in files["leaderboard.csv"].splitlines())
    assert {line[head.index("not_ranked_because")] for line in lines} == {"the scores of its protocol mean nothing"}


def test_ranked_rows_have_no_reason(make_record: MakeRecord) -> None:
    """Under a protocol that ranks, the column of reasons is empty."""
    text = render_files(of_protocol(make_record, "quick"))["leaderboard.csv"].decode()
    head, *lines = (line.split(",") for line in text.splitlines())

    assert {line[head.index("not_ranked_because")] for line in lines} == {""}
