"""Pages in a browser: the tabs that show them, and moving between the views of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OpenAt = Callable[[str], Any]

WINDOW = {"width": 1280, "height": 900}

_FOLLOW = """route => new Promise((done) => {
    addEventListener("hashchange", () => setTimeout(done), { once: true });
    location.hash = route;
})"""


CLIPBOARD = """() => {
    delete window.copied;
    const clipboard = { writeText: async (text) => { window.copied = text; } };
    Object.defineProperty(navigator, "clipboard", { value: clipboard, configurable: true });
}"""


def copied(page: Any, label: str) -> str:
    """Press the first visible button with this label, and return what it copied."""
    page.evaluate(CLIPBOARD)
    page.get_by_role("button", name=label).locator("visible=true").first.click()
    text: str = page.evaluate("window.copied")
    return text


def go(page: Any, address: str) -> None:
    """Open an address of the page anew, as from a link that somebody sent."""
    file = page.url.split("#")[0]
    page.goto("about:blank")
    page.goto(file + address)
    page.wait_for_selector("html[data-ready]")


def follow(page: Any, address: str) -> None:
    """Go from the view that is shown to another one; nothing happens if it is the one that is shown."""
    if not page.url.endswith(address):
        page.evaluate(_FOLLOW, address)


class Tabs:
    """The tabs of a browser, which tests use one after the other: a new one costs more than most tests.

    Args:
        browser: the browser.

    `faults` are console errors, dialogs, and requests beyond the disk, of all tabs.
    """

    def __init__(self, browser: Any) -> None:
        self.faults: list[str] = []
        self._browser = browser
        self._taken: list[Any] = []
        self._free: list[Any] = []

    def open(
        self,
        page: Path,
        address: str = "",
        *,
        viewport: Mapping[str, int] = WINDOW,
        color_scheme: str = "light",
        java_script_enabled: bool = True,
    ) -> Any:
        """Return a tab that shows a file, ready for use; the options are those of a browser context."""
        tab = self._free.pop() if self._free and java_script_enabled else self._new(java_script_enabled)
        if java_script_enabled:
            self._taken.append(tab)
        tab.set_viewport_size(viewport)
        tab.emulate_media(media="null", color_scheme=color_scheme)
        tab.goto(page.as_uri() + address)
        if java_script_enabled:
            tab.wait_for_selector("html[data-ready]")
        return tab

    def give_back(self) -> None:
        """Empty the tabs that are open, so that the next test finds them as new, and keep them for it."""
        while self._taken:
            tab = self._taken.pop()
            if _is_own(tab.url):
                tab.evaluate("localStorage.clear()")
            tab.goto("about:blank")
            tab.mouse.move(0, 0)
            self._free.append(tab)

    def _new(self, java_script_enabled: bool) -> Any:
        tab = self._browser.new_context(java_script_enabled=java_script_enabled).new_page()
        tab.on("console", lambda said: self.faults.append(said.text) if said.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: self.faults.append(str(error)))
        tab.on("request", lambda asked: self.faults.append(asked.url) if not _is_own(asked.url) else None)
        tab.on("dialog", self._dismiss)
        return tab

    def _dismiss(self, dialog: Any) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


def _is_own(address: str) -> bool:
    """Return whether an address is that of a file of the page, or of what the page itself made."""
    return address.startswith(("file:", "data:", "blob:"))
