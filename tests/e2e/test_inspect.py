"""metrics-inspect: what each command shows, as text and as JSON, its exit status, and which faults
it finds."""
import collections
import contextlib
import fcntl
import json
import os
import pty
import re
import subprocess
import time

import pytest

from aggregators import ACCEPT, Exposition
from watching import INSPECT
from workers import BUILD, clean_environment

HARM = os.path.join(BUILD, "tests", "e2e", "e2e_harm")


@pytest.fixture
def filled(worker, directory):
    """One of everything, over three processes and a thread; the worker lives."""
    one = worker.counter("alpha_total", {"kind": "one"}, help="First.")
    two = worker.counter("alpha_total", {"kind": "two"}, help="First.")
    worker.counter("alphb_total", {"kind": "one"})
    wait = worker.histogram("wait_seconds", [0.5, 1, 2])
    size = worker.summary("size_bytes")
    queue = worker.gauge("queue", "sum")
    worker.info("app", {"version": "1.2"})
    for n, process in enumerate([worker, worker.fork(directory), worker.fork(directory)], 1):
        process.inc(one, n)
        process.add(two, n + 0.5)
        process.observe(wait, n / 2)
        process.observe(size, n)
        process.set(queue, 10 * n)
    worker.thread(("inc", {"id": one, "n": 100}))
    worker.children[0].kill()
    return worker


def test_ls_shows_segments_and_how_full_they_are(segment, directory, filled, inspect):
    (row,) = inspect.json("ls")
    created = row.pop("created")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert row == {
        "segment": f"{segment}.v2", "memory_bytes": os.stat(segment + ".v2").st_blocks * 512, "slots_used": 4,
        "slots_live": 3, "slots_capacity": 2048, "cells_used": 2 * 3 + 5 + 2 + 3 + 3,
        "cells_capacity": 1 << 20, "directory_used_bytes": row["directory_used_bytes"],
        "directory_capacity_bytes": 8 << 20, "format": "2.3"}
    status, out, err = inspect("ls", at=directory)
    heading, line = out.splitlines()
    assert heading.split() == ["SEGMENT", "MEMORY", "SLOTS", "LIVE", "CELLS", "DIRECTORY", "CREATED"]
    memory = f"{row['memory_bytes'] // 1024}K"
    assert line.split() == [f"{segment}.v2", memory, "4", "3", "0%", "0%", created]
    assert (status, err) == (0, "")


def test_ls_counts_families_and_series_on_demand(segment, directory, filled, inspect):
    (without,), (row,) = inspect.json("ls"), inspect.json("ls", "--series")
    assert row == without | {"families": 6, "series": 7}
    status, out, err = inspect("ls", "--series", at=directory)
    heading, line = (text.split() for text in out.splitlines())
    assert heading == ["SEGMENT", "MEMORY", "SLOTS", "LIVE", "FAMILIES", "SERIES", "CELLS", "DIRECTORY", "CREATED"]
    assert line[2:6] == ["4", "3", "6", "7"]
    assert (status, err) == (0, "")


def test_ls_takes_a_directory_from_the_variable_as_from_the_flag(segment, directory, filled, inspect):
    (row,) = inspect.json("ls", at="", environment=clean_environment(METRICS_SEGMENT=directory))
    assert row["segment"] == f"{segment}.v2"


def test_ls_says_that_there_are_none(directory, inspect):
    status, out, err = inspect("ls", at=directory)
    assert (status, out) == (0, "")
    assert err == f"metrics-inspect: there are no segments in {directory} (yet)\n"
    status, _, err = inspect("ls", at="", environment=clean_environment(METRICS_SEGMENT="/nonexistent/x"))
    assert (status, err) == (0, "metrics-inspect: there are no segments in /nonexistent (yet)\n")


