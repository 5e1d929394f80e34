"""The explorer in a browser: it trains, is steered, compared, shared, and looks at results; nobody else gets in."""

import os
import re
import time

import pytest

import gansim as gs
from helpers.browser import DESK, PHONE, executable
from helpers.live import GANS
from helpers.serving import explored

pytestmark = pytest.mark.browser
PATIENCE = 300_000  # milliseconds; a first shape may have to be compiled while others are


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    factors = {"optimizer_d.lr": [0.001, 0.01], "game": ["minimax", "non-saturating"]}
    gs.Study("small", GANS, factors, reps=6).run(out, progress=False, report=False)
    return out / "small"


@pytest.fixture(scope="module")
def served(results):
    with explored(str(results)) as running:
        yield running


@pytest.fixture
def enter(served, visit):
    """Opens the explorer's page; in the end nothing was said on its console, and nothing asked of anybody else."""
    opened = []

    def open_page(view="Train", hash="", socket=None, **how):
        watched = visit(served.address, offline=False, **how)
        watched.page.set_default_timeout(PATIENCE)
        if socket:
            watched.page.on("websocket", socket)
            watched.page.reload()
        if hash:
            watched.page.goto(f"{served.origin}/{hash}")
        if view == "Train" and not hash:
            watched.page.get_by_role("button", name="Train", exact=True).click()
        opened.append(watched)
        return watched

    yield open_page
    for watched in opened:
        assert watched.said == []
        own = (served.origin, "data:", "http://mail.example/")  # the last is a test's
        assert [url for url in watched.asked if not url.startswith(own)] == []


def step_of(page) -> int:
    found = re.sub(r"\D", "", page.locator(".step").inner_text())
    return int(found or 0)


def until(page, true, what: str):
    """Poll: the page's policy forbids to evaluate text, which waiting for a function would."""
    limit = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < limit, f"waited in vain for {what}"
        page.wait_for_timeout(30)


def fast(page):
    page.get_by_label("Pace").select_option("null")


def test_gans_train_before_one_s_eyes(enter):
    page = enter().page
    fast(page)
    page.get_by_text(re.compile(r"^Done\. Of 256 GANs .* % converged \[")).wait_for()
    assert step_of(page) == 5000
    rows = page.locator("table.states tbody tr:not([hidden])")
    assert [row.locator("th").inner_text() for row in rows.all()] == [
        "converged",
        "collapsed",
        "off target",
        "non-finite",
    ]
    shares = [float(row.locator("td").first.inner_text().split()[0]) for row in rows.all()]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert "n = 256" in page.locator("table.states caption").inner_text()
    assert re.match(r"GAN 0: G \w", page.locator(".one h2").inner_text())
    assert all("GAN" in label or "over" in label or "V" in label for label in labels(page))


def labels(page):
    return [one.get_attribute("aria-label") for one in page.locator("canvas").all()]


def test_pause_step_again_and_another_seed(enter):
    page = enter().page
    page.get_by_label("Pace").select_option("60")
    until(page, lambda: step_of(page) > 0, "a step")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(300)
    at = step_of(page)
    page.wait_for_timeout(300)
    assert step_of(page) == at
    page.get_by_role("button", name="+1 step").click()
    until(page, lambda: step_of(page) == at + 1, "one step")
    page.get_by_role("button", name="+100").click()
    until(page, lambda: step_of(page) == at + 101, "a hundred steps")
    page.get_by_role("button", name="Another seed").click()
    page.get_by_text("Training 256 GANs, seed 1.").wait_for()
    page.get_by_role("button", name="Start over", exact=True).click()
    until(page, lambda: step_of(page) < at, "the beginning")


def test_a_slider_by_keys_trains_anew_and_changes_the_address(enter):
    page = enter().page
    page.get_by_text("Training 256 GANs").wait_for()
    before = page.url
    slider = page.locator("[data-field=optimizer_d] input[type=range]").first
    slider.focus()
    for _ in range(30):  # a storm: the newest wins
        slider.press("ArrowRight")
    rate = page.locator("[data-field=optimizer_d] [data-field=lr] input[type=text]").first.input_value()
    assert float(rate) > 0.004 and slider.get_attribute("aria-valuetext") == rate
    until(page, lambda: page.url != before, "another address")
    page.get_by_text("As Python").click()
    until(page, lambda: f"optimizer_d=gs.Adam(lr={rate}" in page.get_by_label("Python", exact=True).inner_text(), rate)


def test_an_address_holds_the_configuration(enter, served):
    first = enter().page
    box = first.locator("[data-field=steps] input[type=text]")
    box.fill("700")
    box.press("Enter")
    first.get_by_role("combobox", name="GANs").select_option("64")
    first.get_by_label("Game").select_option("minimax")
    until(first, lambda: len(first.url) > 60, "an address")
    first.wait_for_timeout(200)
    second = enter(hash=first.url.partition("/#")[2].join(["#", ""])).page
    fast(second)
    second.get_by_text(re.compile(r"^Done\. Of 64 GANs")).wait_for()
    assert step_of(second) == 700 and second.get_by_label("Game").input_value() == "minimax"


