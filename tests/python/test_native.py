"""Native buckets of Python's histograms: they are in the segment, beside those that the program
gave."""
import json
import logging
import os
import re
import subprocess

import pytest

from libmetrics import prometheus_client as ours

# 8 for each of 32 powers of two, and the ends of the window above and below zero.
BY_RULE = 8 * 32 + 1 + 1


def cells_of(program, code, segment, **env):
    """How many cells the metrics of that program take."""
    program(code, **env)
    inspector = os.environ['METRICS_BUILD'] + '/tools/metrics-inspect'
    told = subprocess.run([inspector, 'ls', '--json', '--segment', segment], capture_output=True, text=True, check=True)
    (described,) = json.loads(told.stdout)
    return described['cells_used']


@pytest.mark.parametrize('native, by_rule', [
    (None, 0),
    (False, 0),
    (True, BY_RULE),
    ({}, BY_RULE),
    ({'factor': 2, 'min': 1, 'max': 1024}, 10 + 1 + 1),
    ({'factor': 2, 'min': 1, 'max': 1024, 'negative': True}, 2 * (10 + 1)),
])
def test_stand_beside_the_buckets_of_the_program(native, by_rule, program, segment):
    code = f"""
from libmetrics.prometheus_client import Histogram
times = Histogram('times', 'help', buckets=(0.3, 0.7, 9), native={native!r})
times.observe(0.5)
from libmetrics.prometheus_client import REGISTRY
assert REGISTRY.get_sample_value('times_bucket', {{'le': '0.3'}}) == 0
assert REGISTRY.get_sample_value('times_bucket', {{'le': '0.7'}}) == 1
assert REGISTRY.get_sample_value('times_count') == 1
"""
    assert cells_of(program, code, segment) == 3 + by_rule + 2


def test_are_given_to_all_histograms_of_a_program_by_the_environment(program, segment):
    code = """
from libmetrics.prometheus_client import Histogram, Summary
Histogram('times', 'help', buckets=(0.3, 0.7, 9)).observe(0.5)
Summary('sizes', 'help').observe(0.5)
"""
    used = cells_of(program, code, segment, METRICS_NATIVE_HISTOGRAMS='1')
    assert used == (3 + BY_RULE + 2) + 2


def test_keep_what_programs_write_to_the_buckets_in_its_bucket():
    times = ours.Histogram('written', 'help', buckets=(0.3, 0.7, 9), native=True)
    times.observe(0.1)
    for bucket in times._buckets:
        bucket.inc(2)
    shown = [ours.REGISTRY.get_sample_value('written_bucket', {'le': le}) for le in ('0.3', '0.7', '9.0', '+Inf')]
    assert shown == [3, 5, 7, 9]


@pytest.mark.parametrize('native', [7, {'base': 2}, 'yes'])
def test_are_refused_if_they_are_no_options(native):
    why = f'native must be True, or a dict of factor, min, max, negative, not {native!r}'
    with pytest.raises(ValueError, match=re.escape(why)):
        ours.Histogram('wrong', 'help', registry=None, native=native)


@pytest.mark.parametrize('native, why', [
    ({'factor': 3}, 'the factor of a native histogram is 3.000000; it is above 1, and at most 2'),
    ({'max': 1e30}, '"wrong" has a native window of 120 powers of two; at most 64 are possible'),
])
def test_that_can_not_be_are_logged_and_count_nothing(native, why, caplog):
    with caplog.at_level(logging.WARNING, logger='libmetrics'):
        ours.Histogram('wrong', 'help', registry=None, native=native).observe(1)
    (line,) = [record.getMessage() for record in caplog.records]
    assert why in line
    assert ours.REGISTRY.get_sample_value('wrong_count') is None
