"""Decides from which repositories a name may come: pins first, then the route. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import timedelta

from repoprio.dataclass import dataclass
from repoprio.names import OWN_NAME, NormalizedName
from repoprio.policy.durations import spell_duration
from repoprio.policy.model import CALLERS_PRIORITY, Format, Mode, Pin, Policy, Repository, Rule
from repoprio.policy.patterns import Pattern, Specificity, best_match


class RuledOut(str, enum.Enum):
    """Why a repository is not asked for a name, regardless of what other repositories answer."""

    NOT_ROUTED = "not-routed"
    DISABLED = "disabled"
    EXCLUDED = "excluded"
    NO_INDEX = "no-index"
    BELOW_NO_INDEX = "below-no-index"
    CALLER = "caller"


class Aspect(str, enum.Enum):
    """What pins can set for a name; for each aspect the most specific pin that sets it counts."""

    DESTINATION = "block or repositories"
    VERSIONS = "versions"
    MODE = "mode"
    MIN_AGE = "min-age"


@dataclass(frozen=True)
class Conflict:
    """Two equally specific pins set the same aspect for `name`, so neither of them wins."""

    name: NormalizedName
    sets: Aspect
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Blocked:
    """A pin blocks `name`; `text` is the reason that the pin states."""

    name: NormalizedName
    text: str
    rule: Rule


@dataclass(frozen=True)
class Route:
    """Where `name` may come from.

    `repositories` may be asked; `ruled_out` says why each other one may not. `rules` routed the name
    to `owners`, ruled out or not; both are empty if it may come from every repository that is not explicit.
    `versions` is the specifier that limits the owner's versions, with its rule. `min_age` is how old a pin wants
    files to be, with its rule; None if no pin says so.
    """

    name: NormalizedName
    mode: Mode
    mode_rule: Rule
    repositories: tuple[Repository, ...]
    ruled_out: dict[str, RuledOut]
    owners: tuple[Repository, ...] = ()
    rules: tuple[Rule, ...] = ()
    versions: tuple[str, Rule] | None = None
    min_age: tuple[timedelta, Rule] | None = None

    @property
    def is_routed(self) -> bool:
        """Whether a pin or `owns` chose the repositories."""
        return bool(self.rules)


def asked_for(routing: Route | Blocked | Conflict) -> frozenset[str]:
    """The names of the repositories that may be asked."""
    return frozenset(r.name for r in routing.repositories) if isinstance(routing, Route) else frozenset()


def version_limit(routing: Route | Blocked | Conflict) -> str | None:
    """The specifier of the pin that limits the owner's versions, or None."""
    return routing.versions[0] if isinstance(routing, Route) and routing.versions else None


_SETS: dict[Aspect, Callable[[Pin], bool]] = {
    Aspect.DESTINATION: lambda pin: pin.block is not None or bool(pin.repositories),
    Aspect.VERSIONS: lambda pin: pin.versions is not None,
    Aspect.MODE: lambda pin: pin.mode is not None,
    Aspect.MIN_AGE: lambda pin: pin.min_age is not None,
}


def route(
    policy: Policy,
    name: NormalizedName,
    *,
    no_index: bool = False,
    callers: tuple[Repository, ...] = (),
) -> Route | Blocked | Conflict:
    """The route of `name`: pins and `owns` applied, then without repositories that are ruled out.

    `callers` are repositories that only a caller named and that `unlisted` allows. `no_index` is pip's
    ``--no-index``. It leaves flat repositories: those that are `offline`, and those without a
    higher-priority repository that it rules out and that could have served `name`.
    """
    speakers = {aspect: _speakers(policy, name, sets) for aspect, sets in _SETS.items()} if policy.pins else {}
    for aspect, pins in speakers.items():
        if len(pins) > 1:
            return Conflict(name, aspect, tuple(_rule(policy, pin) for pin in pins))
    speaker = {aspect: pins[0] for aspect, pins in speakers.items() if pins}
    destination, versions = speaker.get(Aspect.DESTINATION), speaker.get(Aspect.VERSIONS)
    aging = speaker.get(Aspect.MIN_AGE)
    if destination and destination.block is not None:
        return Blocked(name, destination.block, _rule(policy, destination))

    owners, rules = _owners(policy, name, destination)
    known = policy.repositories + callers
    routed = owners if rules else tuple(r for r in known if not r.explicit)
    ruling, mode_rule = _mode(policy, name, speaker.get(Aspect.MODE))
    routed_names = frozenset(r.name for r in routed)
    ruled_out = {r.name: _ruled_out(r, name, routed_names, no_index=no_index) for r in known}
    _withhold(known, ruled_out)
    return Route(
        name,
        mode=ruling,
        mode_rule=mode_rule,
        repositories=tuple(r for r in routed if ruled_out[r.name] is None),
        ruled_out={key: why for key, why in ruled_out.items() if why},
        owners=owners,
        rules=rules,
        versions=(versions.versions or "", _rule(policy, versions, "versions")) if versions else None,
        min_age=(aging.min_age or timedelta(), _rule(policy, aging, "min-age")) if aging else None,
    )


