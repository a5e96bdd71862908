"""The observing hooks of one plugin: called in this process, or by a watcher in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from archbench._plugins._apart import Apart, Gone
from archbench._plugins._containment import contained, is_stop
from archbench._plugins._faults import FaultError, Problem, one_line
from archbench._plugins._hooks import Hooks
from archbench._plugins._sections import Sections, make_sections
from archbench._records import Record


class Watcher:
    """A process of its own that keeps one plugin and calls its hooks.

    Args:
        plugin: name of the plugin.
        hooks: its hooks.
    """

    def __init__(self, plugin: str, hooks: Hooks) -> None:
        self._plugin, self._hooks = plugin, hooks
        self._apart: Apart | None = Apart(self._answer, closes=True)

    def notify(self, hook: str, arguments: Mapping[str, Any]) -> Problem | None:
        """Call an observing hook; return the problem if it fails. After the process has ended, do nothing."""
        try:
            found: Problem | None = self._ask(hook, arguments, Problem | None)
            return found
        except Gone as gone:
            self._apart = None
            return Problem(self._plugin, "call", f"{hook} {gone}; the run goes on without its hooks")

    def sections(self, records: tuple[Record, ...]) -> Sections:
        """Call the hook that makes sections; return them, or the problem."""
        try:
            found: Sections = self._ask("archbench_leaderboard_sections", {"records": records}, Sections)
            return found
        except Gone as gone:
            self._apart = None
            message = f"archbench_leaderboard_sections {gone}; its sections are left out"
            return [], Problem(self._plugin, "collect", message)

    def close(self) -> None:
        """End the process; exit handlers of the plugin run there."""
        if self._apart is not None:
            self._apart.close()
            self._apart = None

    def _ask(self, hook: str, arguments: Mapping[str, Any], kind: Any) -> Any:
        """Return the answer of the process, which has this type; raise `Gone` without one."""
        if self._apart is None:
            return None if hook != "archbench_leaderboard_sections" else ([], None)
        import pickle  # the copy has the classes of this process; what comes back is JSON

        answer = self._apart.ask(pickle.dumps((hook, dict(arguments))))
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.MsgspecError, ValueError) as error:  # such as of a second process that the plugin has forked
            self._apart.kill()
            raise Gone(f"gave an answer that cannot be read ({error})") from None

    def _answer(self, question: bytes) -> bytes:
        import pickle

        hook, arguments = pickle.loads(question)  # noqa: S301 - from this very program
        if hook == "archbench_leaderboard_sections":
            return msgspec.json.encode(make_sections(self._plugin, self._hooks, **arguments))
        return msgspec.json.encode(notify(self._plugin, self._hooks, hook, arguments))


def notify(plugin: str, hooks: Hooks, hook: str, arguments: Mapping[str, Any]) -> Problem | None:
    """Call an observing hook here; return the problem if it raises."""
    try:
        with contained():
            hooks.call(hook, **arguments)
    except BaseException as error:
        if is_stop(error):
            raise
        message = f"{hook} raised {one_line(error)}; the run goes on, further errors of it are not shown"
        return FaultError("call", message, error).problem(plugin)
    return None
