"""prometheus_client's API, one process: what it accepts and refuses. prometheus_client itself is
the judge of errors."""
from importlib import import_module
import logging
import os
import re

import pytest

from libmetrics import prometheus_client as ours
from readings import shown, value

# ---- counting ----

def test_counter_adds_integers_and_fractions(name):
    counter = ours.Counter(name, 'help')
    assert value(f'{name}_total') == 0
    counter.inc()
    counter.inc(2)
    counter.inc(amount=0.5)
    counter.inc(True)
    counter.inc(2 ** 60)
    assert value(f'{name}_total') == 2 ** 60 + 4.5


def test_gauge_goes_up_and_down(name):
    gauge = ours.Gauge(name, 'help')
    assert value(name) == 0
    gauge.set(4.2)
    gauge.inc()
    gauge.dec(2)
    gauge.dec(amount=.2)
    assert value(name) == pytest.approx(3)
    gauge.set(value='7.5')
    assert value(name) == 7.5


def test_gauge_of_another_object_in_the_same_series_is_not_reset(name):
    ours.Gauge(name, 'help').set(5)
    ours.Gauge(name, 'help', registry=None)
    assert value(name) == 5


def test_set_to_current_time(name):
    ours.Gauge(name, 'help').set_to_current_time()
    assert value(name) == pytest.approx(__import__('time').time(), abs=60)


def test_histogram_fills_buckets_and_sum(name):
    histogram = ours.Histogram(name, 'help', buckets=(1, '2.5', 10))
    for amount in (1, 1.5, 100, -3):
        histogram.observe(amount)
    histogram.observe(amount=2)
    bounds = {'1.0': 2, '2.5': 4, '10.0': 4, '+Inf': 5}
    assert {le: value(f'{name}_bucket', {'le': le}) for le in bounds} == bounds
    assert (value(f'{name}_count'), value(f'{name}_sum')) == (5, 101.5)


def test_histogram_takes_infinity_as_last_bucket_and_a_bound_that_is_there_twice(name):
    histogram = ours.Histogram(name, 'help', buckets=(1, 1, 2, float('inf')))
    histogram.observe(2)
    assert [s.labels.get('le') for m in histogram.collect() for s in m.samples] == ['1.0', '2.0', '+Inf', None, None]


def test_summary_counts_and_sums(name):
    summary = ours.Summary(name, 'help')
    summary.observe(2)
    summary.observe(.5)
    assert (value(f'{name}_count'), value(f'{name}_sum')) == (2, 2.5)


def test_numbers_may_be_of_any_type_that_is_a_float(name):
    class Number:
        def __float__(self):
            return 1.5
    counter, histogram = ours.Counter(name, 'help'), ours.Histogram(f'{name}_h', 'help')
    counter.inc(Number())
    histogram.observe(Number())
    assert (value(f'{name}_total'), value(f'{name}_h_sum')) == (1.5, 1.5)


def test_nan_is_not_counted(name):
    counter, histogram = ours.Counter(name, 'help'), ours.Histogram(f'{name}_h', 'help')
    counter.inc(float('nan'))
    histogram.observe(float('nan'))
    assert (value(f'{name}_total'), value(f'{name}_h_count'), value(f'{name}_h_sum')) == (0, 0, 0)


# ---- labels ----

def test_labels_by_position_and_by_keyword_are_one_child(name):
    counter = ours.Counter(name, 'help', ['method', 'path'])
    child = counter.labels('get', '/')
    assert counter.labels(path='/', method='get') is child
    assert counter.labels('get', '/') is child
    assert isinstance(child, ours.Counter)
    child.inc()
    assert value(f'{name}_total', {'method': 'get', 'path': '/'}) == 1


def test_label_values_become_strings_and_equal_numbers_stay_apart(name):
    counter = ours.Counter(name, 'help', ['x'])
    for label in (1, 1.0, True, None, '1'):
        counter.labels(label).inc()
    assert {label: value(f'{name}_total', {'x': label}) for label in ('1', '1.0', 'True', 'None')} == {
        '1': 2, '1.0': 1, 'True': 1, 'None': 1}


