"""Exports the policy for uv (0.13): its indexes in order, of which the first with a name serves it. Pure.

A uv.toml cannot route names. A pyproject.toml can: ``tool.uv.sources`` routes exact names that the project itself
requires. Everything else is a gap.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from repoprio.export import Exported, Gap
from repoprio.export.common import exact, exact_routes, has_login, pairs, url_of
from repoprio.policy.durations import spell_duration
from repoprio.policy.model import DirectUrls, Format, Mode, Pin, Policy, Repository, UnknownAge, tiers
from repoprio.policy.patterns import Pattern
from repoprio.simple_api.filenames import is_distribution
from repoprio.wording import join_words

# No version is that low, so uv refuses every requirement of the project.
_NEVER = "<0.dev0"
_STRATEGY = {Mode.STRICT: "first-index", Mode.FLEXIBLE: "unsafe-first-match"}


def export(policy: Policy, *, project: bool, with_pages: Container[str] = ()) -> Exported:
    """The settings of a ``uv.toml``, or with `project` those of ``[tool.uv]`` in a pyproject.toml.

    `with_pages` are the names of the flat repositories with HTML files in their folder. Raises `CannotExport`.
    """
    asked = [repository for repository in policy.enabled() if not repository.explicit]
    explicit = [repository for repository in policy.enabled() if repository.explicit]
    indexes = [_index(repository) for repository in (*explicit, *asked)]
    document: dict[str, Any] = {"index-strategy": _STRATEGY.get(policy.mode, "first-index"), "index": indexes}
    # An index with default = true replaces uv's built-in one, and is asked last.
    if indexes:
        indexes[-1]["default"] = True
    else:
        document["no-index"] = True
    constraints = [line for pin in policy.pins for line in _constraints(pin)]
    if constraints:
        document |= {"constraint-dependencies": constraints, "build-constraint-dependencies": constraints}
    ages = {name: age for pin in policy.pins for name, age in _ages(pin)}
    if ages:
        document["exclude-newer-package"] = ages
    sources = exact_routes(policy) if project else {}
    if sources:
        document["sources"] = {name: {"index": repository} for name, repository in sources.items()}
    gaps = [*_gaps(policy, asked, sources, project=project), *_flat_gaps(policy, with_pages)]
    return Exported(document, tuple(gaps))


def _index(repository: Repository) -> dict[str, Any]:
    url = url_of(repository, "uv")
    index: dict[str, Any] = {"name": repository.name, "url": url}
    index |= {"format": "flat"} if repository.format is Format.FLAT else {}
    index |= {"explicit": True} if repository.explicit else {}
    index |= {"exclude-newer": spell_duration(repository.min_age)} if repository.min_age else {}
    # A server may hide pages behind a 404 from a client without a login, and to uv a 404 means absence.
    index |= {"authenticate": "always"} if has_login(repository) else {}
    if repository.format is Format.SIMPLE and url.startswith("http"):
        # Always set, even to an empty list: for some hosts uv takes a 403 for absence by default.
        index["ignore-error-codes"] = sorted(repository.absent - {404})
    return index


def login_variables(policy: Policy) -> dict[str, tuple[str, str]]:
    """The names of the enabled repositories with a login, each with uv's variables for its user and password."""
    return {repository.name: _variables(repository.name) for repository in policy.enabled() if has_login(repository)}


def _variables(name: str) -> tuple[str, str]:
    prefix = f"UV_INDEX_{name.upper().replace('-', '_')}"
    return f"{prefix}_USERNAME", f"{prefix}_PASSWORD"


def _constraints(pin: Pin) -> Iterator[str]:
    limit = _NEVER if pin.block is not None else pin.versions
    return (f"{pattern.text}{limit}" for pattern in pin.projects if pattern.specificity.exact and limit)


def _ages(pin: Pin) -> Iterator[tuple[str, str | bool]]:
    """The setting of uv for a pin's `min-age`, by project; False allows any age, and overrides that of an index."""
    if pin.min_age is not None:
        age = spell_duration(pin.min_age) if pin.min_age else False
        yield from ((pattern.text, age) for pattern in exact(pin.projects))


