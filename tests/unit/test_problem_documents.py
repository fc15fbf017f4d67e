"""What a server says about its refusal (RFC 9457), made safe to show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from repoprio.lookup.events import ServerProblem
from repoprio.simple_api.problem_document import problem_in
from repoprio.simple_api.response import Response

PROBLEM = "application/problem+json"


def read(body: object, content_type: str = PROBLEM) -> ServerProblem | None:
    """The problem in an answer with this body, which is written as JSON if it is no text."""
    text = body if isinstance(body, str) else json.dumps(body)
    return problem_in(Response("https://corp.example/simple/acme/", text.encode(), content_type))


@pytest.mark.parametrize(
    ("document", "title", "detail"),
    [
        ({"title": "Gone", "detail": "It left.", "status": 410}, "Gone", "It left."),
        ({"title": "a\n b\x1b[2J\u202e", "detail": 3}, "a b?[2J?", ""),
        ({"detail": "ask https://u:s3cret@corp.example/x?token=t"}, "", "ask https://****@corp.example/x?****"),
        ({"title": "t" * 999, "detail": "d" * 999}, "t" * 200 + "...", "d" * 600 + "..."),
    ],
)
def test_what_is_shown_is_short_and_safe(document: dict[str, Any], title: str, detail: str) -> None:
    """One line each: no control characters, no logins or tokens of URLs, and no more than fits a screen."""
    assert read(document, f"{PROBLEM.upper()}; charset=utf-8") == ServerProblem(title, detail)


@pytest.mark.parametrize("body", [{"title": ""}, {}, [], "no JSON", "[" * 60_000, '{"title": "' + "x" * 70_000 + '"}'])
def test_what_cannot_be_read_says_nothing(body: object) -> None:
    """Nothing that a server sends changes the refusal."""
    assert read(body) is None


def test_other_answers_are_no_problem_documents() -> None:
    """Only its media type makes one."""
    assert read({"title": "Gone"}, "application/json") is None