def test_a_subclass_of_str_is_what_str_says(name):
    class Loud(str):
        def __str__(self):
            return self.upper()
    ours.Counter(name, 'help', ['x']).labels(Loud('a')).inc()
    assert value(f'{name}_total', {'x': 'A'}) == 1


def test_label_values_that_a_segment_cannot_hold_are_replaced(name, caplog):
    counter = ours.Counter(name, 'help', ['x'])
    counter.labels('a\0b').inc()
    counter.labels('\udce9').inc(2)
    assert value(f'{name}_total', {'x': 'a\ufffdb'}) == 1
    assert value(f'{name}_total', {'x': '?'}) == 2
    assert not caplog.text


LONG = 'é' * 9000  # 18,000 bytes
CUT = 'é' * 8190 + '…'


def test_long_label_values_are_cut_and_count_in_one_series(name, caplog):
    counter = ours.Counter(name, 'help', ['x', 'y'])
    counter.labels(LONG, 'a').inc()
    counter.labels(y='a', x=LONG + 'another end').inc(2)
    assert value(f'{name}_total', {'x': CUT, 'y': 'a'}) == 3
    assert counter.labels(LONG, 'a')._value.get() == 1, 'each object has its own count'
    assert [r.getMessage() for r in caplog.records] == [
        f'libmetrics: {name}: a label value of "{name}" is longer than 16384 bytes: it is cut, and counted with all '
        'others that begin alike']
    counter.remove(LONG, 'a')
    assert value(f'{name}_total', {'x': CUT, 'y': 'a'}) is None
    counter.labels(LONG + 'another end', 'a').inc(4)
    assert value(f'{name}_total', {'x': CUT, 'y': 'a'}) == 4


def test_what_is_logged_says_that_a_series_counts_nothing_only_if_it_does(program):
    assert program("""
        import logging, os
        from libmetrics.prometheus_client import Counter
        class Prints(logging.Handler):
            def emit(self, record):
                kinds = ('is cut', 'is full', 'slot')
                print(*[kind for kind in kinds if kind in record.getMessage()],
                      record.getMessage().endswith('counts nothing'), flush=True)
        logging.getLogger('libmetrics').addHandler(Prints())
        counter = Counter('tasks', 'help', ['x'])
        counter.labels('a').inc()
        if os.fork() == 0:
            counter.labels('a').inc()
            counter.labels('b').inc()
            os._exit(0)
        os.wait()
        counter.labels('x' * 20000).inc()
    """, METRICS_PROCESSES='1', METRICS_DIRECTORY_BYTES='16384') == 'slot False\nis cut False\nis full True\n'


def test_an_info_of_long_values_stays_when_it_is_stated_again(name, monkeypatch):
    info = ours.Info(name, 'help', ['app'])
    info.labels(LONG).info({'version': LONG, 'a': '1'})
    assert value(f'{name}_info', {'app': CUT, 'version': CUT, 'a': '1'}) == 1
    with monkeypatch.context() as patched:
        patched.setattr(info, '_remove', lambda *_: pytest.fail('it is removed, and takes new space'), raising=False)
        info.labels(LONG).info({'version': LONG, 'a': '1'})
    info.labels(LONG).info({'version': LONG, 'a': '2'})
    assert [s.labels['a'] for s in info.collect()[0].samples] == ['2']
    info.remove(LONG)
    assert not info.collect()[0].samples


def test_an_enum_of_a_long_label_keeps_its_state(name):
    ours.Enum(name, 'help', ['x'], states=['a', 'b']).labels(LONG).state('b')
    ours.Enum(name, 'help', ['x'], states=['a', 'b'], registry=None).labels(LONG)
    assert value(name, {'x': CUT, name: 'b'}) == 1


