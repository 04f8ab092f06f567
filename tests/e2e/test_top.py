"""metrics-inspect top: on a real terminal, of tmux; and without one. Every figure is held against
a scrape."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from test_inspect import STEERING, TITLE
from watching import INSPECT
from workers import PATIENCE, clean_environment, until

SIZES = [(80, 24), (200, 60)]


class Tmux:
    """A server of its own with one terminal, in which a shell runs."""

    def __init__(self, directory, width, height):
        self.socket = os.path.join(directory, "tmux")
        environment = clean_environment(LC_ALL="C.UTF-8", HOME=directory, PS1="$ ", ENV="")
        environment.pop("TMUX", None)
        self.environment = environment
        # Dies with this process, even if that is killed.
        self.server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "tmux", "-D", "-f", "/dev/null", "-S",
                                        self.socket], env=environment)
        until("the server is there", lambda: os.path.exists(self.socket))
        self("new-session", "-d", "-x", str(width), "-y", str(height), "sh")
        until("the shell is there", lambda: self.text().startswith(("$", "#")))

    def __call__(self, *arguments):
        return subprocess.run(["tmux", "-S", self.socket, *arguments], check=True, capture_output=True, text=True,
                              timeout=PATIENCE, env=self.environment).stdout

    def keys(self, *keys):
        self("send-keys", *keys)

    def type(self, text):
        self("send-keys", "-l", text)

    def text(self):
        return self("capture-pane", "-p")

    def lines(self):
        return self.text().split("\n")[:-1]

    def shows(self, *parts):
        """Waits until the terminal shows all of the texts, and returns its lines."""
        def look():
            text = self.text()
            return text if all(part in text for part in parts) else None
        return until(f"the terminal shows {parts}", look).split("\n")[:-1]

    def resize(self, width, height):
        self("resize-window", "-x", str(width), "-y", str(height))

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True, env=self.environment)
        self.server.wait()


@pytest.fixture
def terminal(directory):
    if not shutil.which("tmux"):
        pytest.skip("tmux is missing")
    started = []

    def start(width=80, height=24):
        place = os.path.join(directory, f"terminal{len(started)}")
        os.mkdir(place)
        started.append(Tmux(place, width, height))
        return started[-1]

    yield start
    for tmux in started:
        tmux.close()


@pytest.fixture
def run_top(terminal, segment):
    def run(width=80, height=24, flags="--interval 0.2", at=None):
        tmux = terminal(width, height)
        tmux.type(f"{INSPECT} --segment '{at or segment}' top {flags}\n")
        tmux.shows("live ", " 3 space ")
        return tmux
    return run


@pytest.fixture
def filled(worker, directory):
    worker.ids = {kind: worker.counter("tasks_total", {"kind": kind}, help="Tasks finished.") for kind in "ab"}
    worker.sent = worker.counter("sent_bytes_total")
    worker.wait = worker.histogram("wait_seconds", [0.001, 0.01, 0.1, 1])
    worker.queue = worker.gauge("queue", "livesum")
    worker.inc(worker.ids["a"], 12)
    worker.inc(worker.sent, 123456)
    worker.set(worker.queue, 7)
    worker.observe(worker.wait, 0.05, 0.5)
    child = worker.fork(directory)
    child.inc(worker.ids["a"], 30)
    return worker


def rows(lines):
    """Of the series' page: name to the texts of its columns."""
    found = {}
    for line in lines[4:]:
        name, *cells = line.split()
        found[name] = cells
    return found


@pytest.mark.parametrize("width, height", SIZES)
def test_what_it_shows_is_what_a_scrape_shows(width, height, filled, run_top, start_aggregator):
    tmux = run_top(width, height)
    lines = tmux.shows("tasks{", "sent_bytes", "wait_seconds", "queue")
    assert len(lines) == height
    assert all(len(line) <= width for line in lines)
    scrape = start_aggregator().scrape()
    at = 0 if width < 100 else 1
    shown = rows([line for line in lines if line])
    assert shown['tasks{kind="a"}'][at] == str(int(scrape.value("tasks_total", kind="a"))) == "42"
    assert shown["sent_bytes"][at] == str(int(scrape.value("sent_bytes_total"))) == "123456"
    assert shown["queue"][at] == str(int(scrape.value("queue"))) == "7"
    assert shown["wait_seconds"][at] == str(int(scrape.value("wait_seconds_count"))) == "2"
    assert "live 2/2" in lines[1]
    assert "dropped 0" in lines[1]


