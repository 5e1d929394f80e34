"""Digests of the source: of what this process was started with, and of what decides, however it is written."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import gansim
from gansim import source

PACKAGE = Path(gansim.__file__).parent

# --- which modules ------------------------------------------------------------------------------


def imported(module: Path) -> set[Path]:
    """Files of the package that a module imports, wherever the statement stands; read without `ast`."""
    text, names = module.read_text(encoding="utf-8"), set()
    for package, listed in re.findall(r"^\s*from (gansim[\w.]*) import (\([^)]*\)|[^\n]+)", text, re.MULTILINE):
        names |= {package, *(f"{package}.{name}" for name in re.findall(r"\w+", listed))}
    names |= set(re.findall(r"^\s*import (gansim[\w.]*)", text, re.MULTILINE))
    paths = {PACKAGE.parent / Path(*name.split(".")).with_suffix(".py") for name in names - {"gansim"}}
    return {path for path in paths if path.exists()}


def reached(start: Path) -> set[str]:
    """Names of all modules that a module imports, directly or not, itself included."""
    found, waiting = set(), [start]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += imported(path)
    return {path.relative_to(PACKAGE).as_posix() for path in found}


WORDS = {"errors.py", "escaping.py", "hints.py", "display.py"}
BELOW_ALL = WORDS | {"source.py", "children.py", "_version.py", "lanes.py"}


def test_everything_that_simulating_imports_decides() -> None:
    """Decides by the room it lies in; only what is below all rooms is imported and does not."""
    decides = set(source.deciding_digests())
    assert reached(PACKAGE / "engine/simulate.py") <= decides | BELOW_ALL
    rooms = ("engine/", "kernels/", "model/")
    built = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert decides == {name for name in built if name.startswith(rooms)} | {"traces.py"}
    assert {"engine/bundles.py", "model/gan.py", "traces.py", "kernels/networks/layers.py"} < decides
    assert {"running/study.py", "engine/simulate.py", "storage/folder.py"} <= reached(PACKAGE / "running/study.py")
    assert not {"running/study.py", "storage/folder.py", "reporting/figures/look.py"} & decides


def test_no_import_is_relative() -> None:
    """So that what a module needs can be read from it, and counted here."""
    text = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert re.search(r"^from gansim", text, re.MULTILINE) and not re.search(r"^\s*from \.", text, re.MULTILINE)


# --- of a copy ----------------------------------------------------------------------------------

DIGESTS = """
from gansim import source
deciding = [f"{name}={digest}" for name, digest in source.deciding_digests().items()]
print(source.source_digest(), source.compiled_digest(), *deciding)
"""


class Digests:
    """The digests that a new process takes of a package that lies somewhere."""

    def __init__(self, place: Path) -> None:
        # `__init__.py` of the copies is empty, so that nothing else is imported.
        command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(place)!r})\n{DIGESTS}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.source, self.compiled, *deciding = done.stdout.split()
        self.deciding = dict(pair.split("=") for pair in deciding)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package's source that can be changed."""
    copy = tmp_path / "copy" / "gansim"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "__init__.py").write_text("")
    return copy


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Digests:
    return Digests(package.__wrapped__(tmp_path_factory.mktemp("before")).parent)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_change_of_what_decides_is_seen_and_named(package: Path, before: Digests) -> None:
    edit(package / "kernels/training/optimizers.py", "theta[i] - lr", "theta[i] + lr")
    edit(package / "traces.py", '"g_mean"', '"g_average"')
    after = Digests(package.parent)
    assert after.source != before.source and after.compiled != before.compiled
    differ = {name for name in before.deciding if before.deciding[name] != after.deciding[name]}
    assert differ == {"kernels/training/optimizers.py", "traces.py"}
    assert after.deciding.keys() == before.deciding.keys() == source.deciding_digests().keys()


def test_comments_docstrings_line_ends_and_other_rooms_decide_nothing(package: Path, before: Digests) -> None:
    for path in package.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    after = Digests(package.parent)
    assert (after.source, after.compiled, after.deciding) == (before.source, before.compiled, before.deciding)
    edit(package / "engine/simulate.py", '"""', '"""Said otherwise. ')
    bundles = package / "engine/bundles.py"
    bundles.write_bytes(b"# a comment\r\n" + bundles.read_bytes() + b"\r\n# the end\r\n")
    (package / "analysis" / "unused.py").write_text("x = 1\n")
    (package / "errors.py").write_text("x = 1\n")
    after = Digests(package.parent)
    assert after.deciding == before.deciding
    assert after.source != before.source


