"""The exposition before judges who did not write it: promtool, and client_python's parsers."""
import math
from pathlib import Path
import shutil
import subprocess

import pytest

TROUBLE = 'C:\\new "quoted"\nsecond line, \\n is no line feed, é 漢字 😀 }{,='
HELP = 'Back\\slash, "quotes",\nline feed, \\n, é 漢字 😀'


@pytest.fixture
def exposition(segment, directory, worker, start_worker, start_aggregator):
    """One of everything, from living and dead processes, and a segment that is missing."""
    child = worker.fork(directory)
    for n, process in enumerate((worker, child, start_worker()), 1):
        process.inc(process.counter("tasks_total", {"text": TROUBLE}, help=HELP), 2 ** 53 + 1)
        process.add(process.counter("work_seconds_total"), n / 3)
        for mode in ("all", "liveall", "sum", "livesum", "min", "livemin", "max", "livemax", "mostrecent",
                     "livemostrecent"):
            process.set(process.gauge(f"{mode}_queue", mode), -n / 7)
        process.observe(process.histogram("wait_seconds", [0, 0.005, 1, 2.5, 1e7]), 0, 0.1, n, 1e300)
        process.observe(process.summary("size_bytes", {"text": TROUBLE}), n)
    for value in "+Inf", "-Inf", "NaN", 5e-324, 1.7976931348623157e308:
        worker.set(worker.gauge("extreme", "sum", {"is": str(value)}), value)
    worker.info("app", {"version": TROUBLE}, help=HELP)
    worker.ask("counter", name="unborn_total", labels=["a"], values=["b"])
    child.kill()
    return start_aggregator(segment, segment + "-missing").scrape()


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


def check(families, exposition):
    """What a parser read is what Exposition read, by names, labels, values, types and help."""
    read = {}
    for family in families.values():
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in read
            read[key] = float(sample.value)
    assert read.keys() == exposition.samples.keys()
    for key, value in read.items():
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


def test_client_pythons_openmetrics_parser_accepts_it_once_put_in_its_words(exposition):
    """It is stricter: bucket order, +Inf and _count, no sample twice, families whole. The formats
    differ by EOF, in a counter's family name, and in an info's type."""
    parser = pytest.importorskip("prometheus_client.openmetrics.parser", reason="install python3-prometheus-client")
    lines = []
    for line in exposition.text.splitlines():
        words = line.split(" ", 3)
        if line.startswith("# "):
            for ending, kind in ("_total", "counter"), ("_info", "info"):
                if words[2].endswith(ending):
                    words[2] = words[2][:-len(ending)]
                    if words[1] == "TYPE":
                        words[3] = kind
            if words[1] == "HELP":
                words[3] = words[3].replace('"', '\\"')
        lines.append(" ".join(words) if line.startswith("# ") else line)
    text = "\n".join([*lines, "# EOF"]) + "\n"
    check({f.name: f for f in parser.text_string_to_metric_families(text)}, exposition)