@pytest.mark.parametrize("width, height", SIZES)
def test_keys_lead_to_each_page_and_back(width, height, filled, run_top, inspect):
    tmux = run_top(width, height)
    tmux.keys("Tab")
    lines = tmux.shows("COMMAND", "e2e_worker")
    row = next(line.split() for line in lines if f" {filled.pid} " in line + " ")
    assert row[1:3] == ["e2e_worker", "live"]
    slots = {row["pid"]: row for row in inspect.json("slots")}
    events = slots[filled.pid]["counters"] - 123456 + slots[filled.pid]["observations"]
    if width < 120:
        assert row[-1] == "4", "FAM is in how many families it has counted"
    else:
        assert row[4] == str(int(events)), "EVENTS is what slots says was counted, without bytes"
        assert row[-4:] == ["tasks", "sent_bytes", "wait_seconds", "queue"]
    tmux.keys("3")
    lines = tmux.shows("FAMILY", "REMOVED")
    space = {f["family"]: f for f in inspect.json("space")["families"]}
    shown = {line.split()[0]: line.split() for line in lines[4:] if line}
    first = 1 if width < 120 else 2
    assert shown["tasks"][first:first + 3] == [str(space["tasks"][key]) for key in ("series", "removed", "cells")]
    tmux.keys("?")
    tmux.shows("this help", "averages from now on")
    tmux.keys("x", "1")
    tmux.shows("SERIES", "tasks{")


WORDS = {"SERIES", "VALUE", "PER", "S", "AVG10", "P50", "P99", "PID", "COMMAND", "STATE", "THR", "ACTIVE", "DROPS",
         "FAM", "REFUSED", "FAMILY", "REMOVED", "CELLS", "BYTES", "OF", "ALL"}


@pytest.mark.parametrize("page", ["series", "workers", "space"])
def test_nothing_is_cut_in_a_word_on_a_terminal_of_80_columns(page, filled, run_top):
    tmux = run_top(flags=f"--interval 0.2 --page {page}")
    filled.observe(filled.wait, "NaN")
    assert filled.ask("gauge", name="tasks", mode="sum")["status"] == "conflict"
    if page == "workers":
        filled.counter("tasks_total", {"kind": "x" * 20000})
    # Of the workers, whole reasons, and how many more there are.
    last = {"series": ["P99", "queue"], "workers": ["REFUSED", " observation_nan +2"], "space": ["OF ALL", "queue"]}
    lines = tmux.shows(f"dropped {3 if page == 'workers' else 2}", *last[page])
    assert set(lines[3].split()) <= WORDS
    assert "~" not in "\n".join(lines)
    if page == "workers":
        tmux.keys("Enter")
        tmux.shows("refused last: observation_nan", "label_value_cut", "families: tasks sent_bytes wait_seconds queue")
    tmux.keys("?")
    assert "~" not in "".join(tmux.shows("all are there from 120 columns on")).replace("~regex", "").replace("'~'", "")


def test_the_pane_shows_help_labels_and_the_exact_value(filled, run_top):
    tmux = run_top()
    tmux.type("/tasks")
    tmux.keys("Enter")
    tmux.shows("/tasks")
    tmux.type("s" * 5)  # by name
    tmux.keys("Enter")
    tmux.shows('tasks{kind="a"}', "counter: Tasks finished.", "value 42", "kind: a")
    tmux.keys("Down")
    tmux.shows("value 0", "kind: b")


def test_filters_by_pattern_and_regular_expression(filled, run_top):
    tmux = run_top()
    tmux.type("/*_bytes")
    tmux.keys("Enter")
    until("others are gone", lambda: "tasks{" not in tmux.text() and "sent_bytes" in tmux.text())
    tmux.keys("Escape")
    tmux.shows("tasks{")
    tmux.type("/~^(queue|wait)")
    tmux.keys("Enter")
    until("others are gone", lambda: "tasks{" not in tmux.text() and "queue" in tmux.text())
    tmux.type("/(")
    tmux.keys("Enter")
    tmux.shows("the regular expression is wrong")
    tmux.keys("Escape")
    tmux.shows("/~^(queue|wait)", "wait_seconds")


def test_follows_the_size_of_its_terminal(filled, run_top):
    tmux = run_top()
    tmux.resize(200, 60)
    tmux.shows("TYPE")
    assert len(tmux.lines()) == 60
    tmux.resize(40, 10)
    until("the type has no room", lambda: "TYPE" not in tmux.text())
    tmux.resize(80, 24)
    tmux.shows("AVG10 ", "tasks{")