def _gaps(policy: Policy, asked: Sequence[Repository], sources: Mapping[str, str], *, project: bool) -> Iterator[Gap]:
    if policy.direct_urls is DirectUrls.REFUSE:
        yield Gap("direct-urls", "uv accepts name @ URL from any requirement")
    if policy.direct_urls is DirectUrls.ROOTS and "direct-urls" in policy.origins:
        yield Gap("direct-urls", "in uv what you ask for by URL or path may itself require name @ URL")
    if policy.mode is Mode.OBSERVE:
        yield Gap("mode", "uv cannot only observe: it enforces all of this, as in strict mode")
    yield from _flexible_gaps(policy)
    for tier in tiers(asked):
        if len(tier) > 1:
            first, *others = tier
            names = ", ".join(repository.name for repository in others)
            yield Gap(f"repositories.{first.name}.priority", f"uv merges no tier: {first.name} goes before {names}")
    for repository in policy.repositories:
        yield from _repository_gaps(repository, asked, sources)
    for pin in policy.pins:
        yield from _pin_gaps(pin, asked, sources)
        if any(_constraints(pin)):
            where = "uv run --with and uv pip sync" if project else "uv lock, add, run and tool"
            yield Gap(f"pins.{pin.name}", f"a constraint to uv pip install and compile; {where} may ignore it")


def _flexible_gaps(policy: Policy) -> Iterator[Gap]:
    if policy.mode is Mode.FLEXIBLE:
        yield Gap("mode", "uv asks every index for every name, and one that is down stops it")
        yield Gap("mode", "repoprio is strict about its own name; uv treats it like any other name")
        if policy.has_min_age:
            yield Gap("mode", "in uv a file that is too young opens its name to the next index")


def _repository_gaps(repository: Repository, asked: Sequence[Repository], sources: Mapping[str, str]) -> Iterator[Gap]:
    others = join_words([other.name for other in asked if other is not repository], "or")
    for setting in ("namespaces", "owns"):
        for pattern in getattr(repository, setting) if others else ():
            is_first = asked[:1] == [repository]
            a_name = "it" if pattern.specificity.exact else "a name"
            follows = f"if {repository.name} does not have {a_name}, uv takes it" if is_first else f"{a_name} may come"
            means = f"uv cannot reserve {_open(pattern, sources)}: {follows} from {others}"
            yield Gap(f"repositories.{repository.name}.{setting}", means)
    if repository.enabled:
        settings = ((key, means) for is_set, key, means in _without_equivalent(repository) if is_set)
        yield from (Gap(f"repositories.{repository.name}.{key}", means) for key, means in settings)


def _without_equivalent(repository: Repository) -> Iterator[tuple[object, str, str]]:
    """Settings that uv does not have: whether this repository sets it, its key, and what uv does instead."""
    name = repository.name
    user, password = _variables(name)
    login = f"its login is not exported: set {user} and {password}, both; without them uv stops, and "
    yield has_login(repository), "url", f"{login}with wrong ones it believes a 404"
    yield repository.include, "include", f"uv takes any name from {name}"
    yield repository.namespaces, "namespaces", f"uv takes any name from {name}"
    for pattern in repository.exclude:
        yield pattern, "exclude", f"{pattern.text} may come from {name} in uv"
    yield repository.canary, "canary", "uv believes its 404 at once, even if a missing login causes it"
    yield 404 not in repository.absent, "absent", "to uv a 404 always means absence"
    yield repository.complete_listing, "listing", "uv asks for its page, whatever its list says"
    yield repository.empty_page_is_absent, "absent", "to uv an empty page owns its name"
    yield repository.skip_if_unavailable, "skip-if-unavailable", "uv stops if it is down"
    yield repository.locations[1:], "mirrors", "uv asks only its URL"
    ages = "uv builds an old sdist if the wheel of its version is too young; before uv 0.13.9 it may ignore this"
    yield repository.min_age, "min-age", ages
    unknown = repository.min_age and repository.min_age_unknown is UnknownAge.ALLOW
    yield unknown, "min-age-unknown", "uv takes no file without an upload time"
    yield repository.redirects, "redirects", "uv follows redirects of pages to any site"


