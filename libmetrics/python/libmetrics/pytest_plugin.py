"""Gives tests of a program a segment that is theirs: a plugin of pytest.

Where the package is installed, pytest loads it by itself; else
`pytest -p libmetrics.pytest_plugin`. Tests then never count in the segment of programs that run on
the same machine, unless METRICS_SEGMENT names one. Each process of pytest has a segment of its own,
which is deleted at the end.
"""
import os
import shutil
import tempfile

import pytest

_DIRECTORY = '_libmetrics_directory'


def pytest_configure(config):
    directory = tempfile.mkdtemp(prefix='libmetrics-tests-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
    setattr(config, _DIRECTORY, directory)
    os.environ.setdefault('METRICS_SEGMENT', os.path.join(directory, 'segment'))


def pytest_unconfigure(config):
    directory = getattr(config, _DIRECTORY, None)
    if directory is not None:
        shutil.rmtree(directory, ignore_errors=True)
        if os.environ.get('METRICS_SEGMENT', '').startswith(directory + os.sep):
            del os.environ['METRICS_SEGMENT']


@pytest.fixture
def metrics_segment(request, monkeypatch):
    """Gives the test a segment: the path of one that doesn't exist yet, in which programs count
    that the test starts. This process has joined another one by then, or will, and can't change
    that, so its metrics begin anew at 0 there, without children, for the test.

    It does not empty a segment that METRICS_SEGMENT named before pytest began: that may be others'.
    """
    directory = getattr(request.config, _DIRECTORY)
    own = os.environ.get('METRICS_SEGMENT', '')
    if own.startswith(directory + os.sep):
        import libmetrics
        from libmetrics.prometheus_client.wrapper import begin_anew
        libmetrics.segment_path()  # joined while METRICS_SEGMENT still names it
        begin_anew()
    path = os.path.join(tempfile.mkdtemp(dir=directory), 'segment')
    monkeypatch.setenv('METRICS_SEGMENT', path)
    return path
