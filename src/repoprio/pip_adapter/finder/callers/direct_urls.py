"""Direct URLs (``name @ URL``): who may ask for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoprio.pip_adapter.command import current
from repoprio.policy.model import DirectUrls, Policy
from repoprio.redaction import redact_url
from repoprio.render.messages.model import message

if TYPE_CHECKING:
    from repoprio.pip_adapter.protocols.requirements import InstallRequirement


def is_refused(policy: Policy, req: InstallRequirement) -> bool:
    """Whether the policy refuses the direct URL of `req`, one of pip's InstallRequirements."""
    assert req.original_link is not None
    # comes_from is a text (a requirements file) or None if the user asks for it, else the parent requirement.
    is_root = not hasattr(req.comes_from, "req") and not current().is_build
    asked_for = is_root or req.original_link.url in current().roots
    allowed = asked_for and policy.direct_urls is DirectUrls.ROOTS
    return not (allowed or policy.direct_urls is DirectUrls.ALLOW)


def judge(policy: Policy, req: InstallRequirement) -> None:
    """Raise `LookupRefused` if the policy refuses the direct URL of `req`."""
    from repoprio.pip_adapter.errors import LookupRefused

    if not is_refused(policy, req):
        return
    assert req.original_link is not None
    parent = "a build" if current().is_build else getattr(req.comes_from, "name", None)
    by = f" (required by {parent})" if parent else ""
    raise LookupRefused(
        message(
            f"{req.name or 'a requirement'}{by} names a direct URL: {redact_url(req.original_link.url)}.",
            [
                f"rule: {policy.rule('direct-urls', chr(34) + policy.direct_urls.value + chr(34))}",
                f"hint: {_way_out(policy)}",
            ],
            "direct-url",
            help_text=policy.help,
        )
    )


def _way_out(policy: Policy) -> str:
    if policy.direct_urls is DirectUrls.REFUSE:
        return "publish it in a repository of the policy: a URL that you request yourself is refused, too"
    if current().is_build:
        return (
            "publish it in a repository of the policy; or install it yourself (name @ URL), then build with "
            "--no-build-isolation"
        )
    return "if you want this file, request it yourself: name @ URL"
