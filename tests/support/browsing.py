"""Chromium, and what tests and screenshots do with the map page in it."""

import json
import shutil

import cv2
import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE_S = 20
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--lang=en-GB",
    "--window-size=1440,900",
)


def chromium(profile):
    """Return a driver of a Chromium with a profile folder of its own."""
    options = Options()
    options.binary_location = shutil.which("chromium")
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"intl.accept_languages": "en-GB,en"})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE_S)
    return driver


class Browser:
    """One page."""

    def __init__(self, driver):
        self.driver = driver

    def reset(self):
        """Forget the page, and what was pretended to it."""
        self.driver.get("about:blank")
        self.console()
        self.requested()
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
        self.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Madrid"})
        self.size(1440, 900)

    def size(self, width, height, *, is_phone=False):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": is_phone})

    def prefer(self, **features):
        """Pretend wishes such as `prefers_color_scheme="dark"`."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def open(self, url):
        """Open a page anew, also when only its fragment differs."""
        self.driver.get("about:blank")
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def module(self, script):
        """Return what a script with `import()` and `await` returns."""
        wrapped = f"""
            const done = arguments[arguments.length - 1];
            const failed = (error) => done({{ error: String(error.stack) }});
            (async () => {{ {script} }})().then((value) => done({{ value }}), failed);
        """
        reply = self.driver.execute_async_script(wrapped)
        assert "error" not in reply, reply["error"]
        return reply["value"]

    def find(self, selector):
        """Return the element of a selector, once there is one that can be seen."""
        return self.wait(lambda: next((each for each in self.all(selector) if each.is_displayed()), None), selector)

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def text(self, selector):
        return self.run(
            "return document.querySelector(arguments[0])?.textContent.trim().replace(/\\s+/g, ' ')", selector
        )

    def wait(self, condition, what="", timeout_s=PATIENCE_S):
        return WebDriverWait(self.driver, timeout_s, poll_frequency=0.05).until(lambda _: condition(), what)

    def wait_text(self, selector, words):
        """Wait until the text of a selector holds words."""
        return self.wait(lambda: words in (self.text(selector) or ""), f"{selector} should say {words!r}")

    def wait_map(self):
        """Wait until everything that the map wants is drawn."""
        self.wait(
            lambda: self.run(
                "const { map } = document.querySelector('dl-map'); return map?.loaded() && map.areTilesLoaded()"
            ),
            "the map should be drawn",
        )

    def drawn(self):
        """Return the ids of the pictures that the map draws."""
        return set(
            self.run("""
                const { map } = document.querySelector('dl-map');
                const layers = ['road', 'dots', 'dots-all', 'arrivals'].filter((id) => map.getLayer(id));
                return map.queryRenderedFeatures({ layers }).map(({ properties }) => properties.id);
            """)
        )

    def pixel(self, selector="dl-map"):
        """Return the colour in the middle of an element, (red, green, blue)."""
        script = "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
        box = self.run(script + "return [b.x + b.width / 2, b.y + b.height / 2]", selector)
        image = cv2.imdecode(np.frombuffer(self.driver.get_screenshot_as_png(), np.uint8), cv2.IMREAD_COLOR)
        blue, green, red = image[int(box[1]), int(box[0])]
        return int(red), int(green), int(blue)

    def token(self, name):
        """Return a colour of the design tokens, (red, green, blue)."""
        value = self.run(
            "return getComputedStyle(document.documentElement).getPropertyValue(arguments[0]).trim()", name
        )
        return tuple(int(value[at : at + 2], 16) for at in (1, 3, 5))

    def press(self, *keys):
        actions = webdriver.ActionChains(self.driver, duration=0)
        for key in keys:
            actions.send_keys(getattr(Keys, key, key))
        actions.perform()

    def violations(self, axe):
        """Return what axe finds, in words."""
        self.run(axe)
        found = self.driver.execute_async_script("""
            const done = arguments[0];
            const failed = (error) => done({ violations: [{ id: String(error), nodes: [{ html: '' }] }] });
            axe.run(document, { resultTypes: ['violations'] }).then(done, failed);
        """)
        return [
            f"{each['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for each in found["violations"]
            for node in each["nodes"]
        ]

    def console(self):
        return self.driver.get_log("browser")

    def requested(self):
        """Return the addresses asked for since the last call."""
        messages = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]