def test_ls_goes_on_after_one_that_is_none(segment, directory, filled, inspect):
    with open(os.path.join(directory, "broken.v2"), "w") as file:
        file.write("x" * 5000)
    status, out, err = inspect("ls", at=directory)
    assert (status, err) == (1, f"metrics-inspect: {directory}/broken.v2 is not a metrics segment\n")
    assert out.splitlines()[1].startswith(f"{segment}.v2 ")


def test_slots_shows_owners(filled, inspect):
    rows = inspect.json("slots")
    assert [(row["slot"], row["kind"], row["state"], row["generation"]) for row in rows] == [
        (1, "process", "live", 1), (2, "process", "dead", 1), (3, "process", "live", 1), (1025, "thread", "live", 1)]
    assert [row["command"] for row in rows] == ["e2e_worker"] * 4
    assert [rows[0]["pid"], rows[2]["pid"], rows[3]["pid"]] == [filled.pid, filled.children[0].pid, filled.pid]
    assert rows[0]["pid_namespace"] == os.stat("/proc/self/ns/pid").st_ino
    status, out, err = inspect("slots")
    lines = out.splitlines()
    assert lines[0].split() == ["SLOT", "KIND", "STATE", "PID", "COMMAND", "GENERATION", "CLAIMED", "THREADS",
                                "COUNTED", "SINCE", "CLAIM", "DROPPED"]
    assert lines[2].split()[:5] == ["2", "process", "dead", str(rows[1]["pid"]), "e2e_worker"]
    assert (status, len(lines), err) == (0, 5, "")


DUMP = """\
counter alpha: First.
  alpha_total{kind="one"} 106
  alpha_total{kind="two"} 7.5
counter alphb: Help of alphb_total
  alphb_total{kind="one"} 0
histogram wait_seconds: Help of wait_seconds
  wait_seconds_bucket{le="0.5"} 1
  wait_seconds_bucket{le="1.0"} 2
  wait_seconds_bucket{le="2.0"} 3
  wait_seconds_bucket{le="+Inf"} 3
  wait_seconds_count 3
  wait_seconds_sum 3
summary size_bytes: Help of size_bytes
  size_bytes_count 3
  size_bytes_sum 6
gauge queue: Help of queue
  queue 60
info app: \n  app_info{version="1.2"} 1
"""


def test_dump_shows_families_and_merged_values(filled, inspect):
    assert inspect("dump") == (0, DUMP, "")
    families = inspect.json("dump")
    assert [(f["name"], f["type"], f["help"]) for f in families[:2]] == [
        ("alpha", "counter", "First."), ("alphb", "counter", "Help of alphb_total")]
    assert families[0]["series"][1] == {
        "labels": {"kind": "two"}, "samples": [{"name": "alpha_total", "labels": {"kind": "two"}, "value": "7.5"}]}
    lines = [f'{s["name"]} {s["labels"]} {s["value"]}' for f in families for x in f["series"] for s in x["samples"]]
    assert len(lines) == sum(line.startswith("  ") for line in DUMP.splitlines())


