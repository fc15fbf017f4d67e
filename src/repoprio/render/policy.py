"""Renders a policy as text and as JSON: in one line, setting by setting, and its errors. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repoprio import toml
from repoprio.config.errors import PolicyProblem, PolicyWarning
from repoprio.config.loaded import LoadedPolicy
from repoprio.config.schema import POLICY, TABLES
from repoprio.config.settings import Setting
from repoprio.dataclass import dataclass
from repoprio.policy.model import Policy, Redirects
from repoprio.redaction import HIDDEN, escape_controls, redact_text
from repoprio.wording import count_of

SCHEMA = 1
_WIDTH = 60


def summary(policy: Policy) -> str:
    """The policy in one line: its repositories in order, and its mode."""
    order = ", ".join(str(repository) for repository in policy.enabled())
    warning = "; one tier: priorities protect nothing" if policy.is_one_tier() else ""
    return f"{order}; {policy.mode.value}{warning}"


def show(loaded: LoadedPolicy) -> str:
    """The merged policy as TOML, each setting with its file; logins are hidden."""
    lines = [f"# {source.layer}: {escape_controls(source.file)}" for source in loaded.sources]
    tables: dict[str, list[Setting]] = {}
    for setting in loaded.merged.settings.values():
        tables.setdefault(_table(setting), []).append(setting)
    for name, settings in sorted(tables.items(), key=lambda item: item[0] != ""):
        lines += ["", *([f"[{name}]"] if name else [])]
        texts = [(_setting_text(setting), setting.file) for setting in settings if not setting.is_table]
        width = min(max((len(text) for text, _ in texts), default=0), _WIDTH)
        lines += [f"{text:<{width}}  # {escape_controls(file)}" for text, file in texts]
    return "\n".join(lines)


def _table(setting: Setting) -> str:
    return ".".join(map(_key, setting.path[:2])) if setting.path[0] in TABLES else ""


def _setting_text(setting: Setting) -> str:
    return f"{_key(setting.path[-1])} = {toml.value(redacted_value(setting))}"


def _key(part: str) -> str:
    # A URL in place of a key may have a login in it.
    return toml.key(redact_text(part))


def redacted_value(setting: Setting) -> Any:
    """The value of `setting` without logins; the value of an unknown key is hidden, since it may be a password."""
    keys = TABLES.get(setting.path[0], {}) if len(setting.path) == 3 else POLICY
    return _safe(setting.value) if setting.path[-1] in keys else HIDDEN


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value) if "@" in value or "://" in value else value
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        # The only key with a table has these values; any other value may be a password.
        known = {means.value for means in Redirects}
        return {_safe(key): item if isinstance(item, str) and item in known else HIDDEN for key, item in value.items()}
    return value


class Meaning(enum.Enum):
    """How the policy treats an index that pip's settings name; UNKNOWN without a valid policy."""

    LISTED = enum.auto()
    OVERRIDDEN = enum.auto()
    FUSE = enum.auto()
    GATEWAY = enum.auto()
    UNLISTED = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(frozen=True)
class Wish:
    """An index that pip's settings name, without its login, and the policy's repository that it means, if any.

    `means` is `meaning` in words.
    """

    url: str
    origin: str
    repository: str | None
    meaning: Meaning
    means: str

    def __str__(self) -> str:
        return escape_controls(f"pip: {self.origin}: {self.url} {self.means}".rstrip())


def check(loaded: LoadedPolicy, warnings: Sequence[PolicyWarning], wishes: Sequence[Wish]) -> str:
    """All errors and warnings, each with its remedy; and how the policy treats pip's own settings."""
    lines = [f"{source.layer}: {escape_controls(source.file)}" for source in loaded.sources]
    lines += [str(wish) for wish in wishes]
    lines += [summary(loaded.policy)] if loaded.policy else []
    for error in loaded.errors:
        lines.append(f"error: {error}")
    lines += [f"  hint: {hint}" for hint in dict.fromkeys(f.remedy for f in loaded.errors) if hint != loaded.look]
    lines += [f"  help: {escape_controls(loaded.help)}"] if loaded.errors and loaded.help else []
    for warning in warnings:
        lines += [f"warning: {warning}    [{warning.code}]", f"  hint: {warning.remedy}"]
    stops = "; every lookup stops" if any(warning.stops for warning in warnings) else ""
    return "\n".join([*lines, f"{_count(loaded.errors, 'error')}, {_count(warnings, 'warning')}{stops}"])


def _count(items: Sequence[object], word: str) -> str:
    return count_of(len(items), word) if items else f"no {word}s"


def document(
    loaded: LoadedPolicy,
    warnings: Sequence[PolicyWarning],
    wishes: Sequence[Wish] | None = None,
    *,
    environment: Mapping[str, Any] | None = None,
) -> str:
    """The JSON of `config check`; without `wishes`, that of `config show`."""
    files = [{"layer": s.layer, "file": s.file} for s in loaded.sources]
    document: dict[str, Any] = {
        "schema": SCHEMA,
        **({"environment": environment} if environment else {}),
        "files": files,
    }
    if wishes is None:
        document["settings"] = list(_settings(loaded))
    else:
        document["pip"] = [_wish(wish) for wish in wishes]
    document["errors"] = [_error(error) for error in loaded.errors]
    import json

    document["warnings"] = [{**_error(warning), "code": warning.code, "stops": warning.stops} for warning in warnings]
    return json.dumps(document, indent=2, default=str)


def _wish(wish: Wish) -> dict[str, str | None]:
    return {"url": wish.url, "origin": wish.origin, "repository": wish.repository, "means": wish.means}


def _settings(loaded: LoadedPolicy) -> Iterator[dict[str, Any]]:
    for setting in loaded.merged.settings.values():
        if not setting.is_table:
            yield {"key": redact_text(setting.key), "value": redacted_value(setting), "file": setting.file}


def _error(error: PolicyProblem | PolicyWarning) -> dict[str, str]:
    return {"file": error.file, "key": error.key, "problem": error.problem, "hint": error.remedy}
