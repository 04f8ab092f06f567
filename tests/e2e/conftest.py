"""What the tests share: a directory in memory, workers and aggregators that end with the test."""
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from aggregators import Aggregator
from watching import INSPECT, Watching
from workers import PATIENCE, Worker, clean_environment


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="metrics-e2e-", dir="/dev/shm")
    yield path
    shutil.rmtree(path)


@pytest.fixture
def segment(directory):
    """Where a segment may come to be; its file is `segment + ".v2"`."""
    return os.path.join(directory, "segment")


@pytest.fixture
def start_worker(segment):
    started = []

    def start(at=None, program=None, **variables):
        worker = Worker(clean_environment(METRICS_SEGMENT=at or segment, **variables), program=program)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.close()


@pytest.fixture
def worker(start_worker):
    return start_worker()


@pytest.fixture
def start_aggregator(segment):
    started = []

    def start(*segments, flags=(), environment=None, under=()):
        if not segments and environment is None:
            segments = [segment]
        aggregator = Aggregator(*segments, flags=flags, environment=environment, under=under)
        started.append(aggregator)
        return aggregator

    yield start
    for aggregator in started:
        aggregator.close()


@pytest.fixture
def inspect(segment):
    """inspect("dump") is (status, stdout, stderr); inspect.json("dump") what --json prints, with
    status 0."""

    def run(*arguments, at=None, environment=None):
        done = subprocess.run([INSPECT, "--segment", segment if at is None else at, *arguments], capture_output=True,
                              text=True, timeout=PATIENCE, env=environment or clean_environment())
        return done.returncode, done.stdout, done.stderr

    def as_json(*arguments, **more):
        status, out, err = run("--json", *arguments, **more)
        assert (status, err) == (0, "")
        return json.loads(out)

    run.json = as_json
    run.segment = segment
    return run


@pytest.fixture
def watch(segment):
    """Starts a metrics-inspect that goes on, with these arguments."""
    started = []

    def start(*arguments):
        started.append(Watching(segment, *arguments))
        return started[-1]

    yield start
    for watching in started:
        watching.close()