def _flat_gaps(policy: Policy, with_pages: Container[str]) -> Iterator[Gap]:
    """The gaps for flat repositories that are a single file, or a folder with HTML files."""
    for repository in policy.enabled():
        url, key = repository.locations[0].url, f"repositories.{repository.name}.url"
        if repository.format is Format.FLAT and is_distribution(url.lower()):
            page = "uv ignores it: it expects a page of links"
            means = page if url.startswith("http") else "uv stops: it expects a folder"
            yield Gap(key, f"{means}, not a single file")
        if repository.name in with_pages:
            yield Gap(key, "uv takes the files in this folder, not those that HTML files there link to")


def _open(pattern: Pattern, sources: Mapping[str, str]) -> str:
    if pattern.text in sources:
        return f"{pattern.text}, unless the project itself requires it"
    return pattern.text


def _pin_gaps(pin: Pin, asked: Sequence[Repository], sources: Mapping[str, str]) -> Iterator[Gap]:
    key = f"pins.{pin.name}"
    for pattern in pin.projects:
        globbed = not pattern.specificity.exact
        if globbed and (pin.block is not None or pin.versions):
            yield Gap(f"{key}.projects", f"uv has no patterns: {pattern.text} is neither blocked nor narrowed")
        if pin.repositories and pin.block is None:
            served = ", ".join(repository.name for repository in asked) or "nobody"
            yield Gap(f"{key}.repositories", f"uv cannot route {_open(pattern, sources)}: it asks {served} in turn")
    for pattern in pin.projects if pin.min_age is not None else ():
        if not pattern.specificity.exact:
            yield Gap(f"{key}.min-age", f"uv has no patterns: {pattern.text} waits as its index says")
    if pin.min_age and any(r.format is Format.FLAT for r in asked):
        yield Gap(f"{key}.min-age", "uv takes files of flat indexes whatever their age")
    if pin.mode is not None:
        yield Gap(f"{key}.mode", "uv has one strategy for all names")


# How uv differs under any policy.
_IN_GENERAL = (
    "uv refuses nothing that is added: by other settings, UV_*, the command line, a requirements file or a script.",
    "An existing uv.lock or pylock.toml keeps its files, even a stranger's (uv lock --upgrade decides again).",
    "What you ask for by URL or path may require further URLs. Offline, uv takes what its cache has from any index.",
    "uv follows redirects; it takes an empty folder, and a missing one of a simple repository, for an absence.",
    "In a flat repository it does not see an sdist with a dash in its version (acme-1.0-dev.tar.gz).",
)
_OF_PROJECTS = ("uv tool and uvx do not read a project's file: they need the uv.toml of the user or the system.",)


def text(exported: Exported, *, project: bool) -> str:
    """The settings as TOML, and what they leave out as comments."""
    head = [f"# {'For the pyproject.toml of a project' if project else 'uv.toml'}, from a repoprio policy."]
    head += [f"# {line}" for line in (*_IN_GENERAL, *(_OF_PROJECTS if project else ()))]
    head += [f"# not expressed: {gap}" for gap in exported.gaps] or ["# Everything that affects choices is exported."]
    return "\n".join([*head, *_lines(exported.document, "tool.uv" if project else "")]) + "\n"


# Printed if nothing can be exported, because with an empty uv.toml uv would ask its built-in index.
NOTHING = "# Nothing was exported, and uv finds nothing with this.\nno-index = true\n"


def _lines(document: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The document as TOML: single settings, then the indexes, then the sources."""
    dot = f"{prefix}." if prefix else ""
    yield from ["", f"[{prefix}]"] if prefix else [""]
    yield from pairs({key: value for key, value in document.items() if key not in ("index", "sources")})
    for index in document["index"]:
        login = "its login" if "authenticate" in index else "login, if any"
        yield from ["", f"[[{dot}index]]", f"# {login}: {', '.join(_variables(index['name']))}", *pairs(index)]
    if sources := document.get("sources"):
        yield from ["", f"[{dot}sources]", *pairs(sources)]
