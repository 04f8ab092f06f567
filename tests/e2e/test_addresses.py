"""Where the aggregator can be reached: every interface, one family, a unix socket, systemd's
sockets."""
import http.client
import os
import socket
import subprocess

import pytest

from aggregators import AGGREGATOR, Exposition, run_aggregator
from workers import PATIENCE, clean_environment, until


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


def scrape(connection):
    try:
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        assert reply.status == 200
        return Exposition(reply.read().decode())
    finally:
        connection.close()


@pytest.fixture
def counted(worker):
    worker.inc(worker.counter("tasks_total"), 5)


def test_one_daemon_serves_ipv4_ipv6_and_a_unix_socket(counted, directory, start_aggregator):
    path = os.path.join(directory, "socket")
    aggregator = start_aggregator(flags=["--web.listen-address=[::1]:0", f"--web.listen-address=unix:{path}"])
    port = int(aggregator.wait_for_log(r"msg=\"listening\" address=\[::1\]:(\d+) path=/metrics tls=false$")[1])
    aggregator.wait_for_log(rf"msg=\"listening\" address=unix:{path} path=/metrics tls=false$")
    assert aggregator.scrape().value("tasks_total") == 5
    assert scrape(http.client.HTTPConnection("::1", port, timeout=PATIENCE)).value("tasks_total") == 5
    assert scrape(OverUnix(path)).value("tasks_total") == 5
    assert aggregator.end() == 0
    assert not os.path.exists(path)


def test_killed_it_leaves_a_unix_socket_that_the_next_one_takes(counted, directory, start_aggregator):
    path = os.path.join(directory, "socket")
    first = start_aggregator(flags=[f"--web.listen-address=unix:{path}"])
    first.wait_for_log("address=unix:")
    first.close()
    assert os.path.exists(path)
    start_aggregator(flags=[f"--web.listen-address=unix:{path}"]).wait_for_log("address=unix:")
    assert scrape(OverUnix(path)).value("tasks_total") == 5


@pytest.fixture
def start_activated(segment):
    """As systemd does: sockets that listen already are descriptors 3, 4, ..., and two variables say
    so."""
    started = []

    def start(*listening, flags=(), descriptors=None):
        # Moved out of the way first: one may have the number that another one gets.
        moves = [(one.fileno(), 100 + i, 3 + i) for i, one in enumerate(listening)]
        command = "".join(f"exec {high}<&{fd} {fd}<&-; " for fd, high, _ in moves)
        command += "".join(f"exec {low}<&{high} {high}<&-; " for _, high, low in moves)
        count = len(listening) if descriptors is None else descriptors
        command += f"export LISTEN_PID=$$ LISTEN_FDS={count}; exec \"$@\""
        process = subprocess.Popen(
            ["bash", "-c", command, "bash", AGGREGATOR, "--segment", segment, *flags], stderr=subprocess.PIPE,
            pass_fds=[one.fileno() for one in listening], env=clean_environment(), text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("flags", [[], ["--web.systemd-socket"]])
def test_it_serves_the_socket_that_systemd_passes_and_no_port_of_its_own(flags, counted, start_activated):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    process = start_activated(listening, flags=flags)
    listening.close()  # one is left, and that is the daemon's
    assert scrape(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)).value("tasks_total") == 5
    process.terminate()
    _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert [line.split("address=")[1] for line in log.splitlines() if "listening" in line] == [
        f"127.0.0.1:{port} path=/metrics tls=false"]


def test_it_serves_all_sockets_that_systemd_passes_and_those_of_its_flags(counted, directory, start_activated):
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    path = os.path.join(directory, "socket")
    process = start_activated(*listening, flags=[f"--web.listen-address=unix:{path}"])
    for one in listening:
        client = http.client.HTTPConnection(*one.getsockname(), timeout=PATIENCE)
        assert scrape(client).value("tasks_total") == 5
        one.close()
    assert scrape(OverUnix(path)).value("tasks_total") == 5
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.mark.parametrize("descriptors", ["some", "-1", "1001", "1x"])
def test_a_number_of_sockets_that_is_none_is_one_clear_line(descriptors, start_activated):
    process = start_activated(descriptors=descriptors)
    _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert log.splitlines()[-1].endswith('level=error msg="LISTEN_FDS must be a number from 0 to 1000"')


def test_a_connection_that_came_before_the_daemon_is_served(counted, start_activated):
    listening = socket.create_server(("127.0.0.1", 0))
    waiting = http.client.HTTPConnection(*listening.getsockname(), timeout=PATIENCE)
    waiting.connect()
    start_activated(listening)
    listening.close()
    assert scrape(waiting).value("tasks_total") == 5


def test_a_socket_that_does_not_listen_is_one_clear_line(start_activated):
    with socket.socket() as idle:
        process = start_activated(idle)
        _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert log.splitlines()[-1].endswith(
        'level=error msg="cannot listen on descriptor 3: it is not a stream socket that listens; write ListenStream= '
        'in its unit"')


@pytest.mark.parametrize("descriptors", ["1", "some"])
def test_variables_that_are_meant_for_a_parent_are_ignored(descriptors, start_aggregator):
    aggregator = start_aggregator(environment=clean_environment(LISTEN_PID=os.getpid(), LISTEN_FDS=descriptors))
    aggregator.scrape()


def test_systemds_sockets_can_be_demanded(segment):
    status, _, log = run_aggregator("--web.systemd-socket", "--segment", segment)
    assert status == 2
    assert log.splitlines()[-1].endswith(
        'level=error msg="--web.systemd-socket: systemd has passed no socket; enable metrics-aggregator.socket, '
        'or leave the flag out"')


def test_the_same_address_twice_is_one_clear_line(segment):
    status, _, log = run_aggregator("--web.listen-address=:8001", "--web.listen-address=127.0.0.1:8001",
                                    "--segment", segment)
    assert status == 2
    assert log.splitlines()[-1].endswith(
        'level=error msg="cannot listen on \\"127.0.0.1:8001\\": :8001, given before it, listens there, too"')


def test_sigterm_with_idle_clients_ends_it_at_once(start_aggregator):
    aggregator = start_aggregator()
    clients = [aggregator.connect() for _ in range(20)]
    for client in clients:
        client.request("GET", "/-/healthy")
        client.getresponse().read()
    aggregator.scrape()
    assert aggregator.end() == 0  # see HttpLimits for how long that takes
    for client in clients:
        client.close()
    until("it has ended", lambda: aggregator.process.poll() is not None)
