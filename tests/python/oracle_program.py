"""A program that uses all of prometheus_client's API, whichever module of that API its first
argument names, and writes the samples of what it made to standard output; the text format if the
second argument is "text"."""
from importlib import import_module
import json
import random
import sys

p = import_module(sys.argv[1])
random.seed(7)
_made = []


def made(metric):
    _made.append(metric)
    return metric


def count():
    requests = made(p.Counter('requests', 'Requests.\nOf all "kinds" \\ methods.', ['method', 'path']))
    for _ in range(500):
        requests.labels(random.choice(['get', 'post']), random.choice('abc')).inc()
        requests.labels(path='ü "quoted" \\ \n', method='get').inc(random.choice([0, 1, 2.5, 1e-3]))
    made(p.Counter('bytes_total', 'Named with its ending.', namespace='app', subsystem='io', unit='bytes')).inc(10**12)
    made(p.Counter('never', 'Never counted.'))
    made(p.Counter('never_labelled', 'Never labelled.', ['x']))
    made(p.Counter('twice_total_total', 'One ending is the name.')).inc(3)
    errors = made(p.Counter('errors', 'help', ['kind']))
    for kind in (ValueError, KeyError, OSError):
        try:
            with errors.labels(kind.__name__).count_exceptions((ValueError, LookupError)):
                raise kind
        except kind:
            pass


def gauge():
    for mode in ('all', 'liveall', 'min', 'livemin', 'max', 'livemax', 'sum', 'livesum'):
        one = made(p.Gauge('gauge_' + mode, 'help', ['x'], multiprocess_mode=mode))
        one.labels('a').set(-4.5)
        one.labels('a').inc(2)
        one.labels('b').dec()
        one.labels('c').set(float('inf'))
    for mode in ('all', 'liveall', 'sum', 'livesum'):
        made(p.Gauge('untouched_' + mode, 'Zero from the beginning.', multiprocess_mode=mode))
        made(p.Gauge('untouched_child_' + mode, 'Zero from the beginning.', ['x'], multiprocess_mode=mode)).labels('a')
    with made(p.Gauge('in_progress', 'help')).track_inprogress():
        pass
    made(p.Gauge('temperature', 'With a unit.', unit='celsius')).set(36.6)


def observe():
    for name, buckets in (('h_default', p.Histogram.DEFAULT_BUCKETS), ('h_own', (0, 1, 2.5, 1e6, 1e7)),
                          ('h_text', ['1', '2']), ('h_negative', (-1, 0, 1)), ('h_infinite', (1, float('inf')))):
        histogram = made(p.Histogram(name, 'help', ['x'], buckets=buckets))
        for _ in range(300):
            histogram.labels(random.choice('ab')).observe(
                random.choice([0, 1, .005, 2.5, random.expovariate(1), 1e6, 1e9, -2]))
    made(p.Histogram('h_seconds', 'help', unit='seconds')).observe(3)
    summary = made(p.Summary('sizes', 'help', ['x']))
    for _ in range(100):
        summary.labels(1).observe(random.random())
        summary.labels(x=2.0).observe(1)
    made(p.Summary('s_never', 'help'))


def measure_time():
    timed = made(p.Histogram('timed', 'help', ['what'], buckets=(1e9,)))

    @timed.labels('function').time()
    def function():
        pass

    @timed.labels('generator').time()
    def generator():
        yield 1

    @timed.labels('coroutine').time()
    async def coroutine():
        pass

    for _ in range(3):
        function()
        generator()
        coroutine().close()


def state():
    made(p.Info('build', 'help')).info({'version': '1', 'host': 'a'})
    info = made(p.Info('replaced', 'help', ['app']))
    info.labels('x').info({'v': '1'})
    info.labels('y').info({'v': '1'})
    info.labels('x').info({'v': '2'})
    made(p.Enum('state', 'help', states=['new', 'running', 'done'])).state('running')
    made(p.Enum('initial', 'help', ['x'], states=['new', 'done'])).labels('a')


def remove():
    gone = made(p.Counter('gone', 'help', ['x']))
    for x in 'abc':
        gone.labels(x).inc()
    gone.remove('b')
    gone.labels('c').inc()
    cleared = made(p.Gauge('cleared', 'help', ['x']))
    cleared.labels('a').set(3)
    cleared.clear()
    cleared.labels('b').set(4)


def samples():
    for collector in _made:
        for metric in collector.collect():
            for s in metric.samples:
                labels = sorted((k, v) for k, v in s.labels.items() if k != 'pid')
                if s.name != metric.name + '_created':
                    value = 'seconds' if s.name == 'timed_sum' else float(s.value)
                    yield [metric.name, metric.type, metric.documentation, metric.unit, s.name, labels, value]


for use in (count, gauge, observe, measure_time, state, remove):
    use()
if sys.argv[2:] == ['text']:
    sys.stdout.buffer.write(p.generate_latest())
else:
    questions = (('untouched_all',), ('gauge_max', {'x': 'a'}), ('gauge_all', {'x': 'a'}), ('nothing',),
                 ('requests_total', {'method': 'get', 'path': 'a'}), ('h_own_bucket', {'x': 'a', 'le': '+Inf'}))
    json.dump({'samples': sorted(samples()), 'asked': [p.REGISTRY.get_sample_value(*q) for q in questions]}, sys.stdout)
