"""Moving between the views of a page in a browser."""

from __future__ import annotations

from typing import Any

_FOLLOW = """route => new Promise((done) => {
    addEventListener("hashchange", () => setTimeout(done), { once: true });
    location.hash = route;
})"""


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
