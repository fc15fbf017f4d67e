"""What the default run has of a matrix: each row and each column at least once; the rest is marked `full`.

A test that starts pips runs with each value of each of its parameters, but not with every combination of them. With
the newest of its pips it always runs; of the older ones each has a share of a file's tests, the same in every run.

A test with the marker `story` starts many Pythons of its own, and takes seconds. It runs with the newest of its pips,
and with the first of its sets of values only, or with as many as the marker says.
"""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import pytest

from .paths import ROOT
from .premise import ALL

# In this process tests take milliseconds.
_CHEAP: Final = ("unit", "property", "support_tests")
_STORY: Final = "story"
_VERSION: Final = ("pip", "pip_version")
# Of the tests that run with several pips an older pip has one in so many.
_SHARE: Final = 16
_left_out = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """With -m, hypothesis tries all examples too."""
    if config.option.markexpr != "not full":
        os.environ[ALL] = "yes"


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count the tests that are left out."""
    for item in items[:1]:
        output = getattr(item.config, "workeroutput", {})
        output["left_out"] = sum(item.get_closest_marker("full") is not None for item in items)
        item.config.stash[_left_out] = output["left_out"]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the count of a worker of pytest-xdist; each of them collects all tests."""
    node.config.stash[_left_out] = getattr(node, "workeroutput", {}).get("left_out", 0)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print how many were left out, and how to run them."""
    if config.option.markexpr == "not full" and (count := config.stash.get(_left_out, 0)):
        run = "python -m pytest -n 4 -m full"
        terminalreporter.write_line(f"left out: {count} tests, the rest of each matrix; to run them: {run}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that the default run leaves out."""
    tests = [item for item in items if isinstance(item, pytest.Function) and not item.get_closest_marker("full")]
    dear = [item for item in tests if item.path.relative_to(ROOT / "tests").parts[0] not in _CHEAP]
    keep = {item.nodeid for item in thinned(dear)}
    for item in dear:
        if item.nodeid not in keep:
            item.add_marker(pytest.mark.full)


def thinned(tests: Iterable[pytest.Function]) -> list[pytest.Function]:
    """The tests of the default run; some occur twice."""
    functions = defaultdict[str, list[pytest.Function]](list)
    for item in tests:
        functions[item.nodeid.partition("[")[0]].append(item)
    kept = [item for group in functions.values() for item in _representatives(group)]
    return [*_newest(kept), *_older(item for item in kept if not item.get_closest_marker(_STORY))]


def _representatives(group: list[pytest.Function]) -> list[pytest.Function]:
    """Of a story the first sets of values, of another test those that cover each value."""
    marker = group[0].get_closest_marker(_STORY)
    if marker is None:
        return _covering(group)
    first = list(dict.fromkeys(map(_row, group)))[: (marker.args or (1,))[0]]
    return [item for item in group if _row(item) in first]


def _covering(group: list[pytest.Function]) -> list[pytest.Function]:
    """Of the tests of one function as many as the longest axis has values: with them each value of each axis."""
    rows = [_axes(item) for item in group]
    values = {axis: list(dict.fromkeys(row[axis] for row in rows)) for axis in rows[0]}
    if not values:
        return group
    longest = max(values.values(), key=len)
    where = {axis: [found.index(row[axis]) for row in rows] for axis, found in values.items()}
    along = next(where[axis] for axis, found in values.items() if found is longest)
    return [
        item
        for number, item in enumerate(group)
        if all(where[axis][number] == along[number] % len(found) for axis, found in values.items())
    ]


def _newest(items: Iterable[pytest.Function]) -> list[pytest.Function]:
    """Tests without a version of pip, and of the others those with the first version that the test names."""
    first: dict[tuple[str, str], pytest.Function] = {}
    for item in items:
        row = _row(item)
        if row not in first or _version(item) > _version(first[row]):
            first[row] = item
    return list(first.values())


def _older(items: Iterable[pytest.Function]) -> list[pytest.Function]:
    """For each file and each version a share of the tests, at least one."""
    columns = defaultdict[tuple[str, tuple[int, ...]], list[pytest.Function]](list)
    for item in items:
        columns[str(item.path), _version(item)].append(item)
    found = []
    for column in columns.values():
        ranked = sorted(column, key=lambda item: zlib.crc32(item.nodeid.encode()))
        found += ranked[: -(-len(ranked) // _SHARE)]
    return found


def _axes(item: pytest.Function) -> dict[tuple[str, ...], tuple[int, ...]]:
    """The value of each parametrization, and of each fixture with parameters, except the version."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    named = [mark.args[0] for mark in item.iter_markers("parametrize")]
    axes = [tuple(names.replace(",", " ").split() if isinstance(names, str) else names) for names in named]
    axes += [(name,) for name in params if not any(name in axis for axis in axes)]
    axes = [tuple(name for name in axis if name not in _VERSION) for axis in axes]
    return {axis: tuple(id(params[name]) for name in axis) for axis in axes if axis}


def _version(item: pytest.Function) -> tuple[int, ...]:
    params = item.callspec.params if hasattr(item, "callspec") else {}
    named = next((str(params[name]) for name in _VERSION if name in params), "0")
    return tuple(int(part) for part in named.split(".") if part.isdigit())


def _row(item: pytest.Function) -> tuple[str, str]:
    """The test without the version."""
    return item.nodeid.partition("[")[0], repr(_axes(item))
