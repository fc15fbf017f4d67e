"""Imports what a command under a policy may need: pip 26.3 forbids imports once it installs.

A module that is damaged is found here, where the message says so, and not in the middle of a resolution.
"""

from __future__ import annotations

from repoprio.policy.model import Mode, Policy


def preload(policy: Policy | None) -> None:
    """Import everything that a command under `policy` may need; None means that there is no policy."""
    from repoprio.pip_adapter.finder import policy_finder  # noqa: F401

    if policy is None:
        return
    from repoprio.pip_adapter.finder import look_ahead  # noqa: F401
    from repoprio.pip_adapter.resolver import scouting  # noqa: F401

    if policy.mode is Mode.OBSERVE:
        from repoprio.pip_adapter.observe import observer  # noqa: F401

    elif policy.is_flexible:
        from repoprio.pip_adapter.resolver import flexible  # noqa: F401
