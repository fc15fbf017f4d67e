"""Names, URLs, redirects, canaries, lists and mirrors: the parts of the pure core one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

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
from repoprio.names import normalize
from repoprio.policy.model import Format, Location, Mode, Pin, Policy, Redirects, Repository, Rule
from repoprio.policy.patterns import Pattern
from repoprio.policy.routing import Route, RuledOut, route, version_limit
from repoprio.urls import (
    site,
)

ACME = normalize("acme")
PAGE: PageFound[str] = PageFound("page", 1)


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
            if ask.kind is ResourceKind.CANARY
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
        return PAGE if ask.kind is ResourceKind.CANARY else StatusReceived(404)

    for name in ("a", "b"):
        lookup: ProjectLookup[str] = ProjectLookup(run, normalize(name))
        assert lookup.mode is Mode.STRICT
        assert drive(lookup, fetch, lambda _: True).outcome is Outcome.ABSENT
    assert [ask.kind for ask in asks].count(ResourceKind.CANARY) == 1


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
    decision, asks = decide(policy, lambda ask: listed if ask.kind is ResourceKind.LIST else PAGE)
    assert decision.owners[0].repository.name == owner
    assert [ask.kind for ask in asks if ask.repository.name == "corp"] == asked


def test_a_list_is_asked_once_in_a_run() -> None:
    """The project list serves all names of a run."""
    run: RunMemory[str] = RunMemory(Policy((repository("corp", complete_listing=True),)))
    asks: list[FetchRequest] = []

    def fetch(ask: FetchRequest) -> FetchResult[str]:
        asks.append(ask)
        return ProjectListFound(frozenset())

    for name in ("a", "b"):
        assert drive(ProjectLookup(run, normalize(name)), fetch, lambda _: True).outcome is Outcome.ABSENT
    assert [ask.kind for ask in asks] == [ResourceKind.LIST]


def test_no_index_leaves_flat_repositories() -> None:
    """`--no-index` asks flat repositories only; a name that is owned by another, or may be, is refused."""
    below, above = (repository("wheels", priority, format=Format.FLAT) for priority in (50, 5))
    decision, asks = decide(Policy((repository("corp"), above)), lambda _: PAGE, no_index=True)
    assert decision.owners[0].repository.name == "wheels"
    assert [ask.kind for ask in asks] == [ResourceKind.FILES]
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
    explanation = explain(policy, decision, "acme", {})
    assert [line.repository.name for line in explanation.lines] == ["corp", "unlisted-1"]
    assert [line.repository.name for line in explanation.faulty] == (
        ["unlisted-1"] if answer == StatusReceived(503) else []
    )


def test_explanations_know_their_lines() -> None:
    """An explanation says which repositories were asked, which caused the failure, and has a line for each."""
    policy = Policy((repository("corp"), repository("special", 20, explicit=True), repository("public", 90)))
    decision, _ = decide(policy, lambda _: StatusReceived(503, ", 6 tries"))
    explanation = explain(policy, decision, "acme", {})
    assert (explanation.outcome, explanation.code) == (Outcome.UNAVAILABLE, Code.UNAVAILABLE)
    assert [line.reason for line in explanation.faulty] == ["503, 6 tries"]
    assert [str(r) for r in explanation.asked] == ["corp (priority 10)"]
    assert explanation.line(policy.repositories[1]).reason == "only for names that are routed to it"
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
    assert Policy(tiers, pins=(Pin("one", (Pattern.parse("acme"),), mode=Mode.MERGE),)).looks_at_versions
    assert not Policy(tiers, pins=(Pin("one", (Pattern.parse("acme"),), block="no"),)).looks_at_versions


def test_explanations_of_what_was_shadowed() -> None:
    """What a lower repository has is reported as shadowed if it was asked."""
    policy = Policy((repository("corp"), repository("public", 90)))
    decision, _ = decide(policy, lambda _: PAGE, below_owner=True)
    explanation = explain(policy, decision, "acme", {"corp": ("1",), "public": ("9",)})
    assert [(line.status, line.versions) for line in explanation.lines] == [("served", ("1",)), ("shadowed", ("9",))]
    assert explanation.outcome is Outcome.NO_MATCH


def test_one_tier_protects_nothing() -> None:
    """Several repositories in one tier count as one-tier; a single one, or one that is only routed to, does not."""
    corp, team, other = repository("corp"), repository("team"), repository("other", priority=90)
    assert Policy((corp, team)).is_one_tier()
    assert not Policy((corp,)).is_one_tier()
    assert not Policy((corp, other)).is_one_tier()
    assert Policy((corp, team, replace(other, explicit=True))).is_one_tier()
    assert not Policy((corp, replace(team, enabled=False))).is_one_tier()


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


def test_a_list_leads_into_no_other_repository() -> None:
    """A project list, or a flat page of all files, cannot redirect to another repository's page of one name."""
    corp, other = repository("corp"), repository("other", 20)
    verdict = judge_redirect((corp, other), corp, corp.locations[0], None, f"{other.locations[0].url}acme/", asked=())
    assert (verdict.state, verdict.reason) == (RepositoryState.UNAVAILABLE, "it redirects into other")


@pytest.mark.parametrize("which", ["page", "mirror", "canary"])
def test_a_busy_gateway_is_never_skipped(which: str) -> None:
    """If no room for a page, a mirror's or the canary's was left, `skip-if-unavailable` does not open the name."""
    busy, down = FetchFailed("busy", Cause.BUSY), FetchFailed("no answer", Cause.CONNECTION, lasting=True)
    mirrored = (Location.of("https://corp.example/simple/"), Location.of("https://mirror.example/simple/"))
    made: dict[str, dict[str, Any]] = {"mirror": {"locations": mirrored}, "canary": {"canary": normalize("known")}}
    keys = made.get(which, {})
    answers: dict[str, FetchResult[str]] = {
        "https://corp.example/simple/acme/": {"page": busy, "mirror": down}.get(which, StatusReceived(404)),
        "https://mirror.example/simple/acme/": busy,
        "https://corp.example/simple/known/": busy,
    }
    policy = Policy((repository("corp", skip_if_unavailable=True, **keys), repository("public", 90)))
    decision, asks = decide(policy, lambda ask: answers[ask.location.url])
    assert decision.outcome is Outcome.UNAVAILABLE
    assert {ask.repository.name for ask in asks} == {"corp"}
