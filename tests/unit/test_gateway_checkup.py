"""What is wrong with a gateway, judged by its own answers. Pure."""

from __future__ import annotations

import pytest

from repoprio.explain.gateway_checkup import Answer, findings
from repoprio.lookup.reasons import Cause
from support.policy_files import parsed_policy

POLICY = (
    'gateway = "https://gate.example/simple/"\n'
    '[repositories.corp]\nurl = "https://corp.example/simple/"\npriority = 10\n'
    '[repositories.public]\nurl = "https://public.example/simple/"\npriority = 90\n'
)
CORP = {"name": "corp", "priority": 10, "url": "https://CORP.example:443/simple"}
PUBLIC = {"name": "public", "priority": 90, "url": "https://public.example/simple/"}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer("", True, "absent", [CORP, PUBLIC]), []),
        (Answer("", None, "absent", None), []),
        (Answer("503"), ["gateway-down: no usable answer: 503"]),
        (Answer(), ["no-gateway: no gateway answers there: its pages have no X-Repoprio-State"]),
        (
            Answer("", False, "absent", [CORP, PUBLIC]),
            ["gateway-not-ready: it says that it is not ready: its ownership memory cannot be read"],
        ),
        (
            Answer("", True, "absent", [CORP, {**PUBLIC, "name": "other"}]),
            [
                "gateway-policy: its policy has no repository public",
                "gateway-policy: its policy has other, which this one does not have",
            ],
        ),
        (
            Answer("", True, "absent", [CORP, {**PUBLIC, "priority": 5, "url": "https://u:s3cret@x.example:port/"}]),
            [
                "gateway-policy: public has priority 5 there, and 90 here",
                "gateway-policy: public is https://x.example:port/ there, and https://public.example/simple/ here",
            ],
        ),
    ],
)
def test_each_finding(answer: Answer, told: list[str]) -> None:
    """Down, another server, not ready, another policy; another spelling of the same URL is no difference."""
    problems = findings(parsed_policy(POLICY), answer)
    assert [f"{one.code}: {one.text}" for one in problems] == told
    assert all(one.fix for one in problems)
    assert all("SIGHUP" in one.fix for one in problems if one.code == "gateway-policy"), "a reload is enough"


def test_a_gateway_that_pip_does_not_trust() -> None:
    """A gateway behind a certificate that pip does not trust runs: the fix is the certificate, not another start."""
    policy = parsed_policy(POLICY)
    problems = findings(
        policy, Answer("pip does not trust the issuer of its TLS certificate (--cert)", cause=Cause.TLS)
    )
    assert [(one.code, "PIP_CERT" in one.fix, "start" in one.fix) for one in problems] == [
        ("gateway-down", True, False)
    ]
    assert "start" in findings(policy, Answer("the connection was refused", cause=Cause.CONNECTION))[0].fix


def test_a_gateway_as_the_only_repository_is_not_compared() -> None:
    """Where the gateway is a repository of this policy, its own repositories are not compared."""
    text = 'gateway = "https://gate.example/simple/"\n[repositories.gate]\nurl = "https://gate.example/simple/"\n'
    assert findings(parsed_policy(text), Answer("", True, "absent", [CORP])) == []
