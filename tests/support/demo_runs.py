"""The demo as a user runs it, in a process of its own; and how much of the truth its redactions cover."""

import json
import queue
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np

from dashlight.config import environment

DATA = Path(__file__).parents[3] / "shared" / "data"


def run_demo(home, *options, timeout_s=600):
    """Run `dashlight demo --once --json` to its end; return exit code, object (or None) and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "dashlight", "demo", "--once", "--json", "--home", str(home), *map(str, options)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=clean_environment(),
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def clean_environment():
    return {name: value for name, value in environment().items() if not name.startswith(("DASHLIGHT_", "DISPLAY"))}


class Staying:
    """A demo that stays."""

    def __init__(self, process, result):
        self.process = process
        self.result = result
        self.client = httpx.Client(base_url=result["urls"]["map"].split("/#")[0], timeout=30, trust_env=False)

    def features(self):
        found, cursor = [], {}
        while True:
            page = self.client.get(
                "/v1/pictures", params={"bbox": "-180,-90,180,90", "limit": "500", **cursor}
            ).raise_for_status()
            found += page.json()["features"]
            if not page.json().get("next"):
                return found
            cursor = {"cursor": page.json()["next"]}

    def is_served(self):
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.HTTPError:
            return False

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def staying_demo(home, *options, timeout_s=600):
    """Run a demo until it stays; end it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dashlight", "demo", "--json", "--no-browser", "--home", str(home), *map(str, options)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean_environment(),
    )
    lines = queue.Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    try:
        demo = Staying(process, json.loads(lines.get(timeout=timeout_s)))
        with demo.client:
            yield demo
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        process.stdout.close()


def frame_near(truths, captured):
    """Return the truth's frame that is nearest in time to a picture."""
    at = datetime.fromisoformat(captured)
    frames = [frame for truth in truths for frame in truth["frames"]]
    return min(frames, key=lambda frame: abs((datetime.fromisoformat(frame["captured"]) - at).total_seconds()))


def covered_share(bbox_xyxy, redactions, *, width, height):
    """Return how much of a box the union of the redactions covers, 0..1."""
    painted = np.zeros((height, width), bool)
    for redaction in redactions:
        left, top, right, bottom = (round(side) for side in redaction["bbox_xyxy"])
        painted[max(0, top) : bottom, max(0, left) : right] = True
    left, top, right, bottom = (round(side) for side in bbox_xyxy)
    return float(painted[top : max(bottom, top + 1), left : max(right, left + 1)].mean())