def _speakers(policy: Policy, name: NormalizedName, sets: Callable[[Pin], bool]) -> list[Pin]:
    """Of the pins for which `sets` is true, those that match `name` most specifically; two or more are a conflict."""
    matches = [(best_match(pin.projects, name), pin) for pin in policy.pins if sets(pin)]
    best = max((specificity for specificity, _ in matches if specificity), default=None)
    return [pin for specificity, pin in matches if specificity and specificity == best]


def _mode(policy: Policy, name: NormalizedName, pin: Pin | None) -> tuple[Mode, Rule]:
    """The mode for `name`, with its rule; for repoprio itself it is always strict."""
    ruling = pin.mode if pin and pin.mode else policy.mode
    if name == OWN_NAME and ruling in (Mode.FLEXIBLE, Mode.MERGE):
        return Mode.STRICT, Rule("mode", '"strict"', f"always so for {OWN_NAME} itself")
    return ruling, _rule(policy, pin, "mode") if pin else policy.rule("mode", f'"{policy.mode.value}"')


def _owners(
    policy: Policy, name: NormalizedName, destination: Pin | None
) -> tuple[tuple[Repository, ...], tuple[Rule, ...]]:
    """The repositories to which `name` is routed, and the rules that route it; both empty if it is not routed."""
    if destination:
        pinned = tuple(r for r in policy.repositories if r.name in destination.repositories)
        return pinned, (_rule(policy, destination, "repositories"),)
    claims = {r.name: _claim(r, name) for r in policy.repositories}
    best = max((claim[0] for claim in claims.values() if claim), default=None)
    owners = tuple(r for r in policy.repositories if (c := claims[r.name]) and c[0] == best)
    keys = ((f"repositories.{r.name}.{c[1]}", r, c[1]) for r in owners if (c := claims[r.name]))
    return owners, tuple(policy.rule(key, pattern_excerpt(getattr(r, field), name)) for key, r, field in keys)


def _claim(repository: Repository, name: NormalizedName) -> tuple[Specificity, str] | None:
    """How specifically the repository claims `name`, and by which key; None if it does not."""
    keys = {"namespaces": repository.namespaces, "owns": repository.owns}
    claims = [(match, key) for key, patterns in keys.items() if (match := best_match(patterns, name))]
    return max(claims, default=None)


def pattern_excerpt(patterns: tuple[Pattern, ...], name: NormalizedName) -> str:
    """A list of patterns as a message shows it: the one that matches `name` best, else the first few."""
    matching = [pattern for pattern in patterns if pattern.matches(name)]
    shown = [max(matching, key=lambda pattern: pattern.specificity)] if matching else list(patterns[:3])
    texts = [f'"{pattern.text}"' for pattern in shown]
    return f"[{', '.join([*texts, *(['...'] if len(shown) < len(patterns) else [])])}]"


def exclusion_rule(repository: Repository, name: NormalizedName) -> tuple[str, str]:
    """The key, and its value, that keeps `repository` from serving `name`."""
    if best_match(repository.exclude, name):
        return "exclude", pattern_excerpt(repository.exclude, name)
    key = "namespaces" if repository.namespaces else "include"
    return key, pattern_excerpt(getattr(repository, key), name)


def _ruled_out(
    repository: Repository, name: NormalizedName, routed: frozenset[str], *, no_index: bool
) -> RuledOut | None:
    if not repository.enabled:
        return RuledOut.DISABLED
    if name == OWN_NAME and repository.priority == CALLERS_PRIORITY:
        return RuledOut.CALLER
    if repository.name not in routed:
        return RuledOut.NOT_ROUTED
    if not repository.may_serve(name):
        return RuledOut.EXCLUDED
    if no_index and repository.format is not Format.FLAT:
        return RuledOut.NO_INDEX
    return None


def _withhold(known: tuple[Repository, ...], ruled_out: dict[str, RuledOut | None]) -> None:
    """Rule out flat repositories below one that ``--no-index`` rules out: it may own their names."""
    silenced = [r.priority for r in known if ruled_out[r.name] is RuledOut.NO_INDEX]
    for repository in known:
        is_below = any(priority < repository.priority for priority in silenced)
        if is_below and ruled_out[repository.name] is None and not repository.offline:
            ruled_out[repository.name] = RuledOut.BELOW_NO_INDEX


def _rule(policy: Policy, pin: Pin, key: str = "") -> Rule:
    """The rule for `pin`, or for one of its keys; the pin's origin is that of any of its keys."""
    dotted = f"pins.{pin.name}"
    if key:
        value = getattr(pin, key.replace("-", "_"))
        listed = isinstance(value, tuple)
        shown = f"[{', '.join(_quoted(item) for item in value)}]" if listed else _quoted(value)
        return policy.rule(f"{dotted}.{key}", shown)
    return Rule(dotted, "", policy.rule(f"{dotted}.projects").file)


def _quoted(value: str | timedelta) -> str:
    if isinstance(value, timedelta):
        return f'"{spell_duration(value)}"'
    return f'"{value.value if isinstance(value, Mode) else value}"'
