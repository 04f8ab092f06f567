"""Worker processes on a lead: see worker.cpp for what they can be told."""
import json
import os
import select
import signal
import socket
import subprocess
import time

BUILD = os.environ.get("METRICS_BUILD") or os.path.join(os.path.dirname(__file__), "..", "..", "build")
PATIENCE = 30  # seconds until a test gives up; on a busy machine nothing here takes one


def until(what, condition):
    """Polls until condition() is true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}; last: {result!r}")
        select.select([], [], [], 0.005)


def clean_environment(**more):
    """This process's environment without the METRICS_* variables of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("METRICS_")}
    return {**kept, **{k: str(v) for k, v in more.items()}}


class Gone(Exception):
    """The worker has ended."""


class Worker:
    """One process. Methods return what it answered, after it has done what was asked."""

    def __init__(self, environment=None, process=None, connection=None, program=None):
        self.children = []
        self.connection = connection
        if connection is None:
            self.process = subprocess.Popen(
                [program or os.path.join(BUILD, "tests", "e2e", "e2e_worker")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            self.to, self.source = self.process.stdin.fileno(), self.process.stdout.fileno()
            self.pid = self.process.pid
        else:
            self.process, self.parent = None, process
            self.to = self.source = connection.fileno()
        self.received = b""

    def _receive(self):
        if not select.select([self.source], [], [], PATIENCE)[0]:
            raise AssertionError("the worker does not answer")
        try:
            got = os.read(self.source, 1 << 16)
        except ConnectionResetError:
            got = b""
        if not got:
            raise Gone()
        self.received += got

    def answer(self):
        while b"\n" not in self.received:
            self._receive()
        line, self.received = self.received.split(b"\n", 1)
        result = json.loads(line)
        assert "failed" not in result, result["failed"]
        return result

    def tell(self, do, **arguments):
        os.write(self.to, json.dumps({"do": do, **arguments}).encode() + b"\n")

    def ask(self, do, **arguments):
        self.tell(do, **arguments)
        return self.answer()

    def _make(self, kind, name, labels, more):
        labels = labels or {}
        answer = self.ask(kind, name=name, labels=list(labels), values=list(labels.values()), **more)
        assert answer["status"] == "ok", answer
        return answer["id"]

    def counter(self, name, labels=None, **more):
        return self._make("counter", name, labels, more)

    def gauge(self, name, mode, labels=None, **more):
        return self._make("gauge", name, labels, {"mode": mode, **more})

    def histogram(self, name, bounds, labels=None, **more):
        return self._make("histogram", name, labels, {"bounds": bounds, **more})

    def summary(self, name, labels=None, **more):
        return self._make("summary", name, labels, more)

    def stateset(self, name, states, labels=None, **more):
        return self._make("stateset", name, labels, {"states": states, **more})

    def info(self, name, facts, **more):
        assert self.ask("info", name=name, labels=list(facts), values=list(facts.values()), **more)["status"] == "ok"

    def inc(self, counter, n=1):
        self.ask("inc", id=counter, n=n)

    def add(self, counter, amount):
        self.ask("add", id=counter, amount=amount)

    def set(self, gauge, value):
        self.ask("set", id=gauge, value=value)

    def state(self, stateset, state):
        """Sets the state, by its index."""
        self.ask("state", id=stateset, state=state)

    def observe(self, histogram, *values):
        self.ask("observe", id=histogram, values=list(values))

    def trace(self, value, trace_id, **metric):
        """Counts the value with an exemplar; metric: counter=id, or histogram=id."""
        self.ask("trace", value=value, trace_id=trace_id, **metric)

    def thread(self, *commands):
        """Does the commands, (do, arguments) each, in a new thread, which stays."""
        return self.ask("thread", run=[{"do": do, **arguments} for do, arguments in commands])["results"]

    def fork(self, directory):
        """A child that is a worker too, with the same metrics; directory is for its socket."""
        path = os.path.join(directory, f"fork-{self.pid}-{len(self.children)}")
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(path)
            door.listen(1)
            door.settimeout(PATIENCE)
            pid = self.ask("fork", socket=path)["pid"]
            child = Worker(process=self, connection=door.accept()[0])
        os.unlink(path)
        assert child.answer()["pid"] == pid
        child.pid = pid
        self.children.append(child)
        return child

    def spin(self, **what):
        """Updates without end; acknowledged() counts how often it did."""
        self.tell("spin", **what)

    def acknowledged_at_least(self, count):
        while self.received.count(b".") < count:
            self._receive()

    def acknowledged_in_all(self):
        """Of a spinning worker that was killed."""
        try:
            while True:
                self._receive()
        except Gone:
            return self.received.count(b".")

    def kill(self):
        """By SIGKILL; it and its memory are gone on return."""
        if self.process:
            self.process.kill()
            self.process.wait()
        else:
            os.kill(self.pid, signal.SIGKILL)
            self.parent.ask("wait", pid=self.pid)
            self.parent.children.remove(self)

    def close(self):
        for child in list(self.children):
            child.connection.close()  # it ends by that
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