def test_state_sets_are_shown_wherever_gauges_are(worker, directory, inspect):
    other = worker.fork(directory)
    for process, index in (worker, 0), (other, 1):
        process.state(process.stateset("phase", ["idle", "busy"], help="Of all."), index)
        process.state(process.stateset("doors", ["open", "shut"], {"floor": "1"}, help="How many.", mode="livesum"), 1)
    assert inspect("dump") == (0, """\
stateset phase: Of all.
  phase{phase="idle"} 0
  phase{phase="busy"} 1
gauge doors: How many.
  doors{floor="1",doors="open"} 0
  doors{floor="1",doors="shut"} 2
""", "")
    assert inspect("get", 'phase{phase="busy"}') == (0, 'phase{phase="busy"} 1\n', "")
    slots = {slot["slot"]: slot["families"] for slot in inspect.json("dump", "--per-slot")}
    assert [x["samples"][0]["value"] for x in slots[1][0]["series"]] == ["1", "0"]
    assert "# TYPE phase gauge\n" in inspect("expose")[1]
    assert inspect("verify")[0] == 0
    other.kill()
    assert inspect("get", "phase")[1] == 'phase{phase="idle"} 1\nphase{phase="busy"} 0\n'
    worker.state(0, 2)
    (dropped,) = inspect.json("dropped")["dropped"]
    assert (dropped["what"], dropped["reason"], dropped["count"]) == ("update", "state_unknown", 1)
    assert "now" not in dropped, "it is the program that decides"
    last = dropped["last"]
    assert (last["family"], last["pid"], dropped["families"]) == ("phase", worker.pid, ["phase"])
    assert dropped["since"] <= last["time"]
    row = inspect("dropped")[1].splitlines()[1]
    assert re.fullmatch(rf"update +state_unknown +1 +2\S+ +phase +{worker.pid} +2\S+ +phase", row)
    status, out, _ = inspect("why", "phase")
    assert status == 0, "it is shown"
    told = rf"\n  updates dropped: state_unknown, which began at 2\S+, last by process {worker.pid} at 2\S+\n"
    assert re.search(told, out)
    assert inspect("why", "doors")[1].count("dropped") == 0


def test_a_process_without_a_slot_is_named_without_a_family(start_worker, inspect):
    first, second = start_worker(METRICS_PROCESSES=1), start_worker(METRICS_PROCESSES=1)
    first.inc(first.counter("tasks_total"))
    second.inc(second.counter("tasks_total"))
    (dropped,) = inspect.json("dropped")["dropped"]
    assert (dropped["what"], dropped["reason"]) == ("slot", "slots_exhausted")
    assert (dropped["last"].keys(), dropped["last"]["pid"]) == ({"pid", "time"}, second.pid)
    row = inspect("dropped")[1].splitlines()[1]
    assert re.fullmatch(rf"slot +slots_exhausted +1 +2\S+ +{second.pid} +2\S+ *", row)
    assert inspect("why", "tasks")[1].count("slots_exhausted") == 0


def test_native_buckets_are_listed_behind_their_histograms_samples(worker, inspect):
    wait = worker.histogram("wait_seconds", [0.5], {"kind": "a"}, native={"max": 64, "negative": True})
    worker.observe(wait, 1, 1, 0.3, 0, -1, 100)
    (family,) = inspect.json("dump")
    buckets = family["series"][0]["native_buckets"]
    assert [b["count"] for b in buckets] == ["1", "1", "1", "2", "1"]
    assert [b["bucket"][0] + b["bucket"][-1] for b in buckets] == ["[)", "[]", "(]", "(]", "(]"]
    threshold = 2 ** -20
    ends = [(float(b["lower"]), float(b["upper"])) for b in buckets]
    assert (ends[0][0], ends[1], ends[3][1], ends[4]) == (-1, (-threshold, threshold), 1, (64, float("inf")))
    for value, (lower, upper) in (0.3, ends[2]), (1, ends[3]):
        assert lower < value <= upper < lower * 1.1
    status, out, _ = inspect("get", 'wait_seconds{kind="a"}')
    lines = out.splitlines()
    assert (status, lines[0]) == (0, 'wait_seconds_bucket{kind="a",le="0.5"} 3')
    listed = [f'wait_seconds{{kind="a"}} {b["bucket"]} {b["count"]}' for b in buckets]
    assert lines[4:] == listed
    assert inspect("dump")[1].splitlines()[5:] == [f"  {line}" for line in listed]
    named = inspect.json("get", "wait_seconds")[4:]
    assert [(s["name"], s["labels"], s["bucket"]) for s in named] == [
        ("wait_seconds", {"kind": "a"}, b["bucket"]) for b in buckets]
    assert len(inspect.json("get", "wait_seconds_sum")) == 1


