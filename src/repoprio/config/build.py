"""Makes a `Policy` from the merged settings of all files. Pure: the caller passes the environment and parsers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from repoprio.config import schema, values
from repoprio.config.checks import consistency
from repoprio.config.errors import PolicyProblem, did_you_mean, nearest
from repoprio.config.settings import Merged, Setting
from repoprio.dataclass import dataclass
from repoprio.policy import locations
from repoprio.policy.model import PYPI, Location, Pin, Policy, Repository, Rule
from repoprio.redaction import redact_text, truncate

# What a message says about a key in the wrong place, and the keys of each place.
_PLACES: Mapping[str, Collection[str]] = {
    "{0!r} belongs to the whole policy: in TOML, write it above the first table": (*schema.POLICY, *schema.TABLES),
    "{0!r} belongs to a repository: repositories.NAME.{0}": (*schema.REPOSITORY,),
    "{0!r} belongs to a pin: pins.NAME.{0}": (*schema.PIN,),
}


class Parsers(NamedTuple):
    """Functions from outside the standard library that reading a policy needs.

    `parse_toml` raises `ValueError`; `is_specifier` says whether a text is a version specifier (PEP 440);
    `default_index` returns the URL that the alias ``pypi`` stands for.
    """

    parse_toml: Callable[[str], dict[str, Any]]
    is_specifier: Callable[[str], bool]
    default_index: Callable[[], str] = lambda: PYPI


def is_specifier(text: str, parse: Callable[[str], Iterable[object]]) -> bool:
    """Whether `parse`, a `SpecifierSet` class of packaging, accepts `text` as a version specifier (PEP 440).

    Before version 22, packaging accepts any text as a legacy specifier.
    """
    try:
        return all(type(specifier).__name__ == "Specifier" for specifier in parse(text))
    except ValueError:
        return False


def read(merged: Merged, environ: Mapping[str, str], tools: Parsers) -> tuple[Policy, list[PolicyProblem]]:
    """The policy that the settings make, usable only without errors, and all its errors."""
    reader = _Reader(merged.origins(), environ, tools, merged.additions)
    for setting in merged.overridden:
        reader.check(setting)
    policy = replace(reader.policy(merged.document()), lock=_lock(merged))
    return policy, list(dict.fromkeys(reader.errors))


def _lock(merged: Merged) -> Rule | None:
    """The rule of the first layer that locks, or None; a later layer may have a lock of its own."""
    locks = [s for s in (*merged.overridden, *merged.settings.values()) if s.path == ("locked",) and s.value]
    return Rule("locked", str(locks[0].value).lower(), locks[0].file) if locks else None


@dataclass
class _Reader:
    """Goes through the settings once, and collects all errors."""

    origins: dict[str, str]
    environ: Mapping[str, str]
    tools: Parsers
    additions: set[str]
    errors: list[PolicyProblem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    # The dotted keys that unknown ones probably mean: that these are missing is no further error.
    meant: set[str] = field(default_factory=set)

    def policy(self, document: dict[str, Any]) -> Policy:
        """The policy, usable only if no error was found."""
        settings = self._table({k: v for k, v in document.items() if k not in schema.TABLES}, "", schema.POLICY)
        for about_the_files in ("locked", "policy"):
            settings.pop(about_the_files, None)
        repositories = tuple(self._repositories(document.get("repositories", {})))
        pins = tuple(self._pins(document.get("pins", {}), [r.name for r in repositories]))
        for key, problem in consistency.between(repositories, pins, self.origins):
            self._missing(key, problem)
        fields = {key.replace("-", "_"): value for key, value in settings.items()}
        origins = MappingProxyType(self.origins)
        return Policy(repositories, pins, origins=origins, secrets=self._secrets(repositories), **fields)

    def check(self, setting: Setting) -> None:
        """Note the errors of a single setting: even one that a later file overrides must be valid."""
        table, name = setting.path[0], setting.path[-1]
        keys = schema.TABLES[table] if len(setting.path) == 3 else schema.POLICY
        if table in schema.TABLES and len(setting.path) < 3:
            self._not_a_table(setting.key, setting.value, table, setting.file)
        else:
            self._value(name, setting.value, setting.key, keys, setting.file)

    def _secrets(self, repositories: tuple[Repository, ...]) -> frozenset[str]:
        """All passwords, and the values of variables, as texts to hide."""
        all_locations = [location for repository in repositories for location in repository.locations]
        return locations.spellings(self.secrets | {here.password or here.user or "" for here in all_locations})

    def _origin(self, key: str) -> str:
        """The file that sets `key`, or else the table that it belongs to."""
        while key and key not in self.origins:
            key = key.rpartition(".")[0]
        return self.origins.get(key) or next(iter(self.origins.values()), "")

    def _error(self, key: str, problem: str, file: str | None = None) -> None:
        self.errors.append(PolicyProblem(file or self._origin(key), redact_text(key), problem))

    def _missing(self, key: str, problem: str) -> None:
        """Note that `key` is missing, unless it is misspelled."""
        if key not in self.meant:
            self._error(key, problem)

    def _not_a_table(self, key: str, value: Any, table: str, file: str | None = None) -> None:
        of_tables = " of tables" if isinstance(value, list) and all(isinstance(entry, dict) for entry in value) else ""
        what = (
            _value_text(value) if isinstance(value, str | int | float) else f"a list{of_tables}" if value else "nothing"
        )
        self._error(key, f"{what} is not a table: write [{table}.NAME]", file)

    def _value(
        self, name: str, value: Any, dotted: str, keys: Mapping[str, schema.Key], file: str | None = None
    ) -> tuple[Any] | None:
        """The parsed `value` of a table's key `name`, in a tuple; None after an error."""
        if name not in keys:
            elsewhere = {sentence: words for sentence, words in _PLACES.items() if not set(keys) <= set(words)}
            known = [*keys, *schema.TABLES] if keys is schema.POLICY else list(keys)
            self._error(dotted, f"is not a key here{did_you_mean(name, known, elsewhere)}", file)
            self.meant.add(dotted.removesuffix(name) + (nearest(name, known, elsewhere) or ""))
            return None
        try:
            return (keys[name].parse(value),)
        except values.NotExpected as error:
            self._error(dotted, f"{_value_text(value)} {error}", file)
            return None

    def _table(self, raw: Mapping[str, Any], path: str, keys: Mapping[str, schema.Key]) -> dict[str, Any]:
        """The known keys of a table, parsed; unknown keys and bad values become errors."""
        parsed = {
            name: self._value(name, value, f"{path}.{name}" if path else name, keys) for name, value in raw.items()
        }
        return {name: value[0] for name, value in parsed.items() if value is not None}

    def _entries(self, raw: Any, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        if not isinstance(raw, dict):
            self._not_a_table(kind, raw, kind)
            return
        for name, entry in raw.items():
            dotted = f"{kind}.{name}"
            try:
                values.entry_name(name)
            except values.NotExpected as error:
                self._error(dotted, f"{redact_text(name)!r} {error}")
            if isinstance(entry, dict):
                yield name, dotted, entry
            else:
                self._not_a_table(dotted, entry, kind)

    def _repositories(self, raw: Any) -> Iterator[Repository]:
        for name, dotted, entry in self._entries(raw, "repositories"):
            table = self._table(entry, dotted, schema.REPOSITORY)
            if "url" not in entry:
                self._missing(f"{dotted}.url", "is missing: every repository has one")
            where = [("url", table.pop("url"))] if "url" in table else []
            where += [("mirrors", url) for url in table.pop("mirrors", ())]
            own = locations.with_login(self._locations(where, dotted), self.environ, name)
            aliases = self._locations([("aliases", url) for url in table.pop("aliases", ())], dotted)
            table["aliases"] = tuple(alias.url for alias in aliases if alias.url and not alias.unset)
            if "absent" in table:
                absent = table["absent"]
                table["absent"], table["empty_page_is_absent"], table["empty_root_is_absent"] = absent
            table["complete_listing"] = table.pop("listing", False)
            fields = {key.replace("-", "_"): value for key, value in table.items()}
            yield Repository(name, own, is_addition=name in self.additions, **fields)

    def _locations(self, written: Iterable[tuple[str, str]], dotted: str) -> list[Location]:
        found_locations = []
        for key, url in written:
            self.secrets |= {self.environ.get(variable, "") for variable in locations.variables(url)}
            try:
                index = self.tools.default_index() if url == PYPI else ""
                found_locations.append(locations.location(url, self.environ, index))
            except locations.NotALocation as error:
                self._error(f"{dotted}.{key}", f"{_value_text(url)} {error}")
                found_locations.append(Location.of(""))
        return found_locations

    def _pins(self, raw: Any, repositories: list[str]) -> Iterator[Pin]:
        for name, dotted, entry in self._entries(raw, "pins"):
            settings = self._table(entry, dotted, schema.PIN)
            if "projects" not in entry:
                self._missing(f"{dotted}.projects", "is missing: a pin must name its projects")
            elif not any(key in entry or f"{dotted}.{key}" in self.meant for key in schema.PIN if key != "projects"):
                self._error(dotted, "sets nothing: add repositories, versions, block, mode or min-age")
            for repository in settings.get("repositories", ()):
                if repository not in repositories and "repositories" not in self.meant:
                    meant = did_you_mean(repository, map(redact_text, repositories))
                    problem = f"{redact_text(repository)!r} is not a repository of this policy{meant}"
                    self._error(f"{dotted}.repositories", problem)
            if "versions" in settings and not self.tools.is_specifier(settings["versions"]):
                problem = f'{_value_text(settings["versions"])} is not a version specifier, such as "<3"'
                self._error(f"{dotted}.versions", problem)
            fields = {key.replace("-", "_"): value for key, value in settings.items()}
            yield Pin(name, fields.pop("projects", ()), **fields)


def _value_text(value: Any) -> str:
    """A value as an error shows it: without logins, and not too long."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value)):
        return "a table" if isinstance(value, dict) else "a list of tables"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr([_redacted(item) for item in value] if isinstance(value, list) else _redacted(value))
    return truncate(text, 80)


def _redacted(value: Any) -> Any:
    return redact_text(value) if isinstance(value, str) else value
