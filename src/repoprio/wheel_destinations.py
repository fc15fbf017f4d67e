"""Places where a wheel may not write: settings of pip, the policy, and repoprio itself. Pure.

Places are absolute paths as `fold` returns them: spellings that a file system may treat as one file are one text.
"""

from __future__ import annotations

import enum
import re
import unicodedata

from repoprio.dataclass import dataclass

# Files that pip, Python and uv read from the folder of an environment.
_SETTINGS = frozenset({"pip.conf", "pip.ini", "pyvenv.cfg", "uv.toml"})
_PACKAGES = ("/site-packages", "/dist-packages")
_CACHE = "/__pycache__"
# Editable installations by setuptools left such a file in the folder of packages; it names a project's folder.
_LINK = ".egg-link"
# repoprio's modules, compiled or not, its folders and metadata, and the files that Python runs at its start (PEP 829).
_HOOK = re.compile(r"_repoprio|repoprio(?:[.-]|$)")
_CUSTOM = re.compile(r"sitecustomize(?:\.|$)")
# Windows ignores dots and spaces at the end of a name, and what stands after a colon there (but a drive's) is a stream
# of the file before it: `x.pth.` and `x.pth::$DATA` are `x.pth`.
_STREAM = re.compile(r"(?<!^[a-z]):[^/]*")
_ENDING = re.compile(r"(?<=[^/. ])[. ]+(?=/|$)")


class Ground(enum.Enum):
    """What lies at a place: settings of pip or of an environment, the policy, or files of repoprio.

    LINK: with an egg-link pip uninstalls by metadata that may lie anywhere, even in an archive.
    """

    SETTINGS = enum.auto()
    POLICY = enum.auto()
    HOOK = enum.auto()
    LINK = enum.auto()


def fold(path: str) -> str:
    """`path` in one spelling for all that macOS or Windows treats as the same path."""
    same = unicodedata.normalize("NFD", path).casefold()
    return _ENDING.sub("", _STREAM.sub("", same)).rstrip("/")


def is_setting(name: str) -> bool:
    """Whether a file of this name, in the folder of an environment, holds settings."""
    return name in _SETTINGS or name.endswith("._pth")


@dataclass(frozen=True)
class Grounds:
    """The places that matter, all as `fold` returns them.

    `settings` are files, `policies` files and folders; `environments` are the folders of environments and of their
    interpreters; `imports` are folders that Python imports from; `customs` are folders whose sitecustomize starts
    the hook.
    """

    settings: frozenset[str]
    policies: frozenset[str]
    environments: frozenset[str]
    imports: frozenset[str]
    customs: frozenset[str] = frozenset()

    def of(self, place: str, root: str) -> Ground | None:
        """What lies at `place`, None if it does not matter; folders above `root` are not considered."""
        folder, _, name = place.rpartition("/")
        if place in self.policies or any(place.startswith(f"{policy}/") for policy in self.policies):
            return Ground.POLICY
        if place in self.settings or (is_setting(name) and folder in self.environments):
            return Ground.SETTINGS
        if name.endswith(_LINK) and self._holds_packages(folder):
            return Ground.LINK
        return Ground.HOOK if self._is_hook(place, root) else None

    def below(self, folder: str) -> Ground | None:
        """What would be lost if all of `folder` were removed; None if nothing that matters."""
        above = folder.rstrip("/") + "/"
        for ground, places in (
            (Ground.POLICY, self.policies),
            (Ground.HOOK, self.imports | self.customs),
            (Ground.SETTINGS, self.settings | self.environments),
        ):
            if any(f"{place}/".startswith(above) for place in places):
                return ground
        return None

    def _is_hook(self, place: str, root: str) -> bool:
        begin = len(root) if place.startswith(f"{root}/") else 0
        folder = place[:begin]
        for part in place[begin + 1 :].split("/"):
            home = folder.removesuffix(_CACHE)
            if _HOOK.match(part) and self._holds_packages(home):
                return True
            if _CUSTOM.match(part) and home in self.customs:
                return True
            folder = f"{folder}/{part}"
        return False

    def _holds_packages(self, folder: str) -> bool:
        return folder in self.imports or folder.endswith(_PACKAGES)