def test_pauses(filled, run_top):
    tmux = run_top()
    tmux.keys("p")
    tmux.shows("PAUSED")
    filled.inc(filled.ids["a"], 58)
    tmux.keys("j")
    assert '100' not in rows([line for line in tmux.lines() if line]).get('tasks{kind="a"}', [])
    tmux.keys("Space")
    until("it goes on", lambda: "100" in rows([line for line in tmux.lines() if line]).get('tasks{kind="a"}', []))


def test_a_killed_worker_turns_dead(filled, run_top):
    tmux = run_top(flags="--interval 0.2 --page workers")
    tmux.shows("live 2/2")
    filled.children[0].kill()
    lines = tmux.shows("live 1/2", "dead")
    assert sum(" dead " in line for line in lines) == 1


def settings(tmux):
    """What stty says about the terminal, from its shell."""
    tmux.type("clear; stty -g; echo end\n")
    text = until("stty has answered", lambda: (text := tmux.text()) and re.search(r"^end$", text, re.M) and text)
    return next(line for line in text.splitlines() if re.fullmatch(r"[0-9a-f:]+", line))


@pytest.mark.parametrize("ending", ["q", "C-c", "F10"])
def test_leaves_the_terminal_as_it_was(ending, filled, terminal, segment):
    tmux = terminal()
    before = settings(tmux)
    tmux.type(f"{INSPECT} --segment {segment} top\n")
    tmux.shows("PER S")
    tmux.keys(ending)
    until("the screen is left", lambda: "PER S" not in tmux.text())
    tmux.type("echo status $?\n")
    lines = tmux.shows("status " + ("130" if ending == "C-c" else "0"))
    assert not any("PER S" in line for line in lines), "the screen before is back"
    assert settings(tmux) == before
    assert tmux("display-message", "-p", "#{cursor_flag}").strip() == "1", "the cursor is back"


@pytest.mark.parametrize("signal_name", ["TERM", "HUP", "QUIT"])
def test_a_signal_restores_the_terminal_too(signal_name, filled, terminal, segment, directory):
    tmux = terminal()
    before = settings(tmux)
    tmux.type(f"{INSPECT} --segment {segment} top & echo $! >{directory}/pid; fg\n")
    tmux.shows("PER S")
    with open(f"{directory}/pid") as file:
        os.kill(int(file.read()), getattr(signal, "SIG" + signal_name))
    until("the screen is left", lambda: "PER S" not in tmux.text())
    tmux.keys("C-l")
    assert settings(tmux) == before


def test_goes_on_when_the_segment_is_deleted_and_made_anew(filled, run_top, segment, start_worker):
    tmux = run_top()
    os.unlink(segment + ".v2")
    tmux.shows("was deleted")
    other = start_worker()
    other.inc(other.counter("other_total"), 5)
    tmux.shows("other ")


def test_what_others_chose_steers_no_terminal(terminal, directory, start_worker):
    path = os.path.join(directory, "\x1b[2Jx")
    worker = start_worker(at=path)
    worker.inc(worker.counter("alpha_total", {"kind": TITLE}, help="First.\n\x1b[1mline \u202e"))
    os.symlink(path + ".v2", directory + "/ok")
    tmux = terminal(200, 30)
    tmux("set-option", "-g", "set-titles", "off")
    tmux.type(f"cd {directory}; {INSPECT} --segment \"$(printf '\\033[2Jx')\" top --interval 0.2\n")
    tmux.shows("alpha", "\\u001b]0;title\\u0007")
    tmux.keys("Enter")
    tmux.shows("First.\\n\\u001b[1mline \\u202e")
    assert "title" not in tmux("display-message", "-p", "#{pane_title}")


def test_without_a_terminal_it_prints_once(filled, inspect, start_aggregator):
    status, out, err = inspect("top", "--interval", "0.05")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[2].split() == ["SERIES", "TYPE", "VALUE", "PER", "S", "AVG10", "AVG100", "P50", "P99"]
    assert {line.split()[0] for line in lines[3:]} == {'tasks{kind="a"}', 'tasks{kind="b"}', "sent_bytes", "queue",
                                                       "wait_seconds"}
    status, out, err = inspect("top", "--interval", "0.05", "--page", "workers", "--count", "2")
    assert out.count("COMMAND") == 2


def test_on_a_terminal_that_nobody_knows_it_says_what_to_do(filled, segment):
    done = subprocess.run(["script", "-qec", f"TERM=nothing {INSPECT} --segment {segment} top", "/dev/null"],
                          capture_output=True, text=True, timeout=PATIENCE, env=clean_environment(),
                          stdin=subprocess.DEVNULL)
    assert "$TERM is unknown" in done.stdout


