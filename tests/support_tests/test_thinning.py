"""What the default run leaves out of a matrix leaves each of its rows and columns in."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.thinning import thinned

PIPS, KINDS, FLAGS = ("26.3", "22.0.2", "24.0"), ("a", "b", "c", "d", "e"), ((True, "yes"), (False, "no"))


def cells(name: str, story: tuple[int, ...] | None = None, **axes: Any) -> list[Any]:
    """The tests of a function with these axes; a name with an underscore is of two parameters at once."""
    marker = None if story is None else SimpleNamespace(args=story)
    marks = [SimpleNamespace(args=(axis.replace("_", ","), ())) for axis in axes]
    found = []
    for values in itertools.product(*axes.values()):
        params: dict[str, Any] = {}
        for axis, value in zip(axes, values, strict=True):
            params |= dict(zip(axis.split("_"), value, strict=True)) if "_" in axis else {axis: value}
        nodeid = f"{name}[{'-'.join(map(str, params.values()))}]"
        spec = SimpleNamespace(params=params)
        item = SimpleNamespace(nodeid=nodeid, path=Path("f.py"), callspec=spec, iter_markers=lambda _: marks)
        item.get_closest_marker = lambda _: marker
        found.append(item)
    return found


def test_each_value_of_each_parameter_is_left_in() -> None:
    """With the newest pip as many tests as the longest parameter has values; with each other pip one at least."""
    tests = cells("test_it", pip=PIPS, kind=KINDS, flag_word=FLAGS)
    kept = {item.nodeid: item.callspec.params for item in thinned(tests)}
    newest = [params for params in kept.values() if params["pip"] == "26.3"]
    assert [params["kind"] for params in newest] == list(KINDS)
    assert {(params["flag"], params["word"]) for params in newest} == set(FLAGS)
    assert {params["pip"] for params in kept.values()} == set(PIPS)
    assert len(kept) == len(KINDS) + len(PIPS) - 1
    assert [item.nodeid for item in thinned(tests)] == [item.nodeid for item in thinned(tests)]


@pytest.mark.parametrize("axes", [{"kind": KINDS}, {"flag_word": FLAGS}, {"pip": PIPS[:1]}])
def test_one_parameter_alone_is_no_matrix(axes: dict[str, Any]) -> None:
    """All of its values are left in, also where a part of them is the same."""
    tests = cells("test_it", **axes)
    assert {item.nodeid for item in thinned(tests)} == {item.nodeid for item in tests}


def test_older_pips_share_the_tests_of_a_file() -> None:
    """Each test runs with the newest; an older pip has one in sixteen."""
    tests = [item for number in range(40) for item in cells(f"test_{number}", pip=PIPS)]
    kept = [item.callspec.params["pip"] for item in {item.nodeid: item for item in thinned(tests)}.values()]
    assert {pip: kept.count(pip) for pip in PIPS} == {"26.3": 40, "22.0.2": 3, "24.0": 3}


@pytest.mark.parametrize(("story", "kinds"), [((), "a"), ((3,), "abc")])
def test_a_story_runs_once(story: tuple[int, ...], kinds: str) -> None:
    """It runs with the newest pip, and the first set of values, or as many as its marker says."""
    kept = {item.nodeid for item in thinned(cells("test_it", story, pip=PIPS, kind=KINDS))}
    assert kept == {f"test_it[26.3-{kind}]" for kind in kinds}
