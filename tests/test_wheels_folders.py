"""Wheels that would take a policy away with the folder, or the link, that it lies behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.fixtures import EnvFactory, RepositoryFactory
from test_pip import Scene, refused

NEW, OLD = "26.3", "22.0.2"
CODE = "writes-configuration"


@pytest.fixture
def scene(repository: RepositoryFactory, tmp_path: Path) -> Scene:
    """Two repositories and a policy."""
    return Scene(repository, tmp_path)


def pip_conf(scene: Scene, file: Path) -> Path:
    """The policy as one of pip's files: if that is gone, pip goes on without a word."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        f"[repoprio]\nrepositories.corp.url = {scene.corp.page_url}\nrepositories.corp.priority = 10\n"
        f"repositories.public.url = {scene.public.page_url}\nrepositories.public.priority = 90\n"
    )
    return file


MEMBERS = {"a folder": "conf/x.txt", "by data": "evil-1.0.data/data/conf/deep/x.txt", "a file": "conf"}


@pytest.mark.parametrize("pip", [NEW, OLD])
@pytest.mark.parametrize("way", MEMBERS)
def test_a_target_replaces_whole_folders(pip: str, way: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """`-U --target` would remove the folder that the policy lies in; without -U pip leaves it, and so do we."""
    env, folder = pip_env(pip), tmp_path / "project"
    conf = pip_conf(scene, folder / "conf" / "deep" / "settings.ini")
    scene.public.add("evil", {"version": "1.0", "members": {MEMBERS[way]: ""}})
    settings = {"PIP_CONFIG_FILE": str(conf)}
    said = refused(env.run("install", "-U", "-t", ".", "evil", env=settings, cwd=folder), CODE)
    assert f"evil from public (priority 90) would have --upgrade remove {conf}: that is the policy" in said
    assert [path.name for path in folder.iterdir()] == ["conf"]
    done = env.run("install", "-t", ".", "evil", env=settings, cwd=folder)
    assert done.code == 0, done.stderr
    assert conf.exists()


def test_a_target_with_a_file_in_place_of_a_folder(pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A folder of a wheel takes the place of a file of pip's; other folders are replaced as ever."""
    env, folder = pip_env(NEW), tmp_path / "project"
    conf = pip_conf(scene, folder / "settings")
    scene.public.add("evil", {"version": "1.0", "members": {"settings/x.txt": ""}})
    scene.public.add("nice", {"version": "1.0", "members": {"nice/x.txt": "", "nice-1.0.data/scripts/nice": ""}})
    settings = {"PIP_CONFIG_FILE": str(conf)}
    refused(env.run("install", "-U", "-t", ".", "evil", env=settings, cwd=folder), CODE)
    for _ in range(2):
        done = env.run("install", "-U", "-t", ".", "nice", env=settings, cwd=folder)
        assert done.code == 0, done.stderr


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_on_the_way_to_the_policy(link: str, fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """The policy may be reached by links: no wheel puts a file in the place of one of them."""
    env = fresh_env(NEW)
    conf = pip_conf(scene, tmp_path / "real" / "pip.conf")
    inner = env.root / "etc"
    if link == "folder":
        os.symlink(conf.parent, inner)
        named, member = inner / "pip.conf", "etc"
    else:
        inner.mkdir()
        os.symlink(conf, inner / "corp.conf")
        os.symlink(inner / "corp.conf", named := tmp_path / "named.conf")
        member = "etc/corp.conf"
    scene.public.add("evil", {"version": "1.0", "members": {f"evil-1.0.data/data/{member}": "[global]\n"}})
    said = refused(env.run("install", "evil", env={"PIP_CONFIG_FILE": str(named)}), CODE)
    assert f"would write {env.root / member}: that is the policy" in said
