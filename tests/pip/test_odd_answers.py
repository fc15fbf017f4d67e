"""Answers that would give plain pip a traceback, and odd entries in a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repoprio.names import normalize
from repoprio.pip_adapter import compat
from repoprio.simple_api.model import File
from support.faults import Fault
from support.fixtures import EnvFactory
from support.scene import Scene, policy_text, refused
from support.screening import rejection

NEW = "26.3"
ENDLESS = "9" * 5000


PAGES = {
    "version": f'<a href="/files/tool-{ENDLESS}-py3-none-any.whl">x</a>',
    "build": f'<a href="/files/tool-2.0-{ENDLESS}-py3-none-any.whl">x</a>',
    "python": f'<a data-requires-python="&gt;={ENDLESS}" href="/files/tool-2.0-py3-none-any.whl">x</a>',
}


@pytest.mark.parametrize("pip", [NEW, "22.0.2"])
@pytest.mark.parametrize("where", PAGES)
def test_a_number_without_an_end(where: str, pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """A file with a version number of thousands of digits, which Python cannot read, is no candidate."""
    good = '<a href="/files/tool-1.0-py3-none-any.whl">x</a>'
    page = f"<!DOCTYPE html><html><body>{PAGES[where]}{good}</body></html>"
    scene.public.add("tool", "1.0")
    scene.public.answer("tool", Fault(body=page, content_type="text/html"))
    done = pip_env(pip).tool("explain", "tool", policy=scene.policy())
    assert "Traceback" not in done.stderr
    assert (done.code, "tool 1.0 comes from public" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_number_without_an_end_that_is_installed(fresh_env: EnvFactory, scene: Scene) -> None:
    """Audit reports an installed version that Python cannot read, and continues."""
    env = fresh_env(NEW)
    info = env.site_packages / "acme-99.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme\nVersion: {ENDLESS}\n")
    done = env.tool("audit", policy=scene.policy())
    assert "Traceback" not in done.stderr
    assert (done.code, "acme" in done.stdout) == (1, True), done.stdout + done.stderr


def test_long_numbers_are_the_reason() -> None:
    """The reason is the number, not another project."""

    def why(file: str, python: str = "") -> str | None:
        url = f"https://a.example/{file}"
        return rejection(normalize("tool"), File(file, url, {}, python), url, compat.VERSIONS)

    assert (
        why(f"tool-{ENDLESS}.tar.gz")
        == why("tool-1.tar.gz", f">={ENDLESS}")
        == "a number that is too long for any version"
    )
    assert why(f"tool-{'1' * 600}.tar.gz", ">=3") is None


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_project_that_is_no_folder(kind: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """In a simple repository on disk, a file or a broken link in place of a project is not absence."""
    place = tmp_path / "index" / "acme"
    place.parent.mkdir()
    if kind == "file":
        place.write_text("")
    else:
        os.symlink("nowhere", place)
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'[repositories.local]\nurl = "{place.parent}"\npriority = 10\n'
        f'[repositories.public]\nurl = "{scene.public.page_url}"\npriority = 90\n'
    )
    message = refused(pip_env(NEW).run("install", "--dry-run", "acme", policy=policy), "unavailable")
    assert "'acme' in its folder is not a folder, or is a broken link" in message
    assert not scene.public.asked("acme")


@pytest.mark.parametrize("pip", [NEW, "22.0.2"])
def test_a_flat_page_owns_a_name_with_an_unusable_file(pip: str, pip_env: EnvFactory, scene: Scene) -> None:
    """A file with a login in its link is rejected, but its name stays with that repository."""
    link = f'<a href="http://me:secret@{scene.corp.host}/files/acme-1.0-py3-none-any.whl">x</a>'
    scene.corp.answer_all(Fault(body=f"<!DOCTYPE html><html><body>{link}</body></html>", content_type="text/html"))
    urls = {"corp": scene.corp.flat_url, "public": scene.public.page_url}
    scene.file.write_text(policy_text(urls, corp='format = "flat"'))
    message = refused(pip_env(pip).run("install", "acme", policy=scene.file), "no-match")
    done = pip_env(pip).tool("explain", "-v", "acme", policy=scene.file)
    assert "a link that contains credentials" in done.stdout, done.stdout
    assert "fix their links" in done.stdout
    assert "secret" not in message + done.stdout + done.stderr
    assert not scene.public.requests
