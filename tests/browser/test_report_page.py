"""The report of a study in a browser: opened as a file, offline, in light and dark, on a desk and on a phone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gansim as gs
from gansim.pages.report import page_of
from gansim.reporting import writing
from gansim.running.execution import describe
from gansim.storage.names import PAGE
from helpers.browser import PHONE, Opener, skip_or_fail
from helpers.pages import GAN, HOSTILE, results

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results(tmp_path_factory.mktemp("page")) / PAGE


@pytest.fixture(scope="module")
def player(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page around two fragments, as a notebook's export has them, and another thing in between."""
    gan = gs.GAN(target=gs.Normal(2, 0.5), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=200, n_eval=64)
    part = gs.player(gan, frames=21)._repr_html_()
    path = tmp_path_factory.mktemp("player") / "notebook.html"
    path.write_text(f"<!DOCTYPE html><html lang=en><title>n</title><h1>Notebook</h1>{part}<p>more</p>{part}", "utf-8")
    return path


def test_it_opens_offline_says_nothing_and_asks_for_nothing(page: Path, visit: Opener) -> None:
    seen = visit(page)
    assert seen.page.locator(".player canvas").count() >= 4
    assert seen.said == [] and seen.asked == [page.as_uri()]
    # The control: what is asked for is seen, and what goes wrong is heard.
    seen.page.evaluate("setTimeout(() => { throw new Error('heard') }); new Image().src = 'https://example.org/x.png'")
    seen.page.wait_for_timeout(200)
    assert any("heard" in text for text in seen.said) and any("Content Security Policy" in text for text in seen.said)


def test_labels_of_somebody_hostile_do_nothing(page: Path, visit: Opener) -> None:
    seen = visit(page)
    dialogs: list[str] = []
    seen.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    seen.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert HOSTILE in seen.page.inner_text("main") and seen.page.locator("img").count() == 0
    seen.page.wait_for_timeout(100)
    assert dialogs == []


def cells(seen, column: int) -> list[str]:
    rows = seen.page.locator("#table-1 tbody tr:not([hidden])")
    return [rows.nth(k).locator("th, td").nth(column).inner_text() for k in range(rows.count())]


def test_a_heading_sorts_its_table_by_numbers_and_back(page: Path, visit: Opener) -> None:
    seen = visit(page)
    seen.page.click("#table-1 summary")
    before = cells(seen, 1)
    head = seen.page.locator("#table-1 thead th").nth(1)
    rates = [float(text) for text in before]
    assert rates == [0.001, 0.1, 0.001, 0.1]
    for order, wanted in (("descending", sorted(rates)[::-1]), ("ascending", sorted(rates)), ("none", rates)):
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == order
        assert [float(text) for text in cells(seen, 1)] == wanted
    assert seen.page.locator("#status").inner_text() == "in the order of the file"


def test_a_filter_keeps_the_rows_that_hold_all_words(tmp_path: Path, visit: Opener) -> None:
    gan = gs.GAN(target=gs.Normal(2, 0.5), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=20, n_eval=64)
    rates = [0.001, 0.002, 0.003, 0.004]
    factors = {"game": ["minimax", "non-saturating"], "optimizer_g.lr": rates}
    gs.Study("many", gan, factors, reps=2).run(out=tmp_path, jobs=1, progress=False)
    seen = visit(tmp_path / "many" / PAGE)
    seen.page.click("#table-1 summary")
    assert len(cells(seen, 0)) == 8
    seen.page.fill("#table-1 input", "minimax 0.003")
    assert cells(seen, 0) == ["minimax"] and seen.page.inner_text("#table-1 output") == "1 of 8 rows"
    seen.page.fill("#table-1 input", "")
    assert len(cells(seen, 0)) == 8 and seen.page.inner_text("#table-1 output") == ""