def test_remove_begins_anew_and_old_children_count_nothing(name):
    counter = ours.Counter(name, 'help', ['x'])
    old = counter.labels('a')
    old.inc(5)
    counter.remove('a')
    assert value(f'{name}_total', {'x': 'a'}) is None
    old.inc()
    assert value(f'{name}_total', {'x': 'a'}) is None
    counter.labels('a').inc()
    old.inc(100)
    assert value(f'{name}_total', {'x': 'a'}) == 1


def test_labels_finds_the_new_series_when_somebody_else_has_removed_the_old_one(name):
    here = ours.Gauge(name, 'help', ['x'])
    there = ours.Gauge(name, 'help', ['x'], registry=None)
    child = here.labels('a')
    child.set(5)
    there.labels('a')
    there.remove('a')
    child.set(6)
    assert value(name, {'x': 'a'}) is None
    assert here.labels('a') is child
    assert value(name, {'x': 'a'}) == 0
    child.set(7)
    assert value(name, {'x': 'a'}) == 7


def test_clear_removes_all_children(name):
    summary = ours.Summary(name, 'help', ['x'])
    summary.labels('a').observe(1)
    summary.labels('b').observe(1)
    summary.clear()
    assert [s for m in summary.collect() for s in m.samples] == []
    summary.labels('a').observe(3)
    assert value(f'{name}_sum', {'x': 'a'}) == 3


def test_remove_of_what_is_not_there_does_nothing(name):
    counter = ours.Counter(name, 'help', ['x'])
    counter.remove('a')
    assert not counter.collect()[0].samples


def test_remove_by_labels_removes_all_that_have_them(name):
    counter = ours.Counter(name, 'help', ['x', 'y'])
    for x in 'ab':
        for y in (1, 2):
            counter.labels(x, y).inc()
    ours.Counter(name, 'help', ['x', 'y'], registry=None).labels('a', 'elsewhere').inc()
    counter.remove_by_labels({'y': 1})
    assert sorted(s.labels['x'] + s.labels['y'] for s in counter.collect()[0].samples) == ['a2', 'aelsewhere', 'b2']
    counter.remove_by_labels({})
    counter.remove_by_labels({'x': 'a'})
    assert [s.labels for s in counter.collect()[0].samples] == [{'x': 'b', 'y': '2'}]
    with pytest.raises(ValueError, match='Unknown label names'):
        counter.remove_by_labels({'z': '1'})
    with pytest.raises(TypeError):
        counter.remove_by_labels([('x', 'a')])


def test_reset_begins_the_processes_own_count_anew_and_leaves_the_segment_its(name):
    registry = ours.CollectorRegistry()
    counter = ours.Counter(name, 'help', registry=registry)
    counter.inc(5)
    counter.reset()
    counter.inc(2)
    assert registry.get_sample_value(f'{name}_total') == 2
    assert shown(f'{name}_total') == 7


# ---- context managers and decorators ----

def test_time_as_context_manager_and_decorator(name):
    histogram = ours.Histogram(name, 'help', ['kind'])

    @histogram.labels('decorated').time()
    def decorated(x, *, y):
        "what it does"
        return x + y

    assert decorated(1, y=2) == 3
    assert decorated.__doc__ == 'what it does'
    assert decorated.__name__ == 'decorated'
    with histogram.labels('block').time():
        pass
    with histogram.time() as timer:
        timer.labels(kind='late')
    for kind in ('decorated', 'block', 'late'):
        assert value(f'{name}_count', {'kind': kind}) == 1
    gauge = ours.Gauge(f'{name}_g', 'help')
    with gauge.time():
        pass
    assert 0 < value(f'{name}_g') < 60


def test_calls_of_a_decorated_function_may_overlap(name):
    summary = ours.Summary(name, 'help')

    @summary.time()
    def recursive(n):
        return n and recursive(n - 1)

    recursive(4)
    assert value(f'{name}_count') == 5


