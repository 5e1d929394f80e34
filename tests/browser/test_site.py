"""The built site in a browser: loads without complaint or request to elsewhere, is searched, can be read by anybody."""

import functools
import http.server
import threading
from urllib.parse import urlsplit

import pytest

from helpers.browser import PHONE
from helpers.site import site as site  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAGES = [
    "index.html", "start.html", "tutorials/class.html", "made/gallery/plot_8_film.html", "reference/runs.html",
    "reference/commands.html", "found/regimes.html", "made/results/regimes/tables/regimes_by_cell.html",
]  # fmt: skip


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture(scope="module")
def served(site):
    """The site's address on this machine."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def complaints(said):
    """What a page's console says beside what the theme tells of itself."""
    return [line for line in said if not line.startswith(("log: ", "info: ", "debug: "))]


def elsewhere(asked, served):
    """Requests to other places than the site's own."""
    return [one for one in asked if urlsplit(one).scheme != "data" and not one.startswith(f"{served}/")]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_complaint_or_foreign_request(name, served, visit):
    watched = visit(f"{served}/{name}", offline=False)
    watched.page.wait_for_load_state("networkidle")
    assert complaints(watched.said) == []
    assert watched.asked and elsewhere(watched.asked, served) == []
    assert watched.page.locator("h1").count() == 1


def test_a_complaint_and_a_foreign_request_are_noticed(served, visit):
    watched = visit(f"{served}/index.html", offline=False)
    watched.page.evaluate("console.error('broken'); fetch('http://127.0.0.1:9/x').catch(() => 0)")
    watched.page.wait_for_timeout(200)
    assert any("broken" in line for line in complaints(watched.said))
    assert elsewhere(watched.asked, served) == ["http://127.0.0.1:9/x"]


def test_the_search_finds_a_public_name(served, visit):
    watched = visit(f"{served}/search.html?q=LatinHypercube", offline=False)
    hit = watched.page.locator("#search-results a", has_text="LatinHypercube").first
    hit.wait_for()
    assert "reference/studies.html" in hit.get_attribute("href")
    assert complaints(watched.said) == [] and elsewhere(watched.asked, served) == []
    nothing = visit(f"{served}/search.html?q=nosuchwordanywhere", offline=False)
    nothing.page.get_by_text("did not match any documents").wait_for()
    assert nothing.page.locator("#search-results ul a").count() == 0


def test_pictures_of_the_gallery_are_seen(served, visit):
    watched = visit(f"{served}/made/gallery/plot_1_shares.html", offline=False)
    watched.page.wait_for_load_state("networkidle")
    widths = watched.page.evaluate("[...document.querySelectorAll('article img')].map(image => image.naturalWidth)")
    assert widths and min(widths) > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_anybody_can_read_it(name, scheme, served, visit):
    watched = visit(f"{served}/{name}", scheme=scheme, offline=False)
    watched.page.wait_for_load_state("networkidle")
    assert watched.page.evaluate("document.documentElement.dataset.theme") == scheme
    assert watched.breaches() == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_shows_it_whole(name, served, visit):
    watched = visit(f"{served}/{name}", size=PHONE, offline=False)
    watched.page.wait_for_load_state("networkidle")
    assert watched.too_wide() <= 0
