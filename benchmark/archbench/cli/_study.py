"""`benchmark study`: the studies, their parts, and what the records of a folder say to them."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archbench._declarations import Study
from archbench._plugins import Plugins, Registered
from archbench.cli._answers import WIDTH, describe_answers, line_of, print_findings, read
from archbench.cli._group import Command, Group
from archbench.cli._options import DEFAULT_OUT, Blocked, Json, Out, PluginFiles, load
from archbench.cli._output import out_option, plugin_options, print_json, print_problems

if TYPE_CHECKING:
    from archbench._claims import Judgement
    from archbench._studies import PartCost, StudyResult

app = typer.Typer(
    cls=Group,
    help="Studies: sets of trials that answer a question and decide claims. `benchmark run STUDY` trains one.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A study.")]


@app.command("list", cls=Command)
def list_(plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False) -> None:
    """List the studies, their sizes and the number of trials."""
    plugins = load(plugin, no_plugin)
    rows = [_describe(registered, plugins) for registered in plugins.studies]
    if json:
        print_json({"studies": rows})
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        sizes = ", ".join(f"{size} {number or '?'} trials" for size, number in row["trials"].items())
        print(f"{row['name']:<{width}}  {row['question']}  [{sizes}; {row['claims']} claims]")
    print(f"\nDetails of one: benchmark study show NAME{plugin_options(plugins)}")


@app.command("show", cls=Command)
def show(
    name: Name, out: Out = DEFAULT_OUT, plugin: PluginFiles = None, no_plugin: Blocked = None, json: Json = False
) -> None:
    """Show the parts of a study, what was found in a folder, and the verdicts on its claims."""
    from archbench._studies import cost_of_parts
    from archbench._suite._answers import answers

    plugins, (records, left_out) = load(plugin, no_plugin), read(out)
    found = answers(plugins, records, studies=[name])
    (result,) = found.studies
    costs = cost_of_parts(result.study.item, plugins, records)
    if json:
        described = describe_answers(found.studies, found.claims)
        parts = [cost.plain() for cost in costs]
        print_json({**described["studies"][0], "parts": parts, "claims": described["claims"], "left_out": left_out})
    else:
        _print(result, costs, found.claims)
        print(f"\nTrain it: benchmark run {name}{plugin_options(plugins)}{out_option(out)}")
    print_problems(found.problems)
    sys.exit(1 if found.problems else 0)


def _describe(registered: Registered[Study], plugins: Plugins) -> dict[str, Any]:
    from archbench._claims import study_of
    from archbench._studies import count_trials

    mine = [claim for claim in plugins.claims if study_of(claim, plugins) is registered]
    return {
        "name": registered.item.name,
        "id": registered.canonical,
        "question": registered.item.question,
        "source": registered.item.source,
        "trials": {size: count_trials(registered.item, size, plugins) for size in registered.item.sizes},
        "claims": len(mine),
    }


def _print(result: StudyResult, costs: Sequence[PartCost], claims: Sequence[Judgement]) -> None:
    item = result.study.item
    print(f"{item.name} ({result.study.canonical}): {item.question}")
    print(f"  source: {item.source or 'none'}")
    for cost in costs:
        print(textwrap.fill(f"  {cost}", WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False))
    counts = ", ".join(f"{number} {status}" for status, number in result.counts.items()) or "none"
    print(f"  trials of the {result.size} size: {counts}")
    print_findings(result)
    for record, status, message in result.failures:
        print(f"  {status}: {record.trial}: {message}")
    for judged in claims:
        print(f"  {line_of(judged)}")
