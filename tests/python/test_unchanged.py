"""What programs do with prometheus_client beyond its documented interface, and what they do at
their start: a program that runs with prometheus_client runs here, unchanged."""
import copy
import inspect
import os
import subprocess
import sys
import threading
from unittest import mock

import pytest

from libmetrics import prometheus_client as ours
from libmetrics.prometheus_client import core, metrics, multiprocess, values
from readings import shown, value


def lines(registry):
    text = ours.generate_latest(registry).decode()
    return [line for line in text.splitlines() if not line.startswith('#') and '_created' not in line]


# ---- registries apart ----

def test_registries_of_two_targets_have_nothing_of_each_other(name):
    def probe(target, up):
        registry = ours.CollectorRegistry()
        ours.Gauge(f'{name}_success', 'help', registry=registry).set(up)
        ours.Gauge(f'{name}_info', 'help', ['target'], registry=registry).labels(target).set(1)
        return registry
    first, second = probe('db', 1), probe('cache', 0)
    assert lines(first) == [f'{name}_success 1.0', f'{name}_info{{target="db"}} 1.0']
    assert lines(second) == [f'{name}_success 0.0', f'{name}_info{{target="cache"}} 1.0']


def test_the_segment_has_what_all_registries_count(name):
    for number in (1, 2):
        ours.Counter(name, 'help', registry=ours.CollectorRegistry()).inc(number)
    assert shown(f'{name}_total') == 3


def test_a_throwaway_registry_has_no_values_of_other_processes(program):
    program("""
        import os
        from libmetrics.prometheus_client import *
        Counter('tasks', 'help').inc(5)
        Gauge('size', 'help').set(7)
    """)
    assert program("""
        from libmetrics.prometheus_client import *
        disable_created_metrics()
        registry = CollectorRegistry()
        Counter('tasks', 'help', registry=registry).inc(2)
        Gauge('size', 'help', registry=registry).set(3)
        handler = lambda url, method, timeout, headers, data: lambda: print(data.decode())
        push_to_gateway('gateway.invalid', job='batch', registry=registry, handler=handler)
        print(REGISTRY.get_sample_value('tasks_total'))
    """) == ('# HELP tasks_total help\n# TYPE tasks_total counter\ntasks_total 2.0\n'
             '# HELP size help\n# TYPE size gauge\nsize 3.0\n\nNone\n')


def test_what_a_parent_has_counted_is_not_counted_by_its_children_too(program):
    assert program("""
        import os
        from libmetrics.prometheus_client import *
        registry = CollectorRegistry()
        counter, summary = Counter('tasks', 'help', registry=registry), Summary('seconds', 'help', registry=registry)
        gauge = Gauge('version', 'help', registry=registry)
        counter.inc(5); summary.observe(1); gauge.set(3)
        if os.fork() == 0:
            summary.observe(.5)
            names = ('tasks_total', 'seconds_count', 'seconds_sum', 'version')
            print(*[registry.get_sample_value(name) for name in names], flush=True)
            os._exit(0)
        os.wait()
        print(registry.get_sample_value('tasks_total'))
    """).splitlines() == ['0.0 1.0 0.5 3.0', '5.0']


def test_a_registry_with_a_multiprocess_collector_has_its_own_metrics_once(name):
    registry = ours.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    ours.Counter(name, 'help', registry=registry).inc()
    assert [line for line in lines(registry) if line.startswith(name)] == [f'{name}_total 1.0']


@pytest.mark.parametrize('reporter, expected', [('bk_monitor_report.reporter', 12), ('some_app.views', 36)])
def test_a_reporter_in_each_worker_sends_each_count_once(program, reporter, expected):
    """Three workers; the receiver adds up. Another caller gets what a scrape gets."""
    assert float(program("""
        import os, sys
        from libmetrics.prometheus_client import Counter, generate_latest
        module = {'__name__': sys.argv[1], 'generate_latest': generate_latest}
        exec('def report(): return generate_latest()', module)
        tasks = Counter('tasks', 'help')
        tasks.inc(1000)  # the parent's, which reports nothing
        ends = []
        for worker in range(3):
            (here, there), (go, started) = os.pipe(), os.pipe()
            if os.fork() == 0:
                os.close(started)
                tasks.inc(worker + 3)
                os.write(there, b'counted\\n')
                os.read(go, 1)
                lines = module['report']().decode().splitlines()
                line = next(line for line in lines if line.startswith('tasks_total'))
                os.write(there, line.encode() + b'\\n')
                os._exit(0)
            os.close(there)
            os.close(go)
            ends.append((os.fdopen(here), started))
        for here, _ in ends:
            assert here.readline() == 'counted\\n'
        for _, started in ends:
            os.write(started, b'x')
        reported = sum(float(here.readline().split()[1]) for here, _ in ends)
        print(reported - (3000 if reported > 1000 else 0))
    """, reporter)) == expected


