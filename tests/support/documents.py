"""Sound policies as TOML documents, generated; and how TOML and pip.conf spell them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from repoprio import toml
from repoprio.config import schema

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
printed = st.characters(exclude_categories=["C"])
words = st.text(printed, min_size=1, max_size=20).filter(lambda t: bool(t.strip()))
patterns = st.from_regex(r"[A-Za-z0-9_.*?-]{1,8}", fullmatch=True)
hosts = st.from_regex(r"[a-z]{1,8}\.example(:[1-9][0-9]{1,3})?", fullmatch=True)
urls = st.builds("https://{}/{}/".format, hosts, st.from_regex(r"[a-z0-9/~]{0,8}", fullmatch=True))
sites = st.builds("https://{}".format, hosts)
projects = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True)
statuses = st.integers(400, 499) | st.sampled_from(["empty-page", "empty-root"])


def lists(of: st.SearchStrategy[Any], least: int = 1) -> st.SearchStrategy[list[Any]]:
    """A short list."""
    return st.lists(of, min_size=least, max_size=3)


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "mode": st.sampled_from(["strict", "flexible", "observe"]),
    "unlisted": st.sampled_from(["refuse", "lowest", "ignore"]),
    "direct-urls": st.sampled_from(["roots", "allow", "refuse"]),
    "pylock": st.sampled_from(["verify", "allow"]),
    "locked": st.sampled_from([True, False, "extend"]),
    "help": words,
    "fetch-ahead": st.booleans(),
    "page-timeout": st.integers(1, 3600) | st.floats(0.5, 3600),
    "page-size-limit": st.integers(1024, 2**40),
    "priority": st.integers(1, 999),
    "format": st.sampled_from(["simple", "flat"]),
    "enabled": st.booleans(),
    "namespaces": lists(patterns),
    "owns": lists(patterns, 0),
    "include": lists(patterns),
    "exclude": lists(st.just("zz-*"), 0),
    "explicit": st.booleans(),
    "absent": lists(statuses),
    "canary": projects,
    "redirects": st.dictionaries(
        st.builds("https://{}".format, hosts), st.sampled_from(["follow", "absent"]), max_size=2
    ),
    "skip-if-unavailable": st.booleans(),
    "mirrors": lists(urls, 0),
    "listing": st.sampled_from(["partial", "complete"]),
    "offline": st.booleans(),
    "min-age": st.sampled_from(["7 days", "1 week", "0 days", "36hours", "P7D", "PT12H", "P1DT30M", "P2W"]),
    "min-age-unknown": st.sampled_from(["allow", "refuse"]),
    "absence-ttl": st.integers(1, 3600),
    "stale-if-error": st.integers(0, 604800),
    "gateway": urls,
    "ownership": st.one_of(urls, st.just("/srv/gateway.sqlite")),
    "files": st.sampled_from(["direct", "proxy"]),
    "versions": st.sampled_from(["<3", ">=1,!=1.5", "== 2.0"]),
    "block": words,
}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A sound policy as a TOML document."""

    def some(keys: Mapping[str, schema.Key], *without: str) -> dict[str, Any]:
        chosen = draw(st.lists(st.sampled_from([k for k in keys if k in VALUES and k not in without]), unique=True))
        return {key: draw(VALUES[key]) for key in chosen}

    document = some(schema.POLICY)
    repositories = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    document["repositories"] = {
        name: {"url": f"https://{number}.{draw(hosts)}/", **some(schema.REPOSITORY, "mirrors"), "priority": number + 1}
        for number, name in enumerate(repositories)
    }
    for number, entry in enumerate(document["repositories"].values()):
        if entry.get("format") != "flat":
            entry.pop("offline", None)
        else:
            entry.pop("min-age", None)
        if draw(st.booleans()):
            entry["mirrors"] = [f"https://m{number}.example/", f"https://n{number}.example/a%20b/"]
            entry["renamed-from"] = [f"former-{number}", f"first-{number}"]
            entry["aliases"] = [f"https://a{number}.example/", f"/srv/a{number}"]
    pins = draw(st.lists(names, max_size=2, unique=True))
    document["pins"] = {
        name: {
            "projects": [f"pin{number}-*", f"Pin{number}"],
            **some(schema.PIN, "mode"),
            "mode": draw(st.sampled_from(["strict", "flexible", "merge"])),
            **({"repositories": repositories[:2]} if draw(st.booleans()) else {}),
        }
        for number, name in enumerate(pins)
    }
    return document


def leaves(document: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each key with its path."""
    for key, value in document.items():
        if key not in schema.TABLES:
            yield (key,), value
    for table in schema.TABLES:
        for name, entry in document.get(table, {}).items():
            yield from (((table, name, key), value) for key, value in entry.items())


def as_toml(document: Mapping[str, Any], only: set[tuple[str, ...]] | None = None) -> str:
    """The document, or some of its keys, as TOML."""
    lines = [
        f"{'.'.join(map(toml.key, p))} = {toml.value(v)}" for p, v in leaves(document) if only is None or p in only
    ]
    return "\n".join(lines)


def in_text(value: Any, number: int) -> str:
    """A value as pip.conf spells it; `number` chooses between the possible spellings."""
    if isinstance(value, bool):
        return [["no", "false", "0", "off"], ["yes", "true", "1", "On"]][value][number % 4]
    if isinstance(value, list):
        return (" ", "\n  ")[number % 2].join(map(str, value))
    if isinstance(value, dict):
        return (" ", "\n  ")[number % 2].join(f"{key}{('=', ' = ')[number % 2]}{means}" for key, means in value.items())
    return str(value)


def in_pip_conf(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each key and value as pip.conf spells them."""
    return [(".".join(path), in_text(value, number)) for number, (path, value) in enumerate(leaves(document))]
