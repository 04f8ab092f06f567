"""One identity of series: what a real Prometheus stores is the same from each format."""
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import re
import shutil
import threading
import time

import pytest

from aggregators import ACCEPT
from everything import one_of_everything
from prometheus_server import Server
from workers import until

JOB = """\
  - job_name: {format}
    metrics_path: /{format}
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""
# What one scrape has otherwise than the one before it.
CHANGING = re.compile(r"(process_|metrics_aggregator_|scrape_|up$)")


@pytest.fixture
def between():
    """between(aggregator): the port of a server in the middle. It asks the aggregator for the
    format that is the path."""
    started = []

    def start(aggregator):
        class Middle(BaseHTTPRequestHandler):
            def do_GET(self):
                reply = aggregator.request(headers={"Accept": ACCEPT[self.path[1:]], "Accept-Encoding": "gzip"})
                self.send_response(reply.status)
                for name in "Content-Type", "Content-Encoding":
                    self.send_header(name, reply.headers[name])
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Middle)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        started.append((server, thread))
        return server.server_address[1]

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stored(directory, segment, worker, start_worker, start_aggregator, between):
    """stored(format): {labels: value} of all series that Prometheus has, the name among the labels;
    the values as it spells them."""
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    one_of_everything(worker, worker.fork(directory), start_worker())
    port = between(start_aggregator(segment, segment + "-missing"))
    jobs = "".join(JOB.format(format=f, port=port) for f in ACCEPT)
    prometheus = Server(directory, f"global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{jobs}")

    def series(of):
        found = prometheus.api("query", query=f'{{job="{of}"}}')["result"]
        return {frozenset((k, v) for k, v in one["metric"].items() if k not in ("job", "instance")): one["value"][1]
                for one in found if not CHANGING.match(one["metric"]["__name__"])}

    try:
        for of in ACCEPT:
            until(f"{of} is scraped", lambda of=of: prometheus.query(f'up{{job="{of}"}}', time.time()) and series(of))
            assert prometheus.one(f'up{{job="{of}"}}', time.time()) == 1, prometheus.said()
        yield series
        assert "level=error" not in prometheus.said()
        assert "Error on ingesting" not in prometheus.said()
    finally:
        prometheus.close()


def test_prometheus_stores_the_same_series_from_each_format(stored):
    text = stored("text")
    names = {dict(labels)["__name__"] for labels in text}
    assert {"tasks_total", "work_seconds_total", "wait_seconds_bucket", "drift_seconds_sum", "size_bytes_count",
            "app_info", "extreme", "livesum_queue", "all_queue", "http_requests_total"} <= names
    assert not [name for name in names if name.endswith("_created")]
    assert stored("openmetrics") == text
    assert stored("protobuf") == text