def test_track_inprogress_and_count_exceptions_let_exceptions_through(name):
    gauge, counter = ours.Gauge(name, 'help'), ours.Counter(f'{name}_c', 'help')

    @gauge.track_inprogress()
    @counter.count_exceptions(ZeroDivisionError)
    def fails(divisor):
        assert value(name) == 1
        return 1 / divisor

    with pytest.raises(ZeroDivisionError):
        fails(0)
    with pytest.raises(TypeError):
        fails('')
    with pytest.raises(LookupError), counter.count_exceptions((LookupError, OSError)):
        raise KeyError
    assert (value(name), value(f'{name}_c_total')) == (0, 2)


# ---- Info and Enum ----

def info_samples(info):
    return [s.labels for m in info.collect() for s in m.samples]


def test_info_replaces_what_was_stated(name):
    info = ours.Info(name, 'help')
    info.info({'version': '1', 'host': 'a'})
    info.info({'host': 'b', 'version': '2'})
    assert info_samples(info) == [{'host': 'b', 'version': '2'}]
    assert value(f'{name}_info', {'host': 'b', 'version': '2'}) == 1


def test_info_in_any_order_is_one_fact(name):
    ours.Info(name, 'help').info({'a': '1', 'b': '2'})
    again = ours.Info(name, 'help', registry=None)
    again.info({'b': '2', 'a': '1'})
    assert info_samples(again) == [{'a': '1', 'b': '2'}]


def test_info_that_states_the_same_again_takes_no_room(program):
    program("""
        from libmetrics.prometheus_client import Counter, Info
        info = Info('build', 'help')
        for _ in range(2000):
            info.info({'version': '1'})
        Counter('later', 'help').inc()
    """, METRICS_DIRECTORY_BYTES='65536')
    assert program.stderr == ''


def test_info_with_labels_replaces_only_its_own(name):
    info = ours.Info(name, 'help', ['app'])
    info.labels('a').info({'v': '1'})
    info.labels('b').info({'v': '1'})
    info.labels('a').info({'v': '2'})
    assert info_samples(info) == [{'app': 'b', 'v': '1'}, {'app': 'a', 'v': '2'}]
    info.remove('b')
    assert info_samples(info) == [{'app': 'a', 'v': '2'}]


def test_enum_is_in_one_state(name):
    enum = ours.Enum(name, 'help', states=['off', 'on'])
    assert (value(name, {name: 'off'}), value(name, {name: 'on'})) == (1, 0)
    enum.state('on')
    assert (value(name, {name: 'off'}), value(name, {name: 'on'})) == (0, 1)
    again = ours.Enum(name, 'help', states=['off', 'on'], registry=None)
    assert value(name, {name: 'on'}) == 1, 'a worker that comes later must not reset what others have stated'
    again.state('off')
    assert value(name, {name: 'on'}) == 0


def test_enum_with_labels(name):
    enum = ours.Enum(name, 'help', ['x'], states=['off', 'on'])
    enum.labels('a').state('on')
    enum.labels('b')
    assert value(name, {'x': 'a', name: 'on'}) == 1
    assert value(name, {'x': 'b', name: 'on'}) == 0
    enum.remove('a')
    assert value(name, {'x': 'a', name: 'on'}) is None
    assert value(name, {'x': 'b', name: 'off'}) == 1


def test_an_enum_of_mode_livesum_is_a_gauge_of_how_many_are_in_each_state(name):
    enum = ours.Enum(name, 'help', states=['off', 'on'], multiprocess_mode='livesum')
    assert (value(name, {name: 'off'}), value(name, {name: 'on'})) == (0, 0), 'no process is in a state yet'
    enum.state('on')
    assert (value(name, {name: 'off'}), value(name, {name: 'on'})) == (0, 1)
    (metric,) = enum.collect()
    assert metric.type == 'gauge'


@pytest.mark.parametrize('mode', ['all', 'liveall'])
def test_an_enum_of_each_process_begins_in_its_first_state(name, mode):
    enum = ours.Enum(name, 'help', states=['off', 'on'], multiprocess_mode=mode)
    pid = str(os.getpid())
    assert value(name, {name: 'off', 'pid': pid}) == 1
    enum.state('on')
    ours.Enum(name, 'help', states=['off', 'on'], multiprocess_mode=mode, registry=None)
    assert value(name, {name: 'on', 'pid': pid}) == 1


