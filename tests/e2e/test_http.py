"""What a scraper, a load balancer and a browser get over HTTP."""
import gzip
import json
import re
import socket

import pytest

from aggregators import ACCEPT, Exposition
from workers import until

TEXT = "text/plain; version=0.0.4; charset=utf-8"


@pytest.fixture
def aggregator(worker, start_aggregator):
    worker.inc(worker.counter("tasks_total", {"type": "image"}), 2)
    worker.observe(worker.histogram("wait_seconds", [1, 2]), 1.5)
    worker.set(worker.gauge("queue_length", "livesum"), 3)
    worker.info("app", {"version": "1.2"})
    return start_aggregator()


def test_gzip_is_the_same_text(aggregator):
    plain = aggregator.request()
    packed = aggregator.request(headers={"Accept-Encoding": "gzip"})
    for reply in plain, packed:
        assert (reply.status, reply.headers["Content-Type"], reply.headers["Vary"]) == (
            200, TEXT, "Accept, Accept-Encoding")
        assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert plain.headers["Content-Encoding"] is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body) / 2
    unpacked = Exposition(gzip.decompress(packed.body).decode())
    assert unpacked.about_segments() == Exposition(plain.text).about_segments()


def test_head_has_the_headers_alone(aggregator):
    head = aggregator.request(method="HEAD")
    assert (head.status, head.headers["Content-Type"], head.body) == (200, TEXT, b"")
    assert int(head.headers["Content-Length"]) > 1000


def test_other_paths_and_methods(aggregator):
    for path in "/metric", "/metrics/", "/metrics%00", "/../etc/passwd":
        assert aggregator.request(path).status == 404
    for path in "/", "/metrics", "/-/healthy", "/-/ready":
        for method in "POST", "PUT", "DELETE", "OPTIONS":
            reply = aggregator.request(path, method)
            assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD")


