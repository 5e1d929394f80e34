"""The floor plan, held: who may import whom, what may stand where, and that README and docs say what is true.

Every rule is a function from sources to a list of breaches. Each is run on the repository, where it must find none in a
set of files that is not empty, and on a small made-up source that breaks the rule, where it must find it.
"""

import ast
import graphlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from page_code import environment, python_blocks, run_blocks

ROOT = Path(__file__).resolve().parents[1]

# What a room of gansim may import from gansim, itself aside: a package, or a module that stands by itself. Within a
# package the imports must be free of cycles. docs/design.md says why.
BELOW_ALL = {"_version", "errors", "traces", "source", "escaping", "hints", "display", "children", "lanes"}
MAY_IMPORT = {
    **{name: set() for name in BELOW_ALL},
    "display": {"escaping"},
    "kernels": BELOW_ALL,
    "model": BELOW_ALL,
    "design": BELOW_ALL | {"model"},
    "engine": BELOW_ALL | {"model", "kernels"},
    "analysis": BELOW_ALL | {"model", "design"},
    "storage": BELOW_ALL | {"model", "kernels", "design"},
    "running": BELOW_ALL | {"model", "kernels", "design", "engine", "analysis", "storage"},
    "showing": BELOW_ALL | {"model", "design", "engine", "analysis"},
    "plotting": BELOW_ALL | {"model", "design", "engine", "analysis", "storage", "running", "showing"},
    "reporting": BELOW_ALL | {"model", "design", "engine", "analysis", "storage", "running", "showing", "plotting"},
    "live": BELOW_ALL | {"model", "kernels", "design", "engine", "analysis", "showing"},
    "pages": BELOW_ALL
    | {"model", "design", "engine", "analysis", "storage", "running", "showing", "plotting", "reporting"},
    "notebook": BELOW_ALL | {"model", "live", "pages"},
    "explorer": BELOW_ALL | {"model", "design", "analysis", "storage", "reporting", "live", "pages"},
    "benchmarking": BELOW_ALL | {"model", "kernels", "engine", "running"},
    "command_line": BELOW_ALL | {"model", "design", "analysis", "storage", "running", "reporting", "explorer", "pages"},
    "plot": {"plotting", "reporting"},
    "__main__": {"command_line"},
    "__init__": BELOW_ALL
    | {"model", "design", "engine", "analysis", "running", "reporting", "plot", "pages", "notebook"},
}
MAY_PRINT = {"command_line"}  # through `escaping`
COMPILER = {"numba", "llvmlite"}
FILE_LINES, MODULES = 600, 14  # of a file of gansim, and in a folder: more is hard to find one's way in
STUDY_LINES = 150  # of code and docstrings: one screen of parameters, one of tables, one of figures
README_COMMANDS = ["pip install -e . && python studies/regimes.py", 'pip install -e ".[test]" && pytest']


# --- what is scanned ----------------------------------------------------------------------------


def sources(folder: str) -> dict[str, str]:
    """Python files under a folder of the repository: path relative to the root -> text."""
    found = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    assert found, f"no Python file under {folder}/: a rule that scans nothing proves nothing"
    return found


def texts() -> dict[str, str]:
    """Every text file that a reader may get to see: path relative to the root -> text."""
    suffixes = {".py", ".md", ".toml", ".cff", ".json", ".csv", ".tex", ".txt"}
    folders = ["gansim", "studies", "tests", "docs", "results"]
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.iterdir())
    built = {ROOT / "docs/made", ROOT / "docs/_build"}  # of the site: not kept
    paths = [path for path in paths if path.suffix in suffixes and not built & {*path.parents}]
    paths += [ROOT / ".ci/run", ROOT / ".gitignore"]
    found = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}
    assert {"README.md", "pyproject.toml", "docs/design.md", "gansim/model/gan.py"} <= found.keys()
    return found


def layer(path: str) -> str:
    """`gansim/kernels/games.py` -> `kernels`, `gansim/errors.py` -> `errors`."""
    parts = Path(path).with_suffix("").parts
    return parts[1]


