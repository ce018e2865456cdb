"""Firefox over WebDriver BiDi, without a driver between: Debian ships the browser and no geckodriver.

It draws on a screen of its own, as headless Firefox has no WebGL.
"""

import json
import os
import queue
import re
import shutil
import subprocess
import threading
import time

from browsing import PATIENCE_S, Browser
from selenium.webdriver.common.keys import Keys
from websocket import create_connection

from dashlight.config import environment

START_S = 60
_SCREEN = "1440x1000x24"
_PREFERENCES = {
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "intl.accept_languages": "en-GB,en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
    "webgl.force-enabled": True,  # Also where the graphics are computed by the processor.
}


def missing():
    """Return which of the programs needed are not there."""
    return [name for name in ("firefox-esr", "Xvfb") if not shutil.which(name)]


def _tell_address(lines, addresses):
    """Put the address of the debugger, or None when there is none; then read on, so that the writer never waits."""
    with lines:
        for line in lines:
            found = re.search(r"WebDriver BiDi listening on (\S+)", line)
            if found:
                addresses.put(found[1])
    addresses.put(None)


class Firefox(Browser):
    """A Firefox with a profile folder and a screen of its own, and its one page."""

    def __init__(self, profile):
        super().__init__(None)
        self._events = []
        self._number = 0
        self._processes = []
        self._socket = None
        try:
            self._start(profile)
        except BaseException:
            self.quit()
            raise

    def _start(self, profile):
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines))
        display = self._run_screen()
        address = self._run_firefox(profile, display)
        self._socket = create_connection(f"{address}/session", timeout=PATIENCE_S, suppress_origin=True)
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self._context = self.command("browsingContext.getTree")["contexts"][0]["context"]
        self.size(1440, 900)

    def _run_screen(self):
        reading, writing = os.pipe()
        screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", _SCREEN, "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(screen)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            return f":{pipe.readline().strip()}"

    def _run_firefox(self, profile, display):
        firefox = subprocess.Popen(
            ["firefox-esr", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank"],
            env={**environment(), "DISPLAY": display, "TZ": "Europe/Madrid", "MOZ_ENABLE_WAYLAND": "0"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(firefox)
        addresses = queue.SimpleQueue()
        threading.Thread(target=_tell_address, args=(firefox.stderr, addresses), daemon=True).start()
        address = addresses.get(timeout=START_S)
        assert address, f"firefox-esr ended with {firefox.wait()} before it listened"
        return address

    def quit(self):
        """End the browser and its screen."""
        if self._socket:
            self._socket.close()
        for process in reversed(self._processes):
            process.terminate()
            process.wait(PATIENCE_S)

    def command(self, method, **params):
        """Return the result of a command of WebDriver BiDi; events that come before it are kept."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._number:
                assert message["type"] == "success", f"{method}: {message.get('message')}"
                return message["result"]
            self._events.append(message)

    def size(self, width, height):
        """Set the size of the page in CSS pixels."""
        self.command("browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height})

    def open(self, url):
        """Open a page anew, also when only its fragment differs."""
        for each in ("about:blank", url):
            self.command("browsingContext.navigate", context=self._context, url=each, wait="complete")

    def run(self, script, *arguments):
        """Return what a script returns, by way of JSON; the script may wait."""
        reply = self.command(
            "script.callFunction",
            functionDeclaration=f"""async (given) => {{
                const script = async function () {{ {script} }};
                return JSON.stringify(await script.apply(null, JSON.parse(given))) ?? 'null';
            }}""",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        assert reply["type"] == "success", reply["exceptionDetails"]["text"]
        return json.loads(reply["result"]["value"])

    def wait(self, condition, what="", timeout_s=PATIENCE_S):
        """Return what a condition returns once it is true."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            self.run("await new Promise((then) => setTimeout(then, 50))")
        raise AssertionError(f"not within {timeout_s} s: {what}")

    def click(self, selector):
        """Press the mouse in the middle of an element, once it can be seen."""
        script = """
            const element = [...document.querySelectorAll(arguments[0])].find((each) => each.checkVisibility());
            element?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
            const box = element?.getBoundingClientRect();
            return box?.width ? [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)] : null;
        """
        x, y = self.wait(lambda: self.run(script, selector), selector)
        moves = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._perform({"type": "pointer", "id": "mouse", "actions": moves})

    def press(self, *keys):
        for key in keys:
            value = getattr(Keys, key, key)
            strokes = [{"type": kind, "value": value} for kind in ("keyDown", "keyUp")]
            self._perform({"type": "key", "id": "keyboard", "actions": strokes})

    def _perform(self, source):
        self.command("input.performActions", context=self._context, actions=[source])

    def violations(self, axe):
        """Return what axe finds, in words."""
        self.command("script.evaluate", expression=f"{axe};0", target={"context": self._context}, awaitPromise=False)
        return self.run("""
            const { violations } = await axe.run(document, { resultTypes: ['violations'] });
            return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
        """)

    def forget(self):
        """Forget what happened until now."""
        self.open("about:blank")
        self._events.clear()

    def console(self):
        """Return the warnings and errors since `forget`, each in words."""
        entries = [each["params"] for each in self._told("log.entryAdded")]
        return [f"{each['level']}: {each['text']}" for each in entries if each["level"] in ("warn", "error")]

    def requested(self):
        """Return the addresses that pages asked for since `forget`."""
        return [each["params"]["request"]["url"] for each in self._told("network.beforeRequestSent")]

    def _told(self, method):
        return [each for each in self._events if each["method"] == method]