def test_an_operator_decides_what_the_default_registry_shows(program):
    code = """
        from libmetrics.prometheus_client import *
        disable_created_metrics()
        counter = Counter('tasks', 'help')
        counter.inc()
        print([line for line in generate_latest().decode().splitlines() if line.startswith('tasks')])
    """
    assert program(code) == "['tasks_total 1.0']\n"
    assert program(code) == "['tasks_total 2.0']\n"
    assert program(code, METRICS_PYTHON_VIEW='process') == "['tasks_total 1.0']\n"
    assert program(code, METRICS_PYTHON_VIEW='nonsense') == "['tasks_total 4.0']\n"
    assert 'METRICS_PYTHON_VIEW=nonsense is ignored' in program.stderr


# ---- the collectors of the default registry ----

def test_default_collectors_are_found_by_their_names():
    for collector, found in ((ours.GC_COLLECTOR, 'python_gc_objects_collected_total'),
                             (ours.PLATFORM_COLLECTOR, 'python_info'),
                             (ours.PROCESS_COLLECTOR, 'process_cpu_seconds_total')):
        assert ours.REGISTRY._names_to_collectors[found] is collector
        ours.REGISTRY.unregister(ours.REGISTRY._names_to_collectors[found])
        assert found not in ours.REGISTRY._names_to_collectors
        ours.REGISTRY.register(collector)


def test_a_program_of_one_process_shows_that_and_one_of_many_does_not(program):
    assert program("""
        import os
        from libmetrics.prometheus_client import *
        counter = Counter('tasks', 'help')
        counter.inc()
        def own():
            return sorted({m.name.split('_')[0] for m in REGISTRY.collect()})
        print(own())
        here, there = os.pipe()
        end, ended = os.pipe()
        if os.fork() == 0:
            os.close(ended)
            counter.inc()
            os.write(there, b'x')
            os.read(end, 1)
            os._exit(0)
        os.read(here, 1)
        print(own())
        os.close(ended)
        os.wait()
        print(own())  # they don't come and go
    """) == "['process', 'python', 'tasks']\n['tasks']\n['tasks']\n"


def test_a_registry_of_the_programs_own_has_the_collectors_it_asked_for():
    registry = ours.CollectorRegistry()
    ours.ProcessCollector(namespace='n', registry=registry)
    ours.GCCollector(registry=registry)
    ours.PlatformCollector(registry=registry)
    assert registry.get_sample_value('n_process_resident_memory_bytes') > 1e6
    assert registry.get_sample_value('n_process_open_fds') > 2
    assert registry.get_sample_value('python_gc_collections_total', {'generation': '0'}) >= 0
    assert [s.value for m in registry.collect() if m.name == 'python_info' for s in m.samples] == [1]


# ---- private attributes ----

def test_numbers_are_read_set_and_added_to(name):
    counter, gauge = ours.Counter(name, 'help'), ours.Gauge(f'{name}_g', 'help')
    counter._value.inc(2)
    counter._value.set(7)
    assert (counter._value.get(), value(f'{name}_total')) == (7, 7)
    counter._value.set(0)
    assert (counter._value.get(), value(f'{name}_total')) == (0, 7)
    counter._value.set(3)
    assert (counter._value.get(), value(f'{name}_total')) == (3, 10), 'Prometheus adds as much after a reset'
    gauge._value.set(4)
    gauge._value.inc(-1)
    assert (gauge._value.get(), value(f'{name}_g')) == (3, 3)


