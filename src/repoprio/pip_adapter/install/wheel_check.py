"""Checks wheels before they are installed: none may write pip's settings, the policy or the hook.

All wheels of an installation are checked before pip writes the first file: by the places to which pip would write
their files (`operations/install/wheel.py`, 22.0.2 to 26.3), and by the files that their lists would later remove.
"""

from __future__ import annotations

import enum
import functools
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from zipfile import BadZipFile, ZipFile

from pip._internal.locations import get_bin_prefix, get_scheme
from pip._internal.metadata import FilesystemWheel, get_wheel_distribution

from repoprio.config import file_text, policy_files
from repoprio.config.records import POINTER, SHIM
from repoprio.names import OWN_NAME
from repoprio.pip_adapter import policy_layers
from repoprio.pip_adapter.command import current
from repoprio.pip_adapter.errors import LookupRefused
from repoprio.pip_adapter.finder import own_release
from repoprio.pip_adapter.finder.registry import guard_behind
from repoprio.pip_adapter.install import removals
from repoprio.pip_adapter.requirements import project_of
from repoprio.policy.model import Policy
from repoprio.policy.routing import Route, route
from repoprio.render.messages.model import Message, message
from repoprio.wheel_destinations import Ground, Grounds, fold, is_setting
from repoprio.wording import join_words

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


_IS_WINDOWS = sys.platform == "win32"
_KEYS = ("purelib", "platlib", "headers", "scripts", "data")
_ENTRY_POINTS = ("console_scripts", "gui_scripts")
_PYTHONS = ("python", "python3", "python.exe")


class Options(NamedTuple):
    """The arguments of `install_given_reqs` that set the place; with ``--target``, `home` is a temporary folder."""

    root: str | None = None
    home: str | None = None
    prefix: str | None = None
    use_user_site: bool = False


class Deed(enum.Enum):
    """What happens to a place: pip writes it, removes it with the wheel, or replaces a folder around it."""

    WRITES = "would write"
    LISTS = "would make pip remove, when it is uninstalled,"
    REPLACES = "would make --upgrade remove"


class Effect(NamedTuple):
    """What a wheel does to one place, below `base`; `member` is the wheel's file that does it."""

    member: str
    place: str
    base: str
    deed: Deed = Deed.WRITES


def judge(policy: Policy, requirements: Iterable[InstallRequirement], options: Options) -> None:
    """Raise `LookupRefused` for the first of `requirements` whose wheel may not be installed."""
    for req in requirements:
        if req.is_wheel and req.local_file_path:
            try:
                with ZipFile(req.local_file_path) as archive:
                    _Wheel(policy, req, archive, options).judge()
            except BadZipFile as error:
                raise LookupRefused(message(f"{req.name}: its wheel cannot be read: {error}.", [], "wheel")) from None


@functools.cache
def settings_files() -> frozenset[str]:
    """All files from which pip may read settings, also with other variables; called before pip installs."""
    without = {name: value for name, value in os.environ.items() if name != "PIP_CONFIG_FILE"}
    named = os.environ.get("PIP_CONFIG_FILE")
    layers = policy_layers.pip_layers(isolated=False, environ=without)
    files = [file for layer in layers for file in layer.files]
    return _folded([*files, *([named] if named else [])])