def test_a_link_on_another_site_leads_here_once_the_door_is_open(enter, served):
    watched = enter()
    page, address = watched.page, watched.page.url
    link = f"<!doctype html><title>mail</title><a href='{address}'>class</a>"
    page.route("http://mail.example/", lambda route: route.fulfill(content_type="text/html", body=link))
    page.goto("http://mail.example/")
    page.get_by_text("class").click()
    page.get_by_role("toolbar", name="training").wait_for()
    assert page.url.startswith(f"{served.origin}/#") and address.startswith(page.url[:40])
    [sent_round] = watched.said  # the first answer was that the cookie is missing
    assert "403" in sent_round
    watched.said.clear()


def test_a_regime_and_a_point_choose_a_gan(enter):
    page = enter().page
    fast(page)
    page.get_by_text(re.compile(r"^Done\.")).wait_for()
    page.get_by_role("button", name="off target").click()
    until(page, lambda: "G off target" in page.locator(".one h2").inner_text(), "a GAN off target")
    first = page.locator(".one h2").inner_text()
    cloud = page.locator("canvas").first
    cloud.focus()
    cloud.press("ArrowRight")
    until(page, lambda: page.locator(".one h2").inner_text() != first, "the next GAN")
    second = page.locator(".one h2").inner_text()
    box = cloud.bounding_box()
    for share in (0.5, 0.48, 0.52, 0.46):
        page.mouse.click(box["x"] + share * box["width"] + 15, box["y"] + 0.57 * box["height"])
        page.wait_for_timeout(150)
    assert page.locator(".one h2").inner_text() != second
    page.get_by_label("GAN", exact=True).fill("17")
    page.get_by_label("GAN", exact=True).press("Enter")
    until(page, lambda: page.locator(".one h2").inner_text().startswith("GAN 17:"), "GAN 17")


def test_two_configurations_are_compared(enter):
    page = enter().page
    page.get_by_role("button", name="Compare with another").click()
    box = page.locator("[data-field=optimizer_d] [data-field=lr] input[type=text]").first
    box.fill("0.01")
    box.press("Enter")
    fast(page)
    page.get_by_text(re.compile(r"^Done\. A: of 256 GANs .* B: of 256 GANs")).wait_for()
    table = page.get_by_role("table", name="B minus A, in points")
    assert table.locator("tbody tr").count() >= 1
    assert page.get_by_role("heading", name="Paired differences in the end").is_visible()
    page.get_by_role("button", name="Remove B").click()
    page.get_by_role("button", name="Compare with another").wait_for()


def test_a_refused_value_is_said_and_mended(enter):
    page = enter().page
    box = page.locator("[data-field=optimizer_g] [data-field=lr] input[type=text]").first
    box.fill("-1")
    box.press("Enter")
    alert = page.get_by_role("alert")
    alert.get_by_text(re.compile(r"Learning rate of G: value -1: a number from 0 to 1000")).wait_for()
    box.fill("<img src=x onerror=alert(1)>")
    box.press("Enter")
    alert.get_by_text("<img src=x").wait_for()
    box.fill("0.001")
    box.press("Enter")
    until(page, lambda: not alert.is_visible(), "no refusal")


def test_values_of_one_s_own(enter):
    page = enter().page
    page.get_by_label("Target", exact=True).select_option("observed")
    box = page.locator("[data-field=values] textarea")
    box.fill("height\n168\n172.5\n181.2\n175\n169\n")
    box.blur()
    page.get_by_text("5 numbers from 6 lines; 1 words were no numbers and are left out").wait_for()
    page.get_by_text("As Python").click()
    until(page, lambda: "gs.Observed(values)" in page.get_by_label("Python", exact=True).inner_text(), "the values")
    until(page, lambda: step_of(page) > 0, "a step")


def test_columns_of_a_file(enter, tmp_path):
    sent = []
    page = enter(socket=lambda line: line.on("framesent", lambda frame: sent.append(len(frame)))).page
    page.get_by_label("Target", exact=True).select_option("observed")
    table = tmp_path / "table.csv"
    table.write_text("id;name;weight\n" + "".join(f"{k};n{k};{60 + k % 17}.5\n" for k in range(1, 41)))
    page.get_by_label("a file of numbers").set_input_files(table)
    page.get_by_text("40 numbers from 40 lines", exact=True).wait_for()
    which = page.get_by_label("which of the numbers")
    assert which.locator("option").all_inner_texts() == ["weight", "all numbers"]
    commas = tmp_path / "commas.txt"
    commas.write_text("".join(f"3,{100 + k}\n" for k in range(40)))
    page.get_by_label("a file of numbers").set_input_files(commas)
    until(page, lambda: which.locator("option").first.inner_text() == "a comma is the decimal sign", "commas")
    until(page, lambda: step_of(page) > 0, "a step")
    assert "#" in page.url and len(page.url) > 200  # forty numbers fit into the address
    assert max(sent) < 20_000
    many = tmp_path / "many.txt"
    many.write_text("\n".join(f"{k % 977 + 0.123456}" for k in range(50_000)))
    page.get_by_label("a file of numbers").set_input_files(many)
    page.get_by_text("Not now: the values are too many for an address.").wait_for()
    assert max(sent) > 400_000
    slider = page.locator("[data-field=optimizer_d] input[type=range]").first
    slider.focus()
    sent.clear()
    for _ in range(10):
        slider.press("ArrowRight")
    until(page, lambda: len(sent) > 3, "messages")
    assert max(sent) < 20_000  # they go once: a million with every change took 46 s for ten