def test_exemplars_are_listed_behind_their_series_samples(start_worker, inspect):
    worker, other = start_worker(METRICS_EXEMPLARS="*"), start_worker(METRICS_EXEMPLARS="*")
    begin = time.time()
    for w, value, trace_id in (worker, 0.25, "a"), (other, 0.125, "b\n"), (worker, 3, "c"):
        w.trace(value, trace_id, histogram=w.histogram("wait_seconds", [0.5], {"kind": "a"}, native={}))
    worker.trace(2, "d", counter=worker.counter("tasks_total"))
    worker.inc(worker.counter("idle_total"))
    expected = [("b\n", "0.125"), ("a", "0.25"), ("c", "3")]

    histogram, counter, idle = (family["series"][0] for family in inspect.json("dump"))
    shown = histogram["exemplars"]
    assert [(e["labels"]["trace_id"], e["value"]) for e in shown] == expected
    assert all(begin - 600 < float(e["timestamp"]) < time.time() + 600 for e in shown)
    assert [e["value"] for e in counter["exemplars"]] == ["2"]
    assert "exemplars" not in idle, "none was given"
    lines = [f'wait_seconds{{kind="a"}} # {{trace_id="{e["labels"]["trace_id"]}"}} {e["value"]} {e["timestamp"]}'
             .replace("\n", "\\n") for e in shown]
    named = 'wait_seconds{kind="a"}'
    assert inspect("get", named)[1].splitlines()[-3:] == lines
    out = inspect("dump")[1]
    assert "\n".join(f"  {line}" for line in lines) + "\n" in out
    assert re.search(r'^  tasks # \{trace_id="d"\} 2 \d', out, re.M)
    got = inspect.json("get", named)[-3:]
    assert got == [{"name": "wait_seconds", "labels": {"kind": "a"}, "exemplar": e} for e in shown]
    assert len(inspect.json("get", "wait_seconds_sum")) == 1
    slots = {s["slot"]: [e["value"] for f in s["families"] for x in f["series"] for e in x.get("exemplars", [])]
             for s in inspect.json("dump", "--per-slot")}
    assert {s: values for s, values in slots.items() if values} == {1: ["0.25", "3", "2"], 2: ["0.125"]}


def test_dump_per_slot_sums_to_dump(filled, inspect):
    def samples(families):
        return {(s["name"], *sorted(s["labels"].items())): float(s["value"])
                for f in families for x in f["series"] for s in x["samples"] if f["type"] not in ("info",)}

    slots = inspect.json("dump", "--per-slot")
    assert [slot["slot"] for slot in slots] == [0, 1, 2, 3, 1025]
    total = collections.Counter()
    for slot in slots:
        total.update(samples(slot["families"]))
    assert dict(total) == samples(inspect.json("dump"))
    text = inspect("dump", "--per-slot")[1]
    assert text.count("slot ") == 5
    assert '\nslot 1025\ncounter alpha: First.\n  alpha_total{kind="one"} 100\n' in text


def test_expose_is_what_an_aggregator_shows(filled, inspect, start_aggregator):
    status, out, err = inspect("expose")
    assert (status, err) == (0, "")
    assert out == start_aggregator().scrape().without_own()
    assert inspect.json("expose") == inspect.json("dump")


@pytest.mark.parametrize("format", ACCEPT)
def test_expose_has_the_bytes_of_a_scrape_in_each_format(format, filled, inspect, start_aggregator):
    filled.inc(filled.counter("http.requests_total"), 3)
    families = [family["name"] for family in inspect.json("dump")]
    query = "&".join("name[]=" + name for name in families)
    shown = subprocess.run([INSPECT, "--segment", inspect.segment, "expose", "--format", format], check=True,
                           capture_output=True, env=clean_environment()).stdout
    assert shown == start_aggregator().request("/metrics?" + query, headers={"Accept": ACCEPT[format]}).body
    assert b"http_requests_total" in shown


def test_expose_shows_what_flags_and_servers_ask_for(filled, inspect):
    filled.inc(filled.counter("http.requests_total"), 3)
    created = inspect("expose", "--format=openmetrics", "--created-lines")[1]
    assert "\nwait_seconds_created 1" in created
    assert '\n{"http.requests_total"} 3\n' in inspect("expose", "--escaping=allow-utf-8")[1]
    status, _, err = inspect("expose", "--format=xml")
    assert status == 2
    assert "xml" in err


