"""Places that a wheel may not write to, as data."""

from __future__ import annotations

import pytest

from repoprio.wheel_destinations import Ground, Grounds, fold, is_setting

ROOT = "/env"
PACKAGES = "/env/lib/python3/site-packages"
GROUNDS = Grounds(
    settings=frozenset({"/etc/pip.conf", "/env/share/named.ini"}),
    policies=frozenset({"/etc/repoprio", "/env/etc/corp.toml"}),
    environments=frozenset({ROOT, "/env/bin"}),
    imports=frozenset({"/env/lib/python3", "/home"}),
    customs=frozenset({"/env/lib/python3"}),
)


@pytest.mark.parametrize(
    ("place", "ground"),
    [
        ("/env/pip.conf", Ground.SETTINGS),
        ("/env/PYVENV.cfg", Ground.SETTINGS),
        ("/env/bin/python312._pth", Ground.SETTINGS),
        ("/env/share/named.ini", Ground.SETTINGS),
        ("/etc/pip.conf", Ground.SETTINGS),
        ("/env/share/pip.conf", None),
        ("/env/etc/corp.toml", Ground.POLICY),
        ("/etc/repoprio/repos.d/x.toml", Ground.POLICY),
        ("/etc/repoprio-x/x.toml", None),
        (f"{PACKAGES}/_repoprio_shim.py", Ground.HOOK),
        (f"{PACKAGES}/__pycache__/_repoprio_shim.cpython-311.pyc", Ground.HOOK),
        (f"{PACKAGES}/_repoprio_record.json", Ground.HOOK),
        (f"{PACKAGES}/Repoprio/x.py", Ground.HOOK),
        (f"{PACKAGES}/repoprio.start", Ground.HOOK),
        (f"{PACKAGES}/repoprio-1.0.dist-info/RECORD", Ground.HOOK),
        ("/env/lib/python3/_repoprio_pointer.py", Ground.HOOK),
        ("/env/lib/python3/sitecustomize.py", Ground.HOOK),
        ("/env/lib/python3/__pycache__/sitecustomize.cpython-311.pyc", Ground.HOOK),
        (f"{PACKAGES}/sitecustomize.py", None),
        (f"{PACKAGES}/x.egg-link", Ground.LINK),
        ("/env/share/x.egg-link", None),
        (f"{PACKAGES}/repoprio_extras/x.py", None),
        (f"{PACKAGES}/x/repoprio/x.py", None),
        (f"{PACKAGES}/x/_repoprio_shim.py", None),
        ("/home/repoprio/x.py", Ground.HOOK),
    ],
)
def test_each_place(place: str, ground: Ground | None) -> None:
    """The kind of a place does not depend on its spelling."""
    assert GROUNDS.of(fold(place), ROOT) is ground


def test_what_lies_above_says_nothing() -> None:
    """An environment in a folder named repoprio, below a folder of packages, is not the hook."""
    assert GROUNDS.of("/home/repoprio/env/lib/x.py", "/home/repoprio/env") is None


@pytest.mark.parametrize(
    ("folder", "ground"),
    [
        ("/env/etc", Ground.POLICY),
        ("/", Ground.POLICY),
        ("/env/lib/python3", Ground.HOOK),
        ("/env/bin", Ground.SETTINGS),
        ("/env/share", Ground.SETTINGS),
        ("/env/sha", None),
    ],
)
def test_a_folder_that_is_removed(folder: str, ground: Ground | None) -> None:
    """Removing a folder counts as removing everything in it."""
    assert GROUNDS.below(folder) is ground


def test_spellings_of_one_file() -> None:
    """Upper and lower case, and both forms of an accent, are one file on some file systems."""
    assert fold("/ENV/Caf\u00e9/") == fold("/env/cafe\u0301")
    assert is_setting("pip.ini")
    assert not is_setting("pip.conf.d")
