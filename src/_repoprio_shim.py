"""Loaded by every Python start: one finder that waits for pip. Kept as small as possible.

`repoprio.pth` and `repoprio.start` (PEP 829) both call `install`; the second call does nothing.
"""

import sys

# Modules that make environments, which get the hook too.
MAKERS = ("venv", "virtualenv.run.session")
WATCHED = frozenset(MAKERS) | frozenset(
    "pip._internal." + name
    for name in (
        "build_env",
        "build_env.installer",
        "cli.base_command",
        "cli.req_command",
        "commands.index",
        "commands.install",
        "commands.uninstall",
        "index.collector",
        "index.package_finder",
        "network.auth",
        "network.session",
        "operations.prepare",
        "req",
        "req.req_file",
        "resolution.legacy.resolver",
        "resolution.resolvelib.factory",
        "resolution.resolvelib.resolver",
        "utils.misc",
    )
)
ROOT = __file__.rpartition("_repoprio_shim")[0] or "."


class Watcher:
    """A finder on ``sys.meta_path`` that finds nothing but the parts of pip that may be patched, and repoprio.

    It finds the repoprio next to this file, even if that is not on the path: a build removes all packages from it.
    """

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "repoprio":
            from importlib.machinery import PathFinder

            return PathFinder.find_spec(name, [ROOT])
        if name not in WATCHED:
            return None
        try:
            from repoprio.pip_adapter.hooks import import_hook

            return import_hook.find_spec(name, path, target)
        except Exception as error:  # noqa: BLE001 - if repoprio fails in any way, pip must not run without it
            return None if name in MAKERS else stop(error)


def stop(error):
    """Stop this pip, since repoprio is damaged; only the command that removes repoprio may run."""
    if sys.argv[1:2] != ["uninstall"]:
        sys.stderr.write(f"ERROR: {damage(error)}\n")
        raise SystemExit(2)


def damage(error):
    """The message about a damaged repoprio."""
    lead = f"repoprio: the installation in {ROOT} is damaged ({type(error).__name__}: {error})."
    hint = "repoprio enable --copy once more" if "_repoprio_copy" in ROOT else reinstall_hint()
    text = f"{lead}\n  hint: {hint}    [damaged]"
    # As in `repoprio.output`, which may be the damaged module.
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def reinstall_hint():
    """How to reinstall repoprio: a pip that loads the damaged one installs nothing."""
    if sys.platform == "win32":
        from subprocess import list2cmdline as join
    else:
        from shlex import join

    is_here = ROOT.startswith(sys.prefix)
    pip = join([sys.executable, "-m", "pip"]) if is_here else "there pip"
    return (
        f"{pip} uninstall -y repoprio, then {pip} install repoprio (from its original source; until then pip is "
        "unguarded)"
    )


def install():
    if Watcher not in sys.meta_path:
        sys.meta_path.insert(0, Watcher)
        if not WATCHED.isdisjoint(sys.modules):
            catch_up()


def catch_up():
    """Patch what was imported before: `.pth` files run in the order of their names, and another one may import pip."""
    try:
        from repoprio.pip_adapter.hooks import import_hook

        import_hook.patch_loaded()
    except Exception as error:  # noqa: BLE001 - see above
        stop(error)