def test_expose_shows_the_aggregators_own_metrics_too(filled, inspect, start_aggregator):
    status, out, err = inspect("expose", "--own-metrics")
    assert (status, err) == (0, "")
    assert out == start_aggregator(flags=["--web.disable-exporter-metrics"]).scrape().text
    assert 'metrics_segment_up{segment="' in out
    assert "process_" not in out


@pytest.mark.parametrize("selector, lines", {
    "alpha_total": ['alpha_total{kind="one"} 106', 'alpha_total{kind="two"} 7.5'],
    "alpha": ['alpha_total{kind="one"} 106', 'alpha_total{kind="two"} 7.5'],
    'alpha_total{kind="two"}': ['alpha_total{kind="two"} 7.5'],
    'alpha_total{ kind="two" , }': ['alpha_total{kind="two"} 7.5'],
    "queue{}": ["queue 60"],
    'wait_seconds{le="1.0"}': ['wait_seconds_bucket{le="1.0"} 2'],
    "wait_seconds_count": ["wait_seconds_count 3"],
    'app_info{version="1.2"}': ['app_info{version="1.2"} 1'],
}.items())
def test_get_shows_what_the_selector_means(selector, lines, filled, inspect):
    assert inspect("get", selector) == (0, "".join(line + "\n" for line in lines), "")
    assert len(inspect.json("get", selector)) == len(lines)


def test_get_says_when_nothing_matches(filled, inspect):
    status, out, err = inspect("get", 'alpha_total{kind="three"}')
    assert (status, out) == (1, "")
    assert err == ("metrics-inspect: no sample matches alpha_total{kind=\"three\"}: no series has these labels; "
                   "without them all are shown\n")


@pytest.mark.parametrize("selector, where, what", [
    ("", 1, "a name is missing"),
    ('{kind="one"}', 1, "a name is missing"),
    ("alpha-total", 6, "a name can't have this character, unless it is quoted in braces"),
    ("alpha_total{", 13, "a ',' or the closing '}' is missing"),
    ("alpha_total{kind}", 17, "a '=' is missing"),
    ("alpha_total{kind=one}", 18, "the label's value must stand in '\"'"),
    ('alpha_total{kind="one}', 23, "the closing '\"' is missing"),
    ('alpha_total{kind!"one"}', 17, "a '=' is missing"),
    ('alpha_total{="one"}', 13, "a label's name is missing"),
    ('alpha_total{kind="one" b="c"}', 24, "a ',' or the closing '}' is missing"),
    ('alpha_total{kind="one"} 1', 24, "something follows the closing '}'"),
])
def test_get_shows_where_a_selector_goes_wrong(selector, where, what, filled, inspect):
    assert inspect("get", selector) == (2, "", (
        f"metrics-inspect: selector {selector} is not understood at character {where}: {what}; "
        "write e.g. 'tasks_total{type=\"image\"}'\n"))


def test_label_values_are_escaped_alike_in_get_and_in_what_it_shows(worker, inspect):
    worker.inc(worker.counter("odd_total", {"text": 'a\\b"c\nd{é}'}))
    spelled = r'odd_total{text="a\\b\"c\nd{é}"}'
    assert inspect("get", spelled) == (0, spelled + " 1\n", "")


@pytest.mark.parametrize("command", ["slots", "dump", "expose", "get x", "dump --per-slot", "ls", "verify"])
def test_a_missing_segment_is_a_fault(command, segment, inspect):
    status, out, err = inspect(*command.split())
    assert status == 1
    why = f"{segment}.v2 does not exist (yet): no worker has created it"
    if command == "verify":
        assert (out, err) == (f"{why}\n{segment}.v2: 1 fault\n", "")
    else:
        assert err == f"metrics-inspect: {why}\n"


