"""Take the picture of the reference page that README shows.

    python docs/picture_of_the_page.py

Needs the test extra and a Chromium on the PATH.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

REFERENCE = Path(__file__).parents[1] / "leaderboard" / "reference"


def main() -> None:
    """Write leaderboard/reference/page.png: the first screen of the page, 1440 pixels wide."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-sync"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 1250})
        page.goto((REFERENCE / "index.html").as_uri())
        page.screenshot(path=REFERENCE / "page.png")
        browser.close()


if __name__ == "__main__":
    main()