def test_health_and_landing_page(aggregator):
    assert aggregator.request("/-/healthy").text == "metrics-aggregator is healthy.\n"
    assert aggregator.request("/-/ready").text == "metrics-aggregator is ready.\n"
    page = aggregator.request("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    links = re.findall(r'href="([^"]*)"', page.text)
    api = [f"/api/v1/{name}" for name in ("segments", "workers", "families", "status")]
    assert links == ["/favicon.ico", "/dashboard", "/metrics", *api, "/http_sd", "/-/healthy", "/-/ready"]
    assert all(aggregator.request(link).status == 200 for link in links)


def test_behind_a_proxy_all_pages_have_the_path_of_the_external_url(worker, start_aggregator):
    aggregator = start_aggregator(flags=["--web.external-url=https://out.example/workers/"])
    aggregator.wait_for_log("path=/workers/metrics ")
    assert aggregator.request("/metrics").status == 404
    assert aggregator.scrape("/workers/metrics").all("metrics_segment_up")
    redirect = aggregator.request("/")
    assert (redirect.status, redirect.headers["Location"]) == (302, "/workers/")
    links = re.findall(r'href="([^"]*)"', aggregator.request("/workers/").text)
    assert "/workers/metrics" in links
    assert all(aggregator.request(link).status == 200 for link in links)
    assert json.loads(aggregator.request("/workers/http_sd").text) == [{
        "targets": ["out.example"], "labels": {"__scheme__": "https", "__metrics_path__": "/workers/metrics"}}]


def test_http_sd_names_the_address_that_was_asked(aggregator):
    assert json.loads(aggregator.request("/http_sd").text) == [{
        "targets": [f"127.0.0.1:{aggregator.port}"],
        "labels": {"__scheme__": "http", "__metrics_path__": "/metrics"}}]


def test_metrics_of_the_aggregator_itself_can_be_left_out(worker, start_aggregator):
    worker.inc(worker.counter("tasks_total"), 3)
    exposition = start_aggregator(flags=["--web.disable-exporter-metrics"]).scrape()
    own = {name for name in names(exposition) if name.startswith(("process_", "metrics_aggregator_"))}
    assert own == {"metrics_aggregator_build_info"}
    assert exposition.value("tasks_total") == 3
    assert exposition.all("metrics_segment_up")


def test_above_its_limit_of_connections_the_one_that_was_idle_for_longest_gives_way(worker, start_aggregator):
    aggregator = start_aggregator(flags=["--web.max-connections=3"])
    clients = [aggregator.connect() for _ in range(4)]
    for client in clients:
        client.request("GET", "/-/healthy")
        assert client.getresponse().read()
    closed = aggregator.scrape().value("metrics_aggregator_http_connections_closed_total", reason="connections_limit")
    assert closed == 2  # by the fourth client, and by the scrape
    for client in clients:
        client.close()


def test_the_exposition_has_another_path_if_told(worker, start_aggregator):
    aggregator = start_aggregator(flags=["--web.telemetry-path", "/some/where"])
    assert aggregator.request("/metrics").status == 404
    assert 'href="/some/where"' in aggregator.request("/").text
    assert aggregator.scrape("/some/where").all("metrics_segment_up")


FLAGS = {
    "--segment": "/nowhere/a /nowhere/b", "--segment.owner": "root 65534", "--series.expire-after": "1800000ms",
    "--scrape.threads": "3",
    "--native-histograms": "false", "--native-histogram.max-buckets": "99", "--openmetrics.created-lines": "true",
    "--web.systemd-socket": "false", "--web.telemetry-path": "/m", "--web.max-requests": "7",
    "--web.max-connections": "70", "--web.external-url": "http://out.example/x",
    "--web.disable-exporter-metrics": "true", "--log.level": "debug", "--log.format": "json"}


def status_flags(aggregator, before=""):
    return json.loads(aggregator.request(f"{before}/api/v1/status").text)["flags"]


def test_the_status_spells_each_flag_as_it_was_given(start_aggregator, tmp_path):
    config = tmp_path / "web.yml"
    config.write_text("{}")
    given = {**FLAGS, "--web.config.file": str(config)}
    flags = [f"{name}={value}" for name, values in given.items() for value in values.split()]
    aggregator = start_aggregator("/nowhere/a", flags=[flag for flag in flags if flag != "--segment=/nowhere/a"])
    assert status_flags(aggregator, "/x") == {
        **given, "--segment": "/nowhere/b /nowhere/a", "--web.listen-address": "127.0.0.1:0"}


@pytest.mark.parametrize("text, milliseconds", [
    ("0s", 0), ("1ms", 1), ("20s", 20_000), ("30m", 1_800_000), ("36h", 129_600_000), ("36500d", 3_153_600_000_000)])
def test_a_duration_has_a_unit(text, milliseconds, start_aggregator):
    aggregator = start_aggregator(flags=[f"--series.expire-after={text}"])
    assert status_flags(aggregator)["--series.expire-after"] == f"{milliseconds}ms"


def large_exposition(start_worker):
    worker = start_worker(METRICS_DIRECTORY_BYTES=16 << 20)
    worker.ask("many", name="large_total", count=700, bytes=16000)  # more than sockets hold


def ask(aggregator):
    """Asks for the exposition on a connection that can't take all of it unless it is read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", aggregator.port))
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return client


def test_above_its_limit_it_answers_503_and_stays_healthy(start_worker, start_aggregator):
    large_exposition(start_worker)
    aggregator = start_aggregator(flags=["--web.max-requests=1"])

    def some_are_refused():
        clients = [ask(aggregator) for _ in range(5)]  # one seat, which each needs for milliseconds
        heads = [client.recv(4096) for client in clients]
        assert aggregator.request("/-/healthy").status == 200
        for client in clients:
            client.close()
        refused = [head for head in heads if head.startswith(b"HTTP/1.1 503 ")]
        for head in refused:
            assert b"\r\nRetry-After: 1\r\n" in head
            assert head.endswith(b"\r\n\r\nToo many requests are being served at the same time.\n")
        assert any(head.startswith(b"HTTP/1.1 200 ") for head in heads)
        return refused

    until("a request is refused", some_are_refused)
    assert aggregator.request(method="HEAD").status == 200


def test_a_slow_client_takes_no_seat_and_is_shown(start_worker, start_aggregator):
    large_exposition(start_worker)
    aggregator = start_aggregator(flags=["--web.max-requests=1"])
    slow = []
    for _ in range(3):
        slow.append(ask(aggregator))
        assert slow[-1].recv(4096).startswith(b"HTTP/1.1 200 ")
    http = "metrics_aggregator_http_"
    beside = aggregator.scrape("/metrics?" + "&".join(
        f"name[]={http}{name}" for name in ("connections", "buffered_bytes", "connections_closed")))
    assert beside.value(http + "connections", state="writing") == 3
    assert beside.value(http + "connections", state="serving") == 1
    assert beside.value(http + "buffered_bytes") > 3 * 700 * 16000
    for client in slow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        while client.recv(1 << 20):
            pass
        client.close()

    def all_answered():
        now = aggregator.scrape()
        return now.value(http + "connections_closed_total", reason="answered") >= 3 and (
            now.value(http + "buffered_bytes") == 0)

    until("they have their responses", all_answered)


def names(exposition):
    return {name for name, _ in exposition.samples}


def test_name_filter_returns_whole_families(aggregator):
    wait = {"wait_seconds_bucket", "wait_seconds_count", "wait_seconds_sum"}
    for query, expected in (
        ("name[]=tasks_total", {"tasks_total"}),
        ("name[]=tasks", {"tasks_total"}),
        ("name[]=wait_seconds", wait),
        ("name[]=wait_seconds_count", wait),
        ("name%5B%5D=queue_length&name[]=app_info", {"queue_length", "app_info"}),
        ("name[]=nothing_of_that_name", set()),
        ("name[]=metrics_segment_up", {"metrics_segment_up"}),
    ):
        assert names(aggregator.scrape("/metrics?" + query)) == expected, query
    whole = names(aggregator.scrape("/metrics?other=x"))
    assert wait | {"tasks_total", "process_open_fds"} < whole
    assert names(aggregator.scrape()) == whole
    packed = aggregator.request("/metrics?name[]=tasks_total", headers={"Accept-Encoding": "gzip"})
    assert packed.text == ('# HELP tasks_total Help of tasks_total\n# TYPE tasks_total counter\n'
                           'tasks_total{type="image"} 2\n')


@pytest.mark.parametrize("format", ACCEPT)
def test_each_format_is_filtered_and_compressed_alike(format, aggregator):
    asked = {"Accept": ACCEPT[format]}
    content_type = aggregator.request(headers=asked).headers["Content-Type"]
    assert content_type.replace(" ", "").startswith(ACCEPT[format])
    path = "/metrics?name[]=tasks_total"
    plain = aggregator.request(path, headers=asked)
    packed = aggregator.request(path, headers={**asked, "Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["Content-Type"] == packed.headers["Content-Type"] == content_type
    assert packed.headers["Vary"] == "Accept, Accept-Encoding"
    assert b"tasks" in plain.body
    assert b"queue_length" not in plain.body
    assert int(aggregator.request(path, "HEAD", asked).headers["Content-Length"]) == len(plain.body)