class _Wheel:
    """One wheel, and the places to which pip would write its files."""

    def __init__(self, policy: Policy, req: InstallRequirement, archive: ZipFile, options: Options) -> None:
        self._policy = policy
        self._req = req
        self._project = project_of(req)
        assert req.local_file_path is not None
        self._file = req.local_file_path
        self._archive = archive
        self._home = options.home and os.path.abspath(options.home)
        scheme = get_scheme(
            req.name,
            user=options.use_user_site,
            home=options.home,
            root=options.root,
            isolated=req.isolated,
            prefix=options.prefix,
        )
        self._scheme = {key: os.path.abspath(getattr(scheme, key)) for key in _KEYS}
        # pip removes scripts from the second folder, even if it put them elsewhere.
        self._scripts = tuple(dict.fromkeys((self._scheme["scripts"], os.path.abspath(get_bin_prefix()))))
        # Cached: a wheel has thousands of files, in few folders.
        self._folder = functools.cache(lambda folder: os.path.realpath(self._moved(folder)))
        self._folded = functools.cache(lambda folder: _key(self._folder(folder)))
        self._grounds = _grounds(policy, {key: self._moved(path) for key, path in self._scheme.items()})

    def judge(self) -> None:
        """Raise `LookupRefused` if it may not be installed."""
        is_own = self._project == OWN_NAME
        if is_own:
            self._judge_replacement()
        for effect in self._effects():
            ground = self._ground(effect)
            if ground is None or (ground is Ground.HOOK and is_own):
                continue
            has_policy = ground is Ground.SETTINGS and self._has_policy(effect)
            if ground is not Ground.SETTINGS or has_policy or not self._is_routed():
                raise LookupRefused(self._refusal(effect, ground, has_policy=has_policy))

    def _effects(self) -> Iterator[Effect]:
        """What it writes, and then what else it would remove: its list of files names most of them again."""
        members = (member for member in self._archive.namelist() if not member.endswith("/"))
        written = [Effect(member, place, base) for member in members for base, place in self._destinations(member)]
        scripts = self._scheme["scripts"]
        written += [
            Effect(f"entry point {name}", removals.joined(scripts, name), scripts) for name in self._entry_points()
        ]
        yield from written
        yield from self._replaced(written)
        places = {effect.place for effect in written}
        for effect in written:
            yield from (removal for removal in self._removals(effect) if removal.place not in places)

    def _destinations(self, member: str) -> Iterator[tuple[str, str]]:
        """The places to which pip may write a file, each with its base folder; none if pip itself refuses the file."""
        path = os.path.normpath(member)
        if member.split("/", 1)[0].endswith(".data"):
            _, key, rest = [*path.split(os.path.sep, 2), "", ""][:3]
            if key in _KEYS and rest:
                yield self._scheme[key], os.path.join(self._scheme[key], rest)
        else:
            # The metadata says which of the two; checking both does no harm.
            for base in dict.fromkeys((self._scheme["purelib"], self._scheme["platlib"])):
                yield base, os.path.join(base, path)

    def _removals(self, effect: Effect) -> Iterator[Effect]:
        """What an uninstallation or upgrade would later remove: pip trusts the installed metadata."""
        is_imported = _key(self._moved(effect.place)) in self._grounds.imports
        removed = removals.removed(
            effect.place, lambda: self._read(effect.member), self._scripts, is_imported=is_imported
        )
        yield from (Effect(effect.member, place, base, Deed.LISTS) for base, place in removed)

    def _replaced(self, written: Iterable[Effect]) -> Iterator[Effect]:
        """What ``--target`` with ``--upgrade`` would remove: pip replaces whole folders there, except links."""
        target = current().target
        if not (self._home and target and current().replaces):
            return
        tops = {os.path.relpath(self._moved(e.place), target).split(os.path.sep, 1)[0]: e for e in written}
        for name, effect in tops.items():
            if name != os.pardir:
                inside = _all_of(os.path.join(target, name))
                yield from (Effect(effect.member, place, target, Deed.REPLACES) for place in inside)

    def _entry_points(self) -> list[str]:
        """The names of the scripts that pip makes; up to pip 26.0 such a name may lead to any folder."""
        distribution = get_wheel_distribution(FilesystemWheel(self._file), self._project)
        return [point.name for point in distribution.iter_entry_points() if point.group in _ENTRY_POINTS]

    def _ground(self, effect: Effect) -> Ground | None:
        folder, name = os.path.split(effect.place)
        name = fold(_long_name(folder, name))
        grounds, key = self._grounds, self._folded(folder)
        if is_setting(name) and _is_environment(self._folder(folder)):
            grounds = replace(grounds, environments=grounds.environments | {key})
        place = f"{key}/{name}"
        ground = grounds.of(place, self._folded(effect.base))
        if ground is Ground.LINK and effect.deed is not Deed.WRITES:
            return None
        # A file that pip writes over a link to a folder hides everything in that folder.
        takes_folder = effect.deed is not Deed.WRITES or os.path.islink(self._moved(effect.place))
        return ground or (grounds.below(place) if takes_folder else None)

    def _moved(self, path: str) -> str:
        """The final place of `path`: with ``--target``, pip moves it there."""
        if not self._home or not current().target:
            return path
        # Libraries first: their temporary folders are inside the other one.
        for base in (self._scheme["purelib"], self._scheme["platlib"], self._home):
            if path == base or path.startswith(base + os.path.sep):
                return os.path.normpath(os.path.join(current().target, os.path.relpath(path, base)))
        return path

    def _has_policy(self, effect: Effect) -> bool:
        """Whether the settings that it writes have the section [repoprio]."""
        if effect.deed is not Deed.WRITES:
            return False
        text = self._read(effect.member).decode("utf-8", "replace")
        return len(text) > file_text.SIZE_LIMIT or file_text.mentions(text)

    def _read(self, member: str) -> bytes:
        """The content of a file; empty for a script that pip makes."""
        if member not in self._archive.NameToInfo:
            return b""
        try:
            return self._archive.read(member)
        except (RuntimeError, zlib.error, EOFError) as error:
            # An encryption or compression that zipfile does not know, or broken data.
            raise BadZipFile(f"{member}: {error}") from None

    def _is_routed(self) -> bool:
        """Whether `owns` or a pin routes the wheel's name to the repository that it came from."""
        routing = route(self._policy, self._project)
        guard = guard_behind(self._req)
        is_looked_up = guard is not None and guard.has_looked_up(self._req)
        return is_looked_up and isinstance(routing, Route) and routing.is_routed

    def _judge_replacement(self) -> None:
        """Raise `LookupRefused` if it replaces this pip's repoprio, and the user did not ask for that by name."""
        if (
            own_release.is_asked_for()
            or self._req.user_supplied
            or self._is_routed()
            or own_release.version_here() is None
        ):
            return
        folders = {self._moved(self._scheme[key]) for key in ("purelib", "platlib")}
        path = {_key(os.path.realpath(entry)) for entry in sys.path}
        for folder in folders:
            is_there = any(os.path.exists(os.path.join(folder, f"{name}.py")) for name in (SHIM, POINTER))
            if is_there or _key(os.path.realpath(folder)) in path:
                lead = (
                    f"{self._shown()} would replace the repoprio that guards this pip, but was not requested by name."
                )
                hint = f"hint: if you want it, request it: add {OWN_NAME} to the command"
                raise LookupRefused(message(lead, [hint], "ask-by-name", help_text=self._policy.help))

    def _shown(self) -> str:
        guard = guard_behind(self._req)
        owners = guard.owners_of(self._project) if guard is not None else ()
        by = self._req.comes_from if hasattr(self._req.comes_from, "name") else None
        origin = f" from {join_words(owners)}" if owners and self._req.original_link is None else ""
        return f"{self._req.name}{origin}{f' (required by {by.name})' if by is not None else ''}"

    def _refusal(self, effect: Effect, ground: Ground, *, has_policy: bool) -> Message:
        reason, hint = _WORDS[Ground.POLICY if has_policy else ground]
        lead = f"{self._shown()} {effect.deed.value} {self._moved(effect.place)}: {reason}. Nothing was installed."
        wheel = os.path.basename(self._file)
        details = [f"in {wheel}: {effect.member}", f"hint: {hint.format(name=self._project)}"]
        return message(lead, details, "writes-configuration", help_text=self._policy.help)


