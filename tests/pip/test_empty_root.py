"""A local repository with nothing in it may be the mount point of a disk that is not mounted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory

PIPS = ["26.3", "22.0.2"]


def nothing(root: Path) -> str:
    """A folder that is empty."""
    return str(root)


def lost(root: Path) -> str:
    """A disk that was formatted and never filled."""
    (root / "lost+found").mkdir()
    (root / ".Trash").mkdir()
    (root / "README.txt").write_text("put wheels here")
    return str(root)


def page(root: Path) -> str:
    """A page of files that lists none."""
    (root / "links.html").write_text("<!DOCTYPE html><html><body><a href='/readme.txt'>read</a></body></html>")
    return str(root / "links.html")


def folder_of_pages(root: Path) -> str:
    """A folder with a single page, which lists no file."""
    page(root)
    return str(root)


@pytest.mark.parametrize("pip", PIPS)
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (nothing, "flat"),
        (lost, "flat"),
        (page, "flat"),
        (folder_of_pages, "flat"),
        (nothing, "simple"),
        (lost, "simple"),
    ],
)
def test_an_empty_root_opens_no_name(
    make: Callable[[Path], str],
    kind: str,
    pip: str,
    pip_env: EnvFactory,
    repository: RepositoryFactory,
    tmp_path: Path,
) -> None:
    """An empty root is unavailable; with "empty-root" in `absent`, or with other projects in it, it is absent."""
    env, public = pip_env(pip), repository("public")
    public.add("acme", "99.0")
    root = tmp_path / "mnt"
    root.mkdir()
    url = make(root) if kind == "flat" else f"file://{make(root)}"
    text = (
        f'[repositories.disk]\nurl = "{url}"\nformat = "{kind}"\npriority = 10\n{{more}}'
        f'[repositories.public]\nurl = "{public.page_url}"\npriority = 90\n'
    )
    policy = tmp_path / "policy.toml"
    policy.write_text(text.format(more=""))
    command = ("download", "--no-cache-dir", "-d", str(tmp_path / "files"), "acme")
    done = env.run(*command, policy=policy)
    assert done.code == 1
    assert "hint: is a disk not mounted? Mount it, or fill the folder;" in " ".join(done.stderr.split())
    assert " in it at all." in done.stderr
    assert 'repositories.disk.absent = [404, "empty-root"] says that it may be empty' in done.stderr
    assert not public.requests
    document = json.loads(env.tool("repos", "--check", "--format", "json", policy=policy).stdout)["repositories"][0]
    assert (document["check"]["status"], document["check"]["code"]) == ("unavailable", "empty-root")
    # No lower repository could have its names.
    assert "lower-priority repositories then" in " ".join(done.stderr.split())
    policy.write_text(text.format(more="").partition("[repositories.public]")[0])
    alone = env.run(*command, policy=policy)
    assert ("is a disk not mounted?" in alone.stderr, "repositories then" in alone.stderr) == (True, False)
    policy.write_text(text.format(more='absent = [404, "empty-root"]\n'))
    assert env.run(*command, policy=policy).code == 0
    policy.write_text(text.format(more=""))
    if kind == "flat":
        (root / "other-1.0-py3-none-any.whl").write_bytes(b"")
        with_link = root / "links.html"
        if with_link.exists():
            with_link.write_text("<!DOCTYPE html><html><body><a href='other-1.0.zip'>other</a></body></html>")
    else:
        (root / "other").mkdir()
    assert env.run(*command, policy=policy).code == 0
