"""The aggregator as its users see it: command line, log and HTTP."""
import gzip
import http.client
import os
import re
import signal
import subprocess
import threading
import time

from workers import BUILD, PATIENCE, clean_environment

AGGREGATOR = os.path.join(BUILD, "aggregator", "metrics-aggregator")
LINE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)')
UNESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}

# How clients ask for a format.
ACCEPT = {
    "text": "text/plain;version=0.0.4",
    "openmetrics": "application/openmetrics-text;version=1.0.0",
    "protobuf": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
}


class Exposition:
    """A text exposition, read strictly: a line that is none, or a series twice, fails the test."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            match = LINE.match(line)
            assert match, f"no sample: {line!r}"
            labels = frozenset((name, re.sub(r"\\.", lambda m: UNESCAPED[m.group()], value))
                               for name, value in LABEL.findall(match[2] or ""))
            key = match[1], labels
            assert key not in self.samples, f"twice: {line!r}"
            self.samples[key] = float(match[3])

    def value(self, name, **labels):
        """Of the one sample with exactly these labels; None if there is none."""
        return self.samples.get((name, frozenset(labels.items())))

    def all(self, name, **labels):
        """{labels: value} of all samples of that name which have these labels."""
        wanted = labels.items()
        return {found: value for (n, found), value in self.samples.items() if n == name and wanted <= found}

    def about_segments(self):
        """What does not change from one scrape to the next while nobody counts."""
        return "".join(line + "\n" for line in self.text.splitlines()
                       if not re.match(r"(# (HELP|TYPE) )?(process_|metrics_aggregator_(scrape|http))", line))

    def without_own(self):
        """What the workers counted."""
        return "".join(line + "\n" for line in self.text.splitlines()
                       if not re.match(r"(# (HELP|TYPE) )?(process_|metrics_(aggregator|segment)_)", line))


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        encoded = self.headers.get("Content-Encoding") == "gzip"
        return (gzip.decompress(self.body) if encoded else self.body).decode()


class Aggregator:
    def __init__(self, *segments, flags=(), environment=None, under=(), program=AGGREGATOR):
        arguments = [*under, program, "--web.listen-address=127.0.0.1:0", *flags]
        for segment in segments:
            arguments += ["--segment", segment]
        self.process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True,
                                        env=environment or clean_environment())
        self.log = []
        self.logged = threading.Condition()
        self.reader = threading.Thread(target=self._read_log)
        self.reader.start()
        self.port = int(self.wait_for_log(r'msg="?listening"? address=127\.0\.0\.1:(\d+)|"127\.0\.0\.1:(\d+)"').group(0)
                        .rstrip('"').rsplit(":", 1)[1])

    def _read_log(self):
        for line in self.process.stderr:
            with self.logged:
                self.log.append(line)
                self.logged.notify_all()
        with self.logged:
            self.log.append("")  # the end
            self.logged.notify_all()

    def wait_for_log(self, pattern):
        """The match in the first line that has it, also if that is yet to come."""
        deadline = time.monotonic() + PATIENCE
        seen = 0
        with self.logged:
            while True:
                for line in self.log[seen:]:
                    if match := re.search(pattern, line):
                        return match
                    assert line, f"ended without {pattern}: {self.log}"
                seen = len(self.log)
                assert self.logged.wait(deadline - time.monotonic()), f"no {pattern} in {self.log}"

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def request(self, path="/metrics", method="GET", headers=None):
        connection = self.connect()
        try:
            connection.request(method, path, headers={"Connection": "close", **(headers or {})})
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def scrape(self, path="/metrics"):
        reply = self.request(path)
        assert reply.status == 200, reply.body
        return Exposition(reply.text)

    def end(self, sign=signal.SIGTERM):
        """Its exit status; what it logged is in `log` then."""
        self.process.send_signal(sign)
        return self.ended()

    def ended(self):
        status = self.process.wait(PATIENCE)
        self.reader.join()
        self.process.stderr.close()
        return status

    def close(self):
        if self.process.returncode is None:
            self.end(signal.SIGKILL)


def run_aggregator(*arguments, environment=None):
    """For command lines with which it ends by itself: (status, stdout, stderr)."""
    done = subprocess.run([AGGREGATOR, *arguments], capture_output=True, text=True, timeout=PATIENCE,
                          env=environment or clean_environment())
    return done.returncode, done.stdout, done.stderr
