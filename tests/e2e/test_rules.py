"""The rules in aggregator/docs: promtool evaluates them, and each metric that they name is one that
the aggregator serves."""
from pathlib import Path
import re
import shutil
import subprocess

import pytest

yaml = pytest.importorskip("yaml", reason="python3-yaml is missing")

DOCS = Path(__file__).parents[2] / "aggregator/docs"
FILES = ["alerts.yml", "recording.yml"]
RULES = {rule.get("alert") or rule["record"]: rule for file in FILES
         for group in yaml.safe_load((DOCS / file).read_text())["groups"] for rule in group["rules"]}
ALERTS = [name for name, rule in RULES.items() if "alert" in rule]

TARGET = {"job": "workers", "instance": "a:8001"}
SEGMENT = {**TARGET, "segment": "/s"}
WEEK = 7 * 24 * 60 * 60


def promtool(*arguments):
    if not shutil.which("promtool"):
        pytest.skip("promtool is missing; install prometheus")
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def series(name, values, /, **labels):
    """Samples, a minute apart; values as in promtool's test files."""
    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f"{name}{{{pairs}}}", "values": values}


def slots(live):
    return [series("metrics_segment_slots", f"{value}x60", **SEGMENT, state=state)
            for state, value in (("live", live), ("dead", 10), ("free", 90 - live))]


# What an aggregator looks like that nothing is wrong with.
FINE = [
    series("up", "1x60", **TARGET),
    series("metrics_aggregator_build_info", "1x60", **TARGET, version="1"),
    series("metrics_segment_up", "1x60", **SEGMENT),
    series("metrics_segment_created_timestamp_seconds", "1000x60", **SEGMENT),
    *slots(live=10),
    *(series(f"metrics_segment_dropped_{what}_total", "7x60", **SEGMENT, reason="r")
      for what in ("series", "updates", "slot_claims")),
    series("metrics_segment_refusing", "0x60", **SEGMENT, reason="r"),
    series("metrics_segment_hidden_families", "0x60", **SEGMENT),
    series("metrics_segment_cells_used", "80x60", **SEGMENT),
    series("metrics_segment_cells_capacity", "100x60", **SEGMENT),
    series("metrics_segment_directory_used_bytes", "80x60", **SEGMENT),
    series("metrics_segment_directory_capacity_bytes", "100x60", **SEGMENT),
    series("metrics_segment_memory_bytes", "4096x60", **SEGMENT),
    series("metrics_aggregator_http_connections_closed_total", "7x60", **TARGET, reason="buffered_limit"),
    series("metrics_aggregator_http_connections_closed_total", "0+9x60", **TARGET, reason="answered"),
    series("metrics_aggregator_web_config_last_reload_successful", "1x60", **TARGET),
    series("metrics_aggregator_tls_certificate_expiry_timestamp_seconds", f"{30 * 60 + WEEK + 1}x60", **TARGET),
    # Without TLS, and without a configuration.
    series("metrics_aggregator_tls_certificate_expiry_timestamp_seconds", "0x60", job="workers", instance="plain:8001"),
    # A target that is down, and is no aggregator.
    series("up", "0x60", job="node", instance="a:9100"),
]

# For each alert: what is otherwise, and the labels and the value with which it fires, half an hour
# later.
BAD = {
    "MetricsAggregatorDown": (
        [series("up", "0x60", **TARGET), series("metrics_aggregator_build_info", "1 stale", **TARGET, version="1")],
        TARGET, 0),
    "MetricsSegmentUnreadable": ([series("metrics_segment_up", "0x60", **SEGMENT)], SEGMENT, 0),
    "MetricsSegmentReplaced": (
        [series("metrics_segment_created_timestamp_seconds", "1000x20 2000x40", **SEGMENT)], SEGMENT, 1),
    "MetricsUpdatesDropped": (
        [series("metrics_segment_dropped_updates_total", "0+60x60", **SEGMENT, reason="r")],
        {**SEGMENT, "reason": "r"}, 1),
    "MetricsSeriesRefused": (
        [series("metrics_segment_dropped_series_total", "0+60x60", **SEGMENT, reason="r")],
        {**SEGMENT, "reason": "r"}, 1),
    "MetricsSegmentRefusing": (
        [series("metrics_segment_refusing", "1x60", **SEGMENT, reason="r")], {**SEGMENT, "reason": "r"}, 1),
    "MetricsFamilyHidden": ([series("metrics_segment_hidden_families", "2x60", **SEGMENT)], SEGMENT, 2),
    "MetricsSegmentCellsNearlyUsed": ([series("metrics_segment_cells_used", "81x60", **SEGMENT)], SEGMENT, 0.81),
    "MetricsSegmentDirectoryNearlyFull": (
        [series("metrics_segment_directory_used_bytes", "81x60", **SEGMENT)], SEGMENT, 0.81),
    "MetricsSegmentSlotsNearlyUsed": (slots(live=81), SEGMENT, 0.81),
    "MetricsProcessesWithoutSlot": (
        [series("metrics_segment_dropped_slot_claims_total", "0+60x60", **SEGMENT, reason="r")],
        {**SEGMENT, "reason": "r"}, 1),
    "MetricsAggregatorWebConfigFaulty": (
        [series("metrics_aggregator_web_config_last_reload_successful", "0x60", **TARGET)], TARGET, 0),
    "MetricsAggregatorCertificateExpires": (  # promtool's clock begins at 0
        [series("metrics_aggregator_tls_certificate_expiry_timestamp_seconds", f"{WEEK}x60", **TARGET)], TARGET, WEEK),
    "MetricsAggregatorConnectionsGiveWay": (
        [series("metrics_aggregator_http_connections_closed_total", "0+60x60", **TARGET, reason="buffered_limit")],
        {**TARGET, "reason": "buffered_limit"}, 1),
}


