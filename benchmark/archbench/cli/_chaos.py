"""`benchmark chaos`: strike a small suite with faults, and say what it survived."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from archbench._errors import ClusterError, SelectionError
from archbench.cli._options import Json, load
from archbench.cli._output import print_json

if TYPE_CHECKING:
    from archbench._chaos import Campaign

Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of moments and victims.")]
Faults = Annotated[int, typer.Option("--faults", metavar="N", min=0, help="Faults that strike at random.")]
Kinds = Annotated[
    str | None,
    typer.Option(
        "--kinds",
        metavar="KIND,KIND",
        help=(
            "driver, group, server, worker, rank, node (needs Ray), full-disk, garbled, two-runs, stdout, clock; "
            "disk-call tries every one."
        ),
        show_default="all",
    ),
]


def chaos(seed: Seed = 0, faults: Faults = 30, kinds: Kinds = None, json: Json = False) -> None:
    """Strike a small suite with faults and say what it survived; for those who change the suite. Keeps nothing."""
    from archbench._chaos import Fault, carry_out, find_subject

    chosen = _choose(kinds)

    def tell(fault: Fault) -> None:
        print(f"{fault.kind}: {fault.detail}; {_verdict(fault.lost)}", file=sys.stderr, flush=True)

    campaign = carry_out(find_subject(load(None, None)), seed=seed, faults=faults, kinds=chosen, tell=tell)
    if json:
        print_json(campaign)
    else:
        _show(campaign)
    sys.exit(1 if campaign.stopped or any(count.lost for count in campaign.counts) else 0)


def _choose(kinds: str | None) -> list[str]:
    """Return the kinds of faults that are asked for; if none are, all for which everything is installed."""
    from archbench._chaos import KINDS, NEEDS_RAY, SWEPT
    from archbench._execution import require

    known = [*KINDS, SWEPT]
    wanted = known if kinds is None else kinds.split(",")
    for name in wanted:
        if name not in known:
            raise SelectionError(f"there is no kind of fault {name!r}; give some of {','.join(known)}")
    if NEEDS_RAY in wanted:
        try:
            require("ray")
        except ClusterError:
            if kinds is not None:
                raise
            wanted.remove(NEEDS_RAY)
    return wanted


def _verdict(lost: list[str]) -> str:
    return f"LOST: {'; '.join(lost)}" if lost else "nothing lost"


def _show(campaign: Campaign) -> None:
    print(f"{'kind':<10} {'tried':>6} {'survived':>9} {'lost':>5}  fault")
    for count in campaign.counts:
        print(f"{count.kind:<10} {count.tried:>6} {count.survived:>9} {count.lost:>5}  {count.what}")
    lost = [fault for fault in campaign.faults if fault.lost]
    for fault in lost:
        print(f"{fault.kind}: {fault.detail}; {_verdict(fault.lost)}")
    tried = sum(count.tried for count in campaign.counts)
    early = ", stopped early" if campaign.stopped else ""
    print(
        f"{tried} faults, {len(lost)} of them cost something, in {campaign.seconds:.0f} s{early}; seed {campaign.seed}."
    )
