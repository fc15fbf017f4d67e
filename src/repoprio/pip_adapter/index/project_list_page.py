"""What a page states of itself."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser


@dataclass(frozen=True)
class HtmlPage:
    """What an HTML page states of itself: its API version ("1.0" where it states none, PEP 629).

    `is_html`: there is a tag at all. `empty`: it is whole and has no link. `asks`: it has a form, as login
    pages do. `unended`: a document was begun, and its end is not there.
    """

    api_version: str
    is_html: bool
    empty: bool
    asks: bool
    unended: bool
    ended: bool


def html_page(text: str) -> HtmlPage:
    """What the HTML page `text` states of itself; `ValueError` where it cannot be parsed."""
    parser = _parsed(text)
    return HtmlPage(
        parser.api_version,
        is_html=parser.is_html,
        empty=parser.ended and not parser.hrefs and not parser.moves,
        asks=parser.asks,
        unended=parser.begun and not parser.ended,
        ended=parser.ended,
    )


def _parsed(text: str) -> _Anchors:
    parser = _Anchors()
    try:
        # Not closed, as pip's own parser is not: html.parser would look through an unfinished rest again and again.
        parser.feed(text)
    except AssertionError:
        # What html.parser (3.10 to 3.13) says of a broken declaration such as "<![-".
        raise ValueError("broken HTML") from None
    return parser


def api_version(document: dict[str, object]) -> str:
    """The API version of a JSON page; "1.0" where it states none, "?" where what it states is none."""
    meta = document.get("meta", {})
    version = meta.get("api-version", "1.0") if isinstance(meta, dict) else None
    return version if isinstance(version, str) else "?"


class _Anchors(HTMLParser):
    """Collects links with their texts, the stated version, and whether the document was closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.hrefs: list[str] = []
        self._texts: list[list[str]] = []
        self.api_version = "1.0"
        self.is_html = False
        self.begun = False
        self.ended = False
        self.asks = False
        self.moves = False
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note anchors and the repository version."""
        found = dict(attrs)
        self.is_html = True
        self.begun = self.begun or tag == "html"
        if tag == "a" and found.get("href"):
            self.hrefs.append(found["href"] or "")
            self._texts.append([])
            self._inside = True
        self.asks = self.asks or tag in ("form", "input")
        # A page that a program makes, or that leads elsewhere, may be a login page too.
        self.moves = (
            self.moves or tag == "script" or (tag == "meta" and "refresh" in (found.get("http-equiv") or "").lower())
        )
        if tag == "meta" and found.get("name") == "pypi:repository-version":
            self.api_version = found.get("content") or "?"

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002 - html.parser's own signature
        """Note a doctype."""
        self.is_html = True

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an anchor and of the document."""
        self._inside = self._inside and tag != "a"
        self.ended = self.ended or tag == "html"

    def handle_data(self, data: str) -> None:
        """Collect the text of an anchor."""
        if self._inside:
            self._texts[-1].append(data)

    @property
    def anchors(self) -> list[tuple[str, str]]:
        """The links with their texts."""
        return [(href, "".join(texts)) for href, texts in zip(self.hrefs, self._texts, strict=True)]
