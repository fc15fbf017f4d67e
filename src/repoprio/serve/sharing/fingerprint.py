"""What tells gateways apart that must not share pages: another policy, another version, another way to be run. Pure."""

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
    """A text that is the same wherever policy and `more` are; `key` keeps logins of the policy from being guessed."""
    fields = {field.name: getattr(policy, field.name) for field in dataclasses.fields(policy)}
    parts = [{name: value for name, value in fields.items() if name not in _ASIDE}, *more]
    return hmac.new(key, _canonical(parts).encode(), hashlib.sha256).hexdigest()[:32]


def _canonical(value: Any) -> str:
    """A text for a value, in which sets and mappings have one order."""
    if isinstance(value, enum.Enum):
        return repr(value.value)
    if dataclasses.is_dataclass(value):
        return _canonical({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, Mapping):
        return f"{{{','.join(sorted(f'{_canonical(key)}:{_canonical(one)}' for key, one in value.items()))}}}"
    if isinstance(value, (set, frozenset)):
        return f"<{','.join(sorted(map(_canonical, value)))}>"
    if isinstance(value, (tuple, list)):
        return f"[{','.join(map(_canonical, value))}]"
    return repr(value)
