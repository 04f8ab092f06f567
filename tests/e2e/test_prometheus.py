"""The whole way of a number: workers that die and are replaced, the aggregator, a real Prometheus,
its query API."""
import itertools
import math
import os
import shutil
import time

import pytest

from aggregators import Aggregator
from everything import HELP, TROUBLE
from prometheus_server import Prometheus
from workers import Worker, clean_environment, until

BOUNDS = [0.1, 0.5, 1, 2.5, 10]
SCRAPES, WORKERS = 6, 5  # and so many workers come and go in each


class Story:
    """What the workers did, and the Prometheus that watched."""


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    directory = str(tmp_path_factory.mktemp("prometheus"))
    segment = f"/dev/shm/metrics-e2e-{time.time_ns()}"
    parent = Worker(clean_environment(METRICS_SEGMENT=segment))
    aggregator = prometheus = None
    try:
        tasks = parent.counter("tasks_total", {"text": TROUBLE}, help=HELP)
        work = parent.counter("work_seconds_total")
        wait = parent.histogram("wait_seconds", BOUNDS, {"type": "image"})
        live = parent.gauge("workers", "livesum")
        parent.inc(tasks)
        aggregator = Aggregator(segment)
        prometheus = Prometheus(directory, aggregator.port)
        story = Story()
        story.prometheus, story.aggregator = prometheus, aggregator
        story.tasks, story.observed, story.begin, story.live = 1, [], time.time(), []

        def scraped():
            """What the last scrape has seen of the tasks."""
            return {labels["__name__"]: value for labels, value in prometheus.query(
                "tasks_total", time.time())}.get("tasks_total")

        for generation in range(SCRAPES * WORKERS):
            child = parent.fork(directory)
            values = [0.05 * (generation % 50), 0.3, 3]
            child.set(live, 1)
            child.inc(tasks, generation % 7 + 1)
            child.add(work, generation / 3)
            child.observe(wait, *values)
            story.tasks += generation % 7 + 1
            story.observed += values
            if generation % WORKERS == 0:  # one of them is alive while it is scraped
                until("it has been scraped", lambda: scraped() == story.tasks)
                story.live.append(prometheus.one("workers", time.time()))
            child.kill()
        until("all has been scraped", lambda: scraped() == story.tasks)
        # With all in one window, it does not matter how many scrapes a busy machine has missed.
        story.end = round(time.time(), 3)
        story.seconds = math.ceil(story.end - story.begin) + 1
        yield story
    finally:
        if prometheus:
            prometheus.close()
        if aggregator:
            aggregator.close()
        parent.close()
        if os.path.exists(segment + ".v2"):
            os.unlink(segment + ".v2")


def rate(samples, start, end):
    """As Prometheus's rate() has it over these samples of the range: the increase, extrapolated to
    its ends."""
    (first, low), (last, high) = samples[0], samples[-1]
    increase = high - low
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(samples))
    sampled = last - first
    average = sampled / (len(samples) - 1)
    to_start, to_end = first - start, end - last
    if increase > 0 and low >= 0:
        to_start = min(to_start, sampled * (low / increase))
    extended = sampled
    extended += to_start if to_start < average * 1.1 else average / 2
    extended += to_end if to_end < average * 1.1 else average / 2
    return increase * (extended / sampled) / (end - start)


def test_what_was_counted_is_what_prometheus_has(story):
    p = story.prometheus
    assert p.one("tasks_total", story.end) == story.tasks
    assert p.one("wait_seconds_count", story.end) == len(story.observed)
    assert math.isclose(p.one("wait_seconds_sum", story.end), math.fsum(story.observed), rel_tol=1e-12)
    assert math.isclose(p.one("work_seconds_total", story.end),
                        sum(n / 3 for n in range(SCRAPES * WORKERS)), rel_tol=1e-12)
    for bound in BOUNDS:
        (bucket,) = [v for labels, v in p.query("wait_seconds_bucket", story.end) if float(labels["le"]) == bound]
        assert bucket == sum(v <= bound for v in story.observed)
    assert story.live == [1] * SCRAPES
    assert p.one("workers", story.end) == 0, "all who had set it are dead"


def test_no_scrape_was_refused_and_no_counter_ever_went_down(story):
    p, window = story.prometheus, f"{story.seconds}s"
    assert p.one("up", story.end) == 1
    assert "Append failed" not in p.said()
    names = [n for n in p.api("label/__name__/values") if n.endswith(("_total", "_bucket", "_count", "_sum"))]
    assert {"tasks_total", "wait_seconds_bucket", "metrics_segment_dropped_updates_total"} < set(names)
    for name in names:
        resets = p.query(f"resets({name}[{window}])", story.end)
        assert resets, name
        assert all(n == 0 for _, n in resets), (name, resets)
    assert p.one(f"changes(tasks_total[{window}])", story.end) >= SCRAPES


@pytest.mark.parametrize("name", ["tasks_total", "work_seconds_total", "wait_seconds_count", "wait_seconds_sum"])
def test_rate_is_right(name, story):
    p, seconds, end = story.prometheus, story.seconds, story.end
    samples = p.one(f"{name}[{seconds}s]", end)
    assert len(samples) >= SCRAPES
    expected = rate(samples, end - seconds, end)
    assert expected > 0
    assert math.isclose(p.one(f"rate({name}[{seconds}s])", end), expected, rel_tol=1e-6)


def quantile(q, buckets):
    """As Prometheus's histogram_quantile() has it: linear in the bucket. buckets: [(bound,
    cumulative), ...]."""
    buckets = sorted(buckets)
    rank = q * buckets[-1][1]
    i = next(i for i, (_, count) in enumerate(buckets) if count >= rank)
    if i == len(buckets) - 1:
        return buckets[-2][0]
    low, below = (0, 0) if i == 0 else buckets[i - 1]
    high, count = buckets[i]
    return low + (high - low) * (rank - below) / (count - below)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9, 0.99])
def test_histogram_quantile_is_right(q, story):
    p, seconds, end = story.prometheus, story.seconds, story.end
    # From all that was observed: the test knows each value.
    known = [(bound, sum(v <= bound for v in story.observed)) for bound in [*BOUNDS, math.inf]]
    assert math.isclose(p.one(f"histogram_quantile({q}, wait_seconds_bucket)", end), quantile(q, known), rel_tol=1e-9)
    # From rates, as a dashboard asks: by the samples that Prometheus has stored.
    rates = [(float(labels["le"]), rate(samples, end - seconds, end))
             for labels, samples in p.query(f"wait_seconds_bucket[{seconds}s]", end)]
    asked = p.one(f"histogram_quantile({q}, sum by (le) (rate(wait_seconds_bucket[{seconds}s])))", end)
    assert math.isclose(asked, quantile(q, rates), rel_tol=1e-6)


def test_help_and_labels_come_through(story):
    p = story.prometheus
    # Of OpenMetrics, which it asks for, it knows a counter's family by its name there.
    assert p.api("metadata", metric="tasks")["tasks"] == [{"type": "counter", "help": HELP, "unit": ""}]
    assert p.api("metadata", metric="wait_seconds")["wait_seconds"][0]["type"] == "histogram"
    (series,) = p.api("series", **{"match[]": "tasks_total", "start": story.begin, "end": story.end})
    assert series["text"] == TROUBLE


def test_it_asked_for_gzip_and_was_never_in_trouble(story):
    assert "level=error" not in story.prometheus.said()
    assert not [line for line in story.aggregator.log if "level=warn" in line or "level=error" in line]
