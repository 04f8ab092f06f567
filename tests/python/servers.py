"""Real servers for end-to-end tests: started in a directory of the test's own, ended by pid, with
all they have started.

Everything that is waited for is waited for with a deadline, and the server's log is in the
failure's text.
"""
from contextlib import contextmanager, suppress
import http.client
import os
from pathlib import Path
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

DEADLINE_S = 90
APPS = Path(__file__).with_name('apps')


def wait_until(condition, what, log=lambda: ''):
    """Returns what the condition returns once that is true; fails after the deadline."""
    end = time.monotonic() + DEADLINE_S
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f'{what}: not within {DEADLINE_S} s\n{log()}'
        time.sleep(.01)


class Server:
    """A running server: its process, and log() with what it wrote."""

    def __init__(self, command, directory, name, **env):
        self._log = directory / f'{name}.log'
        with open(self._log, 'wb') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                                            env={**os.environ, **env}, start_new_session=True)
        self.pid = self.process.pid

    def log(self):
        return self._log.read_text(errors='replace')

    def stop(self, how=signal.SIGTERM):
        """Ends it and waits for its end; then for that of what it leaves behind, all in its process
        group.

        A Celery that is logging when the signal comes may lose it: its handler raises an exception,
        which Python ignores in some places (`Exception ignored in: _releaseLock`). So the signal is
        sent again to a server that has not ended after a third of the time.
        """
        for _ in range(3):
            if self.process.poll() is not None:
                break
            self.process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(DEADLINE_S / 3)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            pytest.fail(f'does not stop\n{self.log()[-8000:]}')
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


@contextmanager
def running(command, directory, name, stop_by=signal.SIGTERM, **env):
    server = Server(command, directory, name, **env)
    try:
        yield server
    finally:
        server.stop(stop_by)


def under_libmetrics(*command):
    return [sys.executable, '-m', 'libmetrics.run', *command]


@contextmanager
def redis_server(directory):
    """A Redis server on a unix socket, and a client to it; .socket is the path."""
    if shutil.which('redis-server') is None:
        pytest.skip('redis-server is not installed')
    redis = pytest.importorskip('redis', reason='python3-redis is not installed')
    path = str(directory / 'redis.sock')
    command = ['redis-server', '--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--dir',
               str(directory)]
    with running(command, directory, 'redis') as server:
        client = redis.Redis(unix_socket_path=path, decode_responses=True, socket_timeout=DEADLINE_S)

        def answers():
            try:
                return client.ping()
            except redis.ConnectionError:
                return False
        wait_until(answers, 'redis answers', server.log)
        client.socket = path
        yield client


@contextmanager
def aggregator(directory, segment):
    """The aggregator of the segment; yields its address as (host, port)."""
    binary = os.environ.get('METRICS_AGGREGATOR')
    if not binary or not os.path.exists(binary):
        pytest.skip('metrics-aggregator is not built')
    with running([binary, '--segment', segment, '--web.listen-address=127.0.0.1:0'], directory, 'aggregator') as server:
        found = wait_until(lambda: re.search(r'address=(\S+):(\d+)', server.log()), 'the aggregator listens',
                           server.log)
        yield found.group(1), int(found.group(2))


class Scrapes:
    """Scrapes the aggregator over and over while the block runs. Each scrape has to be valid, and
    nothing that is a counter may go down or be gone; the block fails if one isn't."""

    def __init__(self, address):
        from prometheus_client.parser import text_string_to_metric_families
        self._parse = text_string_to_metric_families
        self._address = address
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._lock = threading.Lock()
        self._counters = {}
        self._faults = []
        self.count = 0

    def __enter__(self):
        self.now()
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._end.set()
        self._thread.join()
        if exception[0] is None:
            assert not self._faults, self._faults[0]

    def now(self):
        """A scrape: a dict of values by sample name and sorted labels."""
        with self._lock:
            connection = http.client.HTTPConnection(*self._address, timeout=DEADLINE_S)
            connection.request('GET', '/metrics')
            response = connection.getresponse()
            text = response.read().decode()
            connection.close()
            assert response.status == 200, text
            self.text = text
            samples, counters = {}, {}
            for family in self._parse(text):
                for s in family.samples:
                    key = (s.name, tuple(sorted(s.labels.items())))
                    assert key not in samples, f'{key} is there twice'
                    samples[key] = s.value
                    if family.type in ('counter', 'histogram', 'summary'):
                        counters[key] = s.value
            for key, value in self._counters.items():
                assert key in counters, f'{key} is gone'
                assert counters[key] >= value, f'{key} went down from {value} to {counters[key]}'
            self._counters = counters
            self.count += 1
            return samples

    def value(self, name, **labels):
        return self.now().get((name, tuple(sorted(labels.items()))))

    def _run(self):
        while not self._end.is_set():
            try:
                self.now()
            except Exception as fault:
                self._faults.append(fault)
                return

    def judged_by_promtool(self):
        """promtool's word on the last scrape; 3 is advice on names."""
        if shutil.which('promtool') is None:
            return
        self.now()
        done = subprocess.run(['promtool', 'check', 'metrics'], input=self.text, capture_output=True, text=True)
        assert done.returncode in (0, 3), done.stderr


class UnixHTTP(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__('localhost', timeout=DEADLINE_S)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(path, url):
    """A GET to a server on a unix socket: (status, body), or None if it died over it."""
    connection = UnixHTTP(path)
    try:
        connection.request('GET', url, headers={'Connection': 'close'})
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError):
        return None
    finally:
        connection.close()