def test_an_operator_chooses_an_enums_mode_where_it_can_have_that(name, monkeypatch):
    monkeypatch.setenv('METRICS_GAUGE_MODES', f'{name}*=livesum')
    (metric,) = ours.Enum(name, 'help', states=['a']).collect()
    assert metric.type == 'gauge'
    monkeypatch.setenv('METRICS_GAUGE_MODES', f'{name}*=max')
    (metric,) = ours.Enum(f'{name}_2', 'help', states=['a']).collect()
    assert (metric.type, [s.value for s in metric.samples]) == ('stateset', [1])


def test_an_enum_has_no_other_modes(name):
    with pytest.raises(ValueError, match='Invalid multiprocess mode: sum'):
        ours.Enum(name, 'help', states=['a'], multiprocess_mode='sum')


# ---- what can't be had ----

@pytest.mark.parametrize('mode', ['all', 'livesum'])
def test_a_function_is_the_value_where_its_process_is_asked_and_the_log_says_where_not(name, mode, caplog):
    gauge = ours.Gauge(name, 'help', ['pool'], multiprocess_mode=mode)
    gauge.labels('set').set(1)
    for number in range(2):
        gauge.labels('asked').set_function(lambda number=number: number + 6)
    assert caplog.text.count("metrics-aggregator, which serves the metrics of all processes, can't call it") == 1
    assert value(name, {'pool': 'asked'}) == 7
    assert value(name, {'pool': 'set'}) == 1
    assert shown(name, {'pool': 'asked'}) in (0, None)


def test_start_http_server_listens_nowhere_and_says_so_once(caplog):
    from libmetrics import log
    log._logged.discard('start_http_server')
    ours.start_http_server(8001)
    ours.start_http_server(8001)
    assert len(re.findall('metrics-aggregator serves', caplog.text)) == 1


def test_custom_collector_is_collected_by_this_process_and_the_log_says_so(name, caplog):
    class Custom:
        def collect(self):
            yield ours.metrics_core.GaugeMetricFamily(name, 'help', value=7)
    registry = ours.CollectorRegistry()
    registry.register(Custom())
    assert registry.get_sample_value(name) == 7
    assert 'only this process can expose them' in caplog.text


def test_multiprocess_collector_collects_the_whole_segment(name, monkeypatch):
    from libmetrics.prometheus_client import multiprocess
    monkeypatch.setenv('PROMETHEUS_MULTIPROC_DIR', '/nonexistent')
    ours.Counter(name, 'help', registry=None).inc(3)
    registry = ours.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    multiprocess.mark_process_dead(1)
    assert registry.get_sample_value(f'{name}_total') == 3


def test_per_process_collectors_may_be_unregistered():
    for collector in (ours.PROCESS_COLLECTOR, ours.PLATFORM_COLLECTOR, ours.GC_COLLECTOR):
        ours.REGISTRY.unregister(collector)
        ours.REGISTRY.register(collector)


def test_what_the_segment_refuses_is_logged_and_counts_nothing(name, caplog):
    refused = ours.Gauge(name, 'help', ['pid'])
    refused.labels('1').set(1)
    assert 'reserved' in caplog.text
    assert [s for m in refused.collect() for s in m.samples] == []
    assert [s.value for m in refused._families(None) for s in m.samples] == [1], 'the process has its own value'
    caplog.clear()
    ours.Counter(f'{name}_x', 'help').inc(3)
    conflict = ours.Gauge(f'{name}_x', 'help', registry=None)
    conflict.set(1)
    with caplog.at_level(logging.WARNING):
        assert 'counter' in caplog.text
        assert 'gauge' in caplog.text
    assert [s.value for m in conflict.collect() for s in m.samples] == [1], 'the process has its own value'
    assert shown(f'{name}_x') is None
    assert value(f'{name}_x_total') == 3


