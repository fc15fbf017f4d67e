"""Wheels that would remove a policy or the hook through a folder, a link or an archive."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZipFile

import pytest

from support.fixtures import EnvFactory
from support.pips import PipEnv
from support.scene import Scene, refused

NEW, OLD = "26.3", "22.0.2"
CODE = "writes-configuration"
METADATA = "Metadata-Version: 2.1\nName: leftpad\nVersion: 0.1\n"


def pip_conf(scene: Scene, file: Path) -> Path:
    """The policy as one of pip's files: if that is gone, pip continues without a message."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(scene.section())
    return file


MEMBERS = {"a folder": "conf/x.txt", "by data": "evil-1.0.data/data/conf/deep/x.txt", "a file": "conf"}


@pytest.mark.story
@pytest.mark.parametrize("pip", [NEW, OLD])
@pytest.mark.parametrize("way", MEMBERS)
def test_a_target_replaces_whole_folders(pip: str, way: str, pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """`-U --target` would remove the policy's folder, so it is refused; without -U pip keeps it."""
    env, folder = pip_env(pip), tmp_path / "project"
    conf = pip_conf(scene, folder / "conf" / "deep" / "settings.ini")
    scene.public.add("evil", {"version": "1.0", "members": {MEMBERS[way]: ""}})
    settings = {"PIP_CONFIG_FILE": str(conf)}
    message = refused(env.run("install", "-U", "-t", ".", "evil", env=settings, cwd=folder), CODE)
    assert f"evil from public (priority 90) would make --upgrade remove {conf}: that is the policy" in message
    assert [path.name for path in folder.iterdir()] == ["conf"]
    done = env.run("install", "-t", ".", "evil", env=settings, cwd=folder)
    assert done.code == 0, done.stderr
    assert conf.exists()


def test_a_target_with_a_file_in_place_of_a_folder(pip_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A wheel's folder may not replace a file of pip's settings; other folders are replaced as usual."""
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
    """If links lead to the policy, no wheel may replace one of them."""
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
    message = refused(env.run("install", "evil", env={"PIP_CONFIG_FILE": str(named)}), CODE)
    assert f"would write {env.root / member}: that is the policy" in message


def planted(env: PipEnv, file: Path) -> Path:
    """An archive with the metadata of an installed leftpad, by which pip would remove the hook."""
    file.parent.mkdir(exist_ok=True)
    script = f"../{env.site_packages.relative_to(env.root).as_posix()}/repoprio.pth"
    with ZipFile(file, "w") as archive:
        archive.writestr("leftpad-0.1.dist-info/METADATA", METADATA)
        archive.writestr("leftpad-0.1.dist-info/entry_points.txt", f"[console_scripts]\n{script} = a:b\n")
    return file


def with_archive(scene: Scene, folder: Path, archive: Path, place: str, **members: str) -> str:
    """A wheel with these further files, and the archive at `place`."""
    built = scene.public.add("evil", {"version": "1.0", "members": members})[0]
    wheel = folder / built.filename
    wheel.write_bytes(built.content)
    with ZipFile(wheel, "a") as opened:
        opened.write(archive, place)
    return str(wheel)


@pytest.mark.story
@pytest.mark.parametrize("pip", [NEW, "24.0", OLD])
def test_a_link_to_metadata_elsewhere(pip: str, fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A wheel may not bring an egg-link, which makes pip trust metadata in any archive."""
    env = fresh_env(pip)
    archive = planted(env, tmp_path / "planted" / "a.zip")
    members = {"other.egg-link": "a.zip\n.\n"}
    wheel = with_archive(scene, tmp_path, archive, "a.zip", **members)
    message = refused(env.run("install", wheel, policy=scene.policy()), CODE)
    assert f"would write {env.site_packages / 'other.egg-link'}: it would make pip uninstall" in message
    # Elsewhere it is a file like any other.
    scene.public.add("nice", {"version": "1.0", "members": {"nice/other.egg-link": "a.zip\n"}})
    done = env.run("install", "nice", policy=scene.policy())
    assert done.code == 0, done.stderr
    if pip != OLD:
        # A removal is refused only if pip would do it.
        without = {"REPOPRIO_CONFIG": os.devnull}
        assert env.run("install", "--no-index", wheel, env=without).code == 0
        assert env.run("uninstall", "-y", "leftpad", env=without).code == 0
        assert not (env.site_packages / "repoprio.pth").exists()


def test_an_archive_on_the_path(fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """Metadata in an archive that Python imports from, such as lib/python311.zip, is checked, as pip reads it."""
    env = fresh_env(NEW)
    archive = planted(env, tmp_path / "planted" / "a.zip")
    wheel = with_archive(scene, tmp_path, archive, "evil-1.0.data/data/lib/more.zip")
    place = env.root / "lib" / "more.zip"
    message = refused(env.run("install", wheel, policy=scene.policy(), env={"PYTHONPATH": str(place)}), CODE)
    assert f"would make pip remove, when it is uninstalled, {env.site_packages / 'repoprio.pth'}" in message
    done = env.run("install", wheel, policy=scene.policy())
    assert done.code == 0, done.stderr


def test_a_list_that_cannot_be_read(fresh_env: EnvFactory, scene: Scene) -> None:
    """A RECORD that is not valid CSV is refused with a message."""
    env = fresh_env(NEW)
    info = "evil-1.0.data/purelib/leftpad-0.1.dist-info"
    scene.public.add("evil", {"version": "1.0", "members": {f"{info}/RECORD": "x" * 140_000}})
    message = refused(env.run("install", "evil", policy=scene.policy()), "wheel")
    assert "evil: its wheel cannot be read: RECORD in leftpad-0.1.dist-info: field larger" in message
