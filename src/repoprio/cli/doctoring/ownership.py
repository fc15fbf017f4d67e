"""Whether the memory of owned names that the policy names can be read."""

from __future__ import annotations

from typing import Any

from repoprio.explain.gateway_checkup import Finding
from repoprio.lookup.ownership import Record, UnsoundMemory
from repoprio.policy.model import Policy
from repoprio.storage import ownership_file


def look(policy: Policy | None, *, network: bool) -> dict[str, Any] | None:
    """What there is to report of the memory; None if the policy names none.

    `records` is how many it has; None if it was not read: a URL is read only with `network`, or cannot be.
    """
    if policy is None or policy.ownership is None:
        return None
    place, finding, count = policy.ownership, None, None
    if network or "://" not in place:
        try:
            count = len(_read(policy, place))
        except UnsoundMemory as error:
            fix = policy.change("make it readable again, or correct ownership in the policy")
            finding = Finding("ownership-memory", f"cannot be read: {error}", fix)._asdict()
    return {"place": place, "origin": policy.rule("ownership").file, "records": count, "finding": finding}


def _read(policy: Policy, place: str) -> tuple[Record, ...]:
    if "://" not in place:
        return ownership_file.read(place)
    from repoprio.pip_adapter.inspect import gateway

    return gateway.records(place, policy.page_size_limit)
