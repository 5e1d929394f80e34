"""A browser for tests of pages: Chromium as it is installed, driven by Playwright, offline.

Where either is missing tests are skipped, and fail where CI is set: there, nobody would read that they were.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PHONE = {"width": 375, "height": 812}
DESK = {"width": 1200, "height": 900}


def lacking() -> str:
    """What of all that is needed is not there; empty if all is."""
    if not any(map(shutil.which, NAMES)):
        return "no Chromium is installed"
    try:
        import axe_playwright_python  # noqa: F401
        import playwright  # noqa: F401
    except ImportError as error:
        return str(error)
    return ""


def skip_or_fail(reason: str, environment: dict[str, str]) -> None:
    """Skip a test for this reason, or fail it where CI is set to 1 or true."""
    if not reason:
        return
    if environment.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{reason}: tests of pages must run in CI")
    pytest.skip(reason)


def executable() -> str:
    """Where Chromium is."""
    return next(filter(None, map(shutil.which, NAMES)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    skip_or_fail(lacking(), dict(os.environ))
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=executable(), args=arguments)
        yield running
        running.close()


class Watched:
    """A page of a browser, with all that it said and asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))

    def breaches(self) -> list[str]:
        """What axe finds wrong for people with disabilities: rule, how bad, the first element."""
        from axe_playwright_python.sync_playwright import Axe

        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}" for one in found]

    def too_wide(self) -> int:
        """By how many pixels the page itself has to be scrolled sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


class Opener:
    """Opens pages, and closes them in the end."""

    def __init__(self, browser: Browser) -> None:
        self._browser, self._contexts = browser, []

    def __call__(
        self, address: str | Path, size: dict[str, int] = DESK, scheme: str = "light", offline: bool = True, **more: Any
    ) -> Watched:
        """Open an address, or a file; offline unless a server of ours is to be asked."""
        context = self._browser.new_context(viewport=size, color_scheme=scheme, offline=offline, **more)
        self._contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.goto(address.as_uri() if isinstance(address, Path) else address)
        return watched

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opener]:
    """What opens pages."""
    opener = Opener(browser)
    yield opener
    opener.close()