def expanded(text, labels, value):
    """What Prometheus makes of an annotation."""
    text = re.sub(r"{{ \$labels\.(\w+) }}", lambda match: labels[match[1]], text)
    return text.replace("{{ $value | humanizePercentage }}", f"{value * 100:.4g}%").replace("{{ $value }}", str(value))


def evaluated(tmp_path, input_series, **tests):
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({
        "rule_files": [str(DOCS / name) for name in FILES], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": input_series, **tests}]}))
    return promtool("test", "rules", file)


@pytest.mark.parametrize("file", FILES)
def test_promtool_finds_nothing_to_mend(file):
    status, said = promtool("check", "rules", "--lint=all", "--lint-fatal", DOCS / file)
    assert status == 0, said


def test_each_alert_is_tested():
    assert sorted(BAD) == sorted(ALERTS)


def test_no_alert_fires_where_nothing_is_wrong(tmp_path):
    status, said = evaluated(tmp_path, FINE, alert_rule_test=[
        {"alertname": name, "eval_time": "30m", "exp_alerts": []} for name in ALERTS])
    assert status == 0, said


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_fires_for_its_cause_and_says_where_it_is(tmp_path, name):
    otherwise, labels, value = BAD[name]
    changed = {given["series"] for given in otherwise}
    rule = RULES[name]
    alert = {"exp_labels": {**labels, **rule["labels"]},
             "exp_annotations": {key: expanded(text, labels, value) for key, text in rule["annotations"].items()}}
    status, said = evaluated(
        tmp_path, [given for given in FINE if given["series"] not in changed] + otherwise,
        alert_rule_test=[{"alertname": name, "eval_time": "30m", "exp_alerts": [alert]}])
    assert status == 0, said


def test_recorded_values(tmp_path):
    other = {**SEGMENT, "instance": "b:8001"}
    hosts = FINE + [{**given, "series": given["series"].replace("a:8001", "b:8001")} for given in FINE
                    if "a:8001" in given["series"]]

    def recorded(name, *samples):
        pairs = [(",".join(f'{key}="{text}"' for key, text in labels.items()), value) for labels, value in samples]
        return {"expr": name, "eval_time": "30m",
                "exp_samples": [{"labels": f"{name}{{{labels}}}", "value": value} for labels, value in pairs]}

    job = {"job": "workers"}
    expected = [
        recorded("job_instance_segment:metrics_segment_cells:used_ratio", (SEGMENT, 0.8), (other, 0.8)),
        recorded("job_instance_segment:metrics_segment_directory_bytes:used_ratio", (SEGMENT, 0.8), (other, 0.8)),
        recorded("job_instance_segment:metrics_segment_slots:live_ratio", (SEGMENT, 0.1), (other, 0.1)),
        recorded("job:metrics_segment_slots_live:sum", (job, 20)),
        recorded("job:metrics_segment_memory_bytes:sum", (job, 8192)),
        recorded("job:metrics_segment_dropped:rate5m", (job, 0)),
    ]
    assert sorted(test["expr"] for test in expected) == sorted(RULES.keys() - ALERTS)
    status, said = evaluated(tmp_path, hosts, promql_expr_test=expected)
    assert status == 0, said


WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"}


def selectors(expression):
    """{(metric, label names that it is selected by)} of an expression in PromQL."""
    expression = re.sub(r"\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)", " ", expression)
    found = re.findall(r"([a-zA-Z_:][\w:]*)\b(?: *{([^}]*)})?(?! *\()", re.sub(r"\[[^]]*\]", "", expression))
    return {(name, tuple(re.findall(r"(\w+) *[=!]~?", matchers))) for name, matchers in found if name not in WORDS}


def test_selectors_are_found():
    assert selectors('sum by (a) (rate(x_total{b=~"c"}[5m])) / on (d) y:z > 0.8 and bool up == 0') == {
        ("x_total", ("b",)), ("y:z", ()), ("up", ())}


def test_each_metric_that_the_rules_name_is_served_and_has_the_labels(worker, start_aggregator, tmp_path):
    worker.inc(worker.counter("tasks_total"))
    config = tmp_path / "web.yml"
    config.write_text("")  # without one, there are no samples about it
    served = {}
    for name, labels in start_aggregator(flags=[f"--web.config.file={config}"]).scrape().samples:
        served.setdefault(name, set()).update(label for label, _ in labels)
    assert "tasks_total" in served
    served["up"] = set()  # Prometheus's own
    served |= {name: set() for name, rule in RULES.items() if "record" in rule}
    for name, rule in RULES.items():
        for metric, labels in selectors(rule["expr"]):
            assert metric in served, name
            assert served[metric] >= set(labels), name
