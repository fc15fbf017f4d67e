"""Makes the page of a decision, its first form before the others. Pure."""

from __future__ import annotations

from repoprio.lookup.project import Decision
from repoprio.policy.model import Policy
from repoprio.serve import freshness
from repoprio.serve.kept_pages import Page
from repoprio.serve.pages import relayed, writer
from repoprio.serve.pages.forms import Draft, Form
from repoprio.serve.pages.offers import Versions, offer
from repoprio.simple_api.model import ProjectPage

# A page that says so little is written within some milliseconds.
_FEW_ENTRIES = 500


class PageMaker:
    """Makes pages under one policy; `public_url` is the gateway's, for links to the files that it relays."""

    def __init__(self, policy: Policy, versions: Versions, public_url: str | None) -> None:
        self._policy = policy
        self._versions = versions
        # Relative to /simple/NAME/.
        self._files_url = f"{public_url.rstrip('/')}/files/" if public_url else "../../files/"

    def begin(self, decision: Decision[ProjectPage], born: float, form: Form | None) -> tuple[Page, Draft]:
        """The page of a decision with one form, or none, and the draft that makes the others."""
        offered = offer(self._policy, decision, self._versions)
        links = relayed.links(offered, self._files_url)
        draft = Draft(lambda media: writer.write(offered, media, links.urls))
        # A repository that was skipped may own the name again at any time.
        lifetime = self._policy.absence_ttl if freshness.is_certain(decision) else 0
        page = Page(
            tuple(owner.repository.name for owner in decision.owners),
            {} if form is None else {form: draft.body(form)},
            born,
            born + lifetime,
            born + self._policy.stale_if_error,
            links.sources,
        )
        return page, draft


def has_few_entries(decision: Decision[ProjectPage]) -> bool:
    """Whether the owners list so few files and versions that their page is written soon, and may wait in memory."""
    pages = [owner.page for owner in decision.owners if owner.page]
    return sum(len(page.files) + len(page.dropped) + len(page.stated_versions or ()) for page in pages) <= _FEW_ENTRIES
