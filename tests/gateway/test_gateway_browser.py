"""The gateway's pages for people in a real Chromium: without scripts, on a phone, in the dark; and their pictures.

To redraw the pictures (look at each one afterwards):
REPOPRIO_WRITE_SCREENS=1 python -m pytest tests/gateway/test_gateway_browser.py
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from repoprio.config.load import read_text
from support.browsers import NEEDED, Browser, Tab, browser
from support.faults import Fault
from support.gateways import GatewayProcess, serving
from support.paths import DOCS
from support.policy_files import TOOLS
from support.repository import RepositoryServer
from support.scene import policy_text

PHONE: Final = 390
EVIL: Final = "<img src=/x onerror=alert(1)><script>alert(2)</script>\"'"
PICTURES: Final = DOCS / "_static" / "gateway"
DRAWN_FROM: Final = PICTURES / "drawn-from.json"
MOST_BYTES: Final = 60_000
# The page, its width, and whether it is dark.
SHOTS: Final = {
    "owned-light": ("/explain/acme", 820, False),
    "owned-dark": ("/explain/acme", 820, True),
    "unavailable-light": ("/explain/ledger-api", 820, False),
    "unavailable-dark": ("/explain/ledger-api", 820, True),
    "start-phone": ("/", PHONE, False),
    "owned-phone": ("/explain/acme", PHONE, True),
}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all."""
    with browser(tmp_path_factory.mktemp("chromium") / "profile") as running:
        yield running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway as its users start it, with a policy whose words are hostile."""
    folder = tmp_path_factory.mktemp("gateway")
    with RepositoryServer("corp") as corp, RepositoryServer("public") as public:
        corp.add("acme", *(f"1.{minor}" for minor in range(40)))
        corp.answer("down", Fault(status=500))
        extra = f"[pins.evil]\nprojects = ['evil']\nblock = '''{EVIL}'''\n"
        text = policy_text({"corp": corp.page_url, "public": public.page_url}, extra, before=f"help = '''{EVIL}'''")
        file = folder / "repoprio.toml"
        file.write_text(text, encoding="utf-8")
        with GatewayProcess(file, folder / "store") as gateway:
            yield gateway.url.removesuffix("/simple/")


@NEEDED
def test_the_search_works_without_scripts_on_a_phone(chromium: Browser, site: str) -> None:
    """From the first page: tab to the field, type a name in any spelling, press enter. Nothing else is loaded."""
    tab = chromium.tab(width=PHONE, scripts=False)
    tab.open(f"{site}/")
    tab.press("Tab")
    tab.press("Tab")
    tab.type_in("Ac_Me")
    assert tab.value("location.pathname") == "/explain/ac-me"
    assert tab.value("document.querySelector('h1').textContent") == "ac-me"
    tab.open(f"{site}/")
    tab.press("Tab")
    tab.press("Tab")
    tab.type_in(EVIL)
    assert tab.value("document.querySelector('.verdict').textContent") == f"{EVIL} is not the name of a project."
    assert {url.partition("?")[0].removeprefix(site) for url in tab.loaded()} <= {"/", "/explain/", "/explain/ac-me"}


@NEEDED
@pytest.mark.parametrize("path", ["/", "/explain/", "/explain/acme", "/explain/evil", "/explain/down"])
def test_each_page_is_readable_everywhere(chromium: Browser, site: str, path: str) -> None:
    """No page scrolls sideways, the style sheet is applied, dark mode is dark; the console has no complaint."""
    grounds = []
    for width, dark in ((PHONE, False), (PHONE, True), (1200, False)):
        tab = chromium.tab(width=width, dark=dark)
        tab.open(site + path)
        assert tab.value("document.documentElement.scrollWidth") <= width
        assert tab.value("getComputedStyle(document.body).maxWidth") == "800px"
        assert tab.value(_FAINTEST) >= 4.5
        grounds.append(tab.value("getComputedStyle(document.body).backgroundColor"))
        assert tab.console() == []
        assert tab.loaded() == [site + path]
    assert grounds == ["rgb(255, 255, 255)", "rgb(13, 17, 23)", "rgb(255, 255, 255)"]


# The lowest contrast of any text with its background, as WCAG 2 defines it.
_FAINTEST: Final = """(() => {
  const light = color => { const part = color.match(/[\\d.]+/g).slice(0, 3).map(n => n / 255)
    .map(n => n <= .04045 ? n / 12.92 : ((n + .055) / 1.055) ** 2.4);
    return .2126 * part[0] + .7152 * part[1] + .0722 * part[2] };
  const behind = e => { for (; e; e = e.parentElement) { const color = getComputedStyle(e).backgroundColor;
    if (color !== 'rgba(0, 0, 0, 0)') return color } return 'rgb(255, 255, 255)' };
  return Math.min(...[...document.querySelectorAll('body *')].filter(e => e.innerText).map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    return (a + .05) / (b + .05) }))
})()"""


@NEEDED
def test_what_the_policy_says_is_text_and_no_script_would_run(chromium: Browser, site: str) -> None:
    """A hostile text makes no element; an injected script would still be blocked, which the console reports."""
    tab = chromium.tab()
    tab.open(f"{site}/explain/evil")
    assert EVIL in tab.value("document.querySelector('.verdict').textContent")
    assert tab.value("document.querySelectorAll('img, script, iframe, link').length") == 0
    assert tab.console() == []
    tab.value("document.body.append(Object.assign(document.createElement('script'), {text: 'window.got = 1'}))")
    tab.value("document.body.append(Object.assign(document.createElement('img'), {src: '/x'}))")
    assert tab.value("window.got") is None
    assert "Content Security Policy" in " ".join(tab.console())


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages of the pictures, with paths and times as the manual writes them."""
    folder = tmp_path_factory.mktemp("pictures")
    with ExitStack() as stack:
        names = ("corp", "team", "pypi")
        servers = {name: stack.enter_context(RepositoryServer(name)) for name in names}
        servers["corp"].add("acme", "1.2", "1.1", "1.0")
        servers["pypi"].add("acme", "99.0")
        servers["team"].answer("ledger-api", Fault(status=503))
        own = {"corp": 'owns = ["acme-*"]', "team": 'namespaces = ["ledger-*"]'}
        text = policy_text({name: server.page_url for name, server in servers.items()}, **own)
        text = text.replace("priority = 30", "priority = 90")
        policy = read_text(text, "/etc/repoprio/repoprio.toml", {}, TOOLS)
        served = stack.enter_context(serving(policy, folder / "store", shows_shadowed=True))
        served.page("acme")
        served.now += 12
        pages = {path: served.get(path, accept="text/html").body.decode() for path, _, _ in SHOTS.values()}
        for name, server in servers.items():
            pages = {path: page.replace(server.page_url, _URLS[name]) for path, page in pages.items()}
    return {path: _still(page) for path, page in pages.items()}


