"""Exemplars of several processes, some of them dead, in a real Prometheus's exemplar storage, by
each format that has them."""
import os
import shutil
import time

import pytest

from aggregators import Aggregator
from prometheus_server import Prometheus
from workers import Worker, clean_environment, until

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
# For protobuf this Prometheus asks only with native histograms.
FORMATS = {"openmetrics": ["exemplar-storage"], "protobuf": ["exemplar-storage,native-histograms"]}


@pytest.fixture
def segment():
    path = f"/dev/shm/metrics-e2e-exemplars-{time.time_ns()}"
    yield path
    if os.path.exists(path + ".v2"):
        os.unlink(path + ".v2")


def traced(segment, directory):
    """A worker that has stored exemplars, as has a child of it that is dead."""
    worker = Worker(clean_environment(METRICS_SEGMENT=segment, METRICS_EXEMPLARS="task*"))
    seconds = worker.histogram("task_seconds", [0.1, 1], {"type": "image"})
    tasks = worker.counter("tasks_total")
    worker.trace(0.05, "fast, replaced", histogram=seconds)
    worker.trace(0.5, "slow", histogram=seconds)
    worker.trace(2, "done", counter=tasks)
    child = worker.fork(directory)
    child.trace(0.0625, "fast", histogram=seconds)
    child.trace(50, "never", histogram=seconds)
    child.kill()
    return worker


EXPECTED = {("task_seconds_bucket", "0.1", "fast", 0.0625), ("task_seconds_bucket", "1.0", "slow", 0.5),
            ("task_seconds_bucket", "+Inf", "never", 50), ("tasks_total", "", "done", 2)}


def test_openmetrics_shows_the_newest_of_each_bucket_and_text_shows_none(segment, tmp_path):
    worker = traced(segment, str(tmp_path))
    aggregator = Aggregator(segment)
    try:
        begin = time.time()
        text = aggregator.request(headers={"Accept": OPENMETRICS}).text
        lines = [line for line in text.splitlines() if " # " in line and not line.startswith("#")]
        assert len(lines) == 4, text
        (fast,) = [line for line in lines if 'le="0.1"' in line]
        before, after = fast.split(" # ")
        assert before == 'task_seconds_bucket{type="image",le="0.1"} 2'
        labels, value, stamp = after.rsplit(" ", 2)
        assert (labels, value) == ('{trace_id="fast"}', "0.0625")
        assert abs(float(stamp) - begin) < 600
        assert '{trace_id="slow"} 0.5 ' in text
        chosen = aggregator.request("/metrics?name[]=tasks_total", headers={"Accept": OPENMETRICS}).text
        assert '{trace_id="done"} 2 ' in chosen
        assert "task_seconds" not in chosen
        assert " # " not in aggregator.request().text.replace("\n# ", "\n")
    finally:
        aggregator.close()
        worker.close()


@pytest.mark.parametrize("name", FORMATS)
def test_prometheus_has_the_exemplars(name, segment, tmp_path):
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    worker = traced(segment, str(tmp_path))
    aggregator = Aggregator(segment)
    prometheus = None
    try:
        prometheus = Prometheus(str(tmp_path), aggregator.port,
                                flags=[f"--enable-feature={feature}" for feature in FORMATS[name]])

        def stored():
            found = prometheus.api("query_exemplars", query='{__name__=~"task.*"}',
                                   start=time.time() - 600, end=time.time() + 600)
            return {(s["seriesLabels"]["__name__"], s["seriesLabels"].get("le", ""), e["labels"]["trace_id"],
                     float(e["value"])) for s in found for e in s["exemplars"]}

        until("Prometheus has them", lambda: stored() >= EXPECTED)
        assert stored() == EXPECTED
    finally:
        if prometheus:
            prometheus.close()
        aggregator.close()
        worker.close()
