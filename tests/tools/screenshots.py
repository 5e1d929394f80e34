"""Take the pictures of the explorer that README and docs show, from the page itself.

    python tests/tools/screenshots.py    writes docs/pictures/explorer.png

What is trained there: 256 GANs on a mixture of two normals, and the same with a D that learns ten times faster.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main() -> None:
    from playwright.sync_api import sync_playwright

    from helpers.browser import executable
    from helpers.serving import explored

    to = ROOT / "docs/pictures"
    to.mkdir(exist_ok=True)
    with explored() as served, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1010})
        page.goto(served.address)
        page.get_by_label("Target", exact=True).select_option("mixture")
        for field, value in (("means", "-2, 2"), ("hidden", "16")):
            box = page.locator(f"[data-field={field}] input").first
            box.fill(value)
            box.press("Enter")
        page.get_by_label("Activation of G").select_option("tanh")
        page.get_by_role("button", name="Compare with another").click()
        rate = page.locator("[data-field=optimizer_d] [data-field=lr] input[type=text]").first
        rate.fill("0.01")
        rate.press("Enter")
        page.get_by_label("Pace").select_option("null")
        page.get_by_text(re.compile(r"^Done\. A: ")).wait_for(timeout=120_000)
        page.get_by_label("GAN", exact=True).fill("7")
        page.get_by_label("GAN", exact=True).press("Enter")
        page.locator("aside").evaluate("one => one.scrollTo(0, 0)")
        page.wait_for_timeout(500)
        page.screenshot(path=to / "explorer.png")
        browser.close()
    print(to / "explorer.png", (to / "explorer.png").stat().st_size)


if __name__ == "__main__":
    main()
