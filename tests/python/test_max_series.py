"""A limit of series: what is beyond it counts in one series, and takes no memory of the program."""
import logging

import pytest

from libmetrics import prometheus_client as ours

BEYOND = '__overflow__'


def value(sample, **labels):
    return ours.REGISTRY.get_sample_value(sample, labels)


def test_counts_beyond_it_in_one_series(caplog):
    tasks = ours.Counter('limited', 'help', ['path'], max_series=2)
    with caplog.at_level(logging.WARNING, logger='libmetrics'):
        for path in 'abcdcc':
            tasks.labels(path).inc()
    assert [value('limited_total', path=path) for path in ('a', 'b', 'c', BEYOND)] == [1, 1, None, 4]
    (line,) = [record.getMessage() for record in caplog.records]
    assert '"limited" has as many series as it may have, 2 (max_series)' in line
    assert 'counts nothing' not in line


def test_counts_beyond_it_for_histograms_and_summaries():
    times = ours.Histogram('limited_times', 'help', ['path'], buckets=(1, 2), max_series=1)
    sizes = ours.Summary('limited_sizes', 'help', ['path'], max_series=1)
    for path in 'abc':
        times.labels(path).observe(1.5)
        sizes.labels(path).observe(3)
    assert value('limited_times_bucket', path=BEYOND, le='2.0') == 2
    assert (value('limited_sizes_count', path=BEYOND), value('limited_sizes_sum', path=BEYOND)) == (2, 6)


def test_of_gauges_infos_and_enums_does_nothing_beyond_it(caplog):
    load = ours.Gauge('limited_load', 'help', ['path'], multiprocess_mode='sum', max_series=1)
    build = ours.Info('limited_build', 'help', ['path'], max_series=1)
    state = ours.Enum('limited_state', 'help', ['path'], states=['on', 'off'], max_series=1)
    for path in 'ab':
        load.labels(path).set(5)
        build.labels(path).info({'version': '1'})
        state.labels(path).state('off')
    assert (value('limited_load', path='a'), value('limited_load', path='b')) == (5, None)
    assert value('limited_build_info', path='a', version='1') == 1
    assert value('limited_build_info', path='b', version='1') is None
    assert value('limited_state', path='a', limited_state='off') == 1
    assert value('limited_state', path='b', limited_state='off') is None


def test_is_not_remembered_beyond_it():
    tasks = ours.Counter('remembered', 'help', ['path'], max_series=2)
    assert tasks.labels('a') is tasks.labels('a')
    for number in range(1000):
        tasks.labels(f'/user/{number}').inc()
    assert len(tasks._metrics) == 2


def test_gives_room_again_for_what_is_removed():
    tasks = ours.Counter('given_back', 'help', ['path'], max_series=1)
    kept = tasks.labels('a')
    tasks.labels('b').inc(2)
    tasks.remove('a')
    tasks.labels('b').inc(3)
    kept.inc(7)
    assert (value('given_back_total', path='b'), value('given_back_total', path=BEYOND)) == (3, 2)
    tasks.clear()
    tasks.labels('c').inc(4)
    assert (value('given_back_total', path='c'), value('given_back_total', path=BEYOND)) == (4, 2)


@pytest.mark.parametrize('wrong', [0, -1, 2**32, 1.5, '7'])
def test_is_a_whole_number(wrong):
    with pytest.raises(ValueError, match='max_series must be a whole number from 1 to 4294967295, or None'):
        ours.Counter('wrong', 'help', ['path'], max_series=wrong, registry=None)


def test_of_the_environment_is_for_programs_that_know_nothing_of_it(program):
    printed = program("""
        from libmetrics.prometheus_client import *
        tasks = Counter('tasks', 'help', ['path'])
        for path in 'abcd':
            tasks.labels(path).inc()
        for sample in list(tasks.collect())[0].samples:
            print(sample.labels['path'], sample.value)
    """, METRICS_MAX_SERIES='other=1,tasks_*=2')
    assert sorted(printed.split('\n')[:-1]) == [f'{BEYOND} 2.0', 'a 1.0', 'b 1.0']


def test_a_full_segment_counts_beyond_it_and_says_so_once(program):
    printed = program("""
        from libmetrics.prometheus_client import *
        tasks = Counter('tasks', 'help', ['path'], max_series=1000)
        for number in range(100):
            tasks.labels(str(number)).inc()
        print(sum(sample.value for sample in list(tasks.collect())[0].samples), len(tasks._metrics) < 40)
    """, METRICS_CELLS='64')
    assert printed == '100.0 True\n'
    assert program.stderr.count('are used up') == 1
    assert 'that series counts nothing' not in program.stderr