@pytest.mark.parametrize("command", ["slots", "dropped", "dump", "expose", "get x", "dump --per-slot", "verify"])
def test_a_directory_is_named_as_one_with_what_to_write(command, directory, inspect):
    for at in (directory, directory + "/"):
        status, out, err = inspect(*command.split(), at=at)
        assert (status, out) == (2, "")
        assert err == f"metrics-inspect: {at} is a directory; no segment is in it (yet)\n"
    for name in ("one", "two"):
        with open(os.path.join(directory, name + ".v2"), "w"):
            pass
    assert inspect(*command.split(), at=directory) == (
        2, "", f"metrics-inspect: {directory} is a directory; write e.g. --segment={directory}/one; 'ls' lists all 2\n")
    done = subprocess.run([INSPECT, *command.split()], capture_output=True, text=True,
                          env=clean_environment(METRICS_SEGMENT=directory))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"metrics-inspect: $METRICS_SEGMENT is {directory}, a directory; write e.g. ")


def test_a_segment_beside_a_directory_of_its_name_is_found(segment, filled, inspect):
    os.mkdir(segment)
    assert inspect("verify") == (0, f"{segment}.v2: 0 faults\n", "")


def test_a_copy_without_the_ending_is_seen(segment, filled, directory, inspect):
    os.rename(segment + ".v2", directory + "/copy")
    assert inspect("slots", at=directory + "/copy") == (1, "", (
        f"metrics-inspect: {directory}/copy.v2 does not exist, but {directory}/copy does: the name of a segment's file "
        "ends with .v2; rename it\n"))


def test_who_may_not_read_a_segment_sees_whose_it_is_and_what_to_do(segment, filled, directory):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")

    def slots_as(user):
        done = subprocess.run([INSPECT, "--segment", segment, "slots"], capture_output=True, text=True, user=user,
                              extra_groups=[], group=user, env=clean_environment())
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr.removeprefix(f"metrics-inspect: {segment}.v2 can't be opened: Permission denied: ")

    assert slots_as(1001) == (f"the directory {directory} belongs to user 0 and group 0, mode 0700, and this process "
                              "runs as user 1001; let it into that directory, or choose another path\n")
    os.chmod(directory, 0o755)
    assert slots_as(1001) == ("it belongs to user 0 and group 0, mode 0600, and this process runs as user 1001; run it "
                              "as that user, or set METRICS_GROUP, to a group that both users are in, before the "
                              "segment is created\n")
    os.chmod(segment + ".v2", 0o660)
    assert slots_as(1001) == ("it belongs to user 0 and group 0, mode 0660, and this process runs as user 1001; run it "
                              "as that user or in that group\n")


def test_an_info_with_its_labels_in_another_order_is_one(worker, inspect, start_aggregator):
    worker.info("build", {"version": "1", "commit": "a"})
    worker.info("build", {"commit": "a", "version": "1"})
    out = inspect("expose")[1]
    assert [line for line in out.splitlines() if not line.startswith("#")] == ['build_info{commit="a",version="1"} 1']
    assert out == start_aggregator().scrape().without_own()


@pytest.mark.parametrize("arguments, complaint", {
    "": "a command is missing, e.g. ls",
    "explode": "unexpected argument explode (did you mean expose?)",
    "get": "NAME is required",
    "dump --per-day": "unknown flag --per-day",
    "ls extra": "unexpected argument extra",
}.items())
def test_wrong_words_are_one_clear_line_and_status_2(arguments, complaint, inspect):
    assert inspect(*arguments.split()) == (2, "", f"metrics-inspect: {complaint}; see --help\n")


def test_output_that_cannot_be_written_is_a_fault(filled, segment):
    with open("/dev/full", "w") as full:
        done = subprocess.run([os.path.join(BUILD, "tools", "metrics-inspect"), "--segment", segment, "dump"],
                              stdout=full, stderr=subprocess.PIPE, text=True, env=clean_environment())
    assert (done.returncode, done.stderr) == (1, "metrics-inspect: can't write all of the output\n")


