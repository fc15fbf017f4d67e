"""Messages and warnings that do not come from an explanation. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from repoprio.lookup.cooldown import Clocks
from repoprio.policy.model import Repository
from repoprio.redaction import printable
from repoprio.render.messages.model import Message, message
from repoprio.wording import join_words


def foreign_login(
    url: str, repository: Repository, variable: str, origin: str | None, help_text: str | None
) -> Message:
    """The refusal of a URL that has the only login for a repository; `variable` is the prefix of its variables."""
    return message(
        f"{url} contains a login for {repository}, and there is no other login.",
        [
            f"named by: {origin}" if origin else "",
            "A file, page or package cannot supply a login for a repository of the policy, so it is not asked.",
            f"hint: set {variable}_USERNAME and {variable}_PASSWORD, and remove the login from the URL",
        ],
        "credentials",
        help_text=help_text,
    )


def late_login(project: str, repository: Repository, variable: str, help_text: str | None) -> Message:
    """The refusal of a choice that `repository` caused by what it said before it asked for a login."""
    return message(
        f"{project}: {repository} says something else with a login than it said without one.",
        [
            "It first asked for a login when another project was looked up; nothing is installed.",
            f"hint: set {variable}_USERNAME and {variable}_PASSWORD: then it gets the login with each request",
        ],
        "late-login",
        help_text=help_text,
    )


def redirect_loop(file: str, url: str, owners: Sequence[Repository], most: int, help_text: str | None) -> Message:
    """The refusal of a file that is redirected more than `most` times; `owners` own its project, if known."""
    of = f" of {join_words(owners)}" if owners else ""
    operated = join_words([owner.name for owner in owners]) if owners else "that server"
    return message(
        f"{file}{of} is redirected more than {most} times.",
        [f"asked: {url}", f"hint: report this to the operator of {operated}"],
        "redirects",
        help_text=help_text,
    )


def clocks_warning(repository: Repository, clocks: Clocks) -> str:
    """The warning that a server and this machine disagree about what time it is."""
    server = f"{clocks.server:%Y-%m-%d %H:%M}" if clocks.server else "?"
    return printable(
        f"repoprio: {repository} says that it is {server} UTC, and this machine that it is "
        f"{clocks.machine:%Y-%m-%d %H:%M} UTC: min-age goes by the earlier."
    )


def skipped_warning(repository: Repository, project: str, reason: str) -> str:
    """The warning that an unavailable repository counted as absent."""
    return printable(
        f"repoprio: {project}: {repository} is unavailable ({reason}) and counts as absent "
        f"(repositories.{repository.name}.skip-if-unavailable)."
    )
