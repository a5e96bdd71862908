"""Groups of commands, whose help has whole sentences, and commands, which refuse forgotten values and name options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from archbench._errors import ArchbenchError


class Group(TyperGroup):
    """A group of commands."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the name and the help of each command; typer would cut the help off."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].help or "") for name in self.list_commands(ctx)])


class Command(TyperCommand):
    """A command that refuses `--out --json`, where a value was forgotten, and names its options in all errors."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse values that look like options, which click would take, and read the command line."""
        if not ctx.resilient_parsing:  # a shell that completes has half a line only
            self._refuse_options_as_values(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the verb; in an error, put options in the place of arguments, such as `max_seeds`."""
        try:
            return super().invoke(ctx)
        except ArchbenchError as error:
            error.args = (self._with_options(str(error)),)
            raise

    def _with_options(self, message: str) -> str:
        for parameter in self.params:
            if parameter.param_type_name == "option":
                message = message.replace(f"`{parameter.name}`", parameter.opts[0])
        return message

    def _refuse_options_as_values(self, ctx: Any, args: Sequence[str]) -> None:
        given, _, _ = self.make_parser(ctx).parse_args(args=[*args])
        for option in self.get_params(ctx):
            values = given.get(option.name or "") if option.param_type_name == "option" else None
            for value in values if isinstance(values, list) else [values]:
                if isinstance(value, str) and value.startswith("--"):
                    ctx.fail(_describe_forgotten_value(option, value))


def _describe_forgotten_value(option: Any, value: str) -> str:
    metavar = option.metavar or ""
    path = f"; a path that begins so is written ./{value}" if "DIR" in metavar or "FILE" in metavar else ""
    return f"{option.opts[0]} needs a value{metavar and f' ({metavar})'}, and {value!r} looks like an option{path}"
