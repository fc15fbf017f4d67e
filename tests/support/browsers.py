"""A real Chromium without a window, controlled through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAME = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NEEDED = pytest.mark.skipif(NAME is None, reason="chromium is not installed")
_WAIT_SECONDS = 20.0
# It asks nobody but the pages' own site, and its sandbox cannot be set up as root, nor in a container.
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--remote-debugging-port=0",
)


class Browser:
    """A running Chromium; `tab` opens a page."""

    def __init__(self, folder: Path) -> None:
        """Start it, with a profile of its own in this folder."""
        command = [str(NAME), *_OPTIONS, f"--user-data-dir={folder}"]
        kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
        self._run = subprocess.Popen(command, env={**kept, "HOME": str(folder)}, stderr=subprocess.PIPE, text=True)
        self._loop = asyncio.new_event_loop()
        self._asked = 0
        self.said: list[dict[str, Any]] = []
        self._session, self._socket = self._loop.run_until_complete(_connected(self._address()))

    def _address(self) -> str:
        assert self._run.stderr is not None
        for line in self._run.stderr:
            if line.startswith("DevTools listening on "):
                return line.rpartition(" ")[2].strip()
        raise AssertionError("chromium did not start")

    def call(self, method: str, to: str | None = None, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol returns; what the browser says meanwhile is kept in `said`."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, to, parameters), _WAIT_SECONDS))

    async def _call(self, method: str, to: str | None, parameters: Mapping[str, Any]) -> dict[str, Any]:
        self._asked += 1
        number = self._asked
        await self._socket.send_json(
            {"id": number, "method": method, "params": parameters, **({"sessionId": to} if to else {})}
        )
        while True:
            message: dict[str, Any] = await self._socket.receive_json()
            if message.get("id") != number:
                self.said.append(message)
            elif "error" in message:
                raise AssertionError(f"{method}: {message['error']}")
            else:
                result: dict[str, Any] = message["result"]
                return result

    def wait_for(self, event: str, to: str) -> dict[str, Any]:
        """The next event of a tab, or one that has arrived already; it is removed from `said`."""
        return self._loop.run_until_complete(asyncio.wait_for(self._wait_for(event, to), _WAIT_SECONDS))

    async def _wait_for(self, event: str, to: str) -> dict[str, Any]:
        while True:
            for message in self.said:
                if message.get("method") == event and message.get("sessionId") == to:
                    self.said.remove(message)
                    found: dict[str, Any] = message["params"]
                    return found
            self.said.append(await self._socket.receive_json())

    def tab(self, *, width: int = 1000, dark: bool = False, scripts: bool = True, scale: float = 1) -> Tab:
        """A new tab of this width in CSS pixels; `scripts`: those of the page may run."""
        return Tab(self, width, dark=dark, scripts=scripts, scale=scale)

    def close(self) -> None:
        """End it."""
        self._loop.run_until_complete(self._session.close())
        self._loop.close()
        self._run.kill()
        self._run.communicate(timeout=30)


class Tab:
    """One page; it records everything in the console, blocked content included."""

    def __init__(self, browser: Browser, width: int, *, dark: bool, scripts: bool, scale: float) -> None:
        """Open it, empty."""
        self._browser, self._width, self._scale = browser, width, scale
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._id: str = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.call(f"{domain}.enable")
        self._measure(700)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol returns for this tab."""
        return self._browser.call(method, self._id, **parameters)

    def _measure(self, height: int) -> None:
        is_phone = self._width < 500
        size = {"width": self._width, "height": height, "deviceScaleFactor": self._scale, "mobile": is_phone}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def open(self, url: str) -> None:
        """Open a page, and wait until it is loaded."""
        failed = self.call("Page.navigate", url=url).get("errorText")
        assert not failed, f"{url}: {failed}"
        self._browser.wait_for("Page.loadEventFired", self._id)

    def type_in(self, text: str) -> None:
        """Type into the focused element, press enter, and wait for the next page."""
        self.call("Input.insertText", text=text)
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.call("Input.dispatchKeyEvent", type="keyDown", **enter)
        self._browser.wait_for("Page.loadEventFired", self._id)

    def press(self, key: str) -> None:
        """Press a key that has no text."""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode={"Tab": 9}[key])
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression; the page's own scripts need not be allowed."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def console(self) -> list[str]:
        """All messages in the console."""
        told = [message for message in self._browser.said if message.get("sessionId") == self._id]
        entries = [message["params"]["entry"] for message in told if message["method"] == "Log.entryAdded"]
        calls = [message["params"] for message in told if message["method"].startswith("Runtime.console")]
        thrown = [message["params"] for message in told if message["method"] == "Runtime.exceptionThrown"]
        return [*(f"{entry['text']} {entry.get('url', '')}" for entry in entries), *map(str, [*calls, *thrown])]

    def loaded(self) -> list[str]:
        """The URLs of all requests."""
        method = "Network.requestWillBeSent"
        mine = (m["params"] for m in self._browser.said if m.get("sessionId") == self._id and m["method"] == method)
        return [asked["request"]["url"] for asked in mine]

    def picture(self, quality: int) -> bytes:
        """The whole page as WebP."""
        self._measure(int(self.value("document.documentElement.getBoundingClientRect().height")) + 1)
        found = self.call("Page.captureScreenshot", format="webp", quality=quality)
        return base64.b64decode(found["data"])


async def _connected(address: str) -> tuple[Any, Any]:
    import aiohttp

    session = aiohttp.ClientSession()
    return session, await session.ws_connect(address, max_msg_size=0)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser that ends with the test."""
    folder.mkdir()
    running = Browser(folder)
    try:
        yield running
    finally:
        running.close()
