"""mypy checks programs with the package's stubs as it does with those of prometheus_client."""
import os
from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('mypy', reason='mypy is not installed')
pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')

GOOD = """
from typing import Iterable

from prometheus_client import (
    CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Metric, REGISTRY, Summary, generate_latest,
    push_to_gateway, start_http_server, write_to_textfile,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily


class Custom:
    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily('a', 'Help.', value=7)
        family = CounterMetricFamily('b', 'Help.', labels=['x'])
        family.add_metric(['y'], 1.5)
        yield family
        yield HistogramMetricFamily('c', 'Help.', buckets=[('+Inf', 2)], sum_value=1)


registry = CollectorRegistry(auto_describe=True)
registry.register(Custom())
REGISTRY.unregister(Custom())
counter: Counter = Counter('tasks', 'Tasks.', ['type'], registry=registry).labels('a')
counter.inc()
counter.inc(2, exemplar={'trace_id': 'x'})
seconds = Histogram('seconds', 'Time.', ('type',), buckets=(1, 2.5, float('inf')))
Gauge('running', 'Running.', multiprocess_mode='livesum').set_function(lambda: 1.0)
Enum('state', 'State.', states=['a', 'b']).state('a')
Info('build', 'Build.').info({'version': '1'})


@seconds.labels(type='a').time()
@Summary('size', 'Size.').time()
def work(number: int) -> str:
    with seconds.time() as timer:
        timer.labels('b')
    with counter.count_exceptions(ValueError):
        return str(number)


text: str = work(3)
exposed: bytes = generate_latest(registry)
value: float | None = registry.get_sample_value('tasks_total', {'type': 'a'})
start_http_server(8000, addr='127.0.0.1', registry=registry)
write_to_textfile('/tmp/a.prom', registry)
push_to_gateway('localhost:9091', job='batch', registry=registry, grouping_key={'a': 1})
"""

# Each line is an error.
BAD = """
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, nonsense
Counter('a')
Counter('a', 'b', registry='default')
Counter('a', 'b').inc('1')
Counter('a', 'b').labels('x').observe(1)
Gauge('a', 'b', multiprocess_mode='most')
Gauge('a', 'b').set()
Histogram('a', 'b', buckets=5)
Histogram('a', 'b').time().stop()
text: str = generate_latest()
CollectorRegistry().get_sample_value(5)
CollectorRegistry().register(5)
Histogram('a', 'b').time()(lambda x: x)(1, 2)
"""


def findings(directory, code, package):
    file = directory / 'program.py'
    file.write_text(code.replace('from prometheus_client', f'from {package}'))
    done = subprocess.run([sys.executable, '-m', 'mypy', '--strict', '--no-color-output', '--no-error-summary',
                           '--cache-dir', str(directory / 'cache'), str(file)], capture_output=True, text=True,
                          env={**os.environ, 'MYPYPATH': os.environ['PYTHONPATH']})
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if Path(line.split(':')[0]).name == 'program.py']


def lines_of(found):
    return sorted({int(line.split(':')[1]) for line in found if ': error:' in line})


def test_a_program_without_mistakes_has_no_findings(tmp_path):
    assert findings(tmp_path, GOOD, 'libmetrics.prometheus_client') == []


def test_mistakes_are_found_as_with_prometheus_client(tmp_path):
    ours, theirs = (findings(tmp_path, BAD, package) for package in ('libmetrics.prometheus_client',
                                                                     'prometheus_client'))
    assert set(lines_of(ours)) >= set(lines_of(theirs)), 'releases before 0.20 have no type for the modes'
    assert lines_of(ours) == list(range(2, len(BAD.splitlines()) + 1)), ours
