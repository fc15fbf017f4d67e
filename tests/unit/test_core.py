"""Names, URLs, redirects, canaries, lists and mirrors: the parts of the pure core one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoprio.errors import InspectionError, NoPolicy, RepoprioError, UnknownPip
from repoprio.explain.explaining import explain
from repoprio.lookup.drivers import drive
from repoprio.lookup.events import (
    FetchFailed,
    FetchRequest,
    FetchResult,
    NotFound,
    PageFound,
    ProjectListFound,
    RedirectReceived,
    RepositoryState,
    ResourceKind,
    StatusReceived,
)
from repoprio.lookup.memory import RunMemory
from repoprio.lookup.project import Code, Decision, Outcome, ProjectLookup
from repoprio.lookup.reasons import Cause
from repoprio.lookup.redirects import judge_redirect
from repoprio.names import NormalizedName, is_project_name, normalize
from repoprio.policy.model import Format, Location, Mode, Pin, Policy, Redirects, Repository, Rule
from repoprio.policy.patterns import Pattern, Specificity, best_match
from repoprio.policy.routing import Route, RuledOut, route, version_limit
from repoprio.redaction import redact_text, redact_url
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
PAGE: PageFound[str] = PageFound("page", 1)
Answers = Mapping[tuple[str, str], FetchResult[str]]


def is_version(text: str) -> bool:
    """Whether `text` looks like a version; enough for file names."""
    return re.fullmatch(r"\d+(\.\d+)*((a|b|rc)\d+)?(-\d+)?", text) is not None


def repository(name: str, priority: int = 10, **keys: object) -> Repository:
    """A repository on a separate site."""
    made = Repository(name, (Location.of(f"https://{name}.example/simple/"),), priority)
    return replace(made, **keys)  # type: ignore[arg-type]


def decide(
    policy: Policy, answer: Callable[[FetchRequest], FetchResult[str]], **keys: object
) -> tuple[Decision[str], list[FetchRequest]]:
    """The decision on acme, and the requests that it needed."""
    asks: list[FetchRequest] = []

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        asks.append(ask)
        return answer(ask)

    lookup: ProjectLookup[str] = ProjectLookup(RunMemory(policy), ACME, **keys)  # type: ignore[arg-type]
    return drive(lookup, fetch, lambda _: True), asks


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


REDIRECTS = [
    ("https://corp.example/other/acme/", None),
    ("https://public.example/simple/acme", RepositoryState.ABSENT),
    ("https://PUBLIC.example:443/simple/acme/", RepositoryState.ABSENT),
    ("https://public.example/simple/other/", RepositoryState.UNAVAILABLE),
    ("https://corp.example/public/acme/", RepositoryState.ABSENT),
    ("https://corp.example/simple/../public/acme/", RepositoryState.ABSENT),
    ("https://corp.example/public/other/", RepositoryState.UNAVAILABLE),
    ("http://corp.example/simple/acme/", RepositoryState.UNAVAILABLE),
    ("https://corp.example:8443/simple/acme/", RepositoryState.UNAVAILABLE),
    ("https://elsewhere.example/acme/", RepositoryState.UNAVAILABLE),
    ("https://follow.example/acme/", None),
    ("https://absent.example/acme/", RepositoryState.ABSENT),
    ("file:///etc/passwd", RepositoryState.UNAVAILABLE),
    ("//", RepositoryState.UNAVAILABLE),
    ("https://h.example:x/", RepositoryState.UNAVAILABLE),
]


@pytest.mark.parametrize(("target", "verdict"), REDIRECTS)
def test_each_redirect_is_judged_before_it_is_followed(target: str, verdict: RepositoryState | None) -> None:
    """The own site: followed. Another repository's page of this name: absent. Others: by `redirects`, or refused."""
    told = {site("https://follow.example"): Redirects.FOLLOW, site("https://absent.example"): Redirects.ABSENT}
    corp = repository("corp", redirects=MappingProxyType(told))
    nested = replace(repository("nested", 90), locations=(Location.of("https://corp.example/public/"),))
    policy = Policy((corp, repository("public", 90), nested))
    asked = {one.name for one in policy.repositories}
    assert judge_redirect(policy.repositories, corp, corp.locations[0], ACME, target, asked=asked).state is verdict


