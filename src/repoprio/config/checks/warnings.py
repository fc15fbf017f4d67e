"""Finds settings that are valid but rarely intended: `config check` warns about them, but pip works. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repoprio import toml
from repoprio.config.checks.claims import ANY, Claims, allowed, may_supply, overlap, repositories_below, routed
from repoprio.config.errors import PolicyWarning
from repoprio.config.values import is_pips
from repoprio.names import OWN_NAME
from repoprio.policy.model import Format, Location, Mode, Policy, Repository, UnknownAge, Unlisted
from repoprio.policy.patterns import Pattern
from repoprio.urls import gateway_index_problem, site
from repoprio.wording import join_words


def policy_warnings(policy: Policy) -> list[PolicyWarning]:
    """All warnings about a valid policy, in the order of its repositories."""
    warnings = [*_observed(policy), *_none_enabled(policy), *_one_tier(policy), *_trusted_404(policy)]
    warnings += _gateway(policy)
    # Every name of these has an owner, or a pin that routes or blocks it.
    owned = (p for repository in policy.repositories for p in (*repository.namespaces, *repository.owns))
    claims = Claims([*owned, *routed(policy.pins)])
    warnings += _free_guard(policy, claims)
    warnings += _unknown_ages_of_pins(policy)
    for repository in policy.repositories:
        warnings += _unset(policy, repository)
        if repository.enabled:
            warnings += _repository_warnings(policy, repository, claims)
    return warnings


def _repository_warnings(policy: Policy, repository: Repository, claims: Claims) -> Iterator[PolicyWarning]:
    yield from _excluded(policy, repository, claims)
    yield from _contradicted(policy, repository)
    yield from _skipped(policy, repository, claims)
    yield from _absent(policy, repository)
    yield from _plain_http(policy, repository)
    yield from _stems(policy, repository, claims)
    yield from _handed_down(policy, repository)
    yield from _never(policy, repository)
    yield from _unknown_age(policy, repository)


def _warning(policy: Policy, code: str, key: str, problem: str, remedy: str, *, stops: bool = False) -> PolicyWarning:
    return PolicyWarning(_file(policy, key), key, problem, remedy, code, stops and policy.mode is not Mode.OBSERVE)


def _file(policy: Policy, key: str) -> str:
    """The file that sets `key`, or its table; for a table without a header of its own, the file of its first key."""
    within = (file for known, file in policy.origins.items() if known.startswith(f"{key}."))
    return policy.origins.get(key) or policy.origins.get(key.rpartition(".")[0]) or next(within, "")


def _observed(policy: Policy) -> Iterator[PolicyWarning]:
    if policy.mode is Mode.OBSERVE:
        problem = 'is "observe": nothing is enforced, pip chooses as usual'
        remedy = 'set "strict" once you understand the changes that it reports'
        yield _warning(policy, "observe", "mode", problem, remedy)


def _gateway(policy: Policy) -> Iterator[PolicyWarning]:
    if policy.gateway and (policy.is_flexible or policy.mode is Mode.OBSERVE):
        mode = Mode.FLEXIBLE if policy.is_flexible else Mode.OBSERVE
        problem = f'is set, but no gateway can obey this policy: with mode = "{mode.value}" it does not start'
        yield _warning(policy, "gateway-mode", "gateway", problem, 'set mode = "strict", or remove it')
    if policy.gateway and (index_problem := gateway_index_problem(policy.gateway)):
        remedy = f'gateway = "{policy.gateway.rstrip("/")}/simple/", unless a web server in front changes the path'
        yield _warning(policy, "gateway-path", "gateway", index_problem, remedy)


def _none_enabled(policy: Policy) -> Iterator[PolicyWarning]:
    if not policy.enabled():
        key = f"repositories.{policy.repositories[0].name}.enabled"
        problem = "no repository is enabled, so every name is refused"
        yield _warning(policy, "none-enabled", key, problem, "enable one", stops=True)


def _one_tier(policy: Policy) -> Iterator[PolicyWarning]:
    if policy.is_one_tier():
        first, *others = (repository for repository in policy.enabled() if not repository.explicit)
        also = ", ".join(repository.name for repository in others)
        yield _warning(
            policy,
            "one-tier",
            f"repositories.{first.name}.priority",
            f"is {first.priority}, like that of {also}: they form one tier, in which the newest version wins",
            "give the repositories that you trust more a lower number",
        )


def _trusted_404(policy: Policy) -> Iterator[PolicyWarning]:
    """Warn if no repository owns names: then any 404 of the highest one passes a name on, even at a mistyped URL."""
    asked = [repository for repository in policy.enabled() if not repository.explicit]
    is_reserved = any(r.owns or r.namespaces for r in policy.repositories) or any(routed(policy.pins))
    if len(asked) < 2 or is_reserved or policy.is_one_tier():
        return
    top, *lower = asked
    is_remote = top.format is Format.SIMPLE and top.locations[0].url.startswith("http")
    if is_remote and not (top.canary or top.complete_listing):
        yield _warning(
            policy,
            "trusted-404",
            f"repositories.{top.name}",
            f"a 404 opens any of its names to {_names(lower)}, even if its URL is mistyped or a token is missing",
            "list its own projects in owns, or name one that it certainly serves as canary",
        )


def _free_guard(policy: Policy, claims: Claims) -> Iterator[PolicyWarning]:
    """Warn if nothing owns repoprio or pip: they come from the first repository that serves them."""
    asked = [repository for repository in policy.enabled() if not repository.explicit]
    free = [name for name in (OWN_NAME, "pip") if not claims.cover(Pattern(name))]
    if free and (len(asked) > 1 or (asked and policy.unlisted is Unlisted.LOWEST)):
        key = f"repositories.{asked[0].name}"
        file = _file(policy, key)
        owns = f"repositories.NAME.owns = {' '.join(free)}" if is_pips(file) else f"owns = {toml.value(free)}"
        yield _warning(
            policy,
            "guard-unowned",
            key,
            f"no repository owns {join_words(free)}: the first one that serves such a name supplies it",
            f"in the repository that you take {'them' if len(free) > 1 else 'it'} from: {owns}",
        )


def _excluded(policy: Policy, repository: Repository, claims: Claims) -> Iterator[PolicyWarning]:
    below = [(r, allowed(r), Claims(r.exclude)) for r in repositories_below(policy, repository)]
    for pattern in (p for p in repository.exclude if below and not claims.cover(p) and overlap(allowed(repository), p)):
        if lower := [r for r, names, excluded in below if overlap(names, pattern) and not excluded.cover(pattern)]:
            yield _warning(
                policy,
                "exclude-opens",
                f"repositories.{repository.name}.exclude",
                f"{pattern.text} may come from {_names(lower)}, since no repository owns it",
                f'add "{pattern.text}" to owns of the repository that should have it, or block it with a pin',
            )


def _contradicted(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    """Warn about names that come from a repository or not at all, and that it may not serve."""
    excluded = Claims(repository.exclude)
    others = [other for other in policy.repositories if other is not repository]
    elsewhere = Claims([*routed(policy.pins), *(p for other in others for p in (*other.namespaces, *other.owns))])
    for pattern in (p for p in repository.owns if not elsewhere.cover(p)):
        key = "exclude" if excluded.cover(pattern) else "include"
        if key == "exclude" or not overlap(allowed(repository), pattern):
            yield _warning(
                policy,
                "owned-excluded",
                f"repositories.{repository.name}.owns",
                f"{pattern.text} is refused: it comes from {repository.name} alone, whose {key} rules it out",
                f"remove it from owns, or change {key}; to block a name, use a pin",
            )


def _skipped(policy: Policy, repository: Repository, claims: Claims) -> Iterator[PolicyWarning]:
    lower = repositories_below(policy, repository) if repository.skip_if_unavailable else []
    if lower and any(not claims.cover(p) or _shared(policy, repository, lower, p) for p in allowed(repository)):
        yield _warning(
            policy,
            "skip-opens",
            f"repositories.{repository.name}.skip-if-unavailable",
            f"while {repository.name} is down, names of it may come from {_names(lower)}",
            "remove it; use mirrors for fail-over",
        )


def _shared(policy: Policy, repository: Repository, lower: list[Repository], pattern: Pattern) -> bool:
    """Whether a lower repository may serve names of `pattern` too."""
    names = {other.name for other in lower}
    pins = (p for p in policy.pins if repository.name in p.repositories and names & set(p.repositories))
    owned = (other.namespaces + other.owns for other in lower)
    return any(overlap(patterns, pattern) for patterns in (*owned, *(pin.projects for pin in pins)))


def _absent(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    more = [str(status) for status in sorted(repository.absent - {404})]
    more += ["empty-page"] if repository.empty_page_is_absent else []
    if more and repository.canary is None:
        yield _warning(
            policy,
            "absent-without-canary",
            f"repositories.{repository.name}.absent",
            f"{', '.join(more)} may also mean a broken server or a missing login, and would count as absence",
            "add canary, a project that it certainly serves: absence is believed only after its page was served",
        )


def _plain_http(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    for number, location in enumerate(repository.locations):
        if not location.unset and site(location.url).scheme == "http" and not _is_loopback(location):
            yield _warning(
                policy,
                "plain-http",
                f"repositories.{repository.name}.{'mirrors' if number else 'url'}",
                f"{location.shown}: anyone on the network path can change what comes over http:",
                "use https:",
            )


def _stems(policy: Policy, repository: Repository, claims: Claims) -> Iterator[PolicyWarning]:
    for key in ("namespaces", "owns", "include", "exclude"):
        patterns: tuple[Pattern, ...] = getattr(repository, key)
        own = Claims(patterns)
        for pattern in (pattern for pattern in patterns if pattern.text.endswith("-*")):
            stem = Pattern(pattern.text[:-2])
            if stem.text.strip("*?-") and not own.cover(stem) and not claims.cover(stem):
                yield _warning(
                    policy,
                    "stem",
                    f"repositories.{repository.name}.{key}",
                    f"{pattern.text} does not match {stem.text}",
                    f'add "{stem.text}" if that name is meant as well',
                )


def _handed_down(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    """Warn about names of a higher repository that go to `repository`, because its pattern is as specific or more."""
    out, pinned = Claims(repository.exclude), Claims(routed(policy.pins))
    above = [r for r in policy.enabled() if r.priority < repository.priority]
    owners = [(r, Claims((*r.namespaces, *r.owns)), Claims(r.exclude)) for r in above if r.namespaces or r.owns]
    for key in ("namespaces", "owns") if owners else ():
        patterns: tuple[Pattern, ...] = getattr(repository, key)
        for p in patterns:
            # Names that the higher one excludes, or that a pin routes, go there on purpose.
            rivals = [(r, wider[0]) for r, own, no in owners if not no.cover(p) and (wider := own.covering(p))]
            if rivals and not pinned.cover(p) and not out.cover(p) and overlap(allowed(repository), p):
                yield _handed(policy, repository, key, p, rivals)


def _handed(
    policy: Policy, to: Repository, key: str, pattern: Pattern, rivals: list[tuple[Repository, Pattern]]
) -> PolicyWarning:
    pronoun, comes = ("it", "it comes") if pattern.specificity.exact else ("them", "they come")
    equals = [repository for repository, other in rivals if other.specificity == pattern.specificity]
    if equals:
        lack = "does" if len(equals) == 1 else "do"
        owners = join_words([*equals, to])
        without = f"{_short(equals)} {lack} not have {pronoun}"
        problem = f"{owners} own {pronoun} equally: {to.name} supplies {pronoun} if {without}"
    else:
        wider = join_words([f"{repository.name} ({other.text})" for repository, other in rivals])
        problem = f"{to} owns {pronoun} more specifically than {wider}, so {comes} from {to.name}"
    remedy = f'unless you want this, remove "{pattern.text}" from {key} of {to.name}'
    return _warning(policy, "owned-below", f"repositories.{to.name}.{key}", f"{pattern.text}: {problem}", remedy)


def _short(repositories: Iterable[Repository]) -> str:
    return join_words([repository.name for repository in repositories])


def _never(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    if not may_supply(policy, repository):
        why = "explicit = true, and no pin routes a name to it"
        why = why if repository.explicit else "exclude, pins and what others own leave nothing"
        yield _warning(
            policy,
            "never-asked",
            f"repositories.{repository.name}",
            f"no name can ever come from it: {why}",
            "name it in a pin, or remove it",
        )


def _unknown_age(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    if not repository.min_age:
        return
    key = f"repositories.{repository.name}.min-age"
    if repository.min_age_unknown is UnknownAge.ALLOW:
        problem = (
            "a file without an upload time counts as old enough, so only the repository's own pages enforce min-age"
        )
        remedy = f"repoprio repos --check {repository.name} says whether it gives upload times: if so, remove it"
        yield _warning(policy, "unknown-age", f"{key}-unknown", problem, remedy)
    elif not _may_give_times(repository):
        problem = "pages on disk have no upload times, so none of its files is ever old enough"
        yield _warning(policy, "never-old-enough", key, problem, _REMEDY_FOR_NO_TIMES)


def _unknown_ages_of_pins(policy: Policy) -> Iterator[PolicyWarning]:
    for pin in (pin for pin in policy.pins if pin.min_age):
        suppliers = [
            r for r in policy.enabled() if (r.name in pin.repositories if pin.repositories else not r.explicit)
        ]
        reached = [r for r in suppliers if any(overlap(allowed(r), p) for p in pin.projects)]
        mute = [r for r in reached if r.min_age_unknown is UnknownAge.REFUSE and not _may_give_times(r)]
        if mute:
            problem = f"files of {_names(mute)} have no upload times, so none of these projects is old enough there"
            yield _warning(policy, "never-old-enough", f"pins.{pin.name}.min-age", problem, _REMEDY_FOR_NO_TIMES)


_REMEDY_FOR_NO_TIMES = 'remove it, or set min-age-unknown = "allow" in the repository'


def _may_give_times(repository: Repository) -> bool:
    """Whether its pages can have upload times: those of folders, and flat ones, have none."""
    is_remote = any(location.unset or location.url.startswith("http") for location in repository.locations)
    return is_remote and repository.format is Format.SIMPLE


def _unset(policy: Policy, repository: Repository) -> Iterator[PolicyWarning]:
    for variable in dict.fromkeys(v for location in repository.locations for v in location.unset):
        yield _warning(
            policy,
            "unset-variable",
            f"repositories.{repository.name}.url",
            f"${{{variable}}} is not set here: repositories that need it are unavailable",
            f"export {variable}",
            stops=bool(repository.locations[0].unset) and _is_asked_for_all(policy, repository),
        )


def _is_asked_for_all(policy: Policy, repository: Repository) -> bool:
    """Whether `repository` is asked for every name that is not routed, and stops the lookup if it is unavailable."""
    everybody = [r for r in policy.enabled() if not r.explicit]
    is_first = repository in everybody and repository.priority == everybody[0].priority
    is_for_all = allowed(repository) == (ANY,) and not repository.exclude
    return is_first and is_for_all and not repository.skip_if_unavailable and len(repository.locations) == 1


def _names(repositories: Iterable[Repository]) -> str:
    return ", ".join(map(str, repositories))


def _is_loopback(location: Location) -> bool:
    from ipaddress import ip_address

    host = site(location.url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