def dotted(path: str) -> str:
    """`gansim/kernels/games.py` -> `gansim.kernels.games`, `gansim/__init__.py` -> `gansim`."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: str, text: str) -> list[tuple[int, str]]:
    """Line and absolute dotted name of all that a file imports, wherever the statement stands.

    `from gansim import tables` gives `gansim.analysis`: whether that is a module is for the caller to say.
    """
    found = []
    package = list(Path(path).parent.parts)
    for node in ast.walk(ast.parse(text, path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{stem}.{alias.name}") for alias in node.names]
    return found


# --- the rules ----------------------------------------------------------------------------------


def upward_imports(files: dict[str, str]) -> list[str]:
    """Imports that the floor plan does not allow."""
    layers = {layer(path) for path in files}
    found = [f"gansim/{name}: has no row in MAY_IMPORT" for name in sorted(layers - MAY_IMPORT.keys())]
    for path, text in files.items():
        own = layer(path)
        for line, name in imports(path, text):
            head, *rest = name.split(".")
            if head != "gansim":
                continue
            # A name that is no module is one of the package's own: from there, that is an import of everything.
            target = rest[0] if rest and rest[0] in layers | MAY_IMPORT.keys() else "__init__"
            if target != own and target not in MAY_IMPORT.get(own, set()):
                found.append(f"{path}:{line}: {own} may not import {name}")
    return found


def import_cycles(files: dict[str, str]) -> list[str]:
    """A circle of modules that import each other, if there is one."""
    modules = {dotted(path) for path in files}
    graph: dict[str, set[str]] = {}
    for path, text in files.items():
        names = {name for _, name in imports(path, text)}
        # `from gansim.kernels.lanes import fma` depends on the module, `from gansim.kernels import lanes` on both.
        targets = {name if name in modules else name.rpartition(".")[0] for name in names}
        graph[dotted(path)] = (targets & modules) - {dotted(path), "gansim"}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [" -> ".join(error.args[1])]
    return []


def stray_compilers(files: dict[str, str]) -> list[str]:
    """Imports of Numba or llvmlite outside the kernels."""
    return [
        f"{path}:{line}: {name}"
        for path, text in files.items()
        if layer(path) != "kernels"
        for line, name in imports(path, text)
        if name.split(".")[0] in COMPILER
    ]


def prints(files: dict[str, str]) -> list[str]:
    """Calls of print where a caller did not ask for output."""
    return [
        f"{path}:{node.lineno}: print"
        for path, text in files.items()
        if layer(path) not in MAY_PRINT
        for node in ast.walk(ast.parse(text, path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def own_pythons(files: dict[str, str]) -> list[str]:
    """Python processes started elsewhere than in children.py, which isolates them from the current folder."""
    return [
        f"{path}:{number}: sys.executable"
        for path, text in files.items()
        if layer(path) != "children"
        for number, line in enumerate(text.splitlines(), 1)
        if "sys.executable" in line
    ]


def fast_math(files: dict[str, str]) -> list[str]:
    """Numba's fastmath in any spelling but False: it compiles `isnan` away and makes bits depend on the CPU."""
    found = []
    for path, text in files.items():
        for node in ast.walk(ast.parse(text, path)):
            pairs: list[tuple[str | None, ast.expr]] = []
            if isinstance(node, ast.Call):
                pairs = [(word.arg, word.value) for word in node.keywords]
            elif isinstance(node, ast.Dict):
                pairs = [
                    (key.value, value)
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)
                ]
            for key, value in pairs:
                if key == "fastmath" and not (isinstance(value, ast.Constant) and value.value is False):
                    found.append(f"{path}:{value.lineno}: fastmath={ast.unparse(value)}")
    return found