def test_of_a_long_table_all_rows_are_sorted_and_found_and_some_are_laid_out(tmp_path: Path, visit: Opener) -> None:
    numbers = np.random.default_rng(0).permutation(600) / 1000
    writing.save(
        pd.DataFrame({"which": [f"row {k}" for k in range(600)], "x": numbers}), tmp_path / "tables", "t", "T."
    )
    study = gs.Study("s", GAN, {}, reps=1)
    (tmp_path / "p.html").write_text(page_of(tmp_path, describe(study, {}), study, None, Path("s")), "utf-8")
    seen = visit(tmp_path / "p.html")
    seen.page.click("#table-1 summary")
    shown = seen.page.locator("#table-1 tbody tr:not([hidden])")
    assert shown.count() == 500 and seen.page.locator("#table-1 tbody tr").count() == 600
    seen.page.locator("#table-1 thead button").nth(1).click()
    assert shown.first.locator("td").inner_text() == "0.599" and shown.count() == 500
    seen.page.fill("#table-1 input", "599")
    assert sorted(shown.locator("th").all_inner_texts()) == sorted({"row 599", f"row {int(np.argmax(numbers))}"})
    seen.page.fill("#table-1 input", "")
    seen.page.get_by_role("button", name="Show all 600 rows").click()
    assert shown.count() == 600
    again = visit(tmp_path / "p.html")
    again.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert again.page.locator("#table-1 tbody tr:not([hidden])").count() == 600


def moved(slider) -> None:
    """Wait until a run that was at its beginning has gone on."""
    for _ in range(200):
        if slider.input_value() != "0":
            return
        slider.page.wait_for_timeout(50)
    raise AssertionError("nothing moves")


def test_a_run_plays_pauses_and_follows_slider_and_keys(page: Path, visit: Opener) -> None:
    seen = visit(page)
    run = seen.page.locator(".player").first
    slider, toggle, where = run.locator("input"), run.locator(".toggle"), run.locator(".where")
    last = int(slider.get_attribute("max"))
    assert slider.input_value() == str(last) and where.inner_text() == "step 200 of 200"
    picture = "(c) => c.toDataURL()"
    end = run.locator("canvas").first.evaluate(picture)
    slider.focus()
    slider.press("Home")
    assert slider.input_value() == "0" and where.inner_text() == "step 0 of 200"
    assert run.locator("canvas").first.evaluate(picture) != end
    slider.press("ArrowRight")
    assert slider.input_value() == "1"
    assert slider.get_attribute("aria-valuetext") == where.inner_text()
    assert "mean" in run.locator("canvas").first.get_attribute("aria-label")
    slider.press("End")
    toggle.click()  # from the beginning
    assert toggle.inner_text() == "Pause"
    moved(slider)
    slider.press("Space")
    assert toggle.inner_text() == "Play"
    assert 0 < int(slider.input_value()) < last
    stood = slider.input_value()
    seen.page.wait_for_timeout(300)
    assert slider.input_value() == stood
    toggle.press("Space")  # a space on a button is a click, once
    assert toggle.inner_text() == "Pause"


def test_where_motion_is_not_wanted_a_run_goes_in_few_steps(page: Path, visit: Opener) -> None:
    seen = visit(page, reduced_motion="reduce")
    run = seen.page.locator(".player").first
    run.locator("input").press("Home")
    run.locator(".toggle").click()
    moved(run.locator("input"))
    run.locator(".toggle").click()
    assert int(run.locator("input").input_value()) % 8 == 0  # of 81 frames, ten are shown


