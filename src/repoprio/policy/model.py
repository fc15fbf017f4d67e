"""The policy as frozen values: repositories, tiers, pins. `repoprio.config` checks them. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import timedelta
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName
from repoprio.policy.patterns import Pattern, best_match
from repoprio.urls import Site, is_same_place, may_be_one_place, page_url, place

HIGHEST, LOWEST = 1, 999
# As a repository's URL, this stands for pip's built-in default index.
PYPI = "pypi"
# Repositories that only a caller named have a lower priority than any in a policy.
CALLERS_PRIORITY = LOWEST + 1
# A lone repository needs no priority; this is dnf's default.
DEFAULT_PRIORITY = 99


class Mode(str, enum.Enum):
    """How tiers relate: the policy's `mode`. Only a pin can set MERGE."""

    STRICT = "strict"
    FLEXIBLE = "flexible"
    OBSERVE = "observe"
    MERGE = "merge"

    @property
    def looks_at_versions(self) -> bool:
        """Whether the files of a page, and not only the fact that there is one, decide between repositories."""
        return self in (Mode.FLEXIBLE, Mode.MERGE)


class Unlisted(str, enum.Enum):
    """What happens to a repository that a caller adds and the policy does not list."""

    REFUSE = "refuse"
    LOWEST = "lowest"
    IGNORE = "ignore"


class DirectUrls(str, enum.Enum):
    """Who may ask for ``name @ URL``: only the user (ROOTS), everybody (ALLOW), nobody (REFUSE)."""

    ROOTS = "roots"
    ALLOW = "allow"
    REFUSE = "refuse"


class Pylock(str, enum.Enum):
    """Whether files of a pylock.toml must be those that the owner lists (VERIFY), or are not checked (ALLOW)."""

    VERIFY = "verify"
    ALLOW = "allow"


class Format(str, enum.Enum):
    """SIMPLE: a simple repository API (PEP 503, PEP 691); FLAT: what pip calls find-links."""

    SIMPLE = "simple"
    FLAT = "flat"


class Redirects(str, enum.Enum):
    """What a redirect means if it leads to a site that the policy names under `redirects`."""

    FOLLOW = "follow"
    ABSENT = "absent"


class UnknownAge(str, enum.Enum):
    """Whether a file without an upload time counts as too young (REFUSE), or as old enough (ALLOW)."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Files(str, enum.Enum):
    """How clients of the gateway get a repository's files: from its own URLs (DIRECT), or through the gateway."""

    DIRECT = "direct"
    PROXY = "proxy"


class Rule(NamedTuple):
    """One setting: its dotted key, its value as text, and its origin, a file or "default"."""

    key: str
    value: str
    file: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value} ({self.file})" if self.value else f"{self.key} ({self.file})"

    @property
    def setting(self) -> str:
        """The last part of the key: the name of the setting in its table."""
        return self.key.rpartition(".")[2]

    @property
    def pin(self) -> str | None:
        """The name of the pin that this rule is, or belongs to; None for other rules."""
        # Names of pins have no dots.
        path = self.key.split(".")
        return path[1] if path[0] == "pins" else None

    @property
    def place(self) -> str:
        """Key and file without the value, to be put in parentheses."""
        return f"{self.key}, {self.file}"


@dataclass(frozen=True)
class Location:
    """One URL of a repository.

    `shown` is the URL as the policy writes it, safe to print; `url` is the URL that is requested, with
    the values of variables. Both are without credentials. `unset` names variables that had no value.
    """

    shown: str
    url: str = field(repr=False)
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)
    unset: tuple[str, ...] = ()

    @classmethod
    def of(cls, url: str) -> Location:
        """A location without credentials or variables."""
        return cls(url, url)

    def page(self, name: NormalizedName) -> Location:
        """The location of `name`'s project page, with the same credentials."""
        url = page_url(self.url, name)
        # Faster than `replace`: there is one for each request.
        shown = url if self.shown == self.url else page_url(self.shown, name)
        return Location(shown, url, self.user, self.password, self.unset)


@dataclass(frozen=True)
class Repository:
    """One configured place that serves projects; the fields are the keys of the policy's table.

    `locations` are its `url` and then its `mirrors`. The key `absent` became three fields: `absent` has
    the statuses, `empty_page_is_absent` means "empty-page", `empty_root_is_absent` means "empty-root".
    `offline`: a flat repository whose files were collected under this policy, so that it replaces the
    repositories that ``--no-index`` rules out. `min_age`: how old its files must be; None and zero mean
    any age. `renamed_from`: names that it had before, for what is remembered of it. `is_addition`: a caller or a
    layer after a locked one added it, so that a redirect to it never makes another repository absent.
    """

    name: str
    locations: tuple[Location, ...]
    priority: int = DEFAULT_PRIORITY
    format: Format = Format.SIMPLE
    enabled: bool = True
    explicit: bool = False
    namespaces: tuple[Pattern, ...] = ()
    owns: tuple[Pattern, ...] = ()
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    absent: frozenset[int] = frozenset({404})
    empty_page_is_absent: bool = False
    empty_root_is_absent: bool = False
    canary: NormalizedName | None = None
    redirects: Mapping[Site, Redirects] = field(default_factory=lambda: MappingProxyType({}))
    skip_if_unavailable: bool = False
    aliases: tuple[str, ...] = ()
    complete_listing: bool = False
    offline: bool = False
    min_age: timedelta | None = None
    min_age_unknown: UnknownAge = UnknownAge.REFUSE
    files: Files = Files.DIRECT
    renamed_from: tuple[str, ...] = ()
    is_addition: bool = False

    def __str__(self) -> str:
        return f"{self.name} (priority {self.priority})"

    def may_serve(self, name: NormalizedName) -> bool:
        """Whether `include`, `exclude` and `namespaces` allow it to serve `name`; exclude wins."""
        included = self.namespaces + self.include
        if best_match(self.exclude, name):
            return False
        return not included or best_match(included, name) is not None

    def is_at(self, url: str) -> bool:
        """Whether `url` is this repository's URL, mirror or alias; a URL with a query is another place."""
        return not urlsplit(url).query and place(url) in {place(known) for known in self._urls}

    def may_be_at(self, url: str) -> bool:
        """Whether a server may treat `url` as a URL of this repository, in any spelling."""
        return any(may_be_one_place(url, known) for known in self._urls if known)

    @property
    def _urls(self) -> list[str]:
        return [location.url for location in self.locations if not location.unset] + list(self.aliases)


