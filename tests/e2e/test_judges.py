"""The exposition before judges who did not write it: promtool, and client_python's parsers."""
import math
from pathlib import Path
import re
import shutil
import subprocess
import time

import pytest

from everything import HELP, one_of_everything


@pytest.fixture
def everything(directory, worker, start_worker):
    one_of_everything(worker, worker.fork(directory), start_worker())


@pytest.fixture
def aggregator(segment, everything, start_aggregator):
    return start_aggregator(segment, segment + "-missing")


@pytest.fixture
def exposition(aggregator):
    return aggregator.scrape()


def test_promtool_accepts_it(exposition):
    if not shutil.which("promtool"):
        pytest.skip("promtool is missing; install prometheus")
    judged = subprocess.run(["promtool", "check", "metrics"], input=exposition.text, capture_output=True, text=True)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_promtool_accepts_the_alerts():
    if not shutil.which("promtool"):
        pytest.skip("promtool is missing; install prometheus")
    rules = Path(__file__).parents[2] / "aggregator/docs/alerts.yml"
    judged = subprocess.run(["promtool", "check", "rules", "--lint=all", "--lint-fatal", rules], capture_output=True,
                            text=True)
    assert judged.returncode == 0, judged.stdout + judged.stderr


# What one scrape has otherwise than the one before it.
CHANGING = re.compile(r"process_|metrics_aggregator_(http|scrape)")


def check(families, exposition, but=re.compile("$^")):
    """What a parser read is what Exposition read, by names, labels, values, types and help, but for
    the values of such names."""
    read = {}
    for family in families.values():
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in read
            read[key] = float(sample.value)
    assert read.keys() == exposition.samples.keys()
    for key, value in read.items():
        if but.match(key[0]):
            continue
        expected = exposition.samples[key]
        assert value == expected or (math.isnan(value) and math.isnan(expected)), key
    assert families["tasks"].type == "counter"
    assert families["tasks"].documentation == HELP
    assert families["wait_seconds"].type == "histogram"
    assert families["size_bytes"].type == "summary"
    assert families["livesum_queue"].type == "gauge"


def test_client_pythons_text_parser_accepts_it(exposition):
    parser = pytest.importorskip("prometheus_client.parser", reason="install python3-prometheus-client")
    check({f.name: f for f in parser.text_string_to_metric_families(exposition.text)}, exposition)


OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}


def test_client_pythons_openmetrics_parser_reads_the_same_from_openmetrics(aggregator):
    """It is stricter than other judges: bucket order, +Inf and _count, no sample twice, families
    whole, counters not below zero."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="install python3-prometheus-client")
    exposition = aggregator.scrape()
    reply = aggregator.request(headers=OPENMETRICS)
    assert reply.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert reply.text.endswith("\n# EOF\n")
    families = {f.name: f for f in parser.text_string_to_metric_families(reply.text)}
    check(families, exposition, but=CHANGING)
    assert families["app"].type == "info"
    assert families["mostrecent_state"].type == families["all_state"].type == "stateset"
    assert families["livesum_state"].type == "gauge"
    assert families["work_seconds"].type == "counter"
    for name in "drift_seconds_bucket", "drift_seconds_count", "drift_seconds_sum":
        assert families[name].type == "unknown"


def test_client_pythons_openmetrics_parser_accepts_created_lines(segment, everything, start_aggregator):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="install python3-prometheus-client")
    aggregator = start_aggregator(segment, flags=["--openmetrics.created-lines"])
    begun = time.time()
    families = {f.name: f for f in parser.text_string_to_metric_families(aggregator.request(headers=OPENMETRICS).text)}
    for name in "tasks", "wait_seconds", "size_bytes":
        created = [s.value for s in families[name].samples if s.name == name + "_created"]
        assert created
        assert all(begun - 600 < value <= time.time() for value in created)
    assert "tasks_created" not in aggregator.request().text
