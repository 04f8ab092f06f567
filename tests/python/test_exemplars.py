"""Exemplars: prometheus_client's signature and errors, over processes, where there are places."""
import logging
import os
import time

import prometheus_client as theirs
from prometheus_client.openmetrics.parser import text_string_to_metric_families
import pytest

from libmetrics import prometheus_client as ours
from libmetrics.prometheus_client.openmetrics.exposition import generate_latest


def exemplars(name):
    """{(sample's name, le): (labels, value)} of what the registry exposes in OpenMetrics, as
    prometheus_client's parser reads it."""
    found = {}
    for family in text_string_to_metric_families(generate_latest(ours.REGISTRY).decode()):
        for sample in family.samples:
            if sample.name.startswith(name) and sample.exemplar:
                assert abs(float(sample.exemplar.timestamp) - time.time()) < 600
                found[sample.name, sample.labels.get('le')] = (sample.exemplar.labels, sample.exemplar.value)
    return found


def test_the_newest_of_each_bucket_and_of_a_counter_are_exposed():
    seconds = ours.Histogram('traced_seconds', 'help', buckets=(1, 2), exemplars=True)
    tasks = ours.Counter('traced', 'help', exemplars=True)
    seconds.observe(0.5, exemplar={'trace_id': 'old'})
    seconds.observe(0.25, {'trace_id': 'new'})
    seconds.observe(1.5)
    seconds.observe(5, exemplar={'trace_id': 'é', 'span_id': 'x'})
    tasks.inc(exemplar={'trace_id': 'one'})
    tasks.inc(2.5, {'trace_id': 'two'})
    assert exemplars('traced') == {
        ('traced_seconds_bucket', '1.0'): ({'trace_id': 'new'}, 0.25),
        ('traced_seconds_bucket', '+Inf'): ({'trace_id': 'é', 'span_id': 'x'}, 5),
        ('traced_total', None): ({'trace_id': 'two'}, 2.5)}
    assert ours.REGISTRY.get_sample_value('traced_total') == 3.5
    assert ours.REGISTRY.get_sample_value('traced_seconds_count') == 4


def test_those_of_a_child_that_has_ended_are_exposed():
    seconds = ours.Histogram('forked_seconds', 'help', ['path'], buckets=(1, 2), exemplars=True)
    seconds.labels('/').observe(0.5, exemplar={'trace_id': 'parent'})
    pid = os.fork()
    if pid == 0:
        seconds.labels('/').observe(0.25, exemplar={'trace_id': 'child'})
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert exemplars('forked') == {('forked_seconds_bucket', '1.0'): ({'trace_id': 'child'}, 0.25)}


def test_names_that_only_newer_prometheus_clients_take_are_dropped_and_what_was_counted_stays():
    tasks = ours.Counter('utf8_names', 'help', exemplars=True)
    tasks.inc(2, exemplar={'a-b': 'x'})
    assert exemplars('utf8_names') == {}
    assert ours.REGISTRY.get_sample_value('utf8_names_total') == 2


@pytest.mark.parametrize('number, bad', enumerate([{'__a': 'x'}, {'a': 'x' * 128}, {'a': 1}, 'text', 7]))
def test_errors_are_those_of_prometheus_client_and_what_was_counted_stays(number, bad):
    counted = []
    for library in (theirs, ours):
        registry = library.CollectorRegistry()
        name = f'wrong_{number}'
        tasks = library.Counter(name, 'help', registry=registry)
        seconds = library.Histogram(name + '_seconds', 'help', registry=registry)
        with pytest.raises((AttributeError, TypeError, ValueError)) as of_counter:
            tasks.inc(2, exemplar=bad)
        with pytest.raises((AttributeError, TypeError, ValueError)) as of_histogram:
            seconds.observe(2, exemplar=bad)
        texts = [str(error.value).replace('%d', '129') for error in (of_counter, of_histogram)]  # which theirs leaves
        counted.append([texts, type(of_counter.value),
                        registry.get_sample_value(name + '_total'),
                        registry.get_sample_value(name + '_seconds_count')])
    assert counted[0] == counted[1]


def test_without_places_each_process_exposes_its_own_which_is_logged_once(caplog):
    tasks = ours.Counter('placeless', 'help', ['path'])
    seconds = ours.Histogram('placeless_seconds', 'help', buckets=(1, 2))
    with caplog.at_level(logging.WARNING, logger='libmetrics'):
        for number in range(3):
            tasks.labels('/').inc(exemplar={'trace_id': str(number)})
    tasks.labels('/other').inc()
    seconds.observe(1.5, exemplar={'trace_id': 'x'})
    pid = os.fork()
    if pid == 0:
        tasks.labels('/').inc(exemplar={'trace_id': 'child'})
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    of_tasks, of_seconds = [record.getMessage() for record in caplog.records]
    assert '"placeless" has no places for exemplars' in of_tasks
    assert 'METRICS_EXEMPLARS=placeless_total,' in of_tasks
    assert 'METRICS_EXEMPLARS=placeless_seconds,' in of_seconds
    assert exemplars('placeless') == {('placeless_total', None): ({'trace_id': '2'}, 1),
                                      ('placeless_seconds_bucket', '2.0'): ({'trace_id': 'x'}, 1.5)}
    assert ours.REGISTRY.get_sample_value('placeless_total', {'path': '/'}) == 4


def test_an_operator_turns_them_on_for_a_program_that_does_not_know_of_it(program):
    printed = program("""
        import os
        from libmetrics.prometheus_client import *
        from libmetrics.prometheus_client.openmetrics.exposition import generate_latest
        tasks = Counter('tasks', 'help')
        other = Counter('other', 'help')
        for counter in (tasks, other):
            if not os.fork():
                counter.inc(exemplar={'trace_id': 'x'})
                os._exit(0)
            os.wait()
        print([line for line in generate_latest(REGISTRY).decode().split('\\n') if ' # ' in line])
    """, METRICS_EXEMPLARS='nothing,tasks_*')
    assert printed.startswith("['tasks_total 1.0 # {trace_id=\"x\"} 1.0 ")
    assert 'other' not in printed


def test_none_and_an_empty_one_are_as_in_prometheus_client():
    tasks = ours.Counter('empty', 'help', exemplars=True)
    tasks.inc(1, exemplar=None)
    assert exemplars('empty') == {}
    tasks.inc(1, exemplar={})
    assert exemplars('empty') == {}, 'prometheus_client takes an empty one for none'
