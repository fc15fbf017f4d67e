"""Finds logins in variables that belong to no repository: `config check` warns about them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from repoprio.config.errors import PolicyWarning, did_you_mean
from repoprio.policy.locations import variable_of
from repoprio.policy.model import Policy

_LOGIN = ("USERNAME", "PASSWORD")
_LOGIN_VARIABLE = re.compile(rf"REPOPRIO_([A-Z0-9_]+)_({'|'.join(_LOGIN)})")


def login_warnings(policy: Policy, environ: Iterable[str]) -> list[PolicyWarning]:
    """A warning for each variable of `environ` that has a login for no repository of the policy."""
    names = [repository.name for repository in policy.repositories]
    used = {f"{variable_of(name)}_{part}" for name in names for part in _LOGIN}
    found = [(variable, _LOGIN_VARIABLE.fullmatch(variable)) for variable in sorted(environ) if variable not in used]
    remedy = "unset it, or write the name of a repository in it"
    return [
        PolicyWarning(
            variable,
            "",
            f"has a login for no repository of the policy{did_you_mean(match[1].replace('_', '-'), names)}",
            remedy,
            "unused-login",
        )
        for variable, match in found
        if match
    ]