_URLS: Final = {
    "corp": "https://pypi.corp.example/simple/",
    "team": "https://team.corp.example/simple/",
    "pypi": "https://pypi.example/simple/",
}


def _still(page: str) -> str:
    page = re.sub(r"As of [\d-]+ [\d:]+ UTC", "As of 2026-11-20 12:00:00 UTC", page)
    return re.sub(r"\d+ ms after \d\d:\d\d:\d\d UTC", "38 ms after 12:00:00 UTC", page)


def _digests(shown: dict[str, str]) -> dict[str, str]:
    return {path: hashlib.sha256(page.encode()).hexdigest() for path, page in sorted(shown.items())}


def test_the_pictures_are_of_the_pages(shown: dict[str, str], request: pytest.FixtureRequest) -> None:
    """They were drawn from the pages that the gateway makes now; they are small, and each is in the manual."""
    if os.environ.get("REPOPRIO_WRITE_SCREENS"):
        _draw(request.getfixturevalue("chromium"), shown)
        pytest.skip("drawn anew, and so held against nothing: now look at them")
    assert json.loads(DRAWN_FROM.read_text(encoding="utf-8")) == _digests(shown)
    files = {file.name: file for file in PICTURES.glob("*.webp")}
    assert set(files) == {f"{name}.webp" for name in SHOTS}
    assert all(file.stat().st_size < MOST_BYTES for file in files.values())
    manual = (DOCS / "how-to" / "serve.md").read_text(encoding="utf-8")
    assert not [name for name in files if f"_static/gateway/{name}" not in manual]


def _draw(chromium: Browser, shown: dict[str, str]) -> None:
    """Each page of the manual in its width and light."""
    PICTURES.mkdir(exist_ok=True)
    for name, (path, width, dark) in SHOTS.items():
        tab = chromium.tab(width=width, dark=dark, scale=1.5)
        _put(tab, shown[path])
        (PICTURES / f"{name}.webp").write_bytes(tab.picture(quality=60))
    DRAWN_FROM.write_text(json.dumps(_digests(shown), indent=2) + "\n", encoding="utf-8")


def _put(tab: Tab, page: str) -> None:
    frame = tab.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
    tab.call("Page.setDocumentContent", frameId=frame, html=page)