def test_without_a_flag_it_shows_the_segment_that_workers_take(segment, filled):
    done = subprocess.run([os.path.join(BUILD, "tools", "metrics-inspect"), "dump"], capture_output=True, text=True,
                          env=clean_environment(METRICS_SEGMENT=segment))
    assert (done.returncode, done.stdout) == (0, DUMP)


def test_verify_finds_nothing_in_a_good_segment(segment, filled, inspect):
    assert inspect("verify") == (0, f"{segment}.v2: 0 faults\n", "")
    assert inspect.json("verify") == {"segment": f"{segment}.v2", "faults": []}


FAULTS = {
    "magic": "is not a metrics segment",
    "major": "has format 9.3; this program knows 2.x",
    "header size": "has a header of 8 bytes",
    "parts": "has a header whose parts don't fit together",
    "file size": "has a header whose parts don't fit together|is truncated",
    "chain outside": r"chain \d+ leads to \d+, outside",
    "circle": r"chain \d+ leads to \d+, where a chain has been",
    "record size": "has an impossible size",
    "record beyond": "reaches beyond the directory",
    "records overlap": "shares bytes with the record",
    "fixed part": "has a fixed part of an impossible size",
    "strings outside": "has strings that reach beyond its room, or out of the directory",
    "strings shared": "shares strings with the record",
    "cells without room": "has more cells than room for them",
    "family name": "family at .* the metric name is not valid UTF-8",
    "family twice": 'has the same definition as another family "alpha"',
    "bounds": "ascending",
    "bound count": "has too many labels, bounds or states",
    "native schema": "has a native schema of 9; it goes from 0 to 8",
    "native window": r"has a native window from 2\^-32768 to 2\^12",
    "native buckets": "has 16384 native buckets; at most 4096 are possible",
    "native cells": "has cells that its family does not have or a slot does not hold",
    "string beyond": "has strings that reach beyond its record",
    "no family": "is a series of no family",
    "cells outside": "has cells that its family does not have or a slot does not hold",
    "cell count": "has cells that its family does not have or a slot does not hold",
    "cells shared": "shares cells with the record at",
    "label no UTF-8": "has a label value that is not valid UTF-8",
    "series twice": "is a second series with the same labels",
    "string count": "has another number of labels than its family",
    "generation": "head of slot 1 has generation 1073741824, out of range",
    "lane's owner": "head of slot 1025 names an owner that can't be: slot 0, generation 5",
    "shared slot's owner": "head of slot 0 names an owner, but it is everybody's",
    "negative fraction": '"alpha" in slot 1 counts a negative fraction, or NaN',
    "NaN fraction": '"alpha" in slot 1 counts a negative fraction, or NaN',
    "gauge's generation": '"queue" in slot 1 holds a generation out of range',
    "gauge in the shared slot": '"queue" in slot 0 holds a gauge\'s value, outside of a process\'s slot',
}


def test_every_fault_that_can_be_made_is_tested():
    known = subprocess.run([HARM], capture_output=True, text=True, check=True).stdout.splitlines()
    assert set(known) == set(FAULTS)


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_finds_each_fault_and_an_exposition_stays_valid(fault, segment, filled, inspect, start_aggregator):
    file = segment + ".v2"
    if fault.startswith("native"):
        filled.observe(filled.histogram("native_seconds", [0.7], native={}), 0.3)
    filled.kill()
    aggregator = start_aggregator()
    aggregator.scrape()
    subprocess.run([HARM, file, fault], check=True)
    status, out, err = inspect("verify")
    *faults, last = out.splitlines()
    assert (status, err) == (1, "")
    assert any(re.search(FAULTS[fault], line) for line in faults), faults
    assert last == f"{file}: {len(faults)} fault{'s' * (len(faults) != 1)}"
    assert aggregator.scrape().value("metrics_segment_up", segment=segment) is not None
    status, out, err = inspect("expose")
    assert status in (0, 1)
    Exposition(out)


