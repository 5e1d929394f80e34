"""The built site: every public name and command has an entry, every link leads somewhere, nothing is fetched."""

import pytest

import gansim
from helpers.site import broken, foreign
from helpers.site import site as site  # a fixture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def entries(site):
    """The inventory of the site: kind of entry -> names."""
    inventory = pytest.importorskip("sphinx.util.inventory", reason="needs the extra `docs`")
    loaded = inventory.InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    found = {}
    for entry, names in loaded.data.items():
        found[entry] = set(names)
    return found


def public():
    """Every name that users are promised."""
    from gansim import lanes, plot

    names = {f"gansim.{name}" for name in gansim.__all__ if name != "plot"}
    names |= {f"gansim.plot.{name}" for name in plot.__all__}
    return names | {f"gansim.lanes.{name}" for name in lanes.__all__}


def without_entry(names, entries):
    """Names that no entry of Python's domain has."""
    known = set().union(*(found for kind, found in entries.items() if kind.startswith("py:")))
    return sorted(names - known)


def test_every_public_name_has_an_entry(entries):
    assert without_entry(public(), entries) == []
    assert without_entry({"gansim.no_such_name"}, entries) == ["gansim.no_such_name"]


def test_every_option_of_every_command_has_an_entry(entries):
    from commands import options_of, parsers  # of the site itself; the options are the parsers'

    wanted = {
        f"{name.replace(' ', '-')}.{flag}"
        for name, known in parsers().items()
        for action in options_of(known)
        for flag in action.option_strings or [action.metavar or action.dest]
    }
    assert len(wanted) > 60 and {"gansim-run.--shard", "python-studies/NAME.py.--quick"} <= wanted
    assert sorted(wanted - entries["std:cmdoption"]) == []
    assert "gansim-run.--no-such-option" not in entries["std:cmdoption"]


def test_every_link_leads_somewhere(site):
    assert broken(site) == []


def test_nothing_is_loaded_from_elsewhere(site):
    assert foreign(site) == []


# --- negative controls ----------------------------------------------------------------------------


def test_broken_links_and_foreign_files_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="//fonts.example/x.css"><h1 id="top">a</h1><img src="b.png"><img src="c.png">'
        '<a href="#top">x</a><a href="#no">y</a><a href="d.html#there">z</a><a href="https://example.org/">w</a>'
    )
    (tmp_path / "b.png").touch()
    (tmp_path / "d.html").write_text('<p id="here"><script src="https://cdn.example/x.js"></script>')
    (tmp_path / "e.css").write_text('@import "https://cdn.example/y.css"; p { background: url(//cdn.example/z.png) }')
    assert broken(tmp_path) == ["a.html: #no", "a.html: d.html#there", "a.html: c.png"]
    assert len(foreign(tmp_path)) == 4
    with pytest.raises(AssertionError, match="reads nothing"):
        broken(tmp_path / "none")