def test_http_may_move_to_https_of_the_same_host() -> None:
    """Http to https of one host is the repository's own site."""
    corp = replace(repository("corp"), locations=(Location.of("http://corp.example/simple/"),))
    target = "https://corp.example/simple/acme/"
    assert judge_redirect((corp,), corp, corp.locations[0], ACME, target, asked={"corp", "proxy"}).state is None


def follow(target: str, then: FetchResult[str], **keys: Any) -> tuple[Decision[str], list[FetchRequest]]:
    """Corp redirects acme to `target`, which answers `then`; public would serve it."""
    policy = Policy((repository("corp", **keys), repository("public", 90)))

    def answer(ask: FetchRequest) -> FetchResult[str]:
        if ask.repository.name == "public":
            return PAGE
        return RedirectReceived(target) if ask.hops == 0 else then

    return decide(policy, answer)


def test_a_page_must_stay_the_names_page() -> None:
    """A login page at another path of the same site is no project page, and its 404 is no absence."""
    assert follow("https://corp.example/simple/acme/index.html", PAGE)[0].outcome is Outcome.SERVED
    assert follow("https://corp.example/login", PAGE)[0].outcome is Outcome.UNAVAILABLE
    assert follow("https://corp.example/login", StatusReceived(404))[0].outcome is Outcome.UNAVAILABLE


def test_only_the_repository_itself_can_say_absent() -> None:
    """A 404 from another site, after a redirect, is no absence; a 404 from the own site is."""
    told = MappingProxyType({site("https://cdn.example"): Redirects.FOLLOW})
    assert follow("https://cdn.example/acme/", StatusReceived(404), redirects=told)[0].outcome is Outcome.UNAVAILABLE
    assert follow("https://cdn.example/acme/", PAGE, redirects=told)[0].owners[0].repository.name == "corp"
    assert follow("https://corp.example/s/acme/", StatusReceived(404))[0].owners[0].repository.name == "public"


def test_a_redirect_loop_ends() -> None:
    """Redirects in a circle end as unavailable, after few requests."""
    decision, asks = follow("https://corp.example/simple/acme/", RedirectReceived("https://corp.example/simple/acme/"))
    assert decision.outcome is Outcome.UNAVAILABLE
    assert len(asks) == 11


@pytest.mark.parametrize(("redirects", "outcome"), [(10, Outcome.SERVED), (11, Outcome.UNAVAILABLE)])
def test_ten_redirects_are_followed(redirects: int, outcome: Outcome) -> None:
    """The page behind the tenth redirect counts; an eleventh is not followed, and the reason names the limit."""
    policy = Policy((repository("corp"),))

    def answer(ask: FetchRequest) -> FetchResult[str]:
        return PAGE if ask.hops == redirects else RedirectReceived(f"https://corp.example/{ask.hops}/acme/")

    decision, asks = decide(policy, answer)
    assert (decision.outcome, [ask.hops for ask in asks]) == (outcome, list(range(11)))
    reasons = {Outcome.SERVED: "", Outcome.UNAVAILABLE: "more than 10 redirects"}
    assert decision.results[0].reason == reasons[outcome]


@pytest.mark.parametrize(
    ("code", "cause", "is_login"),
    [
        (401, Cause.LOGIN, True),
        (403, Cause.LOGIN, True),
        (407, Cause.PROXY, True),
        (400, Cause.STATUS, False),
        (408, Cause.STATUS, False),
        (499, Cause.STATUS, False),
        (500, Cause.SERVER, False),
        (503, Cause.SERVER, False),
    ],
)
def test_what_a_status_is_due_to(code: int, cause: Cause, is_login: bool) -> None:
    """Each status has its cause; a refused login is never skipped, by the repository or by a proxy."""
    policy = Policy((repository("corp", skip_if_unavailable=True), repository("public", 90)))
    decision, _ = decide(policy, lambda ask: StatusReceived(code) if ask.repository.name == "corp" else PAGE)
    corp = decision.results[0]
    assert (corp.cause, corp.login_refused, corp.skipped) == (cause, is_login, not is_login)
    assert decision.outcome is (Outcome.UNAVAILABLE if is_login else Outcome.SERVED)


