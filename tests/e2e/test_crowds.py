"""Thousands of connections of each kind at once: each scrape is answered, and memory stays within
what the bounds on connections and on buffered bytes allow."""
import json
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading

import pytest

from aggregators import Exposition
from tls_files import Files
from workers import PATIENCE

# Of each kind. Two crowds are there at a time, and the daemon takes half of its descriptors for
# connections.
MANY = min(5000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 4)
LIMIT = 64 << 20  # of what is buffered for clients, and of what TLS keeps for them
HANDSHAKES, SECURE = LIMIT // (48 << 10), LIMIT // (16 << 10)  # connections that it is enough for

# Scrapes one time after the other, each with a connection of its own, until it is told to end.
SCRAPER = """
import http.client, json, ssl, sys, time, signal
port, ca, patience = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
tls = ssl.create_default_context(cafile=ca) if ca else None
over, taken, failed = [], [], []
signal.signal(signal.SIGTERM, lambda *_: over.append(True))
while not over:
    began = time.monotonic()
    try:
        kind = (http.client.HTTPSConnection, {"context": tls}) if ca else (http.client.HTTPConnection, {})
        connection = kind[0]("127.0.0.1", port, timeout=2 * patience, **kind[1])
        connection.request("GET", "/metrics", headers={"Connection": "close"})
        reply = connection.getresponse()
        if reply.status != 200 or b"tasks_total 7" not in reply.read():
            failed.append(f"status {reply.status}")
        connection.close()
    except OSError as e:
        failed.append(repr(e))
    taken.append(time.monotonic() - began)
taken.sort()
print(json.dumps({"scrapes": len(taken), "failed": failed, "median_ms": 1e3 * taken[len(taken) // 2],
                  "p99_ms": 1e3 * taken[len(taken) * 99 // 100], "slowest_ms": 1e3 * taken[-1]}))
"""


@pytest.fixture(autouse=True)
def descriptors():
    """Lets this process have as many as it may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def files(tmp_path):
    return Files(str(tmp_path))


class Door:
    """A daemon that is scraped all the time, and its crowds."""

    def __init__(self, aggregator, ca=""):
        self.aggregator, self.ca = aggregator, ca
        self.clients = []
        self.scrape()  # so that what the first one allocates is no crowd's
        self.before = self.resident_bytes()
        self.scraper = subprocess.Popen([sys.executable, "-c", SCRAPER, str(aggregator.port), ca, str(PATIENCE)],
                                        stdout=subprocess.PIPE, text=True)

    def scrape(self):
        if not self.ca:
            return self.aggregator.scrape()
        url = f"https://127.0.0.1:{self.aggregator.port}/metrics"
        done = subprocess.run(["curl", "-fsS", "--cacert", self.ca, url], capture_output=True, text=True, check=True)
        return Exposition(done.stdout)

    def resident_bytes(self):
        with open(f"/proc/{self.aggregator.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))

    def crowd(self, greet, threads=1):
        """Connects MANY clients; what greet(socket) returns is kept open."""
        def connect(count):
            for _ in range(count):
                self.clients.append(greet(socket.create_connection(("127.0.0.1", self.aggregator.port), PATIENCE)))

        crew = [threading.Thread(target=connect, args=(MANY // threads,)) for _ in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()

    def leave(self, count):
        """The clients that came last hang up, except for the first `count`."""
        for client in self.clients[count:]:
            client.close()
        del self.clients[count:]

    def report(self, what):
        """Prints what the crowd costs."""
        grown = self.resident_bytes() - self.before
        now = self.scrape()
        connections = {dict(labels)["state"]: int(n) for labels, n in
                       now.all("metrics_aggregator_http_connections").items() if n}
        closed = {dict(labels)["reason"]: int(n) for labels, n in
                  now.all("metrics_aggregator_http_connections_closed_total").items() if n}
        print(f"{what}: {grown / 1e6:.1f} MB more, connections {connections}, closed {closed}", flush=True)
        assert now.value("metrics_aggregator_http_tls_bytes") <= LIMIT
        assert now.value("metrics_aggregator_http_buffered_bytes") <= LIMIT
        return grown, connections, closed

    def end(self):
        self.scraper.send_signal(signal.SIGTERM)
        said = json.loads(self.scraper.communicate(timeout=2 * PATIENCE)[0])
        print({name: round(value, 1) if isinstance(value, float) else value for name, value in said.items()})
        self.leave(0)
        assert said["failed"] == []
        assert said["scrapes"] > 0


@pytest.fixture
def door(worker, start_aggregator, files):
    worker.inc(worker.counter("tasks_total"), 7)
    doors = []

    def open_door(tls):
        flags = ["--web.max-connections=1000000"]
        if tls:
            files.self_signed()
            files.write_tls()
            flags.append(f"--web.config.file={files.config}")
        doors.append(Door(start_aggregator(flags=flags), files.path("server.pem") if tls else ""))
        return doors[-1]

    yield open_door
    for opened in doors:
        if opened.scraper.poll() is None:
            opened.scraper.kill()
            opened.scraper.communicate()


def test_idle_clients_and_half_requests_cost_bounded_memory_and_no_scrape(door):
    plain = door(tls=False)
    plain.crowd(lambda client: client)
    grown, connections, closed = plain.report(f"{MANY} idle")
    assert connections.get("idle", 0) + closed.get("idle", 0) >= MANY, "all are let in"
    assert grown < MANY * 2500, "before its first byte, a client costs little"

    def half(client):
        client.sendall(b"GET /metrics HTTP/1.1\r\nX-Half: ")
        return client

    plain.crowd(half)
    grown, connections, closed = plain.report(f"{MANY} half-sent")
    assert connections.get("reading", 0) + closed.get("request_timeout", 0) >= MANY, "all are let in"
    assert grown < 2 * MANY * 4000
    plain.end()


def test_handshakes_and_idle_clients_of_tls_cost_bounded_memory_and_no_scrape(door, files):
    tls_door = door(tls=True)
    tls = ssl.create_default_context(cafile=files.path("server.pem"))
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        tls.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    hello = outgoing.read()

    tls_door.crowd(lambda client: client)
    grown, connections, closed = tls_door.report(f"{MANY} silent")
    assert connections.get("idle", 0) + closed.get("idle", 0) >= MANY, "all are let in"
    assert grown < MANY * 2500, "before its first byte, a client costs little"

    def greeted(size):
        def greet(client):
            client.sendall(hello[:size])
            return client
        return greet

    for what, size in ("half a hello", 100), ("a hello", len(hello)):
        tls_door.crowd(greeted(size))
        grown, connections, closed = tls_door.report(f"{MANY} with {what}")
        assert connections.get("handshaking", 0) <= HANDSHAKES
        assert closed.get("buffered_limit", 0) + closed.get("handshake", 0) >= MANY - HANDSHAKES
        assert grown < 2 * LIMIT
        tls_door.leave(MANY)

    def shaken(client):
        return socket.socket(fileno=tls.wrap_socket(client, server_hostname="localhost").detach())

    tls_door.crowd(shaken, threads=2)
    grown, connections, closed = tls_door.report(f"{MANY} behind their handshake")
    assert connections["idle"] <= SECURE + MANY, "the silent ones, as long as they may be that"
    assert connections["idle"] + closed.get("idle", 0) + closed.get("buffered_limit", 0) >= 2 * MANY, "all are let in"
    assert grown < 2 * LIMIT
    tls_door.end()
