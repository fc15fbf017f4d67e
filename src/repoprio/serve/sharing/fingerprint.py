"""Distinguishes gateways that must not share pages: by policy, version and options. Pure."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from repoprio.policy.model import Policy

# These decide nothing about a page.
_ASIDE = frozenset({"origins", "lock", "help", "secrets"})


def fingerprint(key: bytes, policy: Policy, *more: object) -> str:
    """A text that is equal for equal policies and `more`; with `key`, nobody can guess logins of the policy from it."""
    fields = {field.name: getattr(policy, field.name) for field in dataclasses.fields(policy)}
    parts = [{name: value for name, value in fields.items() if name not in _ASIDE}, *more]
    return hmac.new(key, _canonical(parts).encode(), hashlib.sha256).hexdigest()[:32]


def _canonical(value: Any) -> str:
    """A text for a value, with sets and mappings in a fixed order."""
    if isinstance(value, enum.Enum):
        return repr(value.value)
    if dataclasses.is_dataclass(value):
        return _canonical({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return f"{{{','.join(sorted(f'{_canonical(key)}:{_canonical(item)}' for key, item in value.items()))}}}"
    if isinstance(value, (set, frozenset)):
        return f"<{','.join(sorted(map(_canonical, value)))}>"
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(_canonical, value))}]"
    return repr(value)
