"""Programs that are made up at random see the same with the installed prometheus_client and with
libmetrics: what is made, labelled, updated, measured, removed, cleared, forgotten, collected and
exposed, in any order, and each error."""
import json
import os
from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')

PROGRAM = str(Path(__file__).with_name('differential_program.py'))
SEEDS = 40


def run(module, view, first):
    done = subprocess.run([sys.executable, PROGRAM, module, view, str(first), str(SEEDS)], capture_output=True,
                          text=True, env=os.environ, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def is_attribute_error(record):
    return isinstance(record[1], list) and record[1][:1] == ['AttributeError']


def difference(ours, theirs):
    """Returns the first record that differs, with those before it of the same program."""
    for seed, records in theirs.items():
        for number, (of_ours, of_theirs) in enumerate(zip(ours[seed], records)):
            if is_attribute_error(of_theirs):
                continue  # a mistake of the program for which prometheus_client has no words
            if of_ours != of_theirs:
                before = '\n'.join(map(str, records[max(0, number - 30):number]))
                return f'seed {seed}, step {number}:\nours   {of_ours}\ntheirs {of_theirs}\nafter\n{before}'
    return None


# METRICS_DIFFERENTIAL_SEED=1000 tries others.
@pytest.mark.parametrize('view', ['own', 'default'])
def test_programs_see_the_same(segment, view):
    first = int(os.environ.get('METRICS_DIFFERENTIAL_SEED', '0'))
    ours, theirs = (run(module, view, first) for module in ('libmetrics.prometheus_client', 'prometheus_client'))
    operations = {name for records in theirs.values() for name, _ in records}
    assert {'make', 'label', 'update', 'remove', 'clear', 'collect'} <= operations
    assert sum(len(records) for records in theirs.values()) > SEEDS * 100
    assert difference(ours, theirs) is None, difference(ours, theirs)