@dataclass(frozen=True)
class Pin:
    """Rules for the projects that match `projects`; at least one of the other fields is set."""

    name: str
    projects: tuple[Pattern, ...]
    repositories: tuple[str, ...] = ()
    versions: str | None = None
    block: str | None = None
    mode: Mode | None = None
    min_age: timedelta | None = None


@dataclass(frozen=True)
class Policy:
    """The whole policy. `repositories` and `pins` are in the order in which the policy names them.

    `origins` maps a dotted key to its file; `page_timeout` is in seconds, `page_size_limit` in bytes.
    `gateway` is the index of a gateway that obeys this policy. `ownership` is where pip reads which repository served
    which name before: a URL, or the path of a gateway's file.
    `lock` comes from the first layer that locks; its value is true or "extend". `secrets` are texts that
    must not appear in any output.
    """

    repositories: tuple[Repository, ...]
    pins: tuple[Pin, ...] = ()
    mode: Mode = Mode.STRICT
    unlisted: Unlisted = Unlisted.REFUSE
    direct_urls: DirectUrls = DirectUrls.ROOTS
    pylock: Pylock = Pylock.VERIFY
    help: str | None = None
    page_timeout: float = 60.0
    page_size_limit: int = 64 * 2**20
    fetch_ahead: bool = True
    absence_ttl: float = 60.0
    stale_if_error: float = 86_400.0
    gateway: str | None = None
    ownership: str | None = None
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lock: Rule | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def rule(self, key: str, value: str = "") -> Rule:
        """The rule `key`, with its origin; "default" if no file sets it."""
        return Rule(key, value, self.origins.get(key, "default"))

    @property
    def maintainer(self) -> str | None:
        """Whom to ask for a change, as text, if users may not even add to this policy; else None."""
        if self.lock is None or self.lock.value != "true":
            return None
        return self.help or f"the maintainer of {self.lock.file}"

    def change(self, what: str, *, verb: str = "") -> str:
        """A hint to do `what` in the policy, or to ask its `maintainer` for it: see `by_maintainer`."""
        return by_maintainer(self.maintainer, what, verb=verb)

    def addition(self, what: str) -> str:
        """A hint to add `what`, such as "the repository", to the policy that decides."""
        return self.change(f"add {what} to {policy_of(self.deciding_gateway)}")

    @property
    def deciding_gateway(self) -> str | None:
        """The policy's gateway if it is one of the repositories, so that its own policy decides; else None."""
        locations = (location for repository in self.enabled() for location in repository.locations)
        return self.gateway if any(self.is_gateway(location.url) for location in locations) else None

    def is_gateway(self, url: str) -> bool:
        """Whether `url` is the policy's `gateway`, which has the same answers as the policy."""
        return self.gateway is not None and is_same_place(url, self.gateway)

    def enabled(self) -> list[Repository]:
        """The enabled repositories, highest priority first; equal priorities in the order named."""
        return [r for tier in tiers(self.repositories) for r in tier if r.enabled]

    @property
    def has_min_age(self) -> bool:
        """Whether files have to be of some age, of any repository or name."""
        return any(r.min_age for r in self.repositories) or any(pin.min_age for pin in self.pins)

    @property
    def is_flexible(self) -> bool:
        """Whether flexible mode is in force for at least one name."""
        return Mode.FLEXIBLE in self._modes()

    @property
    def looks_at_versions(self) -> bool:
        """Whether versions decide between repositories for at least one name."""
        return any(mode.looks_at_versions for mode in self._modes())

    def _modes(self) -> set[Mode]:
        return {self.mode, *(pin.mode for pin in self.pins if pin.mode)}

    def is_one_tier(self) -> bool:
        """Whether priorities protect nothing: several repositories are asked, all of the same priority."""
        asked = [repository for repository in self.enabled() if not repository.explicit]
        return len(asked) > 1 and len(tiers(asked)) == 1


def by_maintainer(maintainer: str | None, what: str, *, verb: str = "") -> str:
    """A hint for the user to do `what` in the policy; with a `maintainer`, a hint to ask for it.

    `verb` is then put before a plain setting: "ask … to set key = value".
    """
    return f"ask {maintainer} to {verb}{what}" if maintainer else what


def policy_of(gateway: str | None) -> str:
    """The policy that users have to change, as text: that of a `gateway` which decides, or this one."""
    return f"the policy of the gateway {gateway}" if gateway else "the policy"


def tiers(repositories: Iterable[Repository]) -> list[tuple[Repository, ...]]:
    """The repositories grouped by priority, the highest-priority tier first."""
    ordered = sorted(repositories, key=lambda repository: repository.priority)
    return [tuple(tier) for _, tier in groupby(ordered, key=lambda repository: repository.priority)]
