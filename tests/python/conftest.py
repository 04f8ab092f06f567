"""What the tests share: a segment of their own, programs that use it, and the aggregator's scrapes.

The process that runs a test file has one segment (a process joins its default segment once), so
tests in it use names of their own; what needs a process or a segment of its own asks for the
fixtures below.
"""
from itertools import count
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile
import textwrap

import pytest

# Under /dev/shm, as a disk's file system stalls writers; short, as it becomes part of socket names.
_directory = tempfile.mkdtemp(prefix='mp-', dir='/dev/shm')
os.environ['METRICS_SEGMENT'] = f'{_directory}/segment'
for name in ('METRICS_EXEMPLARS', 'METRICS_GAUGE_MODES', 'METRICS_GAUGE_MODES_FILE', 'METRICS_MAX_SERIES',
             'METRICS_NATIVE_HISTOGRAMS', 'PROMETHEUS_MULTIPROC_DIR'):
    os.environ.pop(name, None)


def pytest_sessionfinish():
    shutil.rmtree(_directory, ignore_errors=True)


_numbers = count()


@pytest.fixture
def name():
    """The name of a family that no other test has."""
    return f'family_{next(_numbers)}'


@pytest.fixture
def directory():
    path = Path(tempfile.mkdtemp(dir=_directory))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def segment(directory, monkeypatch):
    """The path of a segment that doesn't exist yet; programs started by the test count in it."""
    path = str(directory / 'segment')
    monkeypatch.setenv('METRICS_SEGMENT', path)
    return path


@pytest.fixture
def program(segment):
    """Runs Python code as a program of its own and returns what it wrote to standard output; its
    exit status has to be that expected. What it wrote to standard error is in program.stderr."""
    def run(code, *args, expected=0, options=(), **env):
        done = subprocess.run([sys.executable, *options, '-c', textwrap.dedent(code), *args], capture_output=True,
                              text=True, env={**os.environ, **env}, timeout=120)
        run.stderr = done.stderr
        assert done.returncode == expected, done.stderr
        return done.stdout
    return run