def machine_paths(files: dict[str, str]) -> list[str]:
    """Absolute paths that exist on somebody's machine only."""
    pattern = re.compile(r"(?<![\w.:/$}\]-])/(?:home|root|Users|work|tmp|mnt|opt|farm|scratch)/\w")
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def private_uses(files: dict[str, str], public: set[str], modules: set[str]) -> list[str]:
    """What studies take from gansim beside its public names and public modules."""
    found = []
    for path, text in files.items():
        tree = ast.parse(text, path)
        uses = [(line, name.split(".")) for line, name in imports(path, text)]
        known_names = aliases(tree)
        uses += [(node.lineno, chain) for node in ast.walk(tree) if (chain := attribute_chain(node, known_names))]
        for line, (package, *names) in uses:
            hidden = any(name.startswith("_") and name != "__version__" for name in names)
            known = not names or names[0] in public | modules - {"kernels"} | {"__version__"}
            if package in COMPILER or (package == "gansim" and (hidden or not known)):
                found.append(f"{path}:{line}: {'.'.join([package, *names])} is not public")
    return found


def aliases(tree: ast.AST) -> dict[str, list[str]]:
    """What the names that a file imports from gansim stand for: `gs` -> gansim, `shares` -> gansim.analysis.shares."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "gansim":
                    found[alias.asname or "gansim"] = alias.name.split(".") if alias.asname else ["gansim"]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gansim":
            for alias in node.names:
                found[alias.asname or alias.name] = [*node.module.split("."), alias.name]
    return found


def attribute_chain(node: ast.AST, known: dict[str, list[str]]) -> list[str]:
    """`gs.analysis.shares` -> gansim, analysis, shares; nothing where the chain does not start at gansim.

    Methods of the objects that gansim returns are the objects' business: the chain ends at the first call.
    """
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [*known[node.id], *names] if names and isinstance(node, ast.Name) and node.id in known else []


def long_studies(files: dict[str, str]) -> list[str]:
    """Study scripts of more than STUDY_LINES lines, blank lines and comments not counted; their modules are free."""
    found = []
    for path, text in files.items():
        if path.count("/") > 1:
            continue
        lines = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
        if len(lines) > STUDY_LINES:
            found.append(f"{path}: {len(lines)} lines, {STUDY_LINES} allowed")
    return found


def wrong_commands(readme: str) -> list[str]:
    """What the README's install lines are, where they are not the two promised ones in their order."""
    found = [line for line in readme.splitlines() if line.lstrip("$ ").startswith("pip install ")]
    return [] if found == README_COMMANDS else [f"install lines: {found}"]


def broken_links(files: dict[str, str], exists) -> list[str]:
    """Relative links of Markdown pages that lead to no file, or to no heading of the page they lead to."""
    found = []
    for path, text in files.items():
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        targets = re.findall(r"\]\(([^)\s]+)[^)]*\)", prose) + re.findall(r'<img[^>]+src="([^"]+)"', prose)
        for target in targets:
            name, _, anchor = target.partition("#")
            page = os.path.normpath(Path(path).parent / name) if name else path
            if "://" not in target and not (exists(page) and (not anchor or anchor in headings(files.get(page, "")))):
                found.append(f"{path}: {target}")
    return found


def headings(page: str) -> set[str]:
    """Anchors of a Markdown page, made from its headings as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def floor_plan(page: str) -> set[str]:
    """The modules that docs/design.md's floor plan draws, as paths from the root."""
    block = re.search(r"^```text\ngansim/\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block, "docs/design.md has no floor plan that starts with gansim/"
    found: set[str] = set()
    folders = ["gansim/"]
    for line in block[1].splitlines():
        entry = re.match(r"( +)([\w.]+/?)", line)
        if entry is None:
            break  # what follows the package: studies, tests, results
        del folders[len(entry[1]) // 2 :]
        if entry[2].endswith("/"):
            folders.append(entry[2])
        else:
            found.add("".join(folders) + entry[2])
    return found


def long_files(files: dict[str, str]) -> list[str]:
    """Files of more than FILE_LINES lines."""
    return [f"{path}: {n} lines" for path, text in files.items() if (n := text.count("\n")) > FILE_LINES]


def crowded_folders(files: dict[str, str]) -> list[str]:
    """Folders of more than MODULES modules."""
    folders = [str(Path(path).parent) for path in files if not path.endswith("/__init__.py")]
    return [f"{folder}: {n} modules" for folder in sorted(set(folders)) if (n := folders.count(folder)) > MODULES]


# --- the repository keeps them ------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        *(upward_imports, import_cycles, stray_compilers, prints, own_pythons, fast_math, long_files, crowded_folders),
    ],
)
def test_the_package_keeps_the_rule(rule):
    assert rule(sources("gansim")) == []


