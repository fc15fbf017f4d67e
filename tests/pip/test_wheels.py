"""Wheels that would change the policy, or remove the hook, without running any code."""

from __future__ import annotations

import io
import os
from pathlib import Path
from zipfile import ZipFile

import pytest

import repoprio
from repoprio.pip_adapter.install.removals import removed
from support.fixtures import EnvFactory
from support.pips import PipEnv
from support.scene import Scene, refused

NEW, OLD = "26.3", "22.0.2"
CODE = "writes-configuration"
DATA = "evil-1.0.data"
PLAIN = "[global]\ntimeout = 9\n"
POLICY = "[repoprio]\nmode = observe\n"


def evil(scene: Scene, **members: str) -> None:
    """Add a wheel with these further files to the lower repository; requests needs it."""
    named = {name.replace("__data__", DATA): text for name, text in members.items()}
    scene.public.add("evil", {"version": "1.0", "members": named})


def packages(env: PipEnv) -> str:
    """The folder of the packages as it lies below the environment's root."""
    return env.site_packages.relative_to(env.root).as_posix()


# What a wheel names, and where that lands below the environment's root.
PLACES = {
    "pip.conf": (f"{DATA}/data/pip.conf", "pip.conf"),
    "another spelling": (f"{DATA}/data/./PIP.conf", "PIP.conf"),
    "around a corner": (f"{DATA}/data/share/../pip.conf", "pip.conf"),
    "pyvenv.cfg": (f"{DATA}/data/pyvenv.cfg", "pyvenv.cfg"),
    "of the interpreter": (f"{DATA}/scripts/pyvenv.cfg", "bin/pyvenv.cfg"),
    "uv.toml": (f"{DATA}/data/uv.toml", "uv.toml"),
    "the shim": ("_repoprio_shim.py", "{packages}/_repoprio_shim.py"),
    "compiled": (
        f"{DATA}/platlib/__pycache__/_repoprio_shim.cpython-311.pyc",
        "{packages}/__pycache__/_repoprio_shim.cpython-311.pyc",
    ),
    "a pointer": (f"{DATA}/purelib/_repoprio_pointer/__init__.py", "{packages}/_repoprio_pointer/__init__.py"),
    "by data": (f"{DATA}/data/{{packages}}/repoprio.pth", "{packages}/repoprio.pth"),
    "in repoprio": ("repoprio/policy/model.py", "{packages}/repoprio/policy/model.py"),
    "its metadata": (f"{DATA}/purelib/repoprio-99.dist-info/METADATA", "{packages}/repoprio-99.dist-info/METADATA"),
}