# What a terminal obeys, or what turns the direction of the text after it.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
TITLE = "\x1b]0;title\x07\x9b2J"


@pytest.fixture
def hostile(directory, start_worker):
    """The path of a segment whose program chose every text to deceive whoever looks at it."""
    path = os.path.join(directory, "\x1b[2J\nfake 0 faults\u202e")
    program = os.path.join(directory, "\x1b[2Jbash")  # the name of its command
    os.symlink(os.path.join(BUILD, "tests", "e2e", "e2e_worker"), program)
    worker = start_worker(at=path, program=program)
    worker.inc(worker.counter("alpha_total", {"kind": TITLE}, help="First.\ncounter fake: \x1b[1mline"))
    return path


@pytest.mark.parametrize("command, lines", {
    "ls": 2, "slots": 2, "dropped": 1, "dump": 2, "dump --per-slot": 6, "get alpha_total": 1, "verify": 1,
}.items())
def test_what_others_chose_neither_steers_a_terminal_nor_fakes_a_line(command, lines, hostile, inspect):
    status, out, err = inspect(*command.split(), at=hostile)
    assert (status, err) == (0, "")
    assert not STEERING.search(out), ascii(out)
    assert len(out.splitlines()) == lines
    assert not any(line.startswith(("fake", "counter fake")) for line in out.splitlines())
    status, out, err = inspect("--json", *command.split(), at=hostile)
    assert not STEERING.search(out), ascii(out)
    json.loads(out)


def test_json_has_the_very_text(hostile, inspect):
    (family,) = inspect.json("dump", at=hostile)
    assert family["help"] == "First.\ncounter fake: \x1b[1mline"
    assert family["series"][0]["labels"] == {"kind": TITLE}
    assert inspect.json("slots", at=hostile)[0]["command"] == "\x1b[2Jbash"


def test_a_complaint_is_one_line_whatever_the_file_is_called(hostile, inspect):
    for arguments, at in {("slots",): hostile + "\x1b", ("get", "\x1b[2J"): hostile, ("verify",): "\x1b[2J/\n"}.items():
        status, out, err = inspect(*arguments, at=at)
        assert status != 0
        assert not STEERING.search(out + err), ascii(err)
        assert len((out + err).splitlines()) == (2 if out else 1)


def test_expose_has_the_bytes_of_a_scrape_except_for_a_terminal(hostile, inspect, start_aggregator):
    assert inspect("expose", at=hostile)[1] == start_aggregator(hostile).scrape().without_own()
    terminal, side = pty.openpty()
    subprocess.run([INSPECT, "--segment", hostile, "expose"], stdout=side, check=True, env=clean_environment())
    os.close(side)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: all was read
        while chunk := os.read(terminal, 1 << 16):
            shown += chunk
    os.close(terminal)
    shown = shown.decode().replace("\r\n", "\n")  # as terminals have them
    assert not STEERING.search(shown), ascii(shown)
    assert 'alpha_total{kind="\\u001b]0;title\\u0007\\u009b2J"} 1\n' in shown


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_the_aggregators_log_does_not_steer_a_terminal_either(form, hostile, start_aggregator):
    aggregator = start_aggregator(hostile, hostile + "-none", flags=[f"--log.format={form}"])
    aggregator.scrape()
    assert aggregator.end() == 0
    assert not any(STEERING.search(line) for line in aggregator.log), ascii(aggregator.log)
    assert any("bash" in line for line in aggregator.log)


def test_verify_finds_a_lock_that_is_no_workers(segment, filled, inspect):
    filled.children[0].kill()
    with open(segment + ".v2", "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX, 5, (3 << 32) + 100)
        status, out, _err = inspect("verify")
        assert (status, out.splitlines()[0]) == (1, "lock of slot 3 is not one that a worker takes")
    assert inspect("verify")[0] == 0
