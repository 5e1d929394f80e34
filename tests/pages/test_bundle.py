"""Scripts of ours joined into one: each once, before whoever imports it, and no name declared twice."""

import json
import re

import pytest

from gansim.pages import bundle
from gansim.showing.colours import COLOURS, DARK

ENTRIES = ("report.js", "playing.js", "widget.js", "explore.js")
DECLARED = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let|var) (?:\{([^}]*)\}|\[([^\]]*)\]|(\w+))", re.M
)


def declared(script: str) -> list[str]:
    """Names that a script declares at its top."""
    found = []
    for braces, brackets, name in DECLARED.findall(script):
        found += [name] if name else re.findall(r"\w+", braces or brackets)
    return found


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_name_is_declared_twice(entry):
    names = declared(bundle.script(entry))
    assert len(names) > 5 and len(set(names)) == len(names)
    assert "make" in names or entry == "enter.js"


def test_a_name_that_is_declared_twice_is_found():
    names = declared("const a = 1;\nfunction a() {}\nlet [b, c] = [1, 2];\n  const inner = 2;\n")
    assert names == ["a", "a", "b", "c"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_is_left_of_imports_and_exports(entry):
    script = bundle.script(entry)
    assert re.findall(r"^(?:import|export) .*$", script, re.M) == []
    assert script.index("function make") < script.index("make(") if "make(" in script else True


@pytest.mark.parametrize("name", bundle.modules())
def test_what_is_imported_is_there(name):
    for names, other in re.findall(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";$', bundle.static(name), re.M):
        exported = re.findall(r"^export (?:async )?(?:function|class|const|let) (\w+)", bundle.static(other), re.M)
        assert set(re.findall(r"\w+", names)) <= set(exported), (name, other)
    lines = [line for line in bundle.static(name).splitlines() if line.startswith("import")]
    assert all(re.fullmatch(r'import \{[^}]*\} from "\./[\w-]+\.js";', line) for line in lines)


def test_data_end_no_script():
    text = bundle.json_text({"label": "</script><!--\u2028\u2029", "n": [1, None]})
    assert "<" not in text and "\u2028" not in text and "\u2029" not in text
    assert json.loads(text) == {"label": "</script><!--\u2028\u2029", "n": [1, None]}
    with pytest.raises(ValueError, match="Out of range"):
        bundle.json_text(float("nan"))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_every_state_is_seen_on_its_page():
    theme = bundle.static("theme.css")
    light, dark = re.findall(r"--paper: (#\w{6});", theme)[:2]
    assert (light, dark) == ("#ffffff", "#14171c") and COLOURS.keys() == DARK.keys()
    assert min(contrast(colour, light) for colour in COLOURS.values()) >= 3
    assert min(contrast(colour, dark) for colour in DARK.values()) >= 3
    assert contrast(COLOURS["non-finite"], dark) < 3  # the colours of light pages would not do