def test_a_highlight_is_taken_back_and_focus_stays(enter):
    page = enter().page
    page.get_by_label("Pace").select_option("60")
    button = page.get_by_role("button", name="off target")
    until(page, lambda: button.get_attribute("aria-disabled") == "false", "a GAN off target")
    button.focus()
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(1500)  # records are taken meanwhile
    assert button.evaluate("one => one === document.activeElement")
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"


def test_what_cannot_be_is_said(enter, served):
    page = enter(hash="#%%%").page
    page.get_by_text("This address holds no configuration that can be read").wait_for()
    page.get_by_label("Seed").fill("9007199254740993")
    page.get_by_label("Seed").press("Enter")
    page.get_by_role("alert").get_by_text("seed: value 9007199254740993: an integer from 0 to").wait_for()
    records = page.locator("[data-field=records] input")
    page.locator("[data-field=records]").evaluate("one => { one.closest('details.more').open = true; }")
    records.fill("7")
    records.press("Enter")
    page.get_by_role("alert").wait_for(state="hidden")
    box = page.get_by_label("GAN", exact=True)
    for typed, kept in (("3.7", "0"), ("x", "0"), ("999", "255")):
        box.fill(typed)
        box.press("Enter")
        assert box.input_value() == kept


def test_results_by_cell_run_and_replay(enter):
    page = enter(view="Results").page
    page.get_by_role("combobox", name="Outcome").select_option("d_state:idle")
    cells = page.locator("button.cell")
    until(page, lambda: cells.count() == 4, "four cells")
    assert all(re.search(r"% *\n.* to .* %\nn 6", cell.inner_text()) for cell in cells.all())
    cells.nth(3).click()
    page.get_by_text("Runs: Learning rate of D 0.01, Game non-saturating").wait_for()
    page.get_by_role("button", name=re.compile("^Train again cell 3, replicate 2")).click()
    page.get_by_text("Done: all 8 records have the stored bits.").wait_for()
    assert "cell 3, GAN 2:" in page.locator(".replay h2").inner_text()
    page.get_by_role("combobox", name="and by").select_option("")
    until(page, lambda: cells.count() == 2, "two cells")
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, lambda: page.locator("table.states tbody tr").count() > 0, "training")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_is_for_everybody(enter, scheme, size):
    for view in ("Train", "Results"):
        watched = enter(view=view, scheme=scheme, size=size)
        page = watched.page
        if view == "Train":
            page.get_by_role("button", name="Compare with another").click()
            until(page, lambda page=page: page.locator("table.states tbody tr").count() > 0, "a table")
            page.get_by_text("As Python").click()
        else:
            page.locator("section.list tbody tr").first.wait_for()
        assert watched.breaches() == []
        assert watched.too_wide() == 0


def test_closing_a_page_ends_its_training(enter, served):
    before = enter().page
    until(before, lambda: step_of(before) > 0, "a step")
    several = served.threads()
    before.context.close()
    until_threads = time.monotonic() + 60
    while served.threads() >= several:
        assert time.monotonic() < until_threads
        time.sleep(0.05)


def test_another_name_for_this_machine_is_refused(served, browser):
    kind = browser.browser_type
    rules = ["--host-resolver-rules=MAP evil.example 127.0.0.1", "--no-sandbox"]
    rebound = kind.launch(executable_path=executable(), args=rules)
    page = rebound.new_page()
    for path in (served.address.split("/", 3)[3], "", "controls.json"):
        answer = page.goto(f"http://evil.example:{served.port}/{path}")
        assert answer.status == 403 and "another host" in answer.text()
    own = page.goto(served.address)
    assert own.status == 200
    rebound.close()


@pytest.mark.slow
def test_a_minute_of_playing_leaves_nothing_behind(enter, served):
    page = enter().page
    fast(page)
    heap = page.context.new_cdp_session(page)

    def used() -> int:
        heap.send("HeapProfiler.collectGarbage")
        return heap.send("Runtime.getHeapUsage")["usedSize"]

    def play(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            page.get_by_role("button", name="Another seed").click()
            page.wait_for_timeout(700)

    play(15)
    at_first, memory = used(), served.memory()
    play(float(os.environ.get("GANSIM_PLAY", "45")))  # ten minutes by hand: GANSIM_PLAY=600
    assert used() < at_first + 3e6
    assert served.memory() < memory + 60e6