def test_buckets_and_sums_are_read_set_and_added_to(name):
    histogram, summary = ours.Histogram(name, 'help', buckets=(1, 1, 2)), ours.Summary(f'{name}_s', 'help')
    histogram.observe(1.5)
    summary.observe(1.5)
    assert histogram._upper_bounds == [1, 1, 2, float('inf')]
    histogram._buckets[3].inc(4)
    histogram._sum.inc(100)
    assert [bucket.get() for bucket in histogram._buckets] == [0, 0, 1, 4]
    assert (value(f'{name}_count'), value(f'{name}_sum')) == (5, 101.5)
    histogram._sum.set(0)
    histogram._buckets[3].set(0)
    assert ([bucket.get() for bucket in histogram._buckets], histogram._sum.get()) == ([0, 0, 1, 0], 0)
    summary._count.inc(1)
    summary._sum.inc(2)
    assert (summary._count.get(), summary._sum.get()) == (2, 3.5)
    assert (value(f'{name}_s_count'), value(f'{name}_s_sum')) == (2, 3.5)


def test_buckets_and_sums_that_are_added_to_before_a_process_has_a_slot_are_in_its_own_view_alone(program):
    assert program('''
        import os
        from libmetrics.prometheus_client import *
        histogram = Histogram('h', 'help', buckets=(1, 2), registry=None)

        def add():
            histogram._buckets[1].inc(4)
            histogram._sum.inc(6)
            segment = [[s.value for m in REGISTRY.collect() for s in m.samples if s.name == name] for name in
                       ('h_count', 'h_sum')]
            print([bucket.get() for bucket in histogram._buckets], histogram._sum.get(), *segment)
        shown = Histogram('h', 'help', buckets=(1, 2))
        add()
        histogram.observe(1.5)  # which gets it one
        add()
    ''') == '[0.0, 4.0, 0.0] 6.0 [0.0] [0.0]\n[0.0, 9.0, 0.0] 13.5 [5.0] [7.5]\n'


def test_children_that_are_taken_out_are_made_anew_and_the_segment_goes_on(name):
    registry = ours.CollectorRegistry()
    counter = ours.Counter(name, 'help', ['x', 'y'], registry=registry)
    counter.labels('a', 'b').inc()
    for empty in (lambda: counter._metrics.clear(), lambda: counter._metrics.pop(('a', 'b')),
                  lambda: counter._metrics.popitem(), lambda: counter._metrics.__delitem__(('a', 'b')),
                  lambda: setattr(counter, '_metrics', {})):
        kept = counter.labels('a', 'b')
        with counter._lock:
            empty()
        assert not lines(registry)
        assert counter.labels('a', 'b') is not kept
        counter.labels('a', 'b').inc()
        assert lines(registry) == [f'{name}_total{{x="a",y="b"}} 1.0']
    assert shown(f'{name}_total', {'x': 'a', 'y': 'b'}) == 6


def test_classes_of_the_program_keep_their_state_in_children(name):
    class Logged(ours.Counter):
        def __init__(self, *args, **kwargs):
            self.log = []
            super().__init__(*args, **kwargs)
            self._kwargs['extra'] = kwargs.pop('extra', None)
            del self._kwargs['extra']

        def inc(self, amount=1, exemplar=None):
            self.log.append(amount)
            super().inc(amount)

    family = Logged('counted', 'help', ['place'], namespace=name, unit='things')
    for _ in range(2):
        family.labels('here').inc(2)
    assert family.labels('here').log == [2, 2]
    assert family.log == []
    assert value(f'{name}_counted_things_total', {'place': 'here'}) == 4
    assert lines(family) == [f'{name}_counted_things_total{{place="here"}} 4.0']


def test_a_class_of_the_program_may_begin_its_numbers_and_show_samples(name):
    class Doubled(ours.Gauge):
        def _metric_init(self):
            super()._metric_init()
            self.began = True

        def _child_samples(self):
            return (core.Sample('', {}, self._value.get() * 2),)

    family = Doubled(name, 'help', ['x'])
    family.labels('a').set(4)
    assert family.labels('a').began
    assert value(name, {'x': 'a'}) == 8


