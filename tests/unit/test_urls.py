"""Names, patterns and URLs: which are equal, what they mean, and what may be shown of them."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoprio.errors import InspectionError, NoPolicy, RepoprioError, UnknownPip
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.policy.patterns import Pattern, Specificity, best_match
from repoprio.redaction import redact_text, redact_url, redact_words
from repoprio.simple_api.filenames import version_in
from repoprio.urls import (
    Site,
    credentials,
    filename,
    is_fuse,
    is_page_of,
    is_within,
    page_url,
    place,
    site,
    with_credentials,
    without_credentials,
)

ACME = normalize("acme")


def is_version(text: str) -> bool:
    """Whether `text` looks like a version; enough for file names."""
    return re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?(-\d+)?", text) is not None


@given(st.text("abAB.-_*?", min_size=1, max_size=12), st.text("ab-", max_size=12))
def test_patterns_are_globs(pattern: str, text: str) -> None:
    """A pattern matches what the regular expression of its folded text matches."""
    parsed = Pattern.parse(pattern)
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in parsed.text)
    assert parsed.matches(normalize(text)) == bool(re.fullmatch(expression, normalize(text)))


def test_patterns_fold_and_rank() -> None:
    """`Acme_*` is `acme-*`, which does not match acme; an exact name is more specific than any glob."""
    assert Pattern.parse("Acme_*") == Pattern.parse("acme-*")
    assert not Pattern.parse("acme-*").matches(ACME)
    assert Pattern.parse("acme").specificity > Pattern.parse("acme-core-*").specificity
    assert Pattern.parse("acme-*").specificity > Pattern.parse("a*").specificity == Specificity(exact=False, literals=1)
    assert best_match((Pattern.parse("x"),), ACME) is None
    for bad in ("", "a[b]", "a b", "é"):
        with pytest.raises(ValueError, match="wildcards"):
            Pattern.parse(bad)


def test_two_patterns_overlap_if_a_name_matches_both() -> None:
    """It does not matter which of them has the wildcards, or how many ways to match there are."""
    for one, other, meet in (
        ("acme-*", "*-core", True),
        ("a?", "?b", True),
        ("*a*b*", "*b*a*", True),
        ("acme-*", "acme", False),
        ("*a*x", "*a*y", False),
    ):
        for a, b in ((one, other), (other, one)):
            assert Pattern.parse(a).overlaps(Pattern.parse(b)) is meet, (a, b)


def test_a_hostile_pattern_costs_no_time() -> None:
    """Many wildcards on a long name are matched at once."""
    assert not Pattern.parse("*a" * 40 + "b").matches(NormalizedName("a" * 3000))


def test_project_names() -> None:
    """A project name is what the core metadata allow."""
    assert all(is_project_name(name) for name in ("a", "A.b-c_d", "9x"))
    assert not any(is_project_name(name) for name in ("", "-a", "a-", "a b", "ü"))


@pytest.mark.parametrize(
    ("file", "project", "version"),
    [
        ("acme-1.0-py3-none-any.whl", "acme", "1.0"),
        ("Acme_Core-1.0-1-py3-none-any.whl", "acme-core", "1.0"),
        ("acme_core-1.0-py3-none-any.whl", "acme", None),
        ("acme-1.0.whl", "acme", None),
        ("acme-x-py3-none-any.whl", "acme", None),
        ("acme-1.0.tar.gz", "acme", "1.0"),
        ("acme-core-1.0.zip", "acme", None),
        ("acme-core-1.0.zip", "acme-core", "1.0"),
        ("acme-1.0-1.tar.gz", "acme", "1.0-1"),
        ("acme.tar.gz", "acme", None),
        ("acme-1.0.exe", "acme", None),
    ],
)
def test_project_and_version_of_a_file(file: str, project: str, version: str | None) -> None:
    """A file name states project and version, with dashes in either."""
    assert version_in(file, normalize(project), is_version) == version


def test_places() -> None:
    """Parts of a URL that do not distinguish repositories are ignored; the path counts, with dots resolved."""
    same = ["https://H.example/simple", "https://h.example:443/simple/", "HTTPS://u:p@h.example/./%73imple/#f"]
    assert len({place(url) for url in same}) == 1
    assert place("https://h.example/corp/../public") == place("https://h.example/%70ublic/")
    assert place("https://h.example:8443/") == "https://h.example:8443"
    assert is_within("https://h.example/a/b", "https://h.example/a/")
    assert not is_within("https://h.example/ab", "https://h.example/a")
    assert str(site("http://h.example:80")) == "http://h.example"
    assert Site("http", "h", 80).is_own(Site("https", "h", 443))
    assert Site("http", "h", 8080).is_own(Site("https", "h", 8080))
    assert not Site("http", "h", 80).is_own(Site("https", "h", 8443))
    assert not Site("https", "h", 443).is_own(Site("http", "h", 80))


@given(
    st.sampled_from(["http", "https", "HTTP", "file", "ftp"]),
    st.text("aZ0.-:@[]%5\\\t# ", max_size=12),
    st.sampled_from(["", "/", "?a=//b/", "#/x", "\t/x", "/a/@b:9/[", "//c/"]),
)
def test_the_path_does_not_change_the_site(scheme: str, netloc: str, rest: str) -> None:
    """A URL has the site that the standard library reads from the whole of it, or none, as there."""

    def read(url: str) -> Site | None:
        try:
            parts = urlsplit(url)
            return Site(parts.scheme, unquote(parts.hostname or ""), parts.port)
        except ValueError:
            return None

    url = f"{scheme}://{netloc}{rest}"
    expected = read(url)
    if expected is None:
        with pytest.raises(ValueError):  # noqa: PT011 - the standard library's
            site(url)
    elif "%" not in netloc:
        assert site(url) == expected._replace(
            host="" if expected.scheme == "file" and expected.host == "localhost" else expected.host.lower(),
            port=expected.port or {"http": 80, "https": 443}.get(expected.scheme),
        )


def test_pages_and_files_of_urls() -> None:
    """A page URL ends in the name; a file name is its last segment, decoded."""
    assert page_url("https://h.example/simple", ACME) == "https://h.example/simple/acme/"
    assert is_page_of("https://h.example/x/Acme/index.html", ACME)
    assert not is_page_of("https://h.example/login", ACME)
    assert not is_page_of("https://h.example/", ACME)
    assert filename("https://h.example/f/a%2Bb.whl?x#y") == "a+b.whl"


def test_credentials_in_urls() -> None:
    """Credentials are split from a URL and joined to it again, percent-encoded."""
    url = with_credentials("https://x@h.example/simple/", "a@b", "p/w")
    assert url == "https://a%40b:p%2Fw@h.example/simple/"
    assert credentials(url) == ("a@b", "p/w")
    assert with_credentials("https://h.example/", "token", "") == "https://token@h.example/"
    assert without_credentials(url) == "https://h.example/simple/"
    assert credentials("https://h.example/") is None
    assert redact_url("https://u:p@h.example/a?token=1#x") == "https://h.example/a"
    assert redact_url("https://[h/a") == "(not a URL)"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///repoprio-is-not-loaded/", True),
        ("file:///repoprio-is-not-loaded", True),
        ("file:///repoprio-is-not-loaded-yet/", False),
        ("https://corp.example/repoprio-is-not-loaded/", False),
        ("https://repoprio.invalid/unguarded/", True),
        ("https://REPOPRIO.invalid", True),
        ("https://repoprio.invalid.example/", False),
        ("https://[broken", False),
    ],
)
def test_the_fuse(url: str, expected: bool) -> None:
    """The fuse is recognized by its folder, and the earlier one by its host."""
    assert is_fuse(url) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://corp.example/simple/", "https://corp.example/simple/"),
        ("https://bot:s3cret@corp.example/simple/", "https://****@corp.example/simple/"),
        ("https://bot:s3/cret@corp.example/simple/", "https://****@corp.example/simple/"),
        ("https://s3/cret@corp.example/simple/", "https://****@corp.example/simple/"),
        ("https://bot:s3@cret@corp.example/simple/", "https://****@corp.example/simple/"),
        ("https://corp.example/_packaging/feed@Local/simple/", "https://corp.example/_packaging/feed@Local/simple/"),
        ("https://bot:s3cret@corp.example/feed@Local/", "https://****@corp.example/feed@Local/"),
        ("https://localhost:8080/feed@Local/?token=s3cret", "https://localhost:8080/feed@Local/?****"),
        ("https://corp.example/#s3cret@x", "https://corp.example/?****"),
        ("bot:s3cret@corp.example/simple", "****@corp.example/simple"),
        ("https://${WHO}:${TOKEN}@corp.example/", "https://****@corp.example/"),
        ("https://[s3cret@x/", "https://****@x/"),
        ("https://bot:s3cret", "https://bot:****"),
        ("https://corp.example:port/simple/", "https://corp.example:****/simple/"),
        ("https://corp.example:8443/simple/", "https://corp.example:8443/simple/"),
        ("http://[::1]/simple/", "http://[::1]/simple/"),
        ("/srv/wheels", "/srv/wheels"),
        ("https://", "https://"),
    ],
)
def test_no_login_is_shown(text: str, expected: str) -> None:
    """Possible logins and tokens are hidden, even in a text that is not a URL; an @ in a path is not a login."""
    assert redact_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "bad: 'https://bob:1 s3cret@corp.example/x y':\n    https://bob:1 s3cret@corp.example/x y\n  ^ (line 1)",
            "bad: 'https://****@corp.example/x y':\n    https://****@corp.example/x y\n  ^ (line 1)",
        ),
        ("https://corp.example/ or https://bob:s3cret@x", "https://corp.example/ or https://****@x"),
        ("see https://corp.example/?token=s3cret y", "see https://corp.example/?**** y"),
        ("see https://corp.example/ bob:s3cret@x", "see https://corp.example/ ****@x"),
        (
            "git+https://corp.example/x.git@main needs NAME @ URL",
            "git+https://corp.example/x.git@main needs NAME @ URL",
        ),
        ("acme=1: did you mean ==?", "acme=1: did you mean ==?"),
    ],
)
def test_no_login_is_shown_in_a_sentence(text: str, expected: str) -> None:
    """Possible logins and tokens of all its URLs are hidden, also of one with spaces; the rest stays as it is."""
    assert redact_words(text) == expected


@pytest.mark.parametrize(
    ("one", "other", "shares"),
    [
        ("https://corp.example", "https://corp.example", True),
        ("https://corp.example", "http://corp.example", True),
        ("https://corp.example:8443", "http://corp.example:8443", True),
        ("https://corp.example:8443", "https://corp.example", False),
        ("https://corp.example", "https://other.example", False),
    ],
)
def test_who_shares_a_login(one: str, other: str, shares: bool) -> None:
    """Pip keeps one login for each host and port; the default ports of http and https count as one."""
    assert site(one).shares_logins(site(other)) is shares


def test_exit_statuses_of_errors() -> None:
    """An error has the exit status of its command, by default 2."""
    assert (RepoprioError("x").status, NoPolicy("x").status, InspectionError("x", 1).status) == (2, 2, 1)
    unknown = UnknownPip("pip 99 is not known")
    assert (str(unknown), unknown.code) == ("pip 99 is not known", 2)
