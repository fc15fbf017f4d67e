"""Shared by the exports: URLs that can be exported, exact names that are routed, and gaps of all installers. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from repoprio import toml
from repoprio.export import CannotExport, Exported, Gap
from repoprio.policy.model import PYPI, DirectUrls, Location, Mode, Pin, Policy, Repository
from repoprio.policy.patterns import Pattern
from repoprio.redaction import HIDDEN
from repoprio.urls import place_or_text
from repoprio.wording import join_words

SAFER = "Safer: give it one index that obeys the policy (repoprio serve), and nothing else."


def gateway_alone(url: str) -> Policy:
    """A policy with one repository, a gateway, which serves every name."""
    return Policy((Repository("gateway", (Location.of(url),)),))


def of_clients(policy: Policy) -> Policy:
    """The policy for a client without the hook: only the gateway, if the policy names one; else the policy itself."""
    return gateway_alone(policy.gateway) if policy.gateway else policy


def url_of(repository: Repository, installer: str) -> str:
    """The URL of `repository` without its login; raises `CannotExport` if another installer cannot use it."""
    location = repository.locations[0]
    url = location.url.replace(f"{HIDDEN}@", "") if location.unset else location.url
    if "${" in location.shown:
        key = f"repositories.{repository.name}.url"
        raise CannotExport(f"{key}: {installer} reads no variables in a URL: {location.shown}")
    if url == PYPI:
        raise CannotExport(f"repositories.{repository.name}.url: no pip was found here to say what {PYPI} stands for")
    return url


def has_login(repository: Repository) -> bool:
    """Whether the policy has a login for the repository's URL; variables that are not set count."""
    location = repository.locations[0]
    return location.user is not None or bool(location.unset and f"{HIDDEN}@" in location.url)


def exact_routes(policy: Policy) -> dict[str, str]:
    """Exact names that are routed to a single enabled repository, with its name."""
    routes: dict[str, set[str]] = {}
    for repository in policy.repositories:
        for pattern in exact(repository.namespaces + repository.owns):
            routes.setdefault(pattern.text, set()).add(repository.name)
    for pin in policy.pins:
        if pin.repositories or pin.block is not None:
            blocked = pin.block is not None
            routes |= {pattern.text: set() if blocked else set(pin.repositories) for pattern in exact(pin.projects)}
    enabled = {repository.name for repository in policy.enabled()}
    return {name: min(route) for name, route in sorted(routes.items()) if len(route) == 1 and route <= enabled}


def exact(patterns: Iterable[Pattern]) -> list[Pattern]:
    """The patterns without wildcards."""
    return [pattern for pattern in patterns if pattern.specificity.exact]


def asked_of(policy: Policy) -> list[Repository]:
    """The repositories that are asked for any name, highest priority first."""
    return [repository for repository in policy.enabled() if not repository.explicit]


def general_gaps(policy: Policy, installer: str) -> Iterator[Gap]:
    """The gaps for settings of the policy as a whole, the same in Poetry, PDM and pipenv."""
    if policy.direct_urls is DirectUrls.REFUSE or "direct-urls" in policy.origins:
        yield Gap("direct-urls", f"{installer} accepts name @ URL from any requirement")
    if policy.mode is not Mode.STRICT:
        yield Gap("mode", f"{installer} has no mode {policy.mode.value}")


def repository_gaps(repository: Repository, installer: str, login: str) -> Iterator[Gap]:
    """The gaps for one repository, the same in Poetry, PDM and pipenv; `login` says where they read its login."""
    name = repository.name
    gaps: tuple[tuple[object, str, str], ...] = (
        (has_login(repository), "url", f"its login is not exported: {login}"),
        (repository.canary, "canary", f"{installer} believes its 404 at once, even if a missing login causes it"),
        (repository.absent != {404}, "absent", f"{installer} decides by itself what means absence"),
        (repository.empty_page_is_absent, "absent", f"{installer} decides by itself what an empty page means"),
        (repository.complete_listing, "listing", f"{installer} asks for its page, whatever its list says"),
        (repository.skip_if_unavailable, "skip-if-unavailable", f"{installer} decides by itself what an outage means"),
        (repository.locations[1:], "mirrors", f"{installer} asks only its URL"),
        (repository.min_age, "min-age", f"{installer} cannot express it: files may be new"),
        (repository.redirects, "redirects", f"{installer} follows redirects of pages to any site"),
    )
    return (Gap(f"repositories.{name}.{key}", means) for is_set, key, means in gaps if is_set)


