"""The rule of flexible mode: a lower choice stands if what is finally installed needs it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from packaging.specifiers import SpecifierSet

from repoprio.lookup.justification import MOST_DOUBTS, Bounds, Graph, Reach, Want
from repoprio.names import NormalizedName, normalize

HI, MID, LO = 10, 50, 90


def graph(*lines: str, constraints: Mapping[str, str] | None = None) -> Graph:
    """``dog > cat[x] >=2`` means that dog requires cat with its extra x, 2 or later; ``> dog``.

    The user requests dog.
    """
    wants = []
    for line in lines:
        parent, _, rest = line.partition(">")
        child, _, bound = rest.strip().partition(" ")
        wants.append(Want(parent.strip() or None, child, normalize(child.partition("[")[0]), bound))
    return Graph(wants, {normalize(name): bound for name, bound in (constraints or {}).items()})


def unneeded(found: Graph, lower: list[str], files: Mapping[str, Mapping[int, list[str]]]) -> dict[str, int]:
    """The choices in `lower` (choices from LO) that are not needed if higher tiers have these versions."""

    def higher(name: NormalizedName, bounds: Bounds) -> int | None:
        wanted = SpecifierSet(",".join(bounds))
        tiers = sorted(files.get(name, {}).items())
        return next((tier for tier, versions in tiers if any(map(wanted.contains, versions))), None)

    return {str(name): tier for name, tier in found.unjustified([normalize(name) for name in lower], higher).items()}


def test_bounds_come_from_all_that_the_roots_reach() -> None:
    """Unreachable projects require nothing; `x` and `x[e]` are one project; a constraint only limits versions."""
    resolved = graph("> dog", "dog > cat[x] >=2", "cat[x] > cat", "dog > cat <9", "eel > cat >5",
                  constraints={"cat": "!=3", "gnu": "<2"})  # fmt: skip
    assert resolved.bounds() == {"dog": (), "cat": ("!=3", "<9", ">=2")}


def test_what_some_want_can_be_left_out() -> None:
    """A project that is left out is still required itself, but its own requirements do not count."""
    resolved = graph("> cat", "cat > bee", "bee > cat >5", "> dog", "dog > bee <3")
    assert resolved.bounds(names("cat", "bee")) == {"cat": (), "dog": (), "bee": ("<3",)}
    assert resolved.bounds(names("cat"))[normalize("cat")] == (">5",)


@pytest.mark.parametrize(
    ("lines", "lower", "expected"),
    [
        (["> cat", "> dog", "dog > cat >5"], ["cat"], {}),
        (["> cat", "> dog", "dog > cat <3"], ["cat"], {"cat": HI}),
        (["> cat >4"], ["cat"], {"cat": MID}),
        (["> cat", "cat > bee", "bee > cat >8"], ["cat"], {"cat": HI}),
        (["> cat >8", "cat > bee", "> bee <2"], ["cat", "bee"], {"bee": HI}),
        (["> cat >8", "cat > bee >8"], ["cat", "bee"], {}),
        (["> cat", "cat > bee >8", "bee > cat >8"], ["cat", "bee"], {"cat": HI}),
    ],
    ids=["needed", "not-needed", "mid", "itself", "one-of-two", "needed-by-lower", "each-other"],
)
def test_a_lower_choice_has_to_be_needed(lines: list[str], lower: list[str], expected: dict[str, int]) -> None:
    """A lower choice needs bounds that no higher tier meets, other than those that it brings itself."""
    tiers = {HI: ["1", "2"], MID: ["5"]}
    assert unneeded(graph(*lines), lower, {"cat": tiers, "bee": {HI: ["1"]}}) == expected


def test_more_bounds_may_let_a_file_in() -> None:
    """A bound that asks for a pre-release can admit a higher tier's file: then the lower choice is not needed."""
    resolved = graph("> cat >1", "> dog >5", "dog > cat >=2rc1")
    assert unneeded(resolved, ["cat", "dog"], {"cat": {HI: ["2rc2"]}, "dog": {HI: ["1"]}}) == {"cat": HI}


def names(*found: str) -> frozenset[NormalizedName]:
    """Some projects."""
    return frozenset(map(normalize, found))


def test_what_was_in_the_way_is_doubted_one_by_one_and_then_together() -> None:
    """Each doubt is tried once; a capped project is not doubted; in the end nothing is left to try."""
    reach = Reach()
    reach.cap(normalize("eel"), HI)
    tried = []
    while reach.fail(map(normalize, ("cat", "dog", "eel", "cat"))):
        tried.append(reach.doubted)
    assert tried == [names("cat"), names("dog"), names("cat", "dog")]
    assert not reach.doubted
    assert not Reach().fail([])


def test_a_lower_tier_that_alone_fits_is_opened() -> None:
    """If only a lower tier fits, it is opened, and all doubts start again; opening it twice changes nothing."""
    reach = Reach()
    cat = normalize("cat")
    assert reach.fail([cat])
    assert reach.learn({cat: LO})
    assert (reach.opened, reach.doubted) == ({cat: {LO}}, frozenset())
    assert reach.fail([cat])
    assert not reach.learn({cat: LO})


def test_what_was_left_open_for_nothing_is_doubted_less() -> None:
    """Doubted projects that gave no result are doubted one fewer at a time: each may hide another."""
    reach = Reach()
    assert reach.fail(map(normalize, ("cat", "dog")))
    assert reach.fail([])
    assert reach.fail([])
    assert reach.doubted == names("cat", "dog")
    assert not reach.learn(dict.fromkeys(map(normalize, ("cat", "dog"))))


def test_doubts_have_an_end() -> None:
    """The number of doubts is limited, even if a resolution fails for many reasons."""
    reach = Reach()
    many = [normalize(f"p{number}") for number in range(2 * MOST_DOUBTS)]
    assert sum(1 for _ in iter(lambda: reach.fail(many), False)) == MOST_DOUBTS


def test_a_cap_only_goes_up() -> None:
    """A project that is capped twice keeps the higher tier, and doubts start again."""
    reach = Reach()
    cat = normalize("cat")
    reach.fail([cat, normalize("dog")])
    reach.cap(cat, MID)
    reach.cap(cat, LO)
    assert (reach.caps, reach.doubted) == ({cat: MID}, frozenset())
    reach.cap(cat, HI)
    assert reach.caps == {cat: HI}
