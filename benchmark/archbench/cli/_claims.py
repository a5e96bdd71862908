"""`benchmark claims`: does it hold what papers claim, as far as the records of a folder tell?"""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from archbench.cli._answers import WIDTH, describe_answers, effect_of, line_of, read
from archbench.cli._options import DEFAULT_OUT, Blocked, Json, Out, PluginFiles, load
from archbench.cli._output import out_option, plugin_options, print_json, print_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archbench._claims import Judgement

Names = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Claims by name, told in full.", show_default="all claims")
]


def claims(
    names: Names = None,
    out: Out = DEFAULT_OUT,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Say which published claims the records of a folder support or contradict. Trains nothing."""
    from archbench._suite._answers import answers

    plugins, (records, left_out), folder = load(plugin, no_plugin), read(out), out_option(out)
    found, files = answers(plugins, records, claims=names or []), plugin_options(plugins)
    # Without names, claims of which the folder has trials come first, such as those of one's own study.
    judgements = found.claims if names else sorted(found.claims, key=lambda judged: not judged.measured.used)
    supported = all(judged.verdict == "supported" for judged in judgements)
    if json:
        described = describe_answers((), judgements)["claims"]
        print_json({"exit_code": 0 if supported else 1, "claims": described, "left_out": left_out})
    elif names:
        for judged in judgements:
            _print(judged, command_of(judged, files, folder))
    else:
        _print_lines(judgements, files, folder)
    print_problems(found.problems)
    sys.exit(0 if supported else 1)


def _print_lines(judgements: Sequence[Judgement], files: str, folder: str) -> None:
    for judged in judgements:
        print(line_of(judged))
        if command := command_of(judged, files, folder):
            print(f"{'':<13}to decide it: {command}")
    print(f"{len(judgements)} claims. More about one: benchmark claims NAME{files}{folder}")


def _print(judged: Judgement, command: str) -> None:
    item, provider = judged.claim.item, judged.claim.origin.distribution
    print(f"{item.name}: {judged.verdict}")
    for line in textwrap.wrap(f"{item.statement} ({item.source})", WIDTH - 2):
        print(f"  {line}")
    facts = {
        "effect": f"{effect_of(judged)}; {item.effect}",
        "note": item.note,
        "criterion": judged.criterion,
        "certainty": f"95 % for all intervals together, those of the {judged.family} claims of {provider}",
        "size": judged.measured.size if judged.measured.used else "",
        "reason": judged.reason,
        "flags": ", ".join(judged.flags),
        "paper": item.published or "gives no figure for it",
        "replications": "; ".join(item.replications),
        "refuted by": item.refuted_by,
        "to decide": command,
    }
    for name, text in facts.items():
        if text:
            indent = " " * 16
            print(textwrap.fill(f"  {name + ':':<14}{text}", WIDTH, subsequent_indent=indent, break_on_hyphens=False))
    print()


def command_of(judged: Judgement, files: str, folder: str) -> str:
    """Return the command that would decide a claim, or an empty text.

    Args:
        judged: the claim.
        files: options for the one-file plugins, which the claim may need if it is from one.
        folder: option for the folder where its trials are.
    """
    command = judged.decided_by
    if command and any(item is not None and item.source.path for item in (judged.claim, judged.study)):
        command += files
    return command and command + ("" if " --out " in command else folder)
