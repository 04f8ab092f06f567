"""The story of tools/inspect/README.md: each question at night is answered by one command."""
import json
import os
from pathlib import Path
import re
import signal
import subprocess
import threading

import pytest

from watching import INSPECT
from workers import PATIENCE, clean_environment

README = Path(__file__).parents[2] / "tools/inspect/README.md"


@pytest.fixture
def night(start_worker, directory):
    """A service in trouble: a busy worker, one that is stopped, a family without an end, and a
    metric that the last release hides."""
    old = start_worker(METRICS_CELLS=512)
    old.jobs = old.counter("jobs_total")
    old.waits = old.histogram("wait_seconds", [0.1, 1])
    old.inc(old.counter("requests_total"), 3)
    stuck, busy = old.fork(directory), old.fork(directory)
    for process in old, stuck, busy:
        process.inc(old.jobs)
    for n in range(250):  # more than there is room for
        old.ask("counter", name="sessions_total", labels=["id"], values=[f"user {n}"])
    start_worker(METRICS_CELLS=512).gauge("requests_total", "max")
    os.kill(stuck.pid, signal.SIGSTOP)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            busy.inc(old.jobs)
            busy.observe(old.waits, 0.05)

    thread = threading.Thread(target=work)
    thread.start()
    yield {"old": old.pid, "stuck": stuck.pid, "busy": busy.pid}
    stop.set()
    thread.join()
    os.kill(stuck.pid, signal.SIGCONT)


def answered(inspect, *arguments):
    return inspect(*arguments)[1].splitlines()


def test_which_worker_is_hot_and_which_is_stuck(night, inspect):
    lines = answered(inspect, "top", "--page", "workers", "--interval", "0.3")
    assert lines[2].split()[:6] == ["PID", "COMMAND", "STATE", "THR", "EVENTS", "PER"]
    rows = {int(line.split()[0]): line.split() for line in lines[3:]}
    first = int(lines[3].split()[0])
    assert first == night["busy"], "the hottest comes first"
    assert rows[night["busy"]][8] == "now"
    assert rows[night["stuck"]][5] == "0"
    assert rows[night["stuck"]][8].startswith(">"), "nothing of it has changed since top began"


def test_which_family_eats_the_space(night, inspect):
    assert answered(inspect, "space")[1].split()[:2] == ["sessions", "counter"]


def test_what_was_dropped(night, inspect):
    (line,) = [line for line in answered(inspect, "dropped") if line.startswith("series")]
    assert line.split()[:2] == ["series", "cells_full"]
    assert "sessions " in line
    assert f" {night['old']} " in line


def test_why_my_metric_is_missing(night, inspect):
    status, out, _err = inspect("why", "requests")
    assert status == 1
    assert out.startswith("requests: registered, counted, not shown\n")
    assert 'hidden by the gauge "requests_total" of mode max' in out
    assert f"counted by {night['old']} e2e_worker (live, slot 1): 3" in out


def test_what_has_changed_in_the_last_seconds(night, segment):
    done = subprocess.run([INSPECT, "--segment", segment, "--json", "diff", "--interval", "0.3"], capture_output=True,
                          text=True, check=True, timeout=PATIENCE, env=clean_environment())
    changed = {sample["name"] for sample in json.loads(done.stdout)["samples"]}
    assert "jobs_total" in changed
    assert "wait_seconds_count" in changed
    assert not any(name.startswith(("sessions", "requests")) for name in changed)


def test_the_page_asks_these_questions_and_its_links_lead_somewhere():
    text = README.read_text()
    for question in ("Which worker is hot, which is stuck?", "Which family eats the space?", "What was dropped?",
                     "Why is my metric missing?", "What has changed in the last ten seconds?"):
        assert f"| {question} |" in text
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
               for heading in re.findall(r"^## (.*)$", text, re.M)}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", text)) <= anchors


def test_each_command_of_the_page_is_one(inspect):
    listed = re.findall(r"^\| `([a-z]+)[ `]", README.read_text().partition("## At night")[0], re.M)
    out = subprocess.run([INSPECT, "--help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z]+) ", out.partition("Subcommands:")[2], re.M)
    assert set(listed) | {"snapshot"} == set(commands)