def test_a_kind_of_metric_of_the_program_works_and_the_log_says_who_exposes_it(name, caplog):
    class Ratio(metrics.MetricWrapperBase):
        _type = 'gauge'

        def _metric_init(self):
            self._hits = values.ValueClass(self._type, self._name, self._name, self._labelnames, self._labelvalues, '')
            self._all = values.ValueClass(self._type, self._name, self._name, self._labelnames, self._labelvalues, '')

        def hit(self, is_hit):
            self._raise_if_not_observable()
            self._hits.inc(is_hit)
            self._all.inc(1)

        def _child_samples(self):
            return (core.Sample('', {}, self._hits.get() / self._all.get(), None, None),)

    ratio = Ratio(name, 'help', ['cache'])
    assert 'only this process can expose them' in caplog.text
    with pytest.raises(ValueError, match='missing label values'):
        ratio.hit(True)
    for is_hit in (True, False, True, True):
        ratio.labels('a').hit(is_hit)
    assert value(name, {'cache': 'a'}) == .75
    assert shown(name, {'cache': 'a'}) is None


def test_registries_are_emptied_through_their_dicts(name):
    registry = ours.CollectorRegistry()
    for _ in range(2):
        ours.Counter(name, 'help', registry=registry)
        with registry._lock:
            (names,) = copy.copy(registry._collector_to_names).values()
            assert names == [name, f'{name}_total', f'{name}_created']
        registry._collector_to_names.clear()
        registry._names_to_collectors.clear()


def test_a_mock_may_stand_in_for_a_collector():
    registry = ours.CollectorRegistry(support_collectors_without_names=True)
    collector = mock.Mock()
    collector.describe.return_value = []
    registry.register(collector)
    collector.collect.return_value = [core.GaugeMetricFamily('mocked', 'help', value=1)]
    assert registry.get_sample_value('mocked') == 1
    assert [m.name for m in registry.restricted_registry(['mocked']).collect()] == ['mocked']
    registry.unregister(collector)
    assert not list(registry.restricted_registry(['mocked']).collect())


def test_a_lock_that_is_held_at_a_fork_is_free_in_the_child(program):
    program("""
        import os, threading
        from libmetrics.prometheus_client import *
        counter, held, end = Counter('tasks', 'help', ['x']), threading.Event(), threading.Event()
        def hold():
            with counter._lock, REGISTRY._lock:
                held.set()
                end.wait()
        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        assert not counter._lock.acquire(blocking=False)
        assert counter._lock.locked()
        pid = os.fork()
        if pid == 0:
            assert not counter._lock.locked()
            taken = counter._lock.acquire(blocking=False) and REGISTRY._lock.acquire(blocking=False)
            os._exit(0 if taken else 1)
        assert os.waitpid(pid, 0)[1] == 0
        end.set()
        thread.join()
    """)


def test_a_registry_of_the_programs_own_shows_the_last_exemplars_of_this_process(name):
    registry = ours.CollectorRegistry()
    counter = ours.Counter(name, 'help', ['x'], registry=registry)
    histogram = ours.Histogram(f'{name}_h', 'help', buckets=(1, 2), registry=registry)
    counter.labels('a').inc(2, exemplar={'trace': '1'})
    counter.labels('a').inc(exemplar={'trace': '2'})
    counter.labels('b').inc(exemplar={})
    histogram.observe(1.5, {'trace': '3'})
    histogram.observe(amount=5, exemplar={'trace': '4'})
    with pytest.raises(ValueError, match='128'):
        histogram.observe(.5, {'trace': 'x' * 200})
    assert counter.labels('a')._value.get_exemplar().value == 1
    text = ours.openmetrics.exposition.generate_latest(registry).decode()
    shown_here = {line.split(' ')[0]: line.partition(' # ')[2].split(' ')[:2] for line in text.splitlines()
                  if line.startswith(name) and ' # ' in line}
    assert shown_here == {f'{name}_total{{x="a"}}': ['{trace="2"}', '1.0'],
                          f'{name}_h_bucket{{le="2.0"}}': ['{trace="3"}', '1.5'],
                          f'{name}_h_bucket{{le="+Inf"}}': ['{trace="4"}', '5.0']}
    assert registry.get_sample_value(f'{name}_h_count') == 3


def test_names_may_have_any_characters(name):
    registry = ours.CollectorRegistry()
    counter = ours.Counter(f'{name}.größe', 'help', ['a-b'], registry=registry)
    counter.labels('x').inc()
    assert lines(registry) == [f'{name}_gr__e_total{{a_b="x"}} 1.0']
    text = ours.generate_latest(registry, escaping='allow-utf-8').decode()
    assert f'{{"{name}.größe_total","a-b"="x"}} 1.0\n' in text
    assert f'# TYPE U__{name.replace("_", "__")}_2e_gr_f6__df_e__total counter\n' in ours.generate_latest(
        registry, escaping='values').decode()