def test_the_floor_plan_itself_has_no_circle():
    order = list(graphlib.TopologicalSorter(MAY_IMPORT).static_order())
    assert order.index("model") < order.index("design") < order.index("storage") < order.index("running")
    assert not {"kernels", "engine", "running"} & (MAY_IMPORT["analysis"] | MAY_IMPORT["design"])
    # What decides bits (source.py) takes from nowhere else than from rooms that decide, and from those below all.
    assert MAY_IMPORT["engine"] | MAY_IMPORT["model"] | MAY_IMPORT["kernels"] == BELOW_ALL | {"model", "kernels"}
    assert "kernels" not in MAY_IMPORT["reporting"]


def test_no_fast_math_outside_the_package_either():
    assert fast_math(sources("studies") | sources("tests")) == []


def test_no_path_of_one_machine():
    assert machine_paths(texts()) == []


def test_studies_use_public_names_and_stay_short():
    files = sources("studies")
    assert private_uses(files, public_names(), package_modules()) == []
    assert long_studies(files) == []


def test_every_public_name_is_there():
    import gansim

    names = public_names()
    assert {"GAN", "Study", "simulate", "trace", "gradients", "tabulate", "compare"} <= names
    assert [name for name in sorted(names) if not hasattr(gansim, name)] == []


def test_the_drawn_floor_plan_is_the_built_one():
    drawn = floor_plan((ROOT / "docs/design.md").read_text(encoding="utf-8"))
    built = {path for path in sources("gansim") if path.count("/") == 1 or not path.endswith("/__init__.py")}
    assert drawn == built


def test_long_files_that_go_first_are_there():
    import conftest

    assert all(list((ROOT / "tests").rglob(f"test_{name}.py")) for name in conftest.FIRST)


def test_the_package_is_typed():
    assert (ROOT / "gansim/py.typed").is_file()


def test_links_lead_somewhere():
    pages = {path: text for path, text in texts().items() if path.endswith(".md") and not path.startswith("results/")}
    assert len(pages) >= 4
    assert broken_links(pages, lambda path: (ROOT / path).exists()) == []