def classic_quantile(q, before, after):
    """histogram_quantile, of what two scrapes' buckets differ by."""
    bounds = [float(bound) for bound in after]
    counts = [after[bound] - before[bound] for bound in after]
    rank = q * counts[-1]
    at = next(i for i, count in enumerate(counts) if count >= rank and count > 0)
    if bounds[at] == float("inf"):
        return bounds[-2]
    below, low = (counts[at - 1], bounds[at - 1]) if at else (0, 0)
    return low + (bounds[at] - low) * (rank - below) / (counts[at] - below)


def test_json_has_a_line_per_interval_with_rates_and_quantiles(filled, watch, start_aggregator):
    aggregator = start_aggregator()

    def buckets():
        return {bound: aggregator.scrape().value("wait_seconds_bucket", le=bound)
                for bound in ("0.001", "0.01", "0.1", "1.0", "+Inf")}

    before = buckets()
    top = watch("--json", "top", "--interval", "0.5")
    first = top.json()
    series = {(s["family"], *s["labels"].values()): s for s in first["series"]}
    assert series["tasks", "a"]["per_second"] == 0
    assert "p50" not in series["wait_seconds",]
    filled.observe(filled.wait, *[0.004] * 60, *[0.05] * 39, 0.7)
    filled.inc(filled.ids["a"], 1000)
    after = buckets()
    gained, seen = 0, []
    while gained < 1000:  # the updates may fall into two intervals
        line = top.json()
        series = {(s["family"], *s["labels"].values()): s for s in line["series"]}
        gained += round(series["tasks", "a"]["per_second"] * line["interval_seconds"])
        if "p50" in series["wait_seconds",]:
            seen.append(series["wait_seconds",])
    assert gained == 1000
    assert series["tasks", "a"]["value"] == "1042"
    if len(seen) == 1 and seen[0]["value"] == "102":
        assert seen[0]["p50"] == pytest.approx(classic_quantile(0.5, before, after))
        assert seen[0]["p99"] == pytest.approx(classic_quantile(0.99, before, after))
    workers = {w["pid"]: w for w in line["workers"]}
    assert workers[filled.pid]["state"] == "live"
    assert workers[filled.pid]["has_changed"] is True
    assert workers[filled.children[0].pid]["has_changed"] is False
    assert {"tasks", "sent_bytes", "wait_seconds"} & set(workers[filled.children[0].pid]["families"]) == {"tasks"}
    assert set(line["space"]) == {"memory_bytes", "cells_used", "cells_capacity", "directory_used_bytes",
                                  "directory_capacity_bytes", "families"}
    space = {f["family"]: f for f in line["space"]["families"]}
    assert (space["tasks"]["series"], space["tasks"]["registered_by"]["family"]["pid"]) == (2, filled.pid)


def test_the_line_of_json_has_of_each_family_what_space_has(filled, inspect):
    (line,) = inspect("top", "--json", "--interval", "0.05", "--count", "1")[1].splitlines()
    assert json.loads(line)["space"]["families"] == inspect.json("space")["families"]


def test_json_is_filtered_and_ends_after_count_intervals(filled, segment):
    done = subprocess.run([INSPECT, "--segment", segment, "top", "--json", "--interval", "0.05", "--count", "2",
                           "--filter", "tasks*"], capture_output=True, text=True, timeout=PATIENCE,
                          env=clean_environment())
    assert done.returncode == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [{s["family"] for s in line["series"]} for line in lines] == [{"tasks"}] * 2
    assert not STEERING.search(done.stdout)


def test_native_histograms_have_quantiles_finer_than_their_explicit_bounds(worker, watch):
    wait = worker.histogram("wait_seconds", [1000], native={})
    top = watch("--json", "top", "--interval", "0.3")
    top.json()
    worker.observe(wait, *[0.37] * 100)
    series = until("it is seen", lambda: next((s for s in top.json()["series"] if "p50" in s), None))
    assert 0.37 / 1.1 < series["p50"] < 0.37 * 1.1


@pytest.mark.parametrize("flags, what", {"--filter ~(": "the regular expression is wrong",
                                         "--interval 0": "not in range", "--sort size": "size",
                                         "--page 4": "4"}.items())
def test_wrong_flags_are_one_line_and_status_2(flags, what, filled, inspect):
    status, out, err = inspect("top", *flags.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert what in err