def pin_gaps(pin: Pin, installer: str) -> Iterator[Gap]:
    """The gaps for the keys of a pin besides `repositories`, the same in Poetry, PDM and pipenv."""
    names = ", ".join(pattern.text for pattern in pin.projects)
    if pin.block is not None:
        yield Gap(f"pins.{pin.name}.block", f"{installer} blocks nothing: {names} may be installed")
    if pin.versions:
        yield Gap(f"pins.{pin.name}.versions", f"{installer} cannot express it: {names} may have any version")
    if pin.min_age:
        yield Gap(f"pins.{pin.name}.min-age", f"{installer} cannot express it: files of {names} may be new")
    if pin.mode is not None:
        yield Gap(f"pins.{pin.name}.mode", f"{installer} treats all names alike")


def route_gaps(pin: Pin, installer: str, where: str) -> Iterator[Gap]:
    """The gap for a pin's `repositories`: they are obeyed only if the project names the source, as `where` says."""
    if pin.repositories and pin.block is None:
        names = join_words([pattern.text for pattern in pin.projects])
        yield Gap(f"pins.{pin.name}.repositories", f"{installer} routes {names} only where {where}")


def head(title: str, exported: Exported, in_general: Iterable[str]) -> list[str]:
    """The comments at the top of an export: first the caution, then `in_general`, then the gaps."""
    lines = [f"# {title}, from a repoprio policy."]
    if exported.caution:
        lines += ["#", *(f"# {line}" for line in textwrap.wrap(f"WARNING: {exported.caution} {SAFER}", 100)), "#"]
    lines += [f"# {line}" for line in in_general]
    return lines + [f"# not expressed: {gap}" for gap in exported.gaps]


def pairs(table: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a TOML table, without its header."""
    return (f"{toml.key(key)} = {toml.value(value)}" for key, value in table.items())


def source_differences(exported: Exported, document: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """How the sources of `document` differ from the export, one line each; values in `defaults` may be omitted."""
    stated = document.get("source", [])
    if not isinstance(stated, list) or not all(isinstance(source, dict) for source in stated):
        return ["source is not a list of tables"]
    expected = [_comparable(source, {}) for source in exported.document["source"]]
    actual = [_comparable(source, defaults) for source in stated]
    if actual == expected:
        return []
    actual_names, expected_names = [source.get("name") for source in actual], [source["name"] for source in expected]
    if actual_names != expected_names:
        return [f"its sources are {_named(actual_names)}, and the policy says {_named(expected_names)}, in this order"]
    return [
        f"source {wanted['name']}: {key} is {shown(has.get(key))}, and the policy says {shown(wanted.get(key))}"
        for wanted, has in zip(expected, actual, strict=True)
        for key in dict.fromkeys((*wanted, *has))
        if wanted.get(key) != has.get(key)
    ]


def _comparable(source: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A source with its defaults, without what makes no difference."""
    full = {**defaults, **source}
    full = {key: value for key, value in full.items() if (key, value) != ("type", "index")}
    return {**full, "url": comparable_url(full["url"])} if "url" in full else full


def _named(names: Iterable[Any]) -> str:
    return ", ".join(shown(name) for name in names) or "none"


def comparable_url(value: Any) -> Any:
    """The place of a URL, by which two spellings of it are equal; anything else unchanged."""
    return place_or_text(value) if isinstance(value, str) else value


def shown(value: Any) -> str:
    """A value of another file as a message shows it, without a login."""
    if value is None:
        return "not set"
    return toml.value(value) if "@" not in str(value) else "another value, which contains a login"
