"""Errors and warnings about a policy, each with its file and key, what was found and what was expected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from repoprio.errors import RepoprioError
from repoprio.redaction import escape_controls, redact_text

# The names of the same settings in dnf, conda, uv, Poetry, PDM and apt.
_OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("baseurl", "base-url", "index-url", "uri", "link"), ("url",)),
    **dict.fromkeys(("index", "extra-index-url", "find-links"), ("url", "repositories")),
    **dict.fromkeys(("includepkgs", "includes", "only"), ("include",)),
    **dict.fromkeys(("excludepkgs", "excludes", "exclude-packages"), ("exclude",)),
    "ignore-error-codes": ("absent",),
    **dict.fromkeys(("indexes", "sources", "source", "repos", "repository", "channels"), ("repositories",)),
    **dict.fromkeys(("default", "secondary", "supplemental", "primary", "cost", "weight"), ("priority",)),
    **dict.fromkeys(("packages", "package", "names", "name"), ("projects",)),
    **dict.fromkeys(("version", "specifier", "constraint", "versionlock", "pinned-packages"), ("versions",)),
    **dict.fromkeys(("mirrorlist", "metalink"), ("mirrors",)),
    **dict.fromkeys(("channel-priority", "index-strategy"), ("mode",)),
    **dict.fromkeys(("reason", "deny", "ban"), ("block",)),
    **dict.fromkeys(("exclude-newer", "cooldown", "minimum-release-age", "min-release-age", "age"), ("min-age",)),
    "timeout": ("page-timeout",),
    "type": ("format",),
    "lock": ("locked",),
}


_LOGIN = "put the login in the url, or in REPOPRIO_<NAME>_USERNAME and REPOPRIO_<NAME>_PASSWORD"
_TLS = "TLS is pip's own setting: cert, client-cert and trusted-host in pip.conf"
_ADVICE: Mapping[str, str] = {
    **dict.fromkeys(("username", "password", "user", "token", "auth"), _LOGIN),
    **dict.fromkeys(("sslverify", "ssl-verify", "verify-ssl", "sslcacert", "cert", "trusted-host"), _TLS),
    **dict.fromkeys(("repoprio", "tool"), "leave this heading out: in TOML, a policy begins with its own keys"),
    **dict.fromkeys(("proxy", "proxies", "proxy-servers"), "a proxy is pip's own setting: proxy in pip.conf"),
    "name": "its name is NAME in repositories.NAME",
}
NOWHERE: Mapping[str, Collection[str]] = {}
NOT_LOOKED_UP = "nothing was looked up"
_AGAIN = "fix the policy, then run: "
# The remedy for most errors; inside pip, the command also names pip's environment.
LOOK_AGAIN = f"{_AGAIN}repoprio config check"


def look_again_at(file: str) -> str:
    """`LOOK_AGAIN` for a file that the command line named."""
    # Imported only where something is wrong, as below.
    from repoprio import shell

    return _AGAIN + shell.repoprio("config check", redact_text(file) if "://" in file else file)


class PolicyProblem(NamedTuple):
    """One error of a policy: `problem` says what was found and what was expected, `remedy` what to do."""

    file: str
    key: str
    problem: str
    remedy: str = LOOK_AGAIN

    def __str__(self) -> str:
        return escape_controls(": ".join(part for part in (self.file, self.key, self.problem) if part))


class PolicyWarning(NamedTuple):
    """One setting that is valid but rarely intended; `code` is stable.

    `stops`: it makes every lookup fail, except for names that the policy routes elsewhere.
    """

    file: str
    key: str
    problem: str
    remedy: str
    code: str
    stops: bool = False

    def __str__(self) -> str:
        return escape_controls(": ".join(part for part in (self.file, self.key, self.problem) if part))


class InvalidPolicy(RepoprioError):
    """A policy with errors; `errors` has all of them, in the order of the files and their keys.

    `help` is the policy's own text on where to get help; `undone` says what was not done because of the errors.
    `python` is the environment that the proposed `config check` must name, "" for none.
    """

    python = ""

    def __init__(
        self, errors: Iterable[PolicyProblem], help_text: str | None = None, undone: str = NOT_LOOKED_UP
    ) -> None:
        self.errors = tuple(errors)
        self.help = help_text
        self.undone = undone
        super().__init__(self.errors)

    def __str__(self) -> str:
        # Imported only where something is wrong, as below.
        from repoprio import shell
        from repoprio.wording import count_of

        count = count_of(len(self.errors), "error")
        lines = [f"the policy has {count}; {self.undone}.", *(f"  {error}" for error in self.errors)]

        again = _AGAIN + shell.repoprio("config check", python=self.python)
        remedies = dict.fromkeys(again if error.remedy == LOOK_AGAIN else error.remedy for error in self.errors)
        tail = [f"  help: {escape_controls(self.help)}"] if self.help else []
        return "\n".join([*lines, *(f"  hint: {remedy}" for remedy in remedies), *tail]) + "    [policy]"


def did_you_mean(word: str, known: Iterable[str], elsewhere: Mapping[str, Collection[str]] = NOWHERE) -> str:
    """`` (did you mean 'url'?)``, the place where the word belongs, or the list of known words if none is similar.

    `elsewhere` has the words of other places, each with the sentence about one of its words.
    """
    known = list(known)
    if near := nearest(word, known, elsewhere):
        return f" (did you mean {near!r}?)"
    advice = _ADVICE.get(_folded(word)) or _place(word, elsewhere)
    return f" ({advice or 'known: ' + ', '.join(known)})"


def nearest(word: str, known: Collection[str], elsewhere: Mapping[str, Collection[str]] = NOWHERE) -> str | None:
    """The known word that `word` may mean; None if there is none, or if it is a word of another place."""
    # Imported only where something is wrong: commands about the policy have 60 ms.
    import difflib

    near = [other for other in _meanings(word) if other in known]
    if not near and _folded(word) not in _ADVICE and _place(word, elsewhere) is None:
        near = difflib.get_close_matches(_folded(word), known, n=1)
    return near[0] if near else None


def _place(word: str, elsewhere: Mapping[str, Collection[str]]) -> str | None:
    """The sentence of the place in `elsewhere` that has `word`."""
    places = ((sentence, other) for sentence, words in elsewhere.items() for other in _meanings(word) if other in words)
    return next((sentence.format(other) for sentence, other in places), None)


def _meanings(word: str) -> tuple[str, ...]:
    return (_folded(word), *_OTHER_WORDS.get(_folded(word), ()))


def _folded(word: str) -> str:
    return word.lower().replace("_", "-")