def test_a_module_decides_by_its_room(package: Path, before: Digests) -> None:
    (package / "kernels" / "networks" / "more.py").write_text("x = 1\n")
    after = Digests(package.parent)
    assert set(after.deciding) - set(before.deciding) == {"kernels/networks/more.py"}
    assert after.compiled != before.compiled


def test_the_same_from_a_zip(package: Path, tmp_path: Path, before: Digests) -> None:
    archive = tmp_path / "gansim.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in package.rglob("*.py"):
            out.write(path, path.relative_to(package.parent))
    there = Digests(archive)
    assert (there.source, there.compiled, there.deciding) == (before.source, before.compiled, before.deciding)


def test_an_edit_after_the_import_is_not_seen(package: Path) -> None:
    """Nor by what is imported later: digests are of the code that was there when gansim was imported."""
    script = f"""
import sys; sys.path.insert(0, {str(package.parent)!r})
from gansim import source
from pathlib import Path
for path in Path({str(package)!r}).rglob("*.py"):
    with path.open("a") as file:
        file.write("changed = True")
{DIGESTS}
"""
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    first = done.stdout.split()
    assert dict(pair.split("=") for pair in first[2:]) == source.deciding_digests()
    later = Digests(package.parent)  # the control: a process that starts now sees it
    assert later.source != first[0] and later.compiled != first[1]
    assert not set(later.deciding.values()) & set(source.deciding_digests().values())


# --- of syntax ----------------------------------------------------------------------------------

TEXT = '''
"""A docstring."""
from __future__ import annotations
import a.b as c

@decorated(x=1)
class K(Base, metaclass=M):
    """Another."""
    field: dict[str, int | None] = {"a": 1, "b": None}

    async def f(self, a, /, b=2.5, *rest, key: bool = True, **words) -> None:
        """A third."""
        async with a as b, c: yield b
        return

def g(): "nothing else"

empty = "", b"\\xff", "\\u00e9", 1e999, -0.0, 3j, ..., []
text = f"{a!r:<{b}}" f" {c:,} {{}}" "d" f""
chosen = [x if x else y for x in z if x for (y, *w) in z], lambda q: q, a[1:2, ::3], (n := 3)
match a:
    case {"k": [1, *_], **rest} if b: pass
    case K(x=1) | None: del a, b
try:
    assert not a < b <= c, "why"
except* (E, F) as error:
    raise G from error
finally:
    global v
'''


def of(text: str) -> str:
    return source.syntax_digest(ast.parse(text))


def test_the_digest_of_syntax_is_the_same_under_every_python() -> None:
    """The number was found under 3.11.7, 3.12.1 and 3.13.0."""
    assert of(TEXT) == "0da87d2ef2f4e5d0d82cbb4cd31321bddc3ccd42294b43938473a98c450243f9"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f():\n    'doc'\n    return 1", "def f():\n\n    # why\n    return (1)"),
        ("x = 'a'\r\ny = '''b\r\nc'''", "x = \"a\"; y = 'b\\nc'"),
        ("class K:\n    'doc'\n    x = 1", "class K:\n    x = 1"),
        ("f'{a:<{b}}'", "f'{a:<{b}}' ''"),
    ],
)
def test_what_means_the_same_has_one_digest(one: str, other: str) -> None:
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 1", "x = '1'"),
        ("x = 'a'", "x = a"),
        ("x = ''", "x = []"),
        ("x = ['', 1]", "x = [1]"),
        ("x = None", "x: None"),
        ("return_ = [1, [2]]", "return_ = [[1], 2]"),
        ("x = a + b * c", "x = (a + b) * c"),
        ("def f(a, b=1): pass", "def f(a=1, b=1): pass"),
        ("def f(): return None", "def f(): return"),
        ("x = 1\n'no docstring'", "x = 1"),
        ("x = lambda: 'text'", "x = lambda: 'else'"),
        ("x = 0.1", "x = 0.10000000000000002"),
    ],
)
def test_what_means_something_else_has_another(one: str, other: str) -> None:
    assert of(one) != of(other)
