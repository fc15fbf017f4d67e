"""Loaded by every Python start: one finder that waits for pip. Kept as small as possible.

`repoprio.pth` and `repoprio.start` (PEP 829) both call `install`; the second call does nothing.
"""

import sys

# Modules that make environments, which get the hook too, each with the class that makes one.
MAKERS = {"venv": "EnvBuilder", "virtualenv.run.session": "Session"}
PARTS = frozenset(
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
WATCHED = PARTS.union(MAKERS)
# Why a pip that was imported before the hook is not patched: an error, or nothing.
REFUSED = []
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
        if REFUSED and name in PARTS:
            return stop(REFUSED[0])
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
    """The message about a damaged repoprio, or about an unknown pip."""
    if isinstance(error, SystemExit):
        return f"repoprio: {error}"
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
    """Patch what was imported before: `.pth` files run in the order of their names, and another one may import pip.

    Any program may be about to run, so that no error ends it.
    """
    for name in MAKERS:
        if name in sys.modules:
            patch_once_used(name)
    if not PARTS.isdisjoint(sys.modules):
        try:
            from repoprio.pip_adapter.hooks import import_hook

            import_hook.patch_loaded(PARTS)
        except (Exception, SystemExit) as error:
            # Only that of an unknown pip has a text: doctor asks for a report that ends its process.
            if isinstance(error, SystemExit) and not hasattr(error, "text"):
                raise
            shut(error)


def patch_once_used(name):
    """Patch a module that makes environments when its class is used: that costs the start of other programs nothing."""
    maker = getattr(sys.modules[name], MAKERS[name], None)
    if maker is None:
        return
    original = maker.__init__

    def first(self, *args, **kwargs):
        maker.__init__ = original
        try:
            from repoprio.pip_adapter.hooks import import_hook

            import_hook.patch_loaded(MAKERS)
        except Exception:  # noqa: BLE001, S110 - as in `find_spec`: without repoprio, it makes what it always made
            pass
        original(self, *args, **kwargs)

    first.__wrapped__ = original
    maker.__init__ = first


def shut(error):
    """Make each lookup of projects fail in the pip that was imported before; no further part of it can be imported."""
    REFUSED.append(error)
    collector = sys.modules.get("pip._internal.index.collector")
    if collector is None:
        return
    owner = getattr(collector, "LinkCollector", None)
    if owner is None:
        # Nothing else is known to be part of each lookup.
        stop(error)

    def refuse(*_, **__):
        from pip._internal.exceptions import CommandError  # noqa: TID251 - it runs inside a pip

        raise CommandError(damage(error))

    owner.__init__ = owner.create = owner.collect_sources = refuse
