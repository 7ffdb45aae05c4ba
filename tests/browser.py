"""A real browser for tests: pages as they look, under axe-core, on paper. Tests are skipped where there is none."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# WCAG 2.2 A and AA, and what axe-core holds for good practice beside it.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextlib.contextmanager
def start() -> Iterator[Browser]:
    """A headless Chromium, for the time of one module: while it runs, no other event loop can."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine: sudo apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install .[dev]")
    with sync_api.sync_playwright() as playwright:
        # Pages of ours and no others: no sandbox is needed, and as root there is none.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def opened(browser: Browser, file: Path, *, width: int = 1280, **context: Any) -> Iterator[Page]:
    """A page from disk, with no network, in a fresh context; see `Browser.new_context` for what it may be told.

    Raises:
        AssertionError: the page asked for more than itself, or the browser complained of something.
    """
    with contextlib.closing(browser.new_context(viewport={"width": width, "height": 900}, **context)) as made:
        made.set_offline(True)
        page = made.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(file.as_uri())
        yield page
        assert [] == [url for url in asked if not url.startswith(("data:", file.as_uri()))]
        assert [] == said


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is shown now: rule, and the element."""
    from axe_playwright_python.sync_playwright import Axe

    axe = Axe("") if page.evaluate("'axe' in window") else Axe()  # half a megabyte: once for a page
    found = axe.run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]
