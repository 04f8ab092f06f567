"""A real Prometheus, started for the test, on a port that nobody else has."""
import contextlib
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from workers import PATIENCE, until

CONFIG = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: workers
    static_configs:
      - targets: ["127.0.0.1:{port}"]
{more}"""


class Server:
    """With that configuration, a folder for what it keeps, and flags more."""

    def __init__(self, directory, config, flags=(), listen="127.0.0.1:0", agent=False):
        file = os.path.join(directory, "prometheus.yml")
        with open(file, "w") as out:
            out.write(config)
        kind = ["--enable-feature=agent", f"--storage.agent.path={directory}/data"] if agent else [
            f"--storage.tsdb.path={directory}/data"]
        self.log = open(os.path.join(directory, "prometheus.log"), "w+")  # noqa: SIM115  close() closes it
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={file}", *kind, f"--web.listen-address={listen}", *flags],
            stderr=self.log, stdout=self.log)
        self.port = until("Prometheus listens", self._listening_port)
        until("Prometheus is ready", self._ready)

    def _listening_port(self):
        """It does not tell a port that the kernel chose: its listening socket does."""
        assert self.process.poll() is None, self.said()
        folder = f"/proc/{self.process.pid}/fd"
        inodes = set()
        for fd in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                inodes.update(re.findall(r"socket:\[(\d+)\]", os.readlink(f"{folder}/{fd}")))
        with open(f"/proc/{self.process.pid}/net/tcp") as table:
            for line in table:
                words = line.split()
                if words[3] == "0A" and words[9] in inodes:  # LISTEN
                    return int(words[1].split(":")[1], 16)
        return None

    def _ready(self):
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=PATIENCE).status == 200
        except urllib.error.URLError:
            return False

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def api(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            answer = json.load(urllib.request.urlopen(url, timeout=PATIENCE))
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read()) from error
        assert answer["status"] == "success"
        return answer["data"]

    def query(self, expression, time):
        """The vector or matrix at that time, or now: [(labels, value or [(time, value), ...]),
        ...]."""
        def values(series):
            if "value" in series:
                return float(series["value"][1])
            return [(float(t), float(v)) for t, v in series["values"]]

        at = {} if time is None else {"time": time}
        found = self.api("query", query=expression, **at)["result"]
        return [(series["metric"], values(series)) for series in found]

    def one(self, expression, time):
        ((_, value),) = self.query(expression, time)
        return value

    def close(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


class Prometheus(Server):
    """Scrapes one port of this host, each second."""

    def __init__(self, directory, target_port, more="", flags=()):
        """more: lines of the scrape configuration."""
        super().__init__(directory, CONFIG.format(port=target_port, more=more), flags)
