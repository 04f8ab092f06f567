"""A real Chromium, driven over WebDriver (https://www.w3.org/TR/webdriver2/)."""
import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from workers import PATIENCE, until

DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium")
# The browser stays by itself: it asks nobody for updates, and shares no profile.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--force-device-scale-factor=1"]
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " "}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """One Chromium with one page; open() leads it anywhere."""

    def __init__(self, width=1280, height=1000):
        self.profile = tempfile.mkdtemp(prefix="metrics-browser-")
        self.driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        try:
            for line in self.driver.stdout:
                if match := re.search(r"started successfully on port (\d+)", line):
                    break
            self.address = f"http://127.0.0.1:{match[1]}"
            chrome = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={self.profile}",
                                                   f"--window-size={width},{height}"]}
            self.path = "/session"
            session = self.ask("POST", "", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}}})
            self.path += "/" + session["sessionId"]
        except BaseException:
            self._end()
            raise

    def ask(self, method, path, body=None):
        request = urllib.request.Request(
            self.address + self.path + path, method=method, headers={"Content-Type": "application/json"},
            data=json.dumps(body if body is not None else {}).encode() if method == "POST" else None)
        try:
            with urllib.request.urlopen(request, timeout=2 * PATIENCE) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise AssertionError(f"{value['error']}: {value['message']}") from None

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """What the script returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, what, script, *arguments):
        return until(what, lambda: self.run(script, *arguments))

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def press(self, *keys):
        """Presses keys, each by its name, or a character; `Shift+Tab` holds one."""
        actions = []
        for key in keys:
            shift = key.startswith("Shift+")
            value = KEYS.get(key.removeprefix("Shift+"), key)
            held = [{"type": "keyDown", "value": "\ue008"}] if shift else []
            actions += [*held, {"type": "keyDown", "value": value}, {"type": "keyUp", "value": value},
                        *({"type": "keyUp", "value": "\ue008"} for _ in held)]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def console(self):
        """What was written to the console since the last call."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def picture(self):
        return base64.b64decode(self.ask("GET", "/screenshot"))

    def close(self):
        try:
            self.ask("DELETE", "")
        finally:
            self._end()

    def _end(self):
        self.driver.terminate()
        self.driver.wait(PATIENCE)
        self.driver.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)
