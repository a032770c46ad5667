"""Checks that the libraries still have the internals that the transports use; one sentence where they do not."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from runconsole.errors import LinkLost

__all__ = ["check_attributes", "check_methods", "unusable"]

_BOUNDS = {
    "websockets": ">=16,<18",
    "python-socketio": ">=5.11,<6",
    "python-engineio": ">=4.8,<5",
    "httpx2": ">=2.7,<3",
}
"""As in pyproject.toml."""


def unusable(package: str, why: str) -> LinkLost:
    """Return what is raised where a package lacks what is used of it: which one is installed, and which would do."""
    try:
        installed = version(package)
    except PackageNotFoundError:
        installed = "an unknown version"
    wanted = _BOUNDS[package]
    return LinkLost(
        f"expected {package} {wanted}, got {installed}, which is made otherwise ({why}):"
        f' pip install "{package}{wanted}"',
        fatal=True,
    )


def check_methods(package: str, owner: type, names: Iterable[str]) -> None:
    """Raise LinkLost where a class of a package lacks one of these methods; those of Python's own bases are none."""
    top = package.removeprefix("python-")
    own = [vars(base) for base in owner.__mro__ if base.__module__.partition(".")[0] == top]
    for name in names:
        if not any(name in members for members in own):
            raise unusable(package, f"{owner.__name__} has no {name}")


def check_attributes(package: str, owner: object, names: Iterable[str]) -> None:
    """Raise LinkLost where an object of a package lacks one of these attributes; dots go deeper."""
    for name in names:
        found = owner
        for part in name.split("."):
            if not hasattr(found, part):
                kind = getattr(owner, "__name__", None) or type(owner).__name__
                raise unusable(package, f"{kind} has no {name}")
            found = getattr(found, part)
