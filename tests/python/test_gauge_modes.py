"""Gauges of several processes: how they become one sample, and who decides."""
import json

import pytest

from libmetrics import gauge_modes

WORKERS = """
    import os, signal, sys
    from libmetrics.prometheus_client import *
    make = lambda mode: Gauge('g_' + (mode or 'none'), 'help', multiprocess_mode=mode)
    gauges = [make(mode) for mode in Gauge._MULTIPROC_MODES] + [make(None)]
    def worker(value):
        there, here = os.pipe()
        ask, asked = os.pipe()
        pid = os.fork()
        if pid == 0:
            for gauge in gauges:
                gauge.set(value)
            os.write(here, b'x')
            os.close(asked)
            os.read(ask, 1)
            os._exit(0)
        assert os.read(there, 1) == b'x'
        return pid, asked
    def values():
        found = {}
        for metric in REGISTRY.collect():
            found[metric.name[2:]] = [[s.labels.get('pid'), s.value] for s in metric.samples]
        return found
    first, second = worker(3), worker(5)
    alive = values()
    os.kill(first[0], signal.SIGKILL)
    os.waitpid(first[0], 0)
    one_dead = values()
    os.kill(second[0], signal.SIGKILL)
    os.waitpid(second[0], 0)
    import json
    print(json.dumps([str(os.getpid()), str(first[0]), str(second[0]), alive, one_dead, values()]))
"""


def test_modes_of_living_and_dead(program):
    parent, first, second, alive, one_dead, dead = json.loads(program(WORKERS))
    each = sorted([[parent, 0], [first, 3], [second, 5]])
    for mode in ('all', 'liveall', 'none'):
        assert sorted(alive[mode]) == each, mode
    assert sorted(dead['all']) == sorted(dead['none']) == each
    assert sorted(one_dead['liveall']) == sorted([[parent, 0], [second, 5]])
    assert dead['liveall'] == [[parent, 0]]
    single = {mode: [found[mode][0][1] if found[mode] else None for found in (alive, one_dead, dead)]
              for mode in gauge_modes.MODES if not mode.endswith('all')}
    # The parent made the gauges and set none: its 0 is in no minimum and no maximum.
    assert single == {'sum': [8, 8, 8], 'livesum': [8, 5, 0], 'min': [3, 3, 3], 'livemin': [3, 5, None],
                      'max': [5, 5, 5], 'livemax': [5, 5, None], 'mostrecent': [5, 5, 5],
                      'livemostrecent': [5, 5, None]}


def test_program_wins_over_default_and_operator_over_program(monkeypatch):
    assert gauge_modes.mode_for('queue') == 'all'
    assert gauge_modes.mode_for('queue', 'max') == 'max'
    monkeypatch.setenv('METRICS_GAUGE_MODES', 'queue_*=min, que*=livesum ,queue=sum')
    assert gauge_modes.mode_for('queue', 'max') == 'livesum'
    assert gauge_modes.mode_for('queue_a', 'max') == 'min'
    assert gauge_modes.mode_for('other', 'max') == 'max'


def test_bamboo_engines_gauges_are_livesum_unless_somebody_says_otherwise(monkeypatch):
    for name in ('engine_running_processes', 'engine_running_schedules'):
        assert gauge_modes.mode_for(name) == 'livesum'
        assert gauge_modes.mode_for(name, 'max') == 'max'
    monkeypatch.setenv('METRICS_GAUGE_MODES', 'engine_running_*=all')
    assert gauge_modes.mode_for('engine_running_processes') == 'all'


def test_a_file_has_rules_too_and_the_variable_is_before_it(monkeypatch, tmp_path):
    path = tmp_path / 'modes'
    path.write_text('# of our host\n\nqueue_* = sum   # all queues\nload=max\n')
    monkeypatch.setenv('METRICS_GAUGE_MODES_FILE', str(path))
    monkeypatch.setenv('METRICS_GAUGE_MODES', 'load=min')
    assert [gauge_modes.mode_for(name) for name in ('queue_a', 'load', 'x')] == ['sum', 'min', 'all']


@pytest.mark.parametrize('rule', ['queue=most', '=sum', 'queue', 'queue=='])
def test_rules_that_cannot_be_understood_are_said_and_skipped(monkeypatch, caplog, rule):
    monkeypatch.setenv('METRICS_GAUGE_MODES', f'{rule},load=max')
    assert (gauge_modes.mode_for('queue'), gauge_modes.mode_for('load')) == ('all', 'max')
    assert f'"{rule}" is ignored' in caplog.text


def test_a_file_that_cannot_be_read_is_said_and_skipped(monkeypatch, caplog):
    monkeypatch.setenv('METRICS_GAUGE_MODES_FILE', '/nonexistent/modes')
    assert gauge_modes.mode_for('queue') == 'all'
    assert "can't be read" in caplog.text


def test_the_modes_number_those_of_the_c_header():
    from pathlib import Path
    import re
    header = (Path(__file__).parents[2] / 'libmetrics/include/metrics/metrics.h').read_text()
    declared = re.search(r'typedef enum metrics_mode \{(.*?)\}', header, re.S).group(1)
    names = re.findall(r'^ *METRICS_(\w+)', declared, re.M)
    assert [name.lower() for name in names] == [*gauge_modes.MODES, 'stateset_all']


def test_operator_changes_the_mode_of_an_unchanged_program(program):
    out = program("""
        import libmetrics.auto
        from prometheus_client import Gauge, generate_latest
        Gauge('depth', 'help', namespace='queue').set(3)
        Gauge('engine_running_processes', 'help', ['hostname']).labels('h').inc()
        print(generate_latest().decode())
    """, METRICS_GAUGE_MODES='queue_*=livesum')
    assert 'queue_depth 3.0\n' in out
    assert 'engine_running_processes{hostname="h"} 1.0\n' in out


def test_modes_may_be_changed_between_restarts(program):
    source = """
        from libmetrics.prometheus_client import Gauge, generate_latest
        Gauge('depth', 'help').set(3)
        print(generate_latest().decode())
    """
    assert 'depth{pid="' in program(source)
    for mode in ('max', 'sum', 'livesum'):
        assert 'depth 3.0\n' in program(source, METRICS_GAUGE_MODES=f'depth={mode}')
        assert program.stderr == ''
    out = program(source)
    assert 'depth{pid="' in out
    assert 'depth 3.0' not in out
