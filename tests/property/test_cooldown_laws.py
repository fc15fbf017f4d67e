"""The laws of min-age: it does not change the owner of a name, and lets no younger file win."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from support.cases import Case, Expect, RepositoryCase
from support.core_runner import CoreRun
from support.files import FileSpec, build
from support.premise import times

DAY = 24
# Hours that no test takes: a file is never on the border of one day more.
ages = st.integers(0, 20).map(lambda days: days * DAY + 12)
specs = st.builds(
    lambda version, age, sdist, yanked: FileSpec(version, sdist=sdist, yanked=yanked, uploaded=f"{age} hours ago"),
    st.sampled_from(["1.0", "2.0", "3.0"]),
    ages,
    st.booleans(),
    st.sampled_from([False, False, False, True]),
)
shelves = st.lists(specs, min_size=1, max_size=5, unique_by=lambda spec: (spec.version, spec.sdist)).map(tuple)
waits = st.sampled_from([None, 0, 5, 10, 15])


class Winner(NamedTuple):
    """The file that is taken: its repository, and its age in hours."""

    repository: str
    file: str
    age: int


@st.composite
def scenes(draw: st.DrawFn) -> Case:
    """A case of acme in two repositories, without any min-age."""
    top, low = draw(st.sampled_from([(10, 90), (50, 50)]))
    mode = draw(st.sampled_from(["strict", "flexible", "merge"]))
    policy = 'mode = "flexible"\n{own}' if mode == "flexible" else "{own}"
    for name, priority in (("corp", top), ("pypi", low)):
        policy += f'[repositories.{name}]\nurl = "{{{name}}}"\npriority = {priority}\n{{{name}-age}}\n'
    policy += '[pins.acme]\nprojects = ["acme"]\nversions = ">=0"\n{pin-age}\n'
    policy += 'mode = "merge"\n' if mode == "merge" else ""
    repositories = {}
    for name in ("corp", "pypi"):
        shelf = draw(shelves if name == "pypi" else st.none() | shelves)
        repositories[name] = RepositoryCase(name, files={} if shelf is None else {"acme": shelf})
    request = draw(st.sampled_from(["acme", "acme", "acme>=2", "acme==1.0", "acme<3"]))
    return Case("drawn", "drawn", (request,), policy, Expect("served", "acme"), repositories=repositories)


def run(drawn: Case, corp: int | None, pypi: int | None, pin: int | None) -> tuple[CoreRun, Winner | None]:
    """The run of a scene with these days of min-age, and its winner."""
    text = drawn.policy.replace("{own}", "")
    for name, days in (("corp", corp), ("pypi", pypi), ("pin", pin)):
        text = text.replace(f"{{{name}-age}}", "" if days is None else f'min-age = "{days} days"')
    played = CoreRun(replace(drawn, policy=text))
    chosen = played.go().explanation.chosen
    if chosen is None:
        return played, None
    shelf = drawn.repositories[chosen.repository].files["acme"]
    spec = next(spec for spec in shelf if build("acme", spec).filename == chosen.file)
    return played, Winner(chosen.repository, chosen.file, int((spec.uploaded or "").split()[0]))


@settings(max_examples=times(150), deadline=None)
@given(scenes(), waits, waits, waits)
def test_a_min_age_never_changes_who_owns_a_name(
    drawn: Case, corp: int | None, pypi: int | None, pin: int | None
) -> None:
    """Owners, the repositories that are asked, and the end of the lookup are the same with any min-age."""
    (before, _), (after, _) = run(drawn, None, None, None), run(drawn, corp, pypi, pin)
    one, other = before.decisions[0], after.decisions[0]
    assert [f.repository.name for f in one.owners] == [f.repository.name for f in other.owners]
    assert (one.outcome, one.code, before.asked) == (other.outcome, other.code, after.asked)


@settings(max_examples=times(450), deadline=None)
@given(scenes(), waits, waits, waits)
def test_a_min_age_never_makes_a_younger_file_win(
    drawn: Case, corp: int | None, pypi: int | None, pin: int | None
) -> None:
    """The winner is the same, or an old enough file if that was too young; with one min-age for all it is older."""
    (_, before), (_, after) = run(drawn, None, None, None), run(drawn, corp, pypi, pin)
    wait = {name: (own if pin is None else pin) or 0 for name, own in (("corp", corp), ("pypi", pypi))}
    event(f"{'the same' if before == after else 'another' if after else 'nothing'} wins")
    if after is not None:
        assert after.age >= wait[after.repository] * DAY
    if before != after:
        assert before is not None
        assert before.age < wait[before.repository] * DAY
        if after is not None and wait["corp"] == wait["pypi"]:
            assert after.age > before.age
