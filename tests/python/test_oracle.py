"""The same program, in a process of its own each, with prometheus_client 0.16 and with libmetrics:
the same samples, but for `_created` and the pid of gauges of mode `all`."""
import json
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')

PROGRAM = str(Path(__file__).with_name('oracle_program.py'))
THEIRS, OURS = 'prometheus_client', 'libmetrics.prometheus_client'


def run(*args, before=()):
    done = subprocess.run([sys.executable, *before, PROGRAM, *args], capture_output=True, env=os.environ, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def lines(text):
    """The exposition's lines without what may differ: `_created`, seconds, pids, and what is about
    one process. Sorted within a family, whose series stand in the order of the segment."""
    families, skipped = {}, ('python_', 'process_')
    name = None
    for line in text.splitlines():
        if line.startswith('# HELP '):
            name = line.split(' ')[2]
        if not name.startswith(skipped) and not name.endswith('_created') and not line.startswith('timed_sum'):
            families.setdefault(name, []).append(words(without_pid(line)))
    return [[family, *sorted(found)] for family, found in families.items()]


def without_pid(line):
    return re.sub(r'\{\}', '', re.sub(r'\{pid="\d+",?', '{', re.sub(r',pid="\d+"', '', line)))


def words(line):
    """A sample's line in two, with the value as a number."""
    name, _, value = line.rpartition(' ')
    return [line] if line.startswith('#') else [name, float(value)]


def same(ours, theirs):
    """Equal, but that sums may be rounded differently: a counter's whole and fractional amounts are
    summed apart."""
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    return ours == theirs or (isinstance(ours, float) and ours == pytest.approx(theirs, rel=1e-12))


def test_samples_are_the_same(segment):
    theirs, ours = json.loads(run(THEIRS)), json.loads(run(OURS))
    assert len(theirs['samples']) > 150
    for of_ours, of_theirs in zip(ours['samples'], theirs['samples']):
        assert same(of_ours, of_theirs), (of_ours, of_theirs)
    assert len(ours['samples']) == len(theirs['samples'])
    assert same(ours['asked'], theirs['asked'])


def test_texts_are_the_same(segment):
    ours, theirs = lines(run(OURS, 'text')), lines(run(THEIRS, 'text'))
    assert same(ours, theirs), [pair for pair in zip(ours, theirs) if not same(*pair)]


def test_unchanged_program_gives_the_same_as_a_changed_one(segment, monkeypatch):
    changed = run(OURS)
    monkeypatch.setenv('METRICS_SEGMENT', segment + '-unchanged')
    unchanged = run(THEIRS, before=('-m', 'libmetrics.run'))
    assert json.loads(unchanged) == json.loads(changed)
    assert os.path.exists(segment + '-unchanged.v2')