def test_one_version():
    import gansim

    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    newest = re.search(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert citation and newest
    assert citation[1] == newest[1] == gansim.__version__


def public_names() -> set[str]:
    """`__all__` of the package, read without importing it."""
    for node in ast.parse((ROOT / "gansim/__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return set(ast.literal_eval(node.value))
    raise AssertionError("gansim/__init__.py has no __all__ that can be read without running it")


def package_modules() -> set[str]:
    return {layer(path) for path in sources("gansim")} - {"__init__", "__main__"}


# --- README -------------------------------------------------------------------------------------


def test_readme_holds_the_two_commands():
    assert wrong_commands((ROOT / "README.md").read_text(encoding="utf-8")) == []


def toml_blocks(page: str) -> list[str]:
    """The TOML blocks of a Markdown page."""
    return re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    ("page", "cells"),
    [("README.md", [64]), ("docs/harness.md", [146]), ("docs/methods.md", [15, 3]), ("docs/parametric.md", [18])],
)
def test_studies_in_toml_can_be_run(page, cells):
    blocks = toml_blocks((ROOT / page).read_text(encoding="utf-8"))
    assert [len(studied(block).cells) for block in blocks] == cells


def studied(block: str):
    """The study that a TOML block describes."""
    from gansim import Study
    from gansim.design import schema

    described = schema.from_dict(tomllib.loads(block))
    return Study.of(described.name, described.designs, described.seed).with_reps(described.reps)


def test_a_study_in_toml_that_cannot_be_run_is_found():
    page = "```toml\nname = 'x'\n[[designs]]\nname = 'x'\nrepz = 3\n```\n"
    with pytest.raises(ValueError, match="repz"):
        studied(toml_blocks(page)[0])


def test_readme_code_runs(tmp_path):
    blocks = python_blocks((ROOT / "README.md").read_text(encoding="utf-8"))
    assert sum(block.printed is not None for block in blocks) >= 2
    run_blocks([block for block in blocks if not block.slow], tmp_path)


def test_code_of_own_games_runs(tmp_path):
    blocks = python_blocks((ROOT / "docs/own-game.md").read_text(encoding="utf-8"))
    assert [block.printed is not None for block in blocks] == [True, True, True, True]
    run_blocks(blocks, tmp_path)


def test_code_of_games_of_two_vectors_runs(tmp_path):
    blocks = python_blocks((ROOT / "docs/parametric.md").read_text(encoding="utf-8"))
    assert [block.printed is not None for block in blocks] == [True, True, True, True]
    run_blocks(blocks, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/own-data.md", "docs/methods.md"])
def test_all_code_of_a_page_runs(page, tmp_path):
    subprocess.run([sys.executable, "-m", "gansim", "init", "observed"], cwd=tmp_path, env=environment(), check=True)
    run_blocks(python_blocks((ROOT / page).read_text(encoding="utf-8")), tmp_path)


# --- negative controls: each rule finds the breach that is there to be found --------------------

BREACHES = [
    (upward_imports, {"gansim/analysis/shares.py": "from gansim.engine.replay import trace"}),
    (upward_imports, {"gansim/model/gan.py": "def late():\n    from ..running.study import Study"}),
    (upward_imports, {"gansim/reporting/report.py": "from ..kernels import train"}),
    (upward_imports, {"gansim/kernels/games.py": "from ..model.gan import GAN"}),
    (upward_imports, {"gansim/design/design.py": "import gansim.kernels.training.train"}),
    (upward_imports, {"gansim/storage/disk.py": "import gansim"}),
    (upward_imports, {"gansim/storage/disk.py": "from gansim import simulate"}),
    (upward_imports, {"gansim/newcomer.py": ""}),
    (import_cycles, {"gansim/kernels/a.py": "from .b import f", "gansim/kernels/b.py": "from gansim.kernels import a"}),
    (stray_compilers, {"gansim/engine/simulate.py": "from numba import njit"}),
    (stray_compilers, {"gansim/analysis/theory.py": "def f():\n    import llvmlite.ir"}),
    (prints, {"gansim/running/study.py": "print('done')"}),
    (own_pythons, {"gansim/engine/warm.py": "subprocess.Popen([sys.executable, '-c', 'pass'])"}),
    (fast_math, {"gansim/kernels/training/train.py": "@njit(cache=True, fastmath=True)\ndef f(): pass"}),
    (fast_math, {"gansim/kernels/training/train.py": "options = {'fastmath': {'contract'}}"}),
    (machine_paths, {"docs/design.md": "see " + "/" + "home/somebody/notes.md"}),
    (machine_paths, {"results/metadata.json": '{"out": "' + "/" + 'tmp/x"}'}),
    (long_files, {"gansim/model/gan.py": "x = 1\n" * (FILE_LINES + 1)}),
    (crowded_folders, {f"gansim/model/m{n}.py": "" for n in range(MODULES + 1)}),
    (long_studies, {"studies/long.py": "x = 1\n" * (STUDY_LINES + 1)}),
]


@pytest.mark.parametrize(("rule", "files"), BREACHES)
def test_a_breach_is_found(rule, files):
    assert len(rule(files)) == 1


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (
            upward_imports,
            {"gansim/running/study.py": "import gansim.design.design\nfrom ..engine.simulate import run_chunk"},
        ),
        (upward_imports, {"gansim/storage/provenance.py": "from gansim._version import __version__"}),
        (import_cycles, {"gansim/kernels/a.py": "from .b import f", "gansim/kernels/b.py": "import numpy"}),
        (stray_compilers, {"gansim/kernels/lanes.py": "import numba"}),
        (prints, {"gansim/command_line/cli.py": "print('done')"}),
        (own_pythons, {"gansim/children.py": "subprocess.Popen([sys.executable, '-P', '-c', 'pass'])"}),
        (fast_math, {"gansim/kernels/compiling/jit.py": "@njit(fastmath=False)\ndef f():\n    'no fastmath here'"}),
        (machine_paths, {"README.md": "results/regimes, https://example.org/home/x, ../tmp/x"}),
        (long_studies, {"studies/short.py": "x = 1\n" * STUDY_LINES + "\n# why\n" * 9}),
    ],
)
def test_what_is_allowed_passes(rule, files):
    assert rule(files) == []


@pytest.mark.parametrize(
    "text",
    [
        "from gansim.kernels import train",
        "from gansim import _secret",
        "from gansim import nonsense",
        "import gansim as gs\ngs._secret",
        "import gansim as gs\nx = gs.analysis.shares._format",
        "import gansim as gs\nx = gs.nonsense(1)",
        "from gansim.analysis import shares\nx = shares._format(1)",
        "import gansim.kernels.training.train",
        "import numba",
    ],
)
def test_a_study_that_reaches_inside_is_found(text):
    assert len(private_uses({"studies/bad.py": text}, {"simulate", "GAN"}, {"engine", "kernels", "analysis"})) == 1


def test_a_study_with_public_names_passes():
    text = "import gansim as gs\nfrom gansim.analysis import shares\nfrom gansim.command_line.cli import Options\n"
    text += "gs.GAN(shares.tabulate)"
    assert private_uses({"studies/good.py": text}, {"GAN"}, {"command_line", "analysis", "kernels"}) == []


def test_a_changed_readme_command_is_found():
    good = "```sh\n" + "\n".join(README_COMMANDS) + "\n```\n"
    assert wrong_commands(good) == []
    assert wrong_commands(good.replace(" && pytest", "; pytest"))
    assert wrong_commands(good + "pip install jax\n")
    assert wrong_commands("")


def test_blocks_are_found_and_failing_ones_fail(tmp_path):
    page = "```python\na = 1\n```\ntext\n<!-- slow -->\n```python\nassert a == 2\n```\n```sh\nls\n```\n"
    assert python_blocks(page) == [(False, "a = 1\n", None), (True, "assert a == 2\n", None)]
    run_blocks([block for block in python_blocks(page) if not block.slow], tmp_path)
    with pytest.raises(AssertionError, match="a == 2"):
        run_blocks(python_blocks(page), tmp_path)
    printed = "```python\nprint(1)\n```\n\n```text\n1\n```\n"
    run_blocks(python_blocks(printed), tmp_path)
    with pytest.raises(AssertionError):
        run_blocks(python_blocks(printed.replace("text\n1", "text\n2")), tmp_path)
    with pytest.raises(AssertionError, match="no python block"):
        run_blocks([], tmp_path)


def test_a_broken_link_is_found():
    links = "[x](b.md#what-is-it) [y](https://example.org/#z) [here](#n1) [z](gone.md) [w](b.md#no) [v](#no)"
    pages = {"docs/a.md": f"# N1\n{links}\n```\n[code](no.md)\n```\n", "docs/b.md": "## What, *is* it?\n"}
    found = broken_links(pages, lambda path: path in pages)
    assert found == ["docs/a.md: gone.md", "docs/a.md: b.md#no", "docs/a.md: #no"]


def test_a_wrong_floor_plan_differs():
    page = "```text\ngansim/\n  errors.py x\n  kernels/ y\n    games.py z\n"
    page += "  reporting/ t\n    figures/ u\n      look.py v\ns/\n```\n"
    assert floor_plan(page) == {"gansim/errors.py", "gansim/kernels/games.py", "gansim/reporting/figures/look.py"}


def test_an_empty_folder_is_no_proof():
    with pytest.raises(AssertionError, match="scans nothing"):
        sources("no-such-folder")
