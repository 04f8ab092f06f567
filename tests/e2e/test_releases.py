"""A service that is released again and again with other definitions, as a real Prometheus sees
it."""
import math
import shutil
import time

import pytest

from prometheus_server import Prometheus
from test_prometheus import rate
from workers import until

FINE = [0.1, 0.25, 0.5, 0.75, 1, 2.5]
# What each release makes of `request_seconds`: its bounds, and its labels.
RELEASES = [
    ([0.1, 0.5, 1], {"route": "/a"}),
    (FINE, {"route": "/a"}),
    (FINE, {"route": "/a", "code": "200"}),
    (FINE, {"path": "/a", "code": "200"}),
    ([0.1, 0.5, 1], {"route": "/a"}),
]
VALUES = [0.05, 0.2, 0.3, 0.7, 0.9, 3]


def wait_for_scrape(prometheus, observed):
    until("it has been scraped",
          lambda: sum(v for _, v in prometheus.query("request_seconds_count", time.time())) == observed)


def test_prometheus_sees_no_reset_and_every_count(directory, start_worker, start_aggregator):
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    begin = time.time()
    prometheus = old = None
    counted = {}  # by labels: how many observations
    try:
        for bounds, labels in RELEASES:
            new = start_worker()
            series = tuple(sorted(labels.items()))
            request = new.histogram("request_seconds", bounds, labels)
            requests = new.counter("requests_total", labels)
            workers = new.gauge("workers", "livesum" if len(labels) == 1 else "livemax")
            new.set(workers, 1)
            for _ in range(3):
                new.observe(request, *VALUES)
                new.inc(requests, len(VALUES))
                counted[series] = counted.get(series, 0) + len(VALUES)
                if prometheus is None:
                    prometheus = Prometheus(directory, start_aggregator().port)
                wait_for_scrape(prometheus, sum(counted.values()))
                if old is not None:  # both releases run: the older one's gauge counts in the newer one's
                    assert prometheus.one("workers", time.time()) == (2 if len(labels) == 1 else 1)
            if old is not None:
                old.kill()
            old = new
        end = round(time.time(), 3)
        seconds = math.ceil(end - begin) + 1
        for name in ("request_seconds_bucket", "request_seconds_count", "request_seconds_sum", "requests_total"):
            resets = prometheus.query(f"resets({name}[{seconds}s])", end)
            assert resets, name
            assert all(n == 0 for _, n in resets), (name, resets)
        for series, count in counted.items():
            chosen = ",".join(f'{name}="{value}"' for name, value in series)
            absent = ",".join(f'{name}=""' for name in ("route", "path", "code") if name not in dict(series))
            selector = "{" + ",".join(filter(None, [chosen, absent])) + "}"
            for name in ("request_seconds_count", "requests_total"):
                assert prometheus.one(name + selector, end) == count
                samples = prometheus.one(f"{name}{selector}[{seconds}s]", end)
                increase = prometheus.one(f"increase({name}{selector}[{seconds}s])", end)
                assert math.isclose(increase, rate(samples, end - seconds, end) * seconds, rel_tol=1e-6)
            # All releases have the bound 0.5, so that what is shown there is exact.
            half = prometheus.one("request_seconds_bucket" + selector[:-1] + ',le="0.5"}', end)
            assert half == count * sum(v <= 0.5 for v in VALUES) / len(VALUES)
        assert prometheus.one(f"min_over_time(up[{seconds}s])", end) == 1
        assert "Append failed" not in prometheus.said()
    finally:
        if prometheus:
            prometheus.close()