def test_a_word_tells_its_meaning_on_focus_hover_and_touch(page: Path, visit: Opener) -> None:
    seen = visit(page)
    word, box = seen.page.locator("#answer a.term").first, seen.page.locator("#meaning")
    word.focus()
    assert box.is_visible() and word.get_attribute("aria-describedby") == "meaning"
    seen.page.keyboard.press("Escape")
    assert box.is_hidden()
    seen.page.locator("#runs a.term").first.hover()
    assert box.is_visible() and len(box.inner_text()) > 20
    phone = visit(page, PHONE, has_touch=True)
    phone.page.locator("#answer a.term").first.tap()
    assert phone.page.locator("#meaning").is_visible() and "#term" not in phone.page.url
    phone.page.locator("#answer a.term").first.tap()
    assert "#term" in phone.page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_left_out(page: Path, visit: Opener, scheme: str) -> None:
    seen = visit(page, scheme=scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    seen.page.locator("#answer a.term").first.focus()
    assert seen.breaches() == []
    pale = {"light": "#bbbbbb", "dark": "#444444"}[scheme]
    seen.page.evaluate(f"document.querySelector('.question').style.color = '{pale}'")
    assert any("color-contrast" in one for one in seen.breaches())


def test_everything_is_reached_by_keys_in_the_order_of_the_page(page: Path, visit: Opener) -> None:
    seen = visit(page)
    places = []
    for _ in range(40):
        seen.page.keyboard.press("Tab")
        places.append(seen.page.evaluate("document.activeElement.getBoundingClientRect().top + scrollY"))
    assert seen.page.evaluate("document.activeElement !== document.body")
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert seen.page.evaluate(ring) != "none"
    inside = places[10:]  # after the contents, which stay at the top
    assert inside == sorted(inside) or max(b - a for a, b in zip(inside[1:], inside, strict=False)) < 60


def test_a_phone_scrolls_down_alone(page: Path, visit: Opener) -> None:
    seen = visit(page, PHONE)
    seen.page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert seen.too_wide() == 0
    seen.page.evaluate("document.querySelector('h1').style.width = '999px'")
    assert seen.too_wide() > 0


def test_paper_has_everything_opened_in_black_on_white(page: Path, visit: Opener) -> None:
    seen = visit(page, scheme="dark")
    assert seen.page.locator("details:not([open])").count() > 3
    seen.page.emulate_media(media="print", color_scheme="dark")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("details:not([open])").count() == 0
    style = "getComputedStyle(document.body)"
    assert seen.page.evaluate(f"[{style}.color, {style}.backgroundColor]") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert seen.page.locator(".player .controls button:visible, .player .controls input:visible").count() == 0
    assert seen.page.locator(".player .where").first.is_visible()  # the step that is seen
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details:not([open])").count() > 3


def test_without_scripts_the_page_is_whole_but_for_the_runs(page: Path, visit: Opener) -> None:
    seen = visit(page, java_script_enabled=False)
    assert seen.page.locator("table.sortable").count() == 4 and seen.page.locator("figure svg").count() == 1
    assert seen.page.locator("noscript").first.is_visible() or "need" in seen.page.content()
    assert seen.page.locator("#open-all").is_hidden()


# --- a player by itself -----------------------------------------------------------------------------


def test_fragments_play_side_by_side_and_leave_other_things_alone(player: Path, visit: Opener) -> None:
    seen = visit(player, scheme="dark")
    assert seen.said == [] and seen.asked == [player.as_uri()]
    assert seen.page.locator(".player").count() == 2
    first, second = (seen.page.locator(".player").nth(k) for k in range(2))
    heard = "window.heard = 0; document.addEventListener('keydown', () => window.heard++)"
    seen.page.evaluate(heard)
    first.locator("input").press("Home")
    assert first.locator("input").input_value() == "0" and second.locator("input").input_value() == "20"
    assert seen.page.evaluate("heard") == 0  # a notebook has commands on these keys
    outside = seen.page.evaluate("getComputedStyle(document.querySelector('body > p')).color")
    assert outside == "rgb(0, 0, 0)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_left_out_of_a_player(tmp_path: Path, visit: Opener, scheme: str) -> None:
    gan = gs.GAN(target=gs.Normal(2, 0.5), generator=gs.MLP((4,)), discriminator=gs.MLP((4,)), steps=50, n_eval=64)
    seen = visit(gs.player(gan, reps=2, frames=5).save(tmp_path / "run.html"), PHONE, scheme)
    assert seen.breaches() == [] and seen.said == [] and seen.too_wide() == 0


# --- where there is no browser ------------------------------------------------------------------------


def test_a_missing_browser_skips_here_and_fails_in_ci() -> None:
    skip_or_fail("", {"CI": "1"})
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        skip_or_fail("no Chromium is installed", {})
    for said in ("1", "true"):
        with pytest.raises(pytest.fail.Exception, match="no Chromium"):
            skip_or_fail("no Chromium is installed", {"CI": said})