_WORDS = {
    Ground.SETTINGS: (
        "a place of pip's or Python's settings",
        "if {name} should install settings, route it to the repository that you trust for them, with owns or a pin",
    ),
    Ground.POLICY: ("that is the policy, which no wheel may install", "install the policy without a wheel"),
    Ground.HOOK: (
        "a file that belongs to repoprio alone",
        "do not install {name}, and report this to the operator of that repository",
    ),
    Ground.LINK: (
        "it would make pip uninstall what a file elsewhere lists, perhaps files of repoprio",
        "do not install {name}, and report this to the operator of that repository",
    ),
}


def _grounds(policy: Policy, scheme: dict[str, str]) -> Grounds:
    """The protected places of this Python, and of the environment that the wheel goes into."""
    named = filter(None, (*policy.origins.values(), os.environ.get(policy_files.VARIABLE)))
    files = [*(os.path.join(current().folder, file) for file in named), policy_layers.system_folder()]
    own_folders = (sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable))
    custom = sys.modules.get("sitecustomize")
    customs = [os.path.dirname(str(custom.__file__))] if custom and hasattr(custom, POINTER) else []
    return Grounds(
        settings_files(),
        _folded(filter(os.path.isabs, files)),
        _folded([scheme["data"], scheme["scripts"], *own_folders]),
        _folded([scheme["purelib"], scheme["platlib"], *filter(os.path.isabs, sys.path)]),
        _folded(customs),
    )


def _folded(paths: Iterable[str]) -> frozenset[str]:
    """The paths, and the targets of their links at each step, folded."""
    return frozenset(_key(step) for path in paths for step in (*_steps(os.path.abspath(path)), os.path.realpath(path)))


def _steps(path: str) -> list[str]:
    """`path`, and the target of each link on its way: replacing any of these replaces the file."""
    steps: list[str] = []
    while path not in steps:
        steps.append(path)
        parents = [path]
        while (parent := os.path.dirname(parents[-1])) != parents[-1]:
            parents.append(parent)
        link = next(filter(os.path.islink, reversed(parents)), None)
        if link is not None:
            path = removals.joined(os.path.dirname(link), os.readlink(link)) + path[len(link) :]
    return steps


def _key(path: str) -> str:
    return fold(path.replace(os.path.sep, "/"))


def _long_name(folder: str, name: str) -> str:
    """The name of the file there: Windows also finds one by its short name, such as ``_REPOP~1.PY``."""
    return os.path.basename(os.path.realpath(os.path.join(folder, name))) if _IS_WINDOWS and "~" in name else name


def _all_of(path: str) -> Iterator[str]:
    """All files below a folder, or the single file; none for a link, which pip does not follow."""
    if os.path.islink(path):
        return
    if not os.path.isdir(path):
        yield from [path] if os.path.exists(path) else []
    for inside, folders, files in os.walk(path):
        below = (os.path.join(inside, name) for name in (*folders, *files))
        yield from (place for place in below if os.path.islink(place) or not os.path.isdir(place))


def _is_environment(folder: str) -> bool:
    """Whether `folder` is the prefix of another environment, or of an interpreter."""
    names = ("pyvenv.cfg", *_PYTHONS, *(f"{scripts}/{python}" for scripts in ("bin", "Scripts") for python in _PYTHONS))
    return any(os.path.lexists(os.path.join(folder, name)) for name in names)
