"""One parsed TOML document into a `Policy`. Pure: the environment and all tools are handed in."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from repoprio.config import schema
from repoprio.config.faults import Fault, PolicyFaults, did_you_mean
from repoprio.policy import Location, Pin, Policy, Repository
from repoprio.urls import credentials, hushed, place, site, without_credentials

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
PYPI = "pypi"


@dataclass(frozen=True)
class Tools:
    """What reading a policy needs from outside the standard library.

    `parse_toml` raises `ValueError`; `is_specifier` tells a version specifier (PEP 440);
    `default_index` is what the alias ``pypi`` stands for.
    """

    parse_toml: Callable[[str], dict[str, Any]]
    is_specifier: Callable[[str], bool]
    default_index: str = PYPI


def read(text: str, file: str, environ: Mapping[str, str], tools: Tools) -> Policy:
    """The policy that `text` says; `PolicyFaults` with all that is wrong with it."""
    try:
        document = tools.parse_toml(text)
    except (ValueError, RecursionError) as error:
        raise PolicyFaults([Fault(file, "", f"is not TOML: {error}")]) from None
    reader = _Reader(file, environ, tools)
    policy = reader.policy(document)
    if reader.faults:
        raise PolicyFaults(reader.faults)
    return policy


@dataclass
class _Reader:
    """Goes through a document once and collects the faults on its way."""

    file: str
    environ: Mapping[str, str]
    tools: Tools
    faults: list[Fault] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def policy(self, document: dict[str, Any]) -> Policy:
        """The policy, of use only where no fault was found."""
        settings = {key: value for key, value in document.items() if key not in schema.TABLES}
        found = self._table(settings, "", schema.POLICY, extra=schema.TABLES)
        found.pop("locked", None)
        repositories = tuple(self._repositories(document.get("repositories", {})))
        if not repositories and not self.faults:
            self._fault("repositories", "there is none: a policy names at least one repository")
        self._check_priorities(repositories)
        self._check_places(repositories)
        pins = tuple(self._pins(document.get("pins", {}), {r.name for r in repositories}))
        self._check_pins(pins)
        fields = {key.replace("-", "_"): value for key, value in found.items()}
        origins = MappingProxyType(self.origins)
        return Policy(repositories, pins, origins=origins, secrets=self._secrets(repositories), **fields)

    def _secrets(self, repositories: tuple[Repository, ...]) -> frozenset[str]:
        """Passwords and values of variables, as they are and as URLs spell them; short ones tell nothing."""
        locations = [location for repository in repositories for location in repository.locations]
        known = self.secrets | {location.password or location.user or "" for location in locations}
        spelled = (text for secret in known for text in _spellings(secret))
        return frozenset(text for text in spelled if len(text) >= 4)

    def _fault(self, key: str, problem: str) -> None:
        self.faults.append(Fault(self.file, key, problem))

    def _table(
        self,
        raw: Mapping[str, Any],
        path: str,
        keys: Mapping[str, schema.Parser],
        extra: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The known keys of a table, parsed; the others and the bad ones become faults."""
        found = {}
        for key, value in raw.items():
            dotted = f"{path}.{key}" if path else key
            if key not in keys:
                self._fault(dotted, f"is not a key here{did_you_mean(key, [*keys, *extra])}")
                continue
            try:
                found[key] = keys[key](value)
                self.origins[dotted] = self.file
            except schema.NotExpected as error:
                self._fault(dotted, f"{_shown(value)} {error}")
        return found

    def _entries(self, raw: Any, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        if not isinstance(raw, dict):
            self._fault(kind, f"{_shown(raw)} is not a table: write [{kind}.NAME]")
            return
        for name, entry in raw.items():
            dotted = f"{kind}.{name}"
            try:
                schema.entry_name(name)
            except schema.NotExpected as error:
                self._fault(dotted, f"{name!r} {error}")
            if isinstance(entry, dict):
                self.origins[dotted] = self.file
                yield name, dotted, entry
            else:
                self._fault(dotted, f"{_shown(entry)} is not a table: write [{kind}.NAME]")

    def _repositories(self, raw: Any) -> Iterator[Repository]:
        for name, dotted, entry in self._entries(raw, "repositories"):
            found = self._table(entry, dotted, schema.REPOSITORY)
            if "url" not in entry:
                self._fault(f"{dotted}.url", "is missing: every repository has one")
            urls = {"url": found.pop("url", None), "mirrors": found.pop("mirrors", ())}
            places = [("url", urls["url"])] if urls["url"] else []
            places += [("mirrors", url) for url in urls["mirrors"]]
            locations = self._locations(places, dotted, name)
            aliases = (self._location(alias, f"{dotted}.aliases") for alias in found.get("aliases", ()))
            found["aliases"] = tuple(alias.url for alias in aliases if alias.url and not alias.unset)
            if "absent" in found:
                found["absent"], found["empty_page_is_absent"] = found["absent"]
            found["complete_listing"] = found.pop("listing", False)
            fields = {key.replace("-", "_"): value for key, value in found.items()}
            repository = Repository(name, locations, **fields)
            self._check_blindness(repository, dotted)
            yield repository

    def _locations(self, places: list[tuple[str, str]], dotted: str, name: str) -> tuple[Location, ...]:
        """The repository's URL and its mirrors; a login from the environment is for the site of its URL alone."""
        found = [self._location(url, f"{dotted}.{key}") for key, url in places]
        for number, location in enumerate(found):
            usable = location.url.startswith("http") and not (location.unset or found[0].unset)
            if usable and location.user is None and site(location.url) == site(found[0].url or location.url):
                user, password = self._login_from_environment(name)
                found[number] = replace(location, user=user, password=password)
        return tuple(found)

    def _location(self, written: str, dotted: str) -> Location:
        self.secrets |= {self.environ.get(v, "") for v in _VARIABLE.findall(written)}
        unset = tuple(v for v in _VARIABLE.findall(written) if v not in self.environ)
        url = _VARIABLE.sub(lambda match: self.environ.get(match[1], match[0]), written)
        url = self.tools.default_index if url == PYPI else _as_url(url, self.environ.get("HOME", ""))
        if not unset and (problem := _url_problem(url)):
            self._fault(dotted, f"{_shown(written)} {problem}")
            return Location.of("")
        if unset:
            return Location(hushed(written), hushed(written), unset=unset)
        user, password = credentials(url) or (None, "")
        return Location(hushed(written).replace("****@", ""), without_credentials(url), user, password)

    def _login_from_environment(self, name: str) -> tuple[str | None, str]:
        """REPOPRIO_<NAME>_USERNAME and _PASSWORD; a password alone is a token's."""
        prefix = f"REPOPRIO_{name.upper().replace('-', '_')}"
        password = self.environ.get(f"{prefix}_PASSWORD", "")
        user = self.environ.get(f"{prefix}_USERNAME")
        return (user, password) if user or not password else ("__token__", password)

    def _pins(self, raw: Any, repositories: set[str]) -> Iterator[Pin]:
        for name, dotted, entry in self._entries(raw, "pins"):
            found = self._table(entry, dotted, schema.PIN)
            if "projects" not in entry:
                self._fault(f"{dotted}.projects", "is missing: a pin says for which projects it holds")
            elif not set(entry) & {"repositories", "versions", "block", "mode"}:
                self._fault(dotted, "sets nothing: add repositories, versions, block or mode")
            for repository in found.get("repositories", ()):
                if repository not in repositories:
                    self._fault(
                        f"{dotted}.repositories",
                        f"{repository!r} is not a repository of this policy{did_you_mean(repository, repositories)}",
                    )
            if "versions" in found and not self.tools.is_specifier(found["versions"]):
                self._fault(
                    f"{dotted}.versions",
                    f'{_shown(found["versions"])} is not a version specifier, such as "<3"',
                )
            yield Pin(name, found.pop("projects", ()), **found)

    def _check_priorities(self, repositories: tuple[Repository, ...]) -> None:
        enabled = [r for r in repositories if r.enabled]
        for repository in enabled if len(enabled) > 1 else []:
            dotted = f"repositories.{repository.name}.priority"
            if dotted not in self.origins and not any(fault.key == dotted for fault in self.faults):
                self._fault(dotted, "is missing: with two repositories or more, each one needs a priority")

    def _check_places(self, repositories: tuple[Repository, ...]) -> None:
        """Two repositories at one place: which of them a URL means could not be told."""
        seen: dict[tuple[str, str], str] = {}
        for repository in repositories:
            own = [loc.url for loc in repository.locations if loc.url and not loc.unset]
            for url in {place(u): u for u in [*own, *repository.aliases] if u}:
                key = (url, repository.format.value)
                if key in seen:
                    self._fault(f"repositories.{repository.name}", f"is at the same URL as repositories.{seen[key]}")
                seen.setdefault(key, repository.name)

    def _check_blindness(self, repository: Repository, dotted: str) -> None:
        included = repository.namespaces + repository.include
        if included and set(included) <= set(repository.exclude):
            self._fault(f"{dotted}.exclude", "takes out all that namespaces and include let in")

    def _check_pins(self, pins: tuple[Pin, ...]) -> None:
        """Two pins with one pattern that set the same thing would refuse every name of it."""
        seen: dict[tuple[str, str], str] = {}
        for pin in pins:
            sets = {
                "block or repositories": pin.block is not None or bool(pin.repositories),
                "versions": pin.versions is not None,
                "mode": pin.mode is not None,
            }
            for pattern in dict.fromkeys(pin.projects):
                for what in (what for what, is_set in sets.items() if is_set):
                    other = seen.setdefault((pattern.text, what), pin.name)
                    if other != pin.name:
                        self._fault(f"pins.{pin.name}", f"sets {what} for {pattern.text}, and so does pins.{other}")


def _shown(value: Any) -> str:
    """A value as a fault shows it: no logins, and not too long."""
    text = str(value).lower() if isinstance(value, bool) else repr(_hushed(value))
    return text if len(text) <= 80 else text[:77] + "..."


def _hushed(value: Any) -> Any:
    if isinstance(value, str):
        return hushed(value)
    if isinstance(value, list):
        return [_hushed(item) for item in value]
    if isinstance(value, dict):
        return {_hushed(key): _hushed(item) for key, item in value.items()}
    return value


def _spellings(secret: str) -> tuple[str, ...]:
    """A secret as it is, and as URLs spell it before and after they were normalized."""
    plain = unquote(secret)
    return secret, plain, quote(secret, safe=""), quote(plain, safe=""), quote(plain)


def _as_url(text: str, home: str) -> str:
    if text.startswith("~/") and home:
        text = os.path.join(home, text[2:])
    if text.startswith("/"):
        return PurePosixPath(text).as_uri()
    windows = PureWindowsPath(text)
    return windows.as_uri() if windows.drive and windows.is_absolute() else text


def _url_problem(url: str) -> str | None:
    """What is wrong with `url` as the URL of a repository, or None."""
    if url == PYPI:
        return None
    try:
        parts, where = urlsplit(url), site(url)
    except ValueError as error:
        return f"is not a URL: {error}"
    if where.scheme not in ("http", "https", "file"):
        return 'is not an http:, https: or file: URL, an absolute path, or "pypi"'
    if where.scheme != "file" and not where.host:
        return "is a URL without a host"
    if where.scheme == "file" and (where.host not in ("", "localhost") or not parts.path.startswith("/")):
        return "is not the file: URL of an absolute path on this machine"
    if parts.query or parts.fragment or any(c.isspace() for c in url):
        return "is not the URL of a repository: it has a query, a fragment or white space"
    return None