# ---- definitions that change ----

def test_a_metric_made_anew_with_other_buckets_and_labels_counts(name):
    first = ours.Histogram(name, 'help', buckets=(1, 2))
    first.observe(1.5)
    ours.REGISTRY.unregister(first)
    second = ours.Histogram(name, 'help', buckets=(1, 2, 3))
    second.observe(2.5)
    assert [shown(f'{name}_bucket', {'le': le}) for le in ('1.0', '2.0', '3.0', '+Inf')] == [0, 1, 2, 2]
    assert [s.value for m in second.collect() for s in m.samples if s.name == f'{name}_count'] == [2]
    ours.REGISTRY.unregister(second)
    third = ours.Histogram(name, 'help', ['route'], buckets=(1, 2, 3))
    third.labels('/a').observe(0.5)
    assert shown(f'{name}_count') == 2
    assert shown(f'{name}_count', {'route': '/a'}) == 1


def test_a_metric_made_anew_as_another_type_mode_or_unit_is_served(name):
    counter = ours.Counter(name, 'help')
    counter.inc()
    ours.REGISTRY.unregister(counter)
    gauge = ours.Gauge(name, 'help', multiprocess_mode='sum')
    gauge.set(5)
    assert shown(name) == 5
    ours.REGISTRY.unregister(gauge)
    gauge = ours.Gauge(name, 'help', multiprocess_mode='max')
    gauge.set(7)
    assert shown(name) == 7
    ours.REGISTRY.unregister(gauge)
    counter = ours.Counter(name, 'help')
    counter.inc()
    assert shown(f'{name}_total') == 2
    seconds = ours.Counter(f'{name}_seconds', 'help')
    seconds.inc(1)
    ours.REGISTRY.unregister(seconds)
    ours.Counter(name, 'help', unit='seconds', registry=None).inc(2)
    assert shown(f'{name}_seconds_total') == 3


def test_a_summary_made_anew_as_a_histogram_is_one_with_it(name):
    summary = ours.Summary(name, 'help')
    summary.observe(1)
    ours.REGISTRY.unregister(summary)
    ours.Histogram(name, 'help', buckets=(1, 2)).observe(2)
    for collected in (summary.collect(), ours.REGISTRY.restricted_registry([f'{name}_count']).collect()):
        (metric,) = collected
        assert metric.type == 'histogram'
        assert [s.value for s in metric.samples if s.name == f'{name}_count'] == [2]


def test_an_enum_may_be_unregistered_for_another_type(name):
    enum = ours.Enum(name, 'help', states=['a', 'b'])
    ours.REGISTRY.unregister(enum)
    ours.Counter(name, 'help').inc(2)
    assert shown(f'{name}_total') == 2


def test_two_registries_may_give_one_name_other_buckets(name):
    for registry, bound in (ours.CollectorRegistry(), 1), (ours.CollectorRegistry(), 2):
        ours.Histogram(name, 'help', buckets=(bound,), registry=registry).observe(bound)
    assert shown(f'{name}_count') == 2
    assert shown(f'{name}_bucket', {'le': '2.0'}) == 2


# ---- registries and expositions ----

def test_a_name_is_taken_once_in_a_registry(name):
    ours.Counter(name, 'help')
    other = ours.CollectorRegistry()
    ours.Counter(name, 'help', registry=other)
    with pytest.raises(ValueError, match='Duplicated timeseries in CollectorRegistry'):
        ours.Gauge(f'{name}_total', 'help')
    first = ours.Gauge(f'{name}_g', 'help')
    ours.REGISTRY.unregister(first)
    ours.Gauge(f'{name}_g', 'help')


