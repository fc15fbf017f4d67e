"""The policy as values: repositories, tiers, pins. Frozen, checked where it is read, no I/O."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from repoprio.dataclass import dataclass
from repoprio.names import NormalizedName
from repoprio.policy.patterns import Pattern, best_match
from repoprio.urls import Site, may_be_one_place, page_url, place

HIGHEST, LOWEST = 1, 999
# What stands for pip's built-in default index, as the URL of a repository.
PYPI = "pypi"
# Repositories that only a caller named stand below all that a policy can name.
CALLERS_PRIORITY = LOWEST + 1
# A lone repository needs no priority; this is dnf's default.
DEFAULT_PRIORITY = 99


class Mode(str, enum.Enum):
    """How tiers relate: see the policy's `mode`; MERGE is a pin's only."""

    STRICT = "strict"
    FLEXIBLE = "flexible"
    OBSERVE = "observe"
    MERGE = "merge"


class Unlisted(str, enum.Enum):
    """What becomes of a repository that a caller adds and the policy does not list."""

    REFUSE = "refuse"
    LOWEST = "lowest"
    IGNORE = "ignore"


class DirectUrls(str, enum.Enum):
    """Who may ask for ``name @ URL``: only the user (ROOTS), everybody, nobody."""

    ROOTS = "roots"
    ALLOW = "allow"
    REFUSE = "refuse"


class Pylock(str, enum.Enum):
    """Whether files of a pylock.toml are held against their owner (VERIFY), or taken as they come (ALLOW)."""

    VERIFY = "verify"
    ALLOW = "allow"


class Format(str, enum.Enum):
    """SIMPLE: a simple repository API (PEP 503, PEP 691); FLAT: what pip calls find-links."""

    SIMPLE = "simple"
    FLAT = "flat"


class Redirects(str, enum.Enum):
    """What a redirect to a site means that the policy names under `redirects`."""

    FOLLOW = "follow"
    ABSENT = "absent"


class Rule(NamedTuple):
    """One setting and where it came from: its dotted key, its value as text, its file or "default"."""

    key: str
    value: str
    file: str

    def __str__(self) -> str:
        return f"{self.key} = {self.value} ({self.file})" if self.value else f"{self.key} ({self.file})"

    @property
    def setting(self) -> str:
        """The last part of the key: the setting in its table."""
        return self.key.rpartition(".")[2]

    @property
    def pin(self) -> str | None:
        """The name of the pin that it is, or that it is a setting of; None for other rules."""
        # Names of pins have no dots.
        path = self.key.split(".")
        return path[1] if path[0] == "pins" else None

    @property
    def place(self) -> str:
        """Key and file without the value, for the inside of a sentence's parentheses."""
        return f"{self.key}, {self.file}"


@dataclass(frozen=True)
class Location:
    """One URL of a repository.

    `shown` is as the policy writes it, without credentials, and safe to print; `url` is what is
    asked, variables filled in, without credentials too. `unset` names variables that had no value.
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
        return replace(self, shown=page_url(self.shown, name), url=page_url(self.url, name))


@dataclass(frozen=True)
class Repository:
    """One configured place that serves projects; the fields are the keys of the policy's table.

    `locations` are its `url` and then its `mirrors`; `absent` holds statuses, beside which
    `empty_page_is_absent` stands for "empty-page" and `empty_root_is_absent` for "empty-root".
    `offline`: a flat one whose files were gathered under this policy, so that it stands for the
    repositories that ``--no-index`` rules out. `is_addition`: a caller or a layer after a locked one
    added it, so that a redirect to it never makes another repository absent.
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
    is_addition: bool = False

    def __str__(self) -> str:
        return f"{self.name} (priority {self.priority})"

    def may_serve(self, name: NormalizedName) -> bool:
        """Whether `include`, `exclude` and `namespaces` let it serve `name`; exclude wins."""
        included = self.namespaces + self.include
        if best_match(self.exclude, name):
            return False
        return not included or best_match(included, name) is not None

    def is_at(self, url: str) -> bool:
        """Whether `url` means this repository: its URL, a mirror or an alias; what has a query is another place."""
        return not urlsplit(url).query and place(url) in {place(known) for known in self._urls}

    def may_be_at(self, url: str) -> bool:
        """Whether a server may take `url` for a URL of this repository, however it is spelled."""
        return any(may_be_one_place(url, known) for known in self._urls if known)

    @property
    def _urls(self) -> list[str]:
        return [location.url for location in self.locations if not location.unset] + list(self.aliases)


@dataclass(frozen=True)
class Pin:
    """What holds for the projects that match: at least one of the other fields is set."""

    name: str
    projects: tuple[Pattern, ...]
    repositories: tuple[str, ...] = ()
    versions: str | None = None
    block: str | None = None
    mode: Mode | None = None


@dataclass(frozen=True)
class Policy:
    """The whole policy. `repositories` and `pins` stand in the order in which the policy names them.

    `origins` maps a dotted key to its file; `page_timeout` is in seconds, `page_size_limit` in bytes.
    `lock` is the first layer's that locks: its value is true or "extend". `secrets` are texts that no
    output may hold.
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
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lock: Rule | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    def rule(self, key: str, value: str = "") -> Rule:
        """The rule `key`, with its origin; "default" where no file sets it."""
        return Rule(key, value, self.origins.get(key, "default"))

    @property
    def keeper(self) -> str | None:
        """Whom users ask to change a policy that is locked against all additions; None where they may add to it."""
        if self.lock is None or self.lock.value != "true":
            return None
        return self.help or f"the maintainer of {self.lock.file}"

    def change(self, what: str, *, verb: str = "") -> str:
        """`what` is to be done in the policy: by its user, or by its keeper, who is asked to do it (`verb` first)."""
        return by_keeper(self.keeper, what, verb=verb)

    def enabled(self) -> list[Repository]:
        """The enabled repositories, highest priority first, ties in the order named."""
        return [r for tier in tiers(self.repositories) for r in tier if r.enabled]

    @property
    def is_flexible(self) -> bool:
        """Whether flexible mode rules for any name."""
        return Mode.FLEXIBLE in {self.mode, *(pin.mode for pin in self.pins)}

    def is_one_tier(self) -> bool:
        """Whether priorities protect nothing: several repositories are asked, and all of them share one."""
        asked = [repository for repository in self.enabled() if not repository.explicit]
        return len(asked) > 1 and len(tiers(asked)) == 1


def by_keeper(keeper: str | None, what: str, *, verb: str = "") -> str:
    """`what` is to be done in the policy, as a hint for its user, who asks the `keeper` where there is one.

    `verb` comes before a mere setting then: "ask … to set key = value".
    """
    return f"ask {keeper} to {verb}{what}" if keeper else what


def tiers(repositories: Iterable[Repository]) -> list[tuple[Repository, ...]]:
    """The repositories grouped by priority, the highest-priority tier first."""
    ordered = sorted(repositories, key=lambda repository: repository.priority)
    return [tuple(tier) for _, tier in groupby(ordered, key=lambda repository: repository.priority)]
