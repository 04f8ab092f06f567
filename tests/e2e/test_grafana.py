"""Grafana's dashboards in aggregator/docs/grafana: promtool parses each expression, and each metric
and label in it is one that is served. No Grafana has shown them here."""
import json
import os
from pathlib import Path
import re
import subprocess

import pytest

from test_rules import promtool, selectors
from workers import BUILD, clean_environment, until

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "aggregator/docs/grafana"
FILES = sorted(DOCS.glob("*.json"))
BOARDS = {file.stem: json.loads(file.read_text()) for file in FILES}
ENGINE = os.path.join(BUILD, "libmetrics", "examples", "engine", "engine")
# What Grafana puts in the place of its variables.
VALUES = {"$__rate_interval": "5m", "$job": "workers", "$instance": ".*", "$segment": ".*", "$hostname": ".*"}


def expressions(board):
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    for variable, value in VALUES.items():
        found = [expression.replace(variable, value) for expression in found]
    return found


@pytest.fixture
def exposition(segment, tmp_path, start_aggregator):
    """A scrape of a daemon that has all that it can have, while bamboo-engine's example works."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "text").write_text("all work and no play\n" * 1000)
    (files / "empty").write_text("")
    (files / "noise").write_bytes(b"\0" + os.urandom(5000))
    (files / "large").write_bytes(b"x" * ((1 << 20) + 1))
    config = tmp_path / "web.yml"
    config.write_text("")
    with open(segment + "-no.v2", "w"):
        pass  # which can't be read
    aggregator = start_aggregator(segment, segment + "-no", flags=[f"--web.config.file={config}"])
    engine = subprocess.Popen([ENGINE, "--workers", "2", str(files)], stdout=subprocess.DEVNULL,
                              env=clean_environment(METRICS_SEGMENT=segment, TMPDIR=tmp_path))
    try:
        names = re.findall(r"^# TYPE (engine_\w+)", (ROOT / "libmetrics/bamboo/METRICS.md").read_text(), re.M)
        assert len(names) == 39

        def whole():
            scraped = aggregator.scrape()
            there = {name for name, _ in scraped.samples}
            return all(name in there or name + "_count" in there for name in names) and scraped

        return until("all 39 families have samples", whole)
    finally:
        engine.terminate()
        engine.wait()


def test_they_are_made_of_what_is_served_now(exposition, tmp_path):
    made = tmp_path / "made"
    subprocess.run([ROOT / "tools/grafana", made], input=exposition.text, text=True, check=True)
    assert {file.name: file.read_text() for file in made.iterdir()} == {file.name: file.read_text() for file in FILES}


def test_each_metric_in_them_is_served_and_has_the_labels(exposition):
    served = {}
    for name, labels in exposition.samples:
        served.setdefault(name, {"job", "instance"}).update(label for label, _ in labels)
    # It has no sample unless a family is hidden.
    served["metrics_segment_hidden_family_info"] = {"job", "instance", "segment"}
    for name, board in BOARDS.items():
        for expression in expressions(board):
            for metric, labels in selectors(expression):
                assert metric in served, (name, expression)
                assert served[metric] >= set(labels), (name, expression)


def test_each_family_is_on_a_panel(exposition):
    shown = " ".join(expression for board in BOARDS.values() for expression in expressions(board))
    for family in re.findall(r"^# TYPE (\S+)", exposition.without_own(), re.M):
        assert re.search(rf"\b{family}(_count|_bucket)?\b", shown), family


@pytest.mark.parametrize("name", BOARDS)
def test_promtool_parses_each_expression(name, tmp_path):
    rules = [{"record": f"panel:{i}", "expr": expression} for i, expression in enumerate(expressions(BOARDS[name]))]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    status, said = promtool("check", "rules", file)
    assert status == 0, said
    assert f"{len(rules)} rules found" in said


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_of_their_own_and_overlap_nowhere(name):
    board = BOARDS[name]
    assert (board["schemaVersion"], board["templating"]["list"][0]["type"]) == (39, "datasource")
    panels = board["panels"]
    assert sorted(panel["id"] for panel in panels) == list(range(1, len(panels) + 1))
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"
    assert len({board["uid"] for board in BOARDS.values()}) == len(BOARDS)
