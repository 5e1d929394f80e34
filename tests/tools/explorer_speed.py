"""How fast the explorer is, in the browser: key press to frame, frames a second, what share of the time training has.

    python tests/tools/explorer_speed.py    prints rows for 256, 1,024 and 4,096 GANs, see docs/how-to/explore.md

Figures of one machine and one run: nothing asserts them.
"""

import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

# In the page: when each generation was asked for, when its first frame was drawn, how many frames there were.
WATCH = """
(() => {
  const asked = {}; let newest = 0, drawn = 0;
  window.seen = { waits: [], frames: 0, training: 0, generation: 0 };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const said = JSON.parse(text);
    if (said.do === "configure") { newest = said.generation; asked[newest] = performance.now(); }
    if (said.do === "drawn") {
      window.seen.frames += 1;
      if (window.seen.generation === newest && drawn < newest) {
        drawn = newest;
        window.seen.waits.push(performance.now() - asked[newest]);
      }
    }
    return send.call(this, text);
  };
  const hear = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", { set(act) {
    hear.set.call(this, (event) => {
      const length = new DataView(event.data).getUint32(0, true);
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(event.data, 4, length)));
      if (head.kind === "frame") [window.seen.generation, window.seen.training] = [head.generation, head.training];
      act(event);
    });
  } });
})()
"""


def measure(page, n: int) -> str:
    page.get_by_role("combobox", name="GANs").select_option(str(n))
    page.get_by_label("Pace").select_option("null")
    page.wait_for_timeout(3000)
    page.evaluate("seen.waits = []")
    slider = page.locator("[data-field=optimizer_d] input[type=range]").first
    slider.focus()
    for _ in range(20):
        slider.press("ArrowRight")
        page.wait_for_timeout(700 if n < 4096 else 1500)
    waits = page.evaluate("seen.waits")
    page.get_by_role("button", name="Start over", exact=True).click()
    page.wait_for_timeout(700 if n < 4096 else 1500)
    first, began, _ = page.evaluate("[seen.frames, performance.now(), 0]")
    page.wait_for_timeout(1000 if n == 256 else 3000)
    last, ended, training = page.evaluate("[seen.frames, performance.now(), seen.training]")
    rate = 1000 * (last - first) / (ended - began)
    shares = ", ".join(f"{100 * share:.0f} %" for share in training)
    return f"| {n:,} | {statistics.median(waits):.0f}, {max(waits):.0f} | {rate:.1f} | {shares} |"


def main() -> None:
    from playwright.sync_api import sync_playwright

    from helpers.browser import executable
    from helpers.serving import explored

    with explored() as served, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        for n in (256, 1024, 4096):
            page = browser.new_page(viewport={"width": 1360, "height": 900})
            page.add_init_script(WATCH)
            page.goto(served.address)
            page.locator("table.states tbody tr").first.wait_for(timeout=120_000)
            print(measure(page, n), flush=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