def test_wsgi_app_answers_with_all_and_with_names_asked_for(name):
    ours.Counter(name, 'help\nme').inc()
    ours.Counter(f'{name}_other', 'help').inc()

    def get(query='', **headers):
        said = []
        body = ours.make_wsgi_app()({'PATH_INFO': '/', 'QUERY_STRING': query, **headers},
                                    lambda status, headers: said.extend((status, dict(headers))))
        return said[0], said[1]['Content-Type'], b''.join(body).decode()

    status, kind, text = get()
    assert (status, kind) == ('200 OK', ours.CONTENT_TYPE_PLAIN_0_0_4)
    assert f'# HELP {name}_total help\\nme\n# TYPE {name}_total counter\n{name}_total 1.0\n' in text
    assert get(f'name[]={name}_total')[2] == (
        f'# HELP {name}_total help\\nme\n# TYPE {name}_total counter\n{name}_total 1.0\n')
    _, kind, text = get(HTTP_ACCEPT='application/openmetrics-text')
    assert kind.startswith('application/openmetrics-text')
    assert text.endswith('# EOF\n')


def test_textfile_and_private_readings(name, tmp_path):
    histogram = ours.Histogram(name, 'help', ['x'])
    histogram.labels('a').observe(2)
    ours.write_to_textfile(str(tmp_path / 'a.prom'), ours.REGISTRY)
    assert f'{name}_sum{{x="a"}} 2.0\n' in (tmp_path / 'a.prom').read_text()
    assert histogram.labels('a')._sum.get() == 2
    gauge = ours.Gauge(f'{name}_g', 'help')
    gauge.set(3)
    assert gauge._value.get() == 3


# ---- errors, as prometheus_client's ----

def used(m, kind, *args, **kwargs):
    return getattr(m, kind)('x', 'help', *args, registry=None, **kwargs)


ERRORS = [
    lambda m: m.Counter('a b', 'help', registry=None),
    lambda m: m.Counter('1a', 'help', registry=None),
    lambda m: m.Gauge('x', 'help', namespace='a b', registry=None),
    lambda m: m.Counter(5, 'help', registry=None),
    lambda m: used(m, 'Counter', ['a-b']),
    lambda m: used(m, 'Counter', ['__a']),
    lambda m: used(m, 'Histogram', ['le']),
    lambda m: used(m, 'Summary', ['quantile']),
    lambda m: used(m, 'Counter', [5]),
    lambda m: used(m, 'Gauge', multiprocess_mode='most'),
    lambda m: used(m, 'Info', unit='s'),
    lambda m: used(m, 'Enum', states=['a'], unit='s'),
    lambda m: used(m, 'Enum'),
    lambda m: used(m, 'Enum', ['x'], states=['a']),
    lambda m: used(m, 'Histogram', buckets=[]),
    lambda m: used(m, 'Histogram', buckets=[float('inf')]),
    lambda m: used(m, 'Histogram', buckets=[2, 1]),
    lambda m: used(m, 'Histogram', buckets=['a']),
    lambda m: used(m, 'Counter').inc(-1),
    lambda m: used(m, 'Counter').inc(-1.5),
    lambda m: used(m, 'Counter').inc(-2 ** 70),
    lambda m: used(m, 'Counter', ['a']).inc(),
    lambda m: used(m, 'Counter', ['a']).count_exceptions(),
    lambda m: used(m, 'Gauge', ['a']).set(1),
    lambda m: used(m, 'Gauge', ['a']).inc(),
    lambda m: used(m, 'Gauge', ['a']).dec(),
    lambda m: used(m, 'Gauge', ['a']).track_inprogress(),
    lambda m: used(m, 'Gauge').set('a'),
    lambda m: used(m, 'Histogram', ['a']).observe(1),
    lambda m: used(m, 'Summary', ['a']).observe(1),
    lambda m: used(m, 'Enum', ['a'], states=['s']).state('s'),
    lambda m: used(m, 'Counter').labels('a'),
    lambda m: used(m, 'Counter', ['a']).labels(),
    lambda m: used(m, 'Counter', ['a']).labels('a', 'b'),
    lambda m: used(m, 'Counter', ['a']).labels('a', a='b'),
    lambda m: used(m, 'Counter', ['a']).labels(b='b'),
    lambda m: used(m, 'Counter', ['a']).labels('a').labels('b'),
    lambda m: used(m, 'Counter', ['a']).remove(),
    lambda m: used(m, 'Counter').remove('a'),
    lambda m: used(m, 'Info', ['a']).labels('1').info({'a': 'b'}),
    lambda m: used(m, 'Counter').inc(1, {'a-b': 'c'}),
    lambda m: m.CollectorRegistry(target_info={'a': 'b'}).register(
        used(m, 'Info').__class__('target', '', registry=None)),
    lambda m: m.core.Timestamp(1, 2e9),
    lambda m: m.core.CounterMetricFamily('x', 'help', value=1, labels=['a']),
    lambda m: m.Metric('x', 'help', 'nonsense'),
    lambda m: m.REGISTRY.unregister(used(m, 'Counter')),
]