def test_a_timer_observes_what_stands_in_the_place_of_observe(name):
    histogram, gauge = ours.Histogram(name, 'help'), ours.Gauge(f'{name}_g', 'help')
    with mock.patch.object(ours.Histogram, 'observe') as of_class, histogram.time():
        pass
    with mock.patch.object(histogram, 'observe') as of_object, histogram.time():
        pass
    assert of_class.call_count == of_object.call_count == 1
    assert value(f'{name}_count') == 0

    class Largest(ours.Summary):
        largest = -1

        def observe(self, amount):
            self.largest = max(self.largest, amount)
            super().observe(amount)

    largest = Largest(f'{name}_s', 'help')
    with largest.time() as timer:
        assert timer._metric is largest
    assert 0 < largest.largest == value(f'{name}_s_sum')
    with pytest.raises(KeyError), gauge.time(), histogram.time():
        raise KeyError
    assert value(f'{name}_count') == 1
    assert 0 < value(f'{name}_g') < 60
    with pytest.raises(ValueError, match='missing label values'), ours.Summary(f'{name}_p', 'help', ['x']).time():
        pass
    with pytest.raises(TypeError):
        type(timer).__new__(type(timer)).__exit__(None, None, None)


# ---- at the start, and at the end ----

def test_the_server_that_is_none_is_stopped_as_one():
    server, thread = ours.start_http_server(0, addr='127.0.0.1')
    assert thread.is_alive()
    thread.join(.01)
    assert thread.is_alive()
    waiter = threading.Thread(target=thread.join)
    waiter.start()
    server.shutdown()
    server.server_close()
    waiter.join(60)
    assert not waiter.is_alive()
    assert not thread.is_alive()


def add(left, right: int = 2, *, carry=0) -> int:
    return left + right + carry


@pytest.mark.parametrize('made', [
    lambda p, n: p.Histogram(n, 'h', registry=None).time(), lambda p, n: p.Summary(n, 'h', registry=None).time(),
    lambda p, n: p.Gauge(n, 'h', registry=None).time(),
    lambda p, n: p.Gauge(n, 'h', registry=None).track_inprogress(),
    lambda p, n: p.Counter(n, 'h', registry=None).count_exceptions()])
def test_a_decorated_function_has_its_own_signature(made, name):
    decorated = made(ours, name)(add)
    assert inspect.getfullargspec(decorated) == inspect.getfullargspec(add)
    assert decorated(1, carry=3) == 6
    assert made(ours, name)(max)(1, 2) == 2, 'a function of C has no signature'


def test_an_error_in_a_family_names_it(name):
    class Custom:
        def collect(self):
            family = core.GaugeMetricFamily(name, 'help', labels=['x'])
            family.add_metric([5], 1)
            yield family
    registry = ours.CollectorRegistry()
    registry.register(Custom())
    for generate in (ours.generate_latest, ours.openmetrics.exposition.generate_latest):
        with pytest.raises(AttributeError) as caught:
            generate(registry)
        assert caught.value.args[-1].name == name


def test_programs_that_empty_sys_modules_import_it_anew(segment):
    code = """
        import sys
        from prometheus_client import Counter, REGISTRY
        Counter('tasks', 'help').inc()
        for name in [name for name in sys.modules if name.split('.')[0] in sys.argv[1:]]:
            del sys.modules[name]
        import prometheus_client
        tasks = prometheus_client.Counter('tasks', 'help')
        tasks.inc(2)
        assert prometheus_client.REGISTRY is not REGISTRY
        assert prometheus_client.Counter.__module__.startswith('libmetrics.')
        print(prometheus_client.REGISTRY.get_sample_value('tasks_total'))
    """
    code = '\n'.join(line[8:] for line in code.splitlines())
    for number, packages in enumerate((['prometheus_client'], ['prometheus_client', 'libmetrics'])):
        done = subprocess.run([sys.executable, '-m', 'libmetrics.run', '-c', code, *packages], capture_output=True,
                              text=True, env=os.environ)
        assert (done.stdout, done.stderr) == (f'{3.0 * (number + 1)}\n', '')