def test_a_location_shows_no_secret() -> None:
    """The repr of a location has neither values of variables nor a login."""
    location = Location("https://${HOST}/", "https://secret-host.example/", user="token", password="secret-word")
    for shown in (repr(location), repr(replace(repository("corp"), locations=(location,)))):
        assert "${HOST}" in shown
        assert not [secret for secret in ("secret-host", "token", "secret-word") if secret in shown]


@pytest.mark.parametrize(
    ("canary", "outcome"),
    [
        (PAGE, Outcome.SERVED),
        (PageFound("page", 0), Outcome.UNAVAILABLE),
        (StatusReceived(404), Outcome.UNAVAILABLE),
        (StatusReceived(401), Outcome.UNAVAILABLE),
        (FetchFailed("reset", lasting=True), Outcome.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("skip", [False, True])
def test_absence_is_believed_after_the_canary(canary: FetchResult[str], outcome: Outcome, skip: bool) -> None:
    """A 404 counts only after the canary was served, with a file of its own; a refused login is never skipped."""
    corp = repository("corp", canary=normalize("known"), skip_if_unavailable=skip)
    policy = Policy((corp, repository("public", 90)))

    def answer(ask: FetchRequest) -> FetchResult[str]:
        return (
            canary
            if ask.what is ResourceKind.CANARY
            else PAGE
            if ask.repository.name == "public"
            else StatusReceived(404)
        )

    decision, asks = decide(policy, answer)
    down = skip and isinstance(canary, FetchFailed)
    assert decision.outcome is (Outcome.SERVED if down else outcome)
    assert [ask.name for ask in asks[:2]] == ["acme", "known"]


def test_the_canary_is_asked_once_in_a_run() -> None:
    """A second name in the same run uses the result of the first canary request."""
    run: RunMemory[str] = RunMemory(Policy((repository("corp", canary=normalize("known")),)))
    asks: list[FetchRequest] = []

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        asks.append(ask)
        return PAGE if ask.what is ResourceKind.CANARY else StatusReceived(404)

    for name in ("a", "b"):
        lookup: ProjectLookup[str] = ProjectLookup(run, normalize(name))
        assert lookup.mode is Mode.STRICT
        assert drive(lookup, fetch, lambda _: True).outcome is Outcome.ABSENT
    assert [ask.what for ask in asks].count(ResourceKind.CANARY) == 1


@pytest.mark.parametrize(
    ("listed", "owner", "asked"),
    [
        (ProjectListFound(frozenset({ACME})), "corp", [ResourceKind.LIST, ResourceKind.PAGE]),
        (ProjectListFound(frozenset()), "public", [ResourceKind.LIST]),
        (FetchFailed("cut short"), "corp", [ResourceKind.LIST, ResourceKind.PAGE]),
    ],
)
def test_a_complete_list_spares_the_page(listed: FetchResult[str], owner: str, asked: list[ResourceKind]) -> None:
    """A name that is not on a complete list is absent without a request for its page; an invalid list is ignored."""
    policy = Policy((repository("corp", complete_listing=True), repository("public", 90)))
    decision, asks = decide(policy, lambda ask: listed if ask.what is ResourceKind.LIST else PAGE)
    assert decision.owners[0].repository.name == owner
    assert [ask.what for ask in asks if ask.repository.name == "corp"] == asked


def test_a_list_is_asked_once_in_a_run() -> None:
    """The project list serves all names of a run."""
    run: RunMemory[str] = RunMemory(Policy((repository("corp", complete_listing=True),)))
    asks: list[FetchRequest] = []

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        asks.append(ask)
        return ProjectListFound(frozenset())

    for name in ("a", "b"):
        assert drive(ProjectLookup(run, normalize(name)), fetch, lambda _: True).outcome is Outcome.ABSENT
    assert [ask.what for ask in asks] == [ResourceKind.LIST]


def test_no_index_leaves_flat_repositories() -> None:
    """`--no-index` asks flat repositories only; a name that is owned by another, or may be, is refused."""
    below, above = (repository("wheels", priority, format=Format.FLAT) for priority in (50, 5))
    decision, asks = decide(Policy((repository("corp"), above)), lambda _: PAGE, no_index=True)
    assert decision.owners[0].repository.name == "wheels"
    assert [ask.what for ask in asks] == [ResourceKind.FILES]
    owned = repository("corp", owns=(Pattern.parse("acme"),))
    for policy in (Policy((repository("corp"), below)), Policy((owned, below)), Policy((owned, above))):
        refused, asks = decide(policy, lambda _: PAGE, no_index=True)
        assert (refused.outcome, refused.code, asks) == (Outcome.BLOCKED, Code.OWNER_RULED_OUT, [])


def test_a_pin_narrows_what_the_owner_offers() -> None:
    """The specifier of the most specific pin that has `versions` goes with the route; a block has none."""
    wide = Pin("wide", (Pattern.parse("a*"),), versions="<9")
    pins = (wide, Pin("exact", (Pattern.parse("acme"),), versions="<3"))
    policy = Policy((repository("corp"),), pins)
    assert version_limit(route(policy, ACME)) == "<3"
    assert version_limit(route(policy, normalize("abc"))) == "<9"
    assert version_limit(route(policy, normalize("b"))) is None
    blocked = Policy(policy.repositories, (Pin("no", (Pattern.parse("*"),), block="no"), *pins))
    assert version_limit(route(blocked, ACME)) is None


def test_a_flat_place_that_moved_lacks_nothing() -> None:
    """A name that another page of the site lacks is not absent; the same page over https is the same place."""
    flat = replace(repository("links"), format=Format.FLAT, locations=(Location.of("http://links.example/a/"),))

    def moved(target: str) -> Outcome:
        answers: dict[str, FetchResult[str]] = {"http://links.example/a/": RedirectReceived(target), target: NotFound()}
        return decide(Policy((flat, repository("public", 90))), lambda ask: answers.get(ask.location.url, PAGE))[
            0
        ].outcome

    assert moved("http://links.example/login/") is Outcome.UNAVAILABLE
    assert moved("https://links.example/a") is Outcome.SERVED


def mirrored(answers: Mapping[str, FetchResult[str]]) -> Decision[str]:
    """Corp with a mirror; public below."""
    corp = replace(
        repository("corp"), locations=tuple(Location.of(f"https://{h}.example/") for h in ("corp", "mirror"))
    )
    policy = Policy((corp, repository("public", 90)))
    return decide(policy, lambda ask: answers.get(site(ask.location.url).host.split(".")[0], PAGE))[0]


def test_mirrors() -> None:
    """A mirror replaces a repository that is down; its "absent" does not count; after a 404 no mirror is asked."""
    down = FetchFailed("reset", lasting=True)
    served = mirrored({"corp": down})
    assert served.owners[0].asked is not None
    assert "mirror" in served.owners[0].asked.url
    assert mirrored({"corp": down, "mirror": StatusReceived(404)}).outcome is Outcome.UNAVAILABLE
    assert mirrored({"corp": down, "mirror": down}).outcome is Outcome.UNAVAILABLE
    assert mirrored({"corp": StatusReceived(404)}).owners[0].repository.name == "public"


def test_a_repository_that_is_down_costs_once() -> None:
    """Within one run a repository that gave no answer at all is not asked for further names."""
    run: RunMemory[str] = RunMemory(Policy((repository("corp"), repository("public", 90))))
    asks: list[FetchRequest] = []

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        asks.append(ask)
        return FetchFailed("reset", lasting=True) if ask.repository.name == "corp" else PAGE

    for name in ("a", "b"):
        assert drive(ProjectLookup(run, normalize(name)), fetch, lambda _: True).outcome is Outcome.UNAVAILABLE
    assert [ask.repository.name for ask in asks] == ["corp"]


def test_what_is_skipped_is_asked_for_each_name() -> None:
    """With skip-if-unavailable, an outage is not remembered: the next name may be served, or answered with 401."""
    run: RunMemory[str] = RunMemory(Policy((repository("corp", skip_if_unavailable=True), repository("public", 90))))
    answers: dict[str, FetchResult[str]] = {
        "a": FetchFailed("took too long", lasting=True),
        "b": PAGE,
        "c": StatusReceived(401),
    }

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        return answers[ask.name] if ask.repository.name == "corp" else PAGE

    found = {name: drive(ProjectLookup(run, normalize(name)), fetch, lambda _: True) for name in answers}
    assert [owner.repository.name for owner in (*found["a"].owners, *found["b"].owners)] == ["public", "corp"]
    assert found["c"].outcome is Outcome.UNAVAILABLE


def test_an_unset_variable_makes_unavailable() -> None:
    """A URL with an unset variable is not requested, and stops the lookup; so does its list."""
    unset = Location("https://${HOST}/", "https://${HOST}/", unset=("HOST",))
    corp = replace(repository("corp", complete_listing=True), locations=(unset,))
    decision, asks = decide(Policy((corp, repository("public", 90))), lambda _: PAGE)
    assert (decision.outcome, asks) == (Outcome.UNAVAILABLE, [])
    assert decision.results[0].reason == "${HOST} is not set"


def test_an_empty_page_may_mean_absent() -> None:
    """With "empty-page" in `absent`, a page without files means absent; a page with files of others does not."""
    policy = Policy((repository("corp", empty_page_is_absent=True), repository("public", 90)))
    for empty, owner in ((True, "public"), (False, "corp")):
        page: PageFound[str] = PageFound("page", 0, empty=empty)
        decision, _ = decide(policy, lambda ask, page=page: page if ask.repository.name == "corp" else PAGE)  # type: ignore[misc]
        assert decision.owners[0].repository.name == owner


def test_callers_below_all() -> None:
    """A repository that only a caller named serves only names that no repository of the policy has."""
    extra = repository("unlisted-1", 1000)
    answers: dict[str, FetchResult[str]] = {"corp": StatusReceived(404), "unlisted-1": PAGE}
    decision, _ = decide(Policy((repository("corp"),)), lambda ask: answers[ask.repository.name], callers=(extra,))
    assert decision.owners[0].repository.name == "unlisted-1"
    assert isinstance(decision.route, Route)


@pytest.mark.parametrize("mode", list(Mode))
def test_repoprio_itself_is_strict(mode: Mode) -> None:
    """Only observe mode loosens where repoprio itself comes from, and no caller's index supplies it."""
    extra = replace(repository("unlisted-1", 1000), is_addition=True)
    corp = repository("corp")
    found = route(Policy((corp,), mode=mode), normalize("Repoprio"), callers=(extra,))
    assert isinstance(found, Route)
    assert found.mode is (Mode.OBSERVE if mode is Mode.OBSERVE else Mode.STRICT)
    assert (found.repositories, found.ruled_out) == ((corp,), {"unlisted-1": RuledOut.CALLER})


@pytest.mark.parametrize("answer", [PAGE, StatusReceived(404), StatusReceived(503)])
def test_explanations_have_callers_repositories(answer: FetchResult[str]) -> None:
    """An explanation has a line for callers' repositories too, and names the one that is unavailable."""
    extra = replace(repository("unlisted-1", 1000), is_addition=True)
    answers: dict[str, FetchResult[str]] = {"corp": StatusReceived(404), "unlisted-1": answer}
    policy = Policy((repository("corp"),))
    decision, _ = decide(policy, lambda ask: answers[ask.repository.name], callers=(extra,))
    told = explain(policy, decision, "acme", {})
    assert [line.repository.name for line in told.lines] == ["corp", "unlisted-1"]
    assert [line.repository.name for line in told.faulty] == (["unlisted-1"] if answer == StatusReceived(503) else [])


def test_explanations_know_their_lines() -> None:
    """An explanation says which repositories were asked, which caused the failure, and has a line for each."""
    policy = Policy((repository("corp"), repository("special", 20, explicit=True), repository("public", 90)))
    decision, _ = decide(policy, lambda _: StatusReceived(503, ", 6 tries"))
    told = explain(policy, decision, "acme", {})
    assert (told.outcome, told.code) == (Outcome.UNAVAILABLE, Code.UNAVAILABLE)
    assert [line.reason for line in told.faulty] == ["503, 6 tries"]
    assert [str(r) for r in told.asked] == ["corp (priority 10)"]
    assert told.line(policy.repositories[1]).reason == "only for names that are routed to it"
    assert policy.repositories[0].is_at("https://corp.example:443/simple")
    assert [r.name for r in policy.enabled()] == ["corp", "special", "public"]
    assert str(Rule("a", "1", "f")) == "a = 1 (f)"
    assert str(Rule("a", "", "f")) == "a (f)"


def test_flexible_mode_goes_no_further_down_than_it_may() -> None:
    """No repository below the lowest allowed tier is asked; in strict mode this limit has no effect."""
    tiers = (repository("corp"), repository("team", 50), repository("public", 90))
    for mode, asked in ((Mode.FLEXIBLE, ["corp", "team"]), (Mode.STRICT, ["corp"])):
        policy = Policy(tiers, mode=mode)
        lookup: ProjectLookup[str] = ProjectLookup(RunMemory(policy), ACME, last=50)
        decision = drive(lookup, lambda _: PAGE, lambda _: False)
        assert [result.repository.name for result in decision.of(RepositoryState.SERVES)] == asked
    assert Policy(tiers, mode=Mode.FLEXIBLE).is_flexible
    assert not Policy(tiers).is_flexible
    assert Policy(tiers, pins=(Pin("one", (Pattern.parse("acme"),), mode=Mode.FLEXIBLE),)).is_flexible


def test_explanations_of_what_was_shadowed() -> None:
    """What a lower repository has is reported as shadowed if it was asked."""
    policy = Policy((repository("corp"), repository("public", 90)))
    decision, _ = decide(policy, lambda _: PAGE, below_owner=True)
    told = explain(policy, decision, "acme", {"corp": ("1",), "public": ("9",)})
    assert [(line.status, line.versions) for line in told.lines] == [("served", ("1",)), ("shadowed", ("9",))]
    assert told.outcome is Outcome.NO_MATCH


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


def test_one_tier_protects_nothing() -> None:
    """Several repositories in one tier count as one-tier; a single one, or one that is only routed to, does not."""
    corp, team, other = repository("corp"), repository("team"), repository("other", priority=90)
    assert Policy((corp, team)).is_one_tier()
    assert not Policy((corp,)).is_one_tier()
    assert not Policy((corp, other)).is_one_tier()
    assert Policy((corp, team, replace(other, explicit=True))).is_one_tier()
    assert not Policy((corp, replace(team, enabled=False))).is_one_tier()


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


def test_a_redirect_to_an_addition_never_means_absent() -> None:
    """A redirect to an added repository never means absent: it is judged as if that repository did not exist."""
    corp = repository("corp")
    real = "https://corp.example/real/simple/"
    known = repository("proxy", locations=(Location.of(real),))
    target = f"{real}acme/"
    assert (
        judge_redirect((corp, known), corp, corp.locations[0], ACME, target, asked={"corp", "proxy"}).state
        is RepositoryState.ABSENT
    )
    added = replace(known, is_addition=True)
    assert judge_redirect((corp, added), corp, corp.locations[0], ACME, target, asked={"corp", "proxy"}).state is None


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


def test_a_list_leads_into_no_other_repository() -> None:
    """A project list, or a flat page of all files, cannot redirect to another repository's page of one name."""
    corp, other = repository("corp"), repository("other", 20)
    verdict = judge_redirect((corp, other), corp, corp.locations[0], None, f"{other.locations[0].url}acme/", asked=())
    assert (verdict.state, verdict.reason) == (RepositoryState.UNAVAILABLE, "it redirects into other")


def test_exit_statuses_of_errors() -> None:
    """An error has the exit status of its command, by default 2."""
    assert (RepoprioError("x").status, NoPolicy("x").status, InspectionError("x", 1).status) == (2, 2, 1)
    unknown = UnknownPip("pip 99 is not known")
    assert (str(unknown), unknown.code) == ("pip 99 is not known", 2)