@pytest.mark.parametrize('case', range(len(ERRORS)))
def test_errors_are_those_of_prometheus_client(case, monkeypatch):
    monkeypatch.setattr(ours.validation, '_legacy_validation', True)  # newer ones allow any UTF-8 in names
    upstream = pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    raised = []
    for module in (upstream, ours):
        import_module(f'{module.__name__}.core')
        with pytest.raises(Exception) as caught:  # noqa: PT011  whatever upstream raises is right
            ERRORS[case](module)
        text = re.sub('libmetrics[.]', '', str(caught.value))
        raised.append((caught.type, text))
    assert raised[0][0] is raised[1][0]
    if raised[0][0] is ValueError:
        assert raised[0][1] == raised[1][1]


@pytest.mark.parametrize('call', [
    lambda m: m.Counter.inc(used(m, 'Counter'), 'a'),
    lambda m: used(m, 'Counter').inc(None),
    lambda m: used(m, 'Counter').inc(1, 2, 3),
    lambda m: used(m, 'Counter').inc(count=1),
    lambda m: used(m, 'Gauge').inc('a'),
    lambda m: used(m, 'Gauge').set(),
    lambda m: used(m, 'Gauge').set(None),
    lambda m: used(m, 'Gauge').set(1, 2),
    lambda m: used(m, 'Gauge').set(amount=1),
    lambda m: used(m, 'Histogram').observe(),
    lambda m: used(m, 'Histogram').observe('a'),
    lambda m: used(m, 'Histogram').observe(1, count=1),
    lambda m: used(m, 'Summary').observe(None),
])
def test_wrong_types_are_type_errors_as_in_prometheus_client(call):
    upstream = pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    for module in (upstream, ours):
        with pytest.raises(TypeError):
            call(module)


def info_of(extension):
    info = extension.Info()
    info._family('an_info_of_the_extension', 'help')
    return info


@pytest.mark.parametrize('call', [
    lambda e: e.Metric()._parent(5),
    lambda e: e.Metric()._adopt(('a',), e.Metric()),
    lambda e: e.Metric()._adopt((), 5),
    lambda e: e.Metric()._forget(('a',)),
    lambda e: e.Counter()._series(e.Counter(), ()),
    lambda e: e.Counter()._series(e.Gauge(), ()),
    lambda e: e.Counter()._series(5, 5),
    lambda e: e.Counter()._family('a', 'b', 'c', 5),
    lambda e: e.Histogram()._family('a', 'b', 'c', (), 5),
    lambda e: e.Info()._state(('a',), ()),
    lambda e: e.Info()._state({}, (), 5),
    lambda e: info_of(e)._state({}, (), {'a': 5}),
    lambda e: info_of(e)._state({(): {5: 'a'}}, (), {'a': 'b'}),
    lambda e: info_of(e)._state({}, [], {'a': 'b'}),
    lambda e: e.own_methods(5),
])
def test_the_extension_trusts_nobody_with_its_memory(call):
    from libmetrics import _metrics
    with pytest.raises(TypeError):
        call(_metrics)