@pytest.mark.parametrize("place", PLACES)
def test_no_wheel_writes_there(place: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """A wheel with a file at the place of settings or of the hook stops pip before anything of it is installed."""
    env = fresh_env(NEW)
    member, landed = (part.format(packages=packages(env)) for part in PLACES[place])
    file = env.root / landed
    before = file.read_bytes() if file.exists() else None
    evil(scene, **{member: PLAIN})
    message = refused(env.run("install", "evil", "acme", policy=scene.policy()), CODE)
    assert f"evil from public (priority 90) would write {file}" in message
    assert f"in evil-1.0-py3-none-any.whl: {member}" in message
    assert (file.read_bytes() if file.exists() else None) == before
    assert {"evil", "acme"}.isdisjoint(env.installed)


def test_what_lands_elsewhere_is_let_through(fresh_env: EnvFactory, scene: Scene) -> None:
    """Files of these names are allowed in places where nothing reads them."""
    env = fresh_env(NEW)
    members = (
        "evil/pip.conf",
        "evil/repoprio/policy/model.py",
        f"{DATA}/data/share/doc/repoprio/pip.conf",
        "repoprio_x.py",
    )
    evil(scene, **dict.fromkeys(members, PLAIN))
    done = env.run("install", "evil", policy=scene.policy())
    assert done.code == 0, done.stderr
    assert (env.root / "share/doc/repoprio/pip.conf").read_text() == PLAIN


@pytest.mark.parametrize(("pip", "options"), [(OLD, []), (OLD, ["--use-deprecated=legacy-resolver"]), ("24.0", [])])
def test_other_pips(pip: str, options: list[str], fresh_env: EnvFactory, scene: Scene) -> None:
    """The same holds for older pips, the legacy resolver, and dependencies."""
    env = fresh_env(pip)
    evil(scene, **{f"{DATA}/data/pip.conf": POLICY})
    scene.public.add("nice", {"version": "1.0", "requires": ["evil"]})
    message = refused(env.run("install", *options, "nice", policy=scene.policy()), CODE)
    assert "evil from public (priority 90) (required by nice)" in message
    assert "nice" not in env.installed
    assert not (env.root / "pip.conf").exists()


ROUTES = {"owns": 'owns = ["evil"]\n', "pin": '[pins.evil]\nprojects = ["evil"]\nrepositories = ["public"]\n'}


@pytest.mark.parametrize("way", ROUTES)
def test_configuration_wheels_of_an_owner(way: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """If its name is routed to its repository, a wheel may bring settings; never a policy, nor the hook."""
    env, policy = fresh_env(NEW), scene.policy(ROUTES[way])
    evil(scene, **{f"{DATA}/data/pip.conf": POLICY})
    message = refused(env.run("install", "evil", policy=policy), CODE)
    assert "that is the policy, which no wheel may install" in message
    evil(scene, **{"_repoprio_shim.py": ""})
    refused(env.run("install", "evil", policy=policy), CODE)
    evil(scene, **{f"{DATA}/data/pip.conf": PLAIN})
    done = env.run("install", "evil", policy=policy)
    assert done.code == 0, done.stderr
    assert (env.root / "pip.conf").read_text() == PLAIN


def test_a_url_is_nobodys(fresh_env: EnvFactory, scene: Scene) -> None:
    """A file that the user names by URL does not come from the owner, even with an owned name."""
    env = fresh_env(NEW)
    evil(scene, **{f"{DATA}/data/pip.conf": PLAIN})
    url = f"{scene.public.root_url}files/evil-1.0-py3-none-any.whl"
    refused(env.run("install", f"evil @ {url}", policy=scene.policy(ROUTES["owns"])), CODE)


def test_the_files_of_the_policy(fresh_env: EnvFactory, scene: Scene) -> None:
    """No wheel may write to the policy's files, routed or not."""
    env = fresh_env(NEW)
    policy = env.root / "etc" / "corp.toml"
    policy.parent.mkdir()
    policy.write_text(scene.policy(ROUTES["owns"]).read_text())
    evil(scene, **{f"{DATA}/data/etc/corp.toml": ""})
    message = refused(env.run("install", "evil", policy=policy), CODE)
    assert f"would write {policy}: that is the policy" in message


def test_any_file_that_pip_reads(fresh_env: EnvFactory, scene: Scene) -> None:
    """PIP_CONFIG_FILE may be below the environment, with any name: it is protected too."""
    env = fresh_env(NEW)
    file = env.root / "share" / "settings.ini"
    evil(scene, **{f"{DATA}/data/share/settings.ini": PLAIN})
    refused(env.run("install", "evil", policy=scene.policy(), env={"PIP_CONFIG_FILE": str(file)}), CODE)


@pytest.mark.parametrize("pip", [NEW, OLD])
@pytest.mark.parametrize("way", ["target", "prefix", "root", "user"])
def test_every_way_to_install(pip: str, way: str, fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """With `--target`, `--prefix`, `--root` and `--user`, the final places of files are checked."""
    env, other = fresh_env(pip), fresh_env(pip, stock=True)
    if way == "user":
        cfg = env.root / "pyvenv.cfg"
        cfg.write_text(cfg.read_text().replace("= false", "= true"))
    member = f"{DATA}/data/lib/python/pip.conf" if way == "target" else f"{DATA}/data/pip.conf"
    evil(scene, **{member: PLAIN})
    where = {"target": other.root, "prefix": other.root, "root": tmp_path / "image"}
    options = ["--user"] if way == "user" else [f"--{way}", str(where[way])]
    variables = {"PYTHONUSERBASE": str(other.root)} if way == "user" else {}
    refused(env.run("install", *options, "evil", policy=scene.policy(), env=variables), CODE)
    assert not (other.root / "pip.conf").exists()
    assert not (tmp_path / "image").exists()


def test_links_lead_nowhere_else(fresh_env: EnvFactory, scene: Scene) -> None:
    """For a folder that is a link, its target is checked."""
    env = fresh_env(NEW)
    os.symlink(env.site_packages, env.root / "share")
    evil(scene, **{f"{DATA}/data/share/_repoprio_shim.py": ""})
    refused(env.run("install", "evil", policy=scene.policy()), CODE)


@pytest.mark.parametrize("row", ["_repoprio_shim.py", "../../../pip.conf", "repoprio/__init__.py"])
def test_a_list_of_what_it_does_not_have(row: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """A RECORD that lists files of others is refused: pip would remove them with the next upgrade."""
    env = fresh_env(NEW)
    if "pip.conf" not in row:
        assert (env.site_packages / row).exists()
    scene.public.add("evil", {"version": "1.0", "records": [row]})
    message = refused(env.run("install", "evil", policy=scene.policy()), CODE)
    assert "would make pip remove" in message


@pytest.mark.parametrize("pip", [NEW, OLD])
def test_scripts_that_leave_their_folder(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """The name of an entry point may be a path, and older pips follow it."""
    env = fresh_env(pip)
    shim = env.site_packages / "_repoprio_shim.py"
    before = shim.read_bytes()
    points = f"[console_scripts]\n../{packages(env)}/_repoprio_shim.py = evil:main\n"
    evil(scene, **{"evil-1.0.dist-info/entry_points.txt": points})
    refused(env.run("install", "evil", policy=scene.policy()), CODE)
    assert shim.read_bytes() == before


# Metadata of another project, or a second copy of its own, in a wheel: pip uninstalls by it.
PLANTED = {
    "another's": f"{DATA}/purelib/leftpad-0.1.dist-info/entry_points.txt",
    "its own once more": f"{DATA}/purelib/evil-1.0.dist-info/entry_points.txt",
    "by data": f"{DATA}/data/{{packages}}/leftpad-0.1.dist-info/entry_points.txt",
    "spelled otherwise": "leftpad-0.1.Dist-Info/Entry_Points.txt",
    "egg-info": "leftpad-0.1.egg-info/entry_points.txt",
    "an egg": "leftpad-0.1-py3.12.egg/EGG-INFO/entry_points.txt",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_entry_points_that_pip_would_remove(planted: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """Scripts that forged metadata name are checked like lists of installed files."""
    env = fresh_env(NEW)
    member = PLANTED[planted].format(packages=packages(env))
    evil(scene, **{member: f"[console_scripts]\n../{packages(env)}/repoprio.pth = a:b\n"})
    message = refused(env.run("install", "evil", policy=scene.policy()), CODE)
    assert f"would make pip remove, when it is uninstalled, {env.site_packages / 'repoprio.pth'}" in message
    # Metadata without a version stops pip 26.3 itself.
    info = f"{member.rpartition('/')[0]}/PKG-INFO"
    evil(scene, **{member: "[console_scripts]\nleftpad = a:b\n", info: "Name: leftpad\nVersion: 0.1\n"})
    done = env.run("install", "evil", policy=scene.policy())
    assert done.code == 0, done.stderr


@pytest.mark.story
@pytest.mark.parametrize("pip", [NEW, "24.0", OLD])
def test_planted_metadata_does_what_is_said(pip: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """The refused action is real: without a policy, an upgrade of the forged project removes the file."""
    env = fresh_env(pip)
    (env.root / "pip.conf").write_text(PLAIN)
    info = f"{DATA}/purelib/leftpad-0.1.dist-info"
    points = "[console_scripts]\n../pip.conf = a:b\n"
    meta = "Metadata-Version: 2.1\nName: leftpad\nVersion: 0.1\n"
    evil(scene, **{f"{info}/METADATA": meta, f"{info}/RECORD": "", f"{info}/entry_points.txt": points})
    refused(env.run("install", "evil", policy=scene.policy()), CODE)
    index = ["--index-url", scene.public.page_url]
    assert env.run("install", *index, "evil", env={"REPOPRIO_CONFIG": os.devnull}).code == 0
    assert env.run("uninstall", "-y", "leftpad").code == 0
    assert not (env.root / "pip.conf").exists()


LISTS = {
    "RECORD of an egg": ("leftpad-0.1.egg-info/RECORD", "repoprio.pth,,"),
    "files of a wheel": (f"{DATA}/purelib/leftpad-0.1.dist-info/installed-files.txt", "../repoprio.pth"),
    "modules": ("leftpad-0.1.egg-info/top_level.txt", "_repoprio_shim"),
    "scripts": ("leftpad-0.1.egg-info/scripts/pyvenv.cfg", ""),
    "a whole folder": (f"{DATA}/purelib/leftpad-0.1.dist-info/RECORD", "../site-packages,,"),
    "the folder of the policy": (f"{DATA}/purelib/leftpad-0.1.dist-info/RECORD", "../../../etc,,"),
}


@pytest.mark.parametrize("way", LISTS)
def test_other_lists_that_pip_would_remove_by(way: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """Lists in both kinds of metadata count, and folders that pip removes completely."""
    env = fresh_env(NEW)
    policy = env.root / "etc" / "corp.toml"
    policy.parent.mkdir()
    policy.write_text(scene.policy().read_text())
    member, content = LISTS[way]
    evil(scene, **{member: content})
    message = refused(env.run("install", "evil", policy=policy), CODE)
    assert "would make pip remove" in message


def test_a_zipped_egg_is_looked_into() -> None:
    """An egg in one file is checked too: pip uninstalls by the metadata in it."""
    content = io.BytesIO()
    with ZipFile(content, "w") as egg:
        egg.writestr("EGG-INFO/entry_points.txt", "[gui_scripts]\n../pip.conf = a:b\n")
    place = os.path.abspath("/env/lib/leftpad-0.1-py3.12.egg")
    scripts = os.path.abspath("/env/bin")
    found = list(removed(place, content.getvalue, [scripts]))
    assert found == [(scripts, os.path.abspath("/env/pip.conf"))]
    assert list(removed(place, lambda: b"no archive", [scripts])) == []


@pytest.mark.parametrize("pip", [NEW, OLD])
def test_a_policy_by_a_relative_path(pip: str, fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A relative REPOPRIO_CONFIG counts from the working directory: no wheel overwrites that file."""
    env, folder = fresh_env(pip), tmp_path / "rel"
    folder.mkdir()
    policy = folder / "pol.toml"
    policy.write_text(before := scene.policy().read_text())
    evil(scene, **{"pol.toml": "mode = 'observe'\n"})
    message = refused(env.run("install", "-U", "-t", ".", "evil", policy=Path("pol.toml"), cwd=folder), CODE)
    assert f"would write {policy}: that is the policy" in message
    assert policy.read_text() == before
    elsewhere = env.run("install", "-t", "x", "evil", policy=Path("pol.toml"), cwd=folder)
    assert elsewhere.code == 0, elsewhere.stderr


@pytest.mark.parametrize("feature", ["", "--use-feature=venv-isolation", "--use-feature=inprocess-build-deps"])
def test_builds(feature: str, fresh_env: EnvFactory, scene: Scene) -> None:
    """Build requirements are checked too, and so is the result of a build."""
    env = fresh_env(NEW)
    evil(scene, **{f"{DATA}/data/pip.conf": PLAIN})
    scene.corp.add("tool", {"version": "1", "sdist": True, "build-requires": ["evil"]})
    options = [feature] if feature else []
    done = env.run("install", *options, "tool", policy=scene.policy())
    assert done.code == 1
    assert f"[{CODE}]" in done.stdout + done.stderr
    made = {"version": "1", "sdist": True, "members": {"made-1.data/data/pip.conf": PLAIN}}
    scene.corp.add("made", made)
    refused(env.run("install", *options, "made", policy=scene.policy()), CODE)
    assert not (env.root / "pip.conf").exists()


def test_observe_refuses_nothing(fresh_env: EnvFactory, scene: Scene) -> None:
    """In observe mode pip writes everything as usual."""
    env = fresh_env(NEW)
    evil(scene, **{f"{DATA}/data/pip.conf": PLAIN})
    options = ["--index-url", scene.public.page_url]
    done = env.run("install", *options, "evil", policy=scene.policy(before='mode = "observe"'))
    assert done.code == 0, done.stderr
    assert (env.root / "pip.conf").read_text() == PLAIN


def test_an_equal_version_replaces_nothing(fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """`--force-reinstall` of a package that needs repoprio brings no other file of the same version."""
    env = fresh_env(NEW)
    scene.public.add("repoprio", repoprio.__version__)
    scene.public.add("likes", {"version": "1.0", "requires": ["repoprio"]})
    message = refused(env.run("install", "--force-reinstall", "likes", policy=scene.policy()), "ask-by-name")
    assert (
        "repoprio from public (priority 90) (required by likes) would replace the repoprio that guards this pip"
        in message
    )
    assert "likes" not in env.installed
    # Elsewhere it replaces nothing.
    elsewhere = env.run("install", "--target", str(tmp_path / "x"), "likes", policy=scene.policy())
    assert elsewhere.code == 0, elsewhere.stderr
    asked = env.run("install", "--force-reinstall", "likes", "repoprio", policy=scene.policy())
    assert asked.code == 0, asked.stderr


@pytest.mark.parametrize("policy", ["direct-urls", "constraint"])
def test_a_url_of_repoprio_replaces_nothing(policy: str, fresh_env: EnvFactory, scene: Scene, tmp_path: Path) -> None:
    """A URL does not replace it either, even if dependencies may name URLs, or in a constraint."""
    env = fresh_env(NEW)
    wheel = scene.public.add("repoprio", "99.0")[0]
    url = f"{scene.public.root_url}files/{wheel.filename}"
    needed = f"repoprio @ {url}" if policy == "direct-urls" else "repoprio"
    scene.public.add("likes", {"version": "1.0", "requires": [needed]})
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(f"repoprio @ {url}\n")
    options = [] if policy == "direct-urls" else ["-c", str(constraints)]
    file = scene.policy(before='direct-urls = "allow"' if policy == "direct-urls" else "")
    refused(env.run("install", *options, "likes", policy=file), "ask-by-name")
    assert env.installed["repoprio"] == repoprio.__version__
