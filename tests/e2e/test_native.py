"""Native histograms, of workers that die and are replaced, as a real Prometheus has them that asks
for them."""
import math
import os
import random
import shutil
import time

import pytest

from aggregators import Aggregator
from prometheus_server import Prometheus
from workers import Worker, clean_environment, until

BOUNDS = [0.1, 1, 10]
PER_OCTAVE = 8  # buckets, by default
FEW = 65  # buckets, the least that --native-histogram.max-buckets takes
QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)


class Story:
    """What the workers observed, and the Prometheus that watched."""


def drawn(seed):
    """Values over many powers of two, none of which is a bound."""
    generator = random.Random(seed)
    return [generator.lognormvariate(-1, 2) for _ in range(400)]


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    directory = str(tmp_path_factory.mktemp("native"))
    segment = f"/dev/shm/metrics-e2e-{time.time_ns()}"
    parent = Worker(clean_environment(METRICS_SEGMENT=segment))
    aggregator = prometheus = None
    try:
        seconds = parent.histogram("native_seconds", BOUNDS, native={})
        both = parent.histogram("of_both_signs", BOUNDS, native={"factor": 1.2, "max": 1e6, "negative": True})
        wide = parent.histogram("wide_bytes", BOUNDS, native={"factor": 1.05, "min": 1, "max": 2.0**40})
        beyond = parent.histogram("beyond_seconds", BOUNDS, native={"max": 1})
        parent.histogram("empty_seconds", BOUNDS, native={})
        classic = parent.histogram("classic_seconds", BOUNDS)
        aggregator = Aggregator(segment, flags=[f"--native-histogram.max-buckets={FEW}"])
        prometheus = Prometheus(directory, aggregator.port, flags=["--enable-feature=native-histograms"])
        story = Story()
        story.prometheus, story.aggregator, story.segment = prometheus, aggregator, segment
        story.begin, story.seconds, story.both, story.wide = time.time(), [], [], []

        def scraped():
            found = prometheus.query("histogram_count(native_seconds)", time.time())
            return found[0][1] if found else None

        for generation in range(4):
            child = parent.fork(directory)
            values = drawn(generation)
            child.observe(seconds, *values)
            child.observe(both, *values, *(-v for v in values[:100]))
            # More in each generation than before: the resolution drops while it is watched.
            child.observe(wide, *(2.0**(k * 0.31) for k in range(1, 30 * (generation + 1))))
            child.observe(beyond, 0.5, 7, 8)
            child.observe(classic, 0.5)
            story.seconds += values
            story.both += [*values, *(-v for v in values[:100])]
            story.wide += [2.0**(k * 0.31) for k in range(1, 30 * (generation + 1))]
            until("it has been scraped", lambda: scraped() == len(story.seconds))
            child.kill()
        story.end = round(time.time(), 3)
        story.window = f"{math.ceil(story.end - story.begin) + 1}s"
        yield story
    finally:
        if prometheus:
            prometheus.close()
        if aggregator:
            aggregator.close()
        parent.close()
        if os.path.exists(segment + ".v2"):
            os.unlink(segment + ".v2")


def true_quantile(q, values):
    return sorted(values)[max(math.ceil(q * len(values)) - 1, 0)]


@pytest.mark.parametrize("name, values", [("native_seconds", "seconds"), ("of_both_signs", "both"),
                                          ("wide_bytes", "wide")])
def test_counts_and_sums_are_what_was_observed(name, values, story):
    p, values = story.prometheus, getattr(story, values)
    assert p.one(f"histogram_count({name})", story.end) == len(values)
    assert math.isclose(p.one(f"histogram_sum({name})", story.end), math.fsum(values), rel_tol=1e-9)
    assert not p.query(f"{name}_bucket", story.end), "Prometheus ingests one of both"


@pytest.mark.parametrize("q", QUANTILES)
def test_quantiles_are_within_one_bucket_of_the_true_ones(q, story):
    found = story.prometheus.one(f"histogram_quantile({q}, native_seconds)", story.end)
    true = true_quantile(q, story.seconds)
    # At most FEW buckets are shown, so neighbours were joined until they were few enough.
    populated = {math.ceil(math.log2(v) * PER_OCTAVE) for v in story.seconds}
    width = 1 / PER_OCTAVE
    while len(populated) > FEW:
        populated = {(k + 1) >> 1 for k in populated}
        width *= 2
    assert abs(math.log2(found) - math.log2(true)) <= width


@pytest.mark.parametrize("q", [0.01, 0.05, 0.5, 0.95])
def test_quantiles_of_both_signs_are_on_their_side_of_zero(q, story):
    found = story.prometheus.one(f"histogram_quantile({q}, of_both_signs)", story.end)
    true = true_quantile(q, story.both)
    assert math.copysign(1, found) == math.copysign(1, true)
    assert abs(math.log2(abs(found)) - math.log2(abs(true))) <= 1


def test_shares_of_values_are_right(story):
    # 1 is a bound in every schema.
    found = story.prometheus.one("histogram_fraction(0, 1, native_seconds)", story.end)
    assert math.isclose(found, sum(v <= 1 for v in story.seconds) / len(story.seconds), rel_tol=1e-9)


def test_a_quantile_beyond_the_window_is_infinite(story):
    p = story.prometheus
    assert p.one("histogram_count(beyond_seconds)", story.end) == 12
    assert p.one("histogram_quantile(0.9, beyond_seconds)", story.end) == math.inf
    assert p.one("histogram_quantile(0.2, beyond_seconds)", story.end) <= 1


def test_nothing_is_reset_when_the_resolution_drops(story):
    p = story.prometheus
    for name in ("native_seconds", "of_both_signs", "wide_bytes"):
        assert p.one(f"resets({name}[{story.window}])", story.end) == 0
    assert p.one(f"histogram_count(increase(wide_bytes[{story.window}]))", story.end) > 0
    assert abs(math.log2(p.one("histogram_quantile(0.5, wide_bytes)", story.end)) -
               math.log2(true_quantile(0.5, story.wide))) <= 1


def test_one_that_counted_nothing_is_there(story):
    assert story.prometheus.one("histogram_count(empty_seconds)", story.end) == 0


def test_a_histogram_without_native_buckets_keeps_its_own(story):
    p = story.prometheus
    buckets = {float(labels["le"]): value for labels, value in p.query("classic_seconds_bucket", story.end)}
    assert buckets == {0.1: 0, 1: 4, 10: 4, math.inf: 4}


def test_the_text_format_shows_explicit_bounds_of_the_same_counts(story):
    scraped = story.aggregator.scrape()
    for bound in BOUNDS:
        assert scraped.value("native_seconds_bucket", le=str(float(bound))) == sum(v <= bound for v in story.seconds)
    assert scraped.value("native_seconds_count") == len(story.seconds)


def test_native_buckets_are_left_out_where_they_are_switched_off(story):
    wanted = {"Accept": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"}

    def size(aggregator):
        reply = aggregator.request("/metrics?name[]=native_seconds", headers=wanted)
        assert reply.headers["Content-Type"].startswith("application/vnd.google.protobuf")
        return len(reply.body)

    without = Aggregator(story.segment, flags=["--native-histograms=false"])
    try:
        assert size(without) < 150 < size(story.aggregator)
    finally:
        without.close()


def test_it_was_never_in_trouble(story):
    p = story.prometheus
    assert p.one("up", story.end) == 1
    assert "level=error" not in p.said()
    assert "Append failed" not in p.said()
    assert not [line for line in story.aggregator.log if "level=warn" in line or "level=error" in line]
