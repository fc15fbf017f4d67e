"""Renders the refusal of indexes that the policy does not list: first what to remove, then how to list them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from repoprio import shell, toml
from repoprio.config.pip.indexes import NamedBy, Origin
from repoprio.dataclass import dataclass
from repoprio.lookup.project import Code
from repoprio.policy.model import LOWEST, Format, Policy, Repository, policy_of
from repoprio.render.messages.model import Message, message
from repoprio.urls import site
from repoprio.wording import join_words

# Words that occur in the hosts and paths of many repositories, so that they do not distinguish them.
_COMMON = re.compile(
    r"\+?simple|pypi|www|api|v[0-9]+|packages?|projects?|groups?|index(es)?|whl|wheels|repositor(y|ies)|artifactory|"
    r"nexus|download|files|python|links\.html?|index\.html?"
)
_FIRST_PRIORITY = 500


@dataclass(frozen=True)
class UnlistedPlace:
    """An index that a caller named and the policy does not list.

    `shown` is the URL as the caller wrote it, `url` as a policy would state it, absolute; both without a login.
    `origin` says who named it. `known` is the repository at its URL in another format; `problem` is why no policy
    can list it, as the rest of a sentence; `resembled` is the repository that a server may treat its URL as.
    """

    shown: str
    url: str
    format: Format
    origin: Origin
    known: Repository | None = None
    problem: str | None = None
    resembled: Repository | None = None


def refusal(refused: Sequence[UnlistedPlace], policy: Policy) -> Message:
    """The message: what was named by whom, how to remove that, and how to list it in the policy."""
    named = [f"{place.shown} is not in the policy (named by {place.origin})." for place in refused]
    known = [
        f"{place.shown} is {place.known.name}, but in another format: see the hint." for place in refused if place.known
    ]
    known += [
        f"a server may take {place.shown} for {place.resembled.name}, which is at {place.resembled.locations[0].shown}."
        for place in refused
        if place.resembled
    ]
    rule = policy.rule("unlisted", f'"{policy.unlisted.value}"')
    details = [*named[1:], *known, f"rule: {rule}", *_hint(refused, policy)]
    return message(named[0], details, Code.UNLISTED.value, help_text=policy.help)


def _hint(refused: Sequence[UnlistedPlace], policy: Policy) -> Iterator[str]:
    ways = join_words(list(dict.fromkeys(_taken_back(place.origin) for place in refused)))
    asked = [repository.name for repository in policy.enabled() if not repository.explicit]
    has = f", if {join_words(asked, 'or')} has what you need" if 0 < len(asked) <= 3 else ""
    yield f"hint: {ways}{has}"
    entries = list(_entries(refused, policy))
    if entries and policy.deciding_gateway:
        # Below it, an index would serve what the gateway's policy does not know.
        yield f"      else {policy.addition('it' if len(entries) == 1 else 'them')}"
    elif entries:
        yield f"      {_way(policy)}:"
        yield from (f"        {line}" for entry in entries for line in _entry(policy, *entry))
        yield from (f"      {line}" for line in _also(policy))
    for place in refused:
        if place.resembled:
            yield f"      write it as the policy does, or add it to repositories.{place.resembled.name}.aliases"
        elif place.problem:
            yield f"      {place.shown} {place.problem}: no policy can list it"


def _taken_back(origin: Origin) -> str:
    """How to remove what `origin` named."""
    if origin.by is NamedBy.VARIABLE:
        return shell.unsetting(origin.key)
    if origin.by is NamedBy.SETTING:
        return shell.command("pip", "config", "unset", origin.key)
    return "remove it from the command" if origin.by is NamedBy.COMMAND_LINE else "remove it where it is named"


def _way(policy: Policy) -> str:
    """Who can list it, and where."""
    where = "" if policy.maintainer else f" to {_file(policy) or 'the policy'}"
    return f"else {policy.change(f'add{where}')}"


def _also(policy: Policy) -> Iterator[str]:
    """What else has to be changed, so that the policy with more repositories is valid, and is the gateway's, too."""
    for repository in policy.enabled():
        key = f"repositories.{repository.name}.priority"
        if key not in policy.origins:
            yield f"and set {key} = {repository.priority}: with two repositories, each needs one"
    if policy.gateway:
        yield f"and add the same to {policy_of(policy.gateway)}"


def _file(policy: Policy) -> str | None:
    """The TOML file for a new table; None if there is none, or if a lock leaves only pip's own files for it."""
    files = [file for file in policy.origins.values() if file.endswith(".toml")]
    return files[-1] if files and policy.lock is None else None


def _entries(refused: Sequence[UnlistedPlace], policy: Policy) -> Iterator[tuple[UnlistedPlace, str, int]]:
    """Each place that a policy can list, with an unused name and a priority below all existing ones."""
    taken = {repository.name for repository in policy.repositories}
    lowest = max([_FIRST_PRIORITY - 1, *(repository.priority for repository in policy.repositories)])
    for number, place in enumerate([place for place in refused if not (place.problem or place.resembled)], 1):
        name = suggested_name(place.url, taken)
        taken.add(name)
        yield place, name, min(lowest + number, LOWEST)


def _entry(policy: Policy, place: UnlistedPlace, name: str, priority: int) -> list[str]:
    flat = {"format": place.format.value} if place.format is Format.FLAT else {}
    if policy.origins and _file(policy) is None and not policy.maintainer:
        # For pip's own file, which has no TOML tables.
        settings = {"url": place.url, **flat, "priority": str(priority)}
        begin = f"repoprio.repositories.{name}"
        return [shell.command("pip", "config", "set", f"{begin}.{key}", value) for key, value in settings.items()]
    lines = [f"{key} = {toml.value(value)}" for key, value in {"url": place.url, **flat}.items()]
    priority_line = f"priority = {priority}    # 1 to {LOWEST}: a lower number is a higher priority"
    return [f"[repositories.{name}]", *lines, priority_line]


def suggested_name(url: str, taken: Iterable[str]) -> str:
    """A descriptive name for the repository at `url`, from its host and path, that is not in `taken`."""
    parts = urlsplit(url if "://" in url else f"file://{url}")
    path = [segment for segment in unquote(parts.path).lower().split("/") if segment]
    if parts.scheme == "file":
        words = [segment for segment in path if segment != "simple"][-1:]
    else:
        words = [*_host_labels(url), *[segment for segment in path if not _COMMON.fullmatch(segment)][-1:]]
    name = re.sub(r"[^a-z0-9]+", "-", "-".join(words)).strip("-") or "extra"
    known = set(taken)
    numbered = (f"{name}-{number}" for number in range(2, len(known) + 3))
    return next(candidate for candidate in (name, *numbered) if candidate not in known)


def _host_labels(url: str) -> list[str]:
    """The distinctive parts of a host: its labels without the last and the common ones, and an unusual port."""
    where = site(url)
    labels = where.host.split(".")
    is_address = ":" in where.host or labels[-1].isdigit()
    telling = [label for label in labels[: -1 if len(labels) > 1 else None] if not _COMMON.fullmatch(label)]
    odd = [] if where.port in (80, 443, None) else [str(where.port)]
    return [*(labels if is_address else telling or labels[:1]), *odd]
