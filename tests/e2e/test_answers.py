"""metrics-inspect answers what is asked at night: each of its figures is held against a scrape."""
import collections
import json
import os
import re
import signal
import stat
import subprocess
import threading

import pytest

from test_inspect import STEERING, TITLE
from watching import INSPECT
from workers import PATIENCE, clean_environment, until


@pytest.fixture
def shop(worker, directory):
    """A parent and two children that have counted; the second child is dead."""
    worker.ids = {kind: worker.counter("shop_orders_total", {"kind": kind}) for kind in ("book", "toy")}
    worker.bytes = worker.counter("shop_sent_bytes_total")
    worker.wait = worker.histogram("shop_wait_seconds", [0.1, 1, 10])
    worker.open = worker.gauge("shop_open", "livesum")
    for n, process in enumerate([worker, worker.fork(directory), worker.fork(directory)], 1):
        process.inc(worker.ids["book"], n)
        process.inc(worker.ids["toy"], 10 * n)
        process.inc(worker.bytes, 1000 * n)
        process.observe(worker.wait, 0.5, n)
        process.set(worker.open, n)
    worker.children[1].kill()
    return worker


# get

@pytest.mark.parametrize("selector, names", {
    "shop_o*": ["shop_orders_total", "shop_orders_total", "shop_open"],
    "*_total": ["shop_orders_total", "shop_orders_total", "shop_sent_bytes_total"],
    "shop_[os]*": ["shop_orders_total", "shop_orders_total", "shop_sent_bytes_total", "shop_open"],
    "shop_ope?": ["shop_open"],
    'shop_orders_total{kind=~"b.*"}': ["shop_orders_total"],
    'shop_*{kind!="toy"}': ["shop_orders_total", "shop_sent_bytes_total", "shop_wait_seconds_bucket",
                            "shop_wait_seconds_bucket", "shop_wait_seconds_bucket", "shop_wait_seconds_bucket",
                            "shop_wait_seconds_count", "shop_wait_seconds_sum", "shop_open"],
    'shop_orders_total{kind!~"book|toy"}': [],
    '{__name__=~"shop_.*_total",kind="toy"}': ["shop_orders_total"],
    'shop_wait_seconds{le=~"1.*"}': ["shop_wait_seconds_bucket"] * 2,
}.items())
def test_get_takes_patterns_and_regular_expressions(selector, names, shop, inspect, start_aggregator):
    status, out, _err = inspect("get", selector)
    assert [line.partition("{")[0].partition(" ")[0] for line in out.splitlines()] == names
    assert status == (0 if names else 1)
    scraped = start_aggregator().scrape().text.splitlines()
    assert all(line in scraped for line in out.splitlines())


@pytest.mark.parametrize("selector, where, what", [
    ('a{b=~"("}', 6, "the regular expression is wrong: missing ): ("),
    ("a[b", 4, "the closing ']' is missing"),
    ('a{b~"c"}', 4, "a '=' is missing"),
])
def test_get_shows_where_a_pattern_goes_wrong(selector, where, what, shop, inspect):
    status, out, err = inspect("get", selector)
    assert (status, out) == (2, "")
    assert f"is not understood at character {where}: {what}; write" in err


def test_get_per_slot_sums_to_get(shop, inspect):
    shares = inspect.json("get", "shop_orders_total", "--per-slot")
    assert {share["slot"] for share in shares} == {0, 1, 2, 3}
    for merged in inspect.json("get", "shop_orders_total"):
        assert sum(int(s["value"]) for s in shares if s["labels"] == merged["labels"]) == int(merged["value"])
    text = inspect("get", 'shop_orders_total{kind="toy"}', "--per-slot")[1].splitlines()
    assert text == [f'slot {slot} shop_orders_total{{kind="toy"}} {n}' for slot, n in enumerate([0, 10, 20, 30])]


def test_get_watches_until_it_is_interrupted(shop, watch):
    watching = watch("--json", "get", "shop_orders_total", "--watch", "--interval", "0.05")
    first = watching.json()
    assert [sample["value"] for sample in first["samples"]] == ["6", "60"]
    shop.inc(shop.ids["book"], 5)
    until("the count is seen", lambda: watching.json()["samples"][0]["value"] == "11")
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == -signal.SIGINT


def test_get_ends_after_so_many_intervals(shop, inspect):
    status, out, err = inspect("get", "shop_open", "--watch", "--interval", "0.05", "--count", "3")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == 3
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ shop_open 3", line) for line in out.splitlines())


def test_rates_are_what_was_counted_over_the_time_that_it_took(shop, watch):
    watching = watch("--json", "get", "shop_orders_total", "--rate", "--watch", "--interval", "0.2")
    seen = watching.json()["samples"]
    assert [sample["per_second"] for sample in seen] == [0, 0]
    shop.inc(shop.ids["toy"], 1000)
    line = until("it is seen", lambda: (line := watching.json())["samples"][1]["per_second"] and line)
    assert line["samples"][1]["per_second"] * line["interval_seconds"] == pytest.approx(1000)


def test_a_rate_of_nothing_that_counts_is_a_fault(shop, inspect):
    status, out, err = inspect("get", "shop_open", "--rate", "--interval", "0.05")
    assert (status, out) == (1, "")
    assert err == ("metrics-inspect: shop_open is of type gauge, which has no rate: its value may fall; without --rate "
                   "'get' shows it, and 'diff' how it changes\n")


@pytest.mark.parametrize("selector, what", {
    "shop_order_total": "no sample matches shop_order_total (did you mean shop_orders_total?); 'dump' shows all",
    "shop_*_seconds_total": "no sample matches shop_*_seconds_total; 'dump' shows all",
    "shop_orders_totals*": "no sample matches shop_orders_totals*; 'dump' shows all",
    'shop_orders_total{colour="red"}': 'no sample matches shop_orders_total{colour="red"}: it has no label "colour"; '
                                       "its label is kind",
    'shop_wait_seconds{bound="1"}': 'no sample matches shop_wait_seconds{bound="1"}: it has no label "bound"; '
                                    "its label is le",
    'shop_sent_bytes_total{kind="a"}': 'no sample matches shop_sent_bytes_total{kind="a"}: it has no label "kind", and '
                                       "no other",
    'shop_orders_total{kind="car"}': 'no sample matches shop_orders_total{kind="car"}: no series has these labels; '
                                     "without them all are shown",
}.items())
def test_get_says_what_it_does_not_find(selector, what, shop, inspect):
    assert inspect("get", selector) == (1, "", f"metrics-inspect: {what}\n")


def test_get_names_a_label_that_nothing_has_even_if_all_match_without_it(shop, inspect):
    status, out, err = inspect("get", 'shop_orders_total{knid!="toy"}')
    assert (status, len(out.splitlines())) == (0, 2)
    assert err == 'metrics-inspect: shop_orders_total{knid!="toy"}: it has no label "knid"; its label is kind\n'
    assert inspect("get", 'shop_*{kind!="toy"}')[2] == ""


def test_rates_have_as_many_digits_as_people_read(shop, watch, inspect):
    stop = threading.Event()

    def count():
        while not stop.is_set():
            shop.inc(shop.ids["toy"])
            shop.inc(shop.bytes, 3000)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        status, out, err = inspect("get", "shop_*_total", "--rate", "--interval", "0.3")
    finally:
        stop.set()
        thread.join()
    assert (status, err) == (0, "")
    rates = dict(line.rsplit(" ", 1) for line in out.splitlines())
    assert rates['shop_orders_total{kind="book"}'] == "0/s"
    assert re.fullmatch(r"[\d.]{1,5}k?/s", rates['shop_orders_total{kind="toy"}'])
    assert re.fullmatch(r"[\d.]{1,5}[KM]iB/s", rates["shop_sent_bytes_total"])


# space, slots, why

def test_space_adds_up_to_what_the_segment_uses(shop, inspect):
    space = inspect.json("space")
    (ls,) = inspect.json("ls", "--series")
    families = space["families"]
    assert sum(f["cells"] for f in families) == ls["cells_used"] == space["cells_used"]
    assert sum(f["directory_bytes"] for f in families) == ls["directory_used_bytes"]
    assert sum(f["series"] for f in families) == ls["series"]
    assert sum(f["slot_bytes"] for f in families) == ls["cells_used"] * 8 * 4, "each cell has a page in four slots"
    sizes = [f["directory_bytes"] + f["slot_bytes"] for f in families]
    assert sizes == sorted(sizes, reverse=True)
    assert families[0]["family"] == "shop_orders"
    status, out, err = inspect("space")
    assert (status, err) == (0, "")
    assert out.splitlines()[1].split()[:2] == ["shop_orders", "counter"]


def test_space_tells_removed_series_and_who_has_looked_a_series_up(worker, inspect):
    for name in "abc":
        worker.inc(worker.counter("tasks_total", {"name": name}))
    worker.ask("remove", name="tasks_total", values=["b"])
    (family,) = inspect.json("space")["families"]
    assert (family["series"], family["removed"]) == (2, 1)
    (by,) = family["looked_up_by"]
    assert (by["pid"], by["command"]) == (worker.pid, "e2e_worker")


def test_space_tells_who_has_registered_the_family_and_its_series(worker, start_worker, inspect):
    worker.counter("tasks_total", {"name": "a"})
    other = start_worker()
    for name in "abc":
        other.counter("tasks_total", {"name": name})
    worker.inc(worker.counter("tasks_total", {"name": "b"}))
    (family,) = inspect.json("space")["families"]
    # The other one has no slot, by which its command would be known.
    assert family["registered_by"] == {
        "family": {"pid": worker.pid, "command": "e2e_worker"},
        "series": [{"pid": worker.pid, "command": "e2e_worker", "series": 1}, {"pid": other.pid, "series": 2}]}
    assert f" {worker.pid} e2e_worker: the family, 1 series; {other.pid}: 2 series" in inspect("space")[1]


def test_dropped_tells_since_when(worker, inspect):
    tasks = worker.counter("tasks_total")
    worker.inc(tasks)
    worker.add(tasks, -1)
    (entry,) = inspect.json("dropped")["dropped"]
    assert (entry["reason"], entry["count"]) == ("counter_negative", 1)
    (slot,) = inspect.json("slots")
    assert slot["claimed"] <= entry["since"]
    header, line = inspect("dropped")[1].splitlines()
    assert line[header.index("SINCE"):].split()[0] == entry["since"]


def test_space_tells_that_several_have_looked_a_series_up_but_not_a_later_owner_of_a_slot(worker, start_worker,
                                                                                         inspect):
    def look_up(process, name):  # with a slot
        process.inc(process.counter("own_total", {"of": str(process.pid)}))
        process.counter(name)

    other = start_worker()
    look_up(worker, "tasks_total")
    look_up(other, "tasks_total")
    look_up(other, "jobs_total")
    families = {f["family"]: f for f in inspect.json("space")["families"]}
    assert families["tasks"]["by_several"] is True
    assert families["jobs"]["by_several"] is False
    assert [p["pid"] for p in families["jobs"]["looked_up_by"]] == [other.pid]
    other.close()
    adopter = start_worker()
    look_up(adopter, "other_total")
    families = {f["family"]: f for f in inspect.json("space")["families"]}
    assert families["jobs"]["looked_up_by"] == []


def test_slots_leaves_the_threads_of_an_earlier_owner_to_that(worker, start_worker, inspect):
    worker.thread(("inc", {"id": worker.counter("tasks_total"), "n": 7}))
    worker.inc(worker.counter("tasks_total"))
    assert [row.get("threads") for row in inspect.json("slots")] == [2, None]
    worker.kill()
    adopter = start_worker()
    adopter.inc(adopter.counter("tasks_total"))
    assert [(row["state"], row.get("threads")) for row in inspect.json("slots")] == [("live", 1), ("dead", None)]


def test_slots_shows_threads_and_what_each_has_counted(shop, inspect):
    shop.thread(("inc", {"id": shop.ids["book"], "n": 7}))
    rows = {row["slot"]: row for row in inspect.json("slots")}
    assert [rows[slot]["counters"] for slot in (1, 2, 3, 1025)] == [1011, 2022, 3033, 7]
    assert [rows[slot]["observations"] for slot in (1, 2, 3, 1025)] == [2, 2, 2, 0]
    assert all(row["since_claim"] == {key: row[key] for key in ("counters", "observations")} for row in rows.values())
    assert [rows[slot].get("threads") for slot in (1, 2, 3, 1025)] == [2, 1, 1, None]
    # Orders and observations; bytes are no events.
    lines = {int(line.split()[0]): line for line in inspect("slots")[1].splitlines()[1:]}
    assert [lines[slot].split()[-3:] for slot in (1, 2, 3)] == [["13", "13", "0"], ["24", "24", "0"], ["35", "35", "0"]]
    assert lines[1025].split()[-2:] == ["7", "7"]


def test_slots_are_what_the_daemon_answers_about_workers(shop, inspect, start_aggregator):
    shop.thread(("inc", {"id": shop.ids["book"], "n": 7}))
    shop.add(shop.ids["book"], -1)
    answer = json.loads(start_aggregator().request("/api/v1/workers").text)
    for worker in answer["workers"]:
        del worker["segment"]
    assert answer["workers"] == inspect.json("slots")
    assert [worker.get("dropped") for worker in answer["workers"]] == [1, 0, 0, None]


def test_what_an_adopted_slot_has_counted_is_not_said_to_be_its_owners(shop, directory, inspect):
    child = shop.fork(directory)
    child.inc(shop.ids["book"], 100)
    row = inspect.json("slots")[2]
    assert (row["pid"], row["generation"], row["counters"], row["observations"]) == (child.pid, 2, 3133, 2)
    assert "since_claim" not in row
    line = next(line for line in inspect("slots")[1].splitlines() if f" {child.pid} " in line)
    assert line.split()[-2:] == ["135", "0"], "no column says that 135 are its own"


def test_why_names_the_processes_that_count_in_it(shop, inspect):
    status, out, err = inspect("why", "shop_orders_total")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "shop_orders_total: registered and shown"
    assert lines[1].startswith('  edition 1 of 1: counter "shop_orders" with labels (kind), 2 series since ')
    assert lines[1].endswith(f", registered by process {shop.pid}")
    assert lines[2:] == [
        f"  counted by {shop.pid} e2e_worker (live, slot 1): 11",
        f"  counted by {shop.children[0].pid} e2e_worker (live, slot 2): 22",
        f"  counted by {inspect.json('slots')[2]['pid']} e2e_worker (dead, slot 3): 33"]
    answer = inspect.json("why", "shop_orders")
    assert sum(int(p["counted"]) for p in answer["counted_by"]) == 66


def test_why_names_who_has_set_a_gauge_and_not_a_child_that_could(shop, directory, inspect):
    shop.set(shop.gauge("load", "livesum"), 3)
    child = shop.fork(directory)
    child.inc(shop.ids["book"])
    assert child.pid in [process["pid"] for process in inspect.json("why", "shop_orders")["counted_by"]]
    assert inspect("why", "load")[1].splitlines()[2:] == [f"  set by {shop.pid} e2e_worker (live, slot 1)"]
    (entry,) = inspect.json("why", "load")["counted_by"]
    assert (entry["pid"], "counted" in entry) == (shop.pid, False)


def test_why_says_that_nobody_has_registered_it_and_where_it_is_instead(shop, directory, segment, start_worker,
                                                                      inspect):
    other = start_worker(at=os.path.join(directory, "other"))
    other.counter("elsewhere_total")
    status, out, err = inspect("why", "elsewhere_total")
    assert (status, err) == (1, "")
    assert out == (f"elsewhere_total: not registered: no process has defined it in {segment}.v2\n"
                   f"  another segment has it: {directory}/other.v2\n")
    assert inspect("why", "nowhere")[1].count("\n") == 1


def test_why_says_that_a_family_without_series_is_not_shown_and_what_shows_it(worker, inspect, start_aggregator):
    worker.inc(worker.counter("jobs_total", {"kind": "a"}))
    worker.ask("remove", name="jobs_total", values=["a"])
    status, out, err = inspect("why", "jobs")
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert lines[0] == "jobs: registered, not shown: it has no series yet"
    assert lines[2] == ("    nobody has looked up its labels (kind), or all of its series were removed; a scrape shows "
                        "it from the next look-up on")
    status, out, _err = inspect("--json", "why", "jobs_total")
    answer = json.loads(out)
    assert (status, answer["registered"], answer["shown"], answer["editions"][0]["series"]) == (1, True, False, 0)
    assert "jobs_total{" not in start_aggregator().scrape().text
    worker.counter("jobs_total", {"kind": "b"})
    assert inspect("why", "jobs")[0] == 0


def test_why_says_that_a_gauge_has_no_value_where_a_scrape_has_none(worker, directory, inspect, start_aggregator):
    child = worker.fork(directory)
    child.set(child.gauge("queue", "livemax"), 3)
    aggregator = start_aggregator()
    assert inspect("why", "queue")[0] == 0
    assert aggregator.scrape().value("queue") == 3
    child.kill()
    _status, out, _err = until("it is gone", lambda: (answer := inspect("why", "queue"))[0] == 1 and answer)
    assert out.splitlines()[0] == "queue: registered, not shown: none of its series has a value now"
    assert "its mode keeps the values of living processes alone" in out
    assert aggregator.scrape().value("queue") is None


def test_why_knows_that_numbers_of_processes_by_their_states_are_shown(worker, inspect):
    worker.state(worker.stateset("activity", ["reading", "writing"], mode="livesum"), 1)
    assert 'activity{activity="writing"} 1' in inspect("get", "activity")[1]
    assert inspect("why", "activity")[:1] == (0,)


def test_why_takes_patterns_and_labels_as_get_does(shop, inspect):
    status, out, err = inspect("why", "shop_[ow]*")
    assert (status, err) == (0, "")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "shop_orders: registered and shown", "shop_wait_seconds: registered and shown",
        "shop_open: registered and shown"]
    assert [f["name"] for f in inspect.json("why", "shop_[ow]*")["families"]] == [
        "shop_orders", "shop_wait_seconds", "shop_open"]
    assert inspect("why", '{__name__=~".*_bytes"}')[1].splitlines()[0] == "shop_sent_bytes: registered and shown"
    assert inspect("why", 'shop_orders_total{kind="toy"}')[0] == 0
    status, out, _err = inspect("why", 'shop_orders_total{kind="car"}')
    assert status == 1
    assert out.splitlines()[0] == ('shop_orders_total{kind="car"}: registered, not shown: no series of it has these '
                                   "labels")
    assert "'get shop_orders' shows those that it has" in out
    assert 'it has no label "colour"; its label is kind' in inspect("why", 'shop_orders{colour!="",kind="car"}')[1]
    status, out, err = inspect("why", "shop_orders{kind=")
    assert (status, out) == (2, "")
    assert "is not understood at character 18" in err


def test_why_knows_a_name_that_no_selector_spells_without_quotes(worker, inspect):
    worker.inc(worker.counter("shop.orders"))
    assert inspect("why", "shop.orders")[0] == 0
    assert inspect("why", '{"shop.orders"}')[0] == 0


def test_why_suggests_a_name_that_is_spelled_alike(shop, segment, inspect):
    status, out, err = inspect("why", "shop_order_total")
    assert (status, err) == (1, "")
    assert out == (f"shop_order_total: not registered: no process has defined it in {segment}.v2 "
                   "(did you mean shop_orders_total?)\n")
    assert "did you mean" not in inspect("why", "nothing_like_it")[1]
    assert inspect("why", "jobs_*")[1] == f"jobs_*: not registered: no process has defined it in {segment}.v2\n"


def test_why_names_what_hides_it(worker, start_worker, inspect):
    worker.inc(worker.counter("jobs_total"))
    other = start_worker()
    other.set(other.gauge("jobs_total", "max"), 1)
    status, out, _err = inspect("why", "jobs")
    assert status == 1
    assert out.splitlines()[0] == "jobs: registered, counted, not shown"
    assert 'hidden by the gauge "jobs_total" of mode max' in out
    assert inspect("why", "jobs_total")[0] == 0, "the gauge of that name is shown"


def test_why_tells_what_was_refused_by_whom(start_worker, inspect):
    worker = start_worker(METRICS_CELLS=16)
    worker.counter("few_total")
    for n in range(20):
        worker.ask("counter", name="many_total", labels=["n"], values=[str(n)])
    _status, out, _err = inspect("why", "many_total")
    assert re.search(rf"refused: cells_full, which began at 2\S+, last by process {worker.pid} at 2", out)
    assert "it would be refused again now" in out
    assert inspect("why", "few_total")[1].count("refused") == 0


def test_why_remembers_a_refusal_after_that_of_another_family(start_worker, inspect):
    worker = start_worker(METRICS_CELLS=16)
    for name in ("many_total", "other_total"):
        for n in range(20):
            worker.ask("counter", name=name, labels=["n"], values=[str(n)])
    for name in ("many_total", "other_total"):
        assert "refused: cells_full" in inspect("why", name)[1], name


def test_why_tells_what_was_counted_without_a_slot(start_worker, inspect):
    first = start_worker(METRICS_PROCESSES=1)
    first.inc(first.counter("tasks_total"), 2)
    second = start_worker(METRICS_PROCESSES=1)
    second.inc(second.counter("tasks_total"), 5)
    assert inspect("why", "tasks_total")[1].splitlines()[2:] == [
        f"  counted by {first.pid} e2e_worker (live, slot 1): 2",
        "  counted in the shared slot 0, by processes without a slot: 5"]


# snapshot, diff

COMMANDS = ["dump", "expose", "get shop_open", "get shop_orders_total --per-slot", "dropped", "space", "slots",
            "why shop_wait_seconds", "verify"]


def same_but_for_the_file(text, file):
    return re.sub(re.escape(file) + r"|\d+ bytes|\d+%", "", text)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_a_snapshot_as_it_would_have_read_the_segment(command, segment, directory, shop, inspect):
    before = inspect(*command.split())
    assert before[0] == 0
    status, out, err = inspect("snapshot", directory + "/kept")
    assert (status, err) == (0, "")
    assert out.startswith(f"{directory}/kept.v2: {segment}.v2 as of 2")
    for process in (*shop.children, shop):
        process.inc(shop.ids["toy"], 1)
    shop.children[0].kill()
    after = inspect(*command.split(), at=directory + "/kept")
    assert after[::2] == before[::2]
    if command == "space":  # zeros that are data in one may be a hole in the other
        return
    assert same_but_for_the_file(after[1], f"{directory}/kept.v2") == same_but_for_the_file(before[1], f"{segment}.v2")


def test_a_snapshot_is_sparse_private_and_says_when_it_was_taken(segment, directory, shop, inspect):
    made = inspect.json("snapshot", directory + "/kept")
    info = os.stat(directory + "/kept.v2")
    assert info.st_size == os.stat(segment + ".v2").st_size
    assert info.st_blocks <= os.stat(segment + ".v2").st_blocks
    assert stat.S_IMODE(info.st_mode) == 0o600
    rows = {row["segment"]: row for row in inspect.json("ls", at=directory)}
    assert rows[f"{directory}/kept.v2"]["taken"] == made["taken"]
    assert "taken" not in rows[f"{segment}.v2"]


def test_a_snapshot_takes_no_others_place(directory, shop, inspect):
    assert inspect("snapshot", directory + "/kept")[0] == 0
    status, out, err = inspect("snapshot", directory + "/kept")
    assert (status, out) == (1, "")
    assert err == f"metrics-inspect: {directory}/kept.v2 exists already; remove it, or choose another name\n"
    status, out, err = inspect("snapshot", directory + "/none/kept")
    assert status == 1
    assert "kept.v2 can't be created: No such file or directory" in err


def test_nobody_counts_in_a_snapshot(directory, shop, start_worker, inspect):
    inspect("snapshot", directory + "/kept")
    worker = start_worker(at=directory + "/kept")
    worker.inc(worker.counter("late_total"))
    assert worker.ask("status")["status"] == "incompatible"
    assert inspect("get", "late_total", at=directory + "/kept")[0] == 1


def test_a_snapshot_of_a_segment_in_use_is_sound_and_holds_what_was_acknowledged(directory, worker, inspect):
    """Counters come, go and count while the copies are made."""
    count = worker.counter("steady_total")
    churning = worker.fork(directory)
    stop = threading.Event()

    def churn():
        n = 0
        while not stop.is_set():
            churning.inc(churning.counter("churn_total", {"n": str(n % 50)}))
            churning.ask("remove", name="churn_total", values=[str(n % 50)])
            n += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for n in range(1, 21):
            worker.inc(count)
            path = f"{directory}/copy{n}"
            assert inspect("snapshot", path)[0] == 0
            assert inspect("verify", at=path) == (0, f"{path}.v2: 0 faults\n", "")
            assert inspect("get", "steady_total", at=path) == (0, f"steady_total {n}\n", "")
            for sample in inspect.json("get", "*", at=path):
                assert sample["name"] != "churn_total" or int(sample["value"]) <= 1, sample
    finally:
        stop.set()
        thread.join()


def test_diff_shows_what_has_changed_and_nothing_else(directory, shop, inspect):
    inspect("snapshot", directory + "/before")
    shop.inc(shop.ids["book"], 100)
    shop.set(shop.open, 7)
    shop.inc(shop.counter("shop_new_total"), 3)
    shop.counter("shop_unused_total")
    inspect("snapshot", directory + "/after")
    answer = inspect.json("diff", directory + "/before", directory + "/after")
    assert answer["same_segment"] is True
    assert [(s["name"], s["difference"], s.get("before"), s["after"], s["change"]) for s in answer["samples"]] == [
        ("shop_orders_total", "changed", "6", "106", "+100"), ("shop_new_total", "new", None, "3", "+3"),
        ("shop_open", "changed", "3", "9", "+6")], "what gains most in a second first, then what has no rate"
    rate = answer["samples"][0]["per_second"]
    assert rate == pytest.approx(100 / answer["seconds"])
    assert "per_second" not in answer["samples"][2]
    status, out, err = inspect("diff", directory + "/before")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["SAMPLE", "BEFORE", "AFTER", "CHANGE", "PER", "S"]
    assert lines[1][:4] == ['shop_orders_total{kind="book"}', "6", "106", "+100"]
    assert (status, len(lines), err) == (0, 4, "")


def test_diff_without_files_waits_and_looks_again(shop, watch):
    watching = watch("--json", "diff", "--interval", "0.5")
    stop = threading.Event()

    def count():
        while not stop.is_set():
            shop.inc(shop.ids["toy"])

    thread = threading.Thread(target=count)
    thread.start()
    try:
        answer = json.loads(watching.process.stdout.read())
    finally:
        stop.set()
        thread.join()
    assert answer["seconds"] >= 0.5
    (sample,) = answer["samples"]
    assert (sample["labels"], sample["difference"]) == ({"kind": "toy"}, "changed")
    assert int(sample["after"]) - int(sample["before"]) == int(sample["change"])


def test_diff_knows_a_segment_that_was_made_anew_and_a_series_that_is_gone(directory, segment, start_worker, inspect):
    worker = start_worker()
    worker.inc(worker.counter("a_total"), 5)
    worker.inc(worker.counter("b_total"), 5)
    inspect("snapshot", directory + "/before")
    os.unlink(segment + ".v2")
    worker = start_worker()
    worker.inc(worker.counter("a_total"), 8)
    status, out, err = inspect("--json", "diff", directory + "/before")
    assert re.fullmatch(rf"metrics-inspect: {segment}.v2 was made anew at 2\S+: what counts began from 0\n", err)
    answer = json.loads(out)
    assert (status, answer["same_segment"]) == (0, False)
    assert [(s["name"], s["difference"], s.get("change")) for s in answer["samples"]] == [
        ("a_total", "restarted", "+8"), ("b_total", "gone", None)]


def test_diff_refuses_two_segments_of_which_neither_was_the_other(directory, segment, shop, start_worker, inspect):
    other = start_worker(at=directory + "/other")
    other.inc(other.counter("shop_orders_total", {"kind": "book"}), 5)
    inspect("snapshot", directory + "/kept")
    for arguments in ([directory + "/other"], [directory + "/kept", directory + "/other"]):
        status, out, err = inspect("diff", *arguments)
        assert (status, out) == (2, "")
        assert "are two segments, of which neither was the other one: nothing has changed from one to the other" in err
    inspect("snapshot", directory + "/later")
    status, out, err = inspect("diff", directory + "/later", directory + "/kept")
    assert (status, out) == (2, "")
    assert f"{directory}/kept.v2 was taken before {directory}/later.v2; diff takes the earlier one first" in err


def test_diff_says_how_to_make_a_snapshot_that_is_not_there(directory, shop, inspect):
    assert inspect("diff", directory + "/nosuch") == (
        1, "", f"metrics-inspect: there is no segment or snapshot {directory}/nosuch.v2; 'metrics-inspect snapshot "
        f"{directory}/nosuch' makes one, to compare with later\n")


def test_diff_leaves_buckets_out_and_shows_what_a_selector_names(directory, shop, inspect):
    inspect("snapshot", directory + "/before")
    for kind in ("book", "toy"):
        shop.inc(shop.ids[kind], 10)
    shop.observe(shop.wait, 0.123456789123, 0.3)

    def names(*flags):
        return [s["name"] + s["labels"].get("le", "")
                for s in inspect.json("diff", directory + "/before", *flags)["samples"]]

    assert names() == ["shop_orders_total", "shop_orders_total", "shop_wait_seconds_count", "shop_wait_seconds_sum"]
    assert names("--filter", 'shop_*{kind="toy"}') == ["shop_orders_total"]
    assert len(names("--filter", "shop_wait_seconds", "--buckets")) == 5
    assert names("--filter", "shop_wait_seconds_bucket") == [f"shop_wait_seconds_bucket{le}" for le in
                                                             ("1.0", "10.0", "+Inf")]
    assert names("--filter", 'shop_wait_seconds{le="1.0"}') == ["shop_wait_seconds_bucket1.0"]
    status, out, err = inspect("diff", directory + "/before", "--filter", "shop_order")
    assert (status, out, err) == (1, "", "metrics-inspect: no sample matches shop_order (did you mean shop_orders?); "
                                         "'dump' shows all\n")
    line = next(line.split() for line in inspect("diff", directory + "/before")[1].splitlines() if "_sum" in line)
    assert line[1:4] == ["7.5", "7.92345679", "+0.423456789"], "as many digits as people compare"


def test_diff_is_exact_and_writes_whole_numbers_in_full(directory, worker, inspect):
    large, round_number = worker.counter("large_total"), worker.counter("round_total")
    worker.inc(large, 2**60)
    worker.inc(round_number)
    inspect("snapshot", directory + "/before")
    worker.inc(large)
    worker.inc(round_number, 10**9)
    changes = {s["name"]: s["change"] for s in inspect.json("diff", directory + "/before")["samples"]}
    assert changes == {"large_total": "+1", "round_total": "+1000000000"}


def test_diff_counts_the_time_from_when_a_snapshot_was_taken(directory, worker, inspect):
    worker.inc(worker.counter("tasks_total"))
    taken = inspect.json("snapshot", directory + "/before")["taken"]
    until("a second has passed", lambda: inspect.json("diff", directory + "/before")["to"] > taken)
    assert inspect.json("diff", directory + "/before")["from"] == taken


def test_diff_takes_a_series_that_was_made_anew_for_another_one(directory, worker, inspect):
    worker.inc(worker.counter("tasks_total", {"name": "a"}), 5)
    inspect("snapshot", directory + "/before")
    worker.ask("remove", name="tasks_total", values=["a"])
    worker.inc(worker.counter("tasks_total", {"name": "a"}), 7)
    (sample,) = inspect.json("diff", directory + "/before")["samples"]
    assert (sample["before"], sample["after"]) == ("5", "7")
    assert (sample["difference"], sample["change"]) == ("restarted", "+7"), "not 2"


def test_a_sum_that_may_fall_has_no_rate(directory, worker, inspect):
    drift = worker.histogram("drift_seconds", [-1, 1])
    worker.observe(drift, 3)
    inspect("snapshot", directory + "/before")
    worker.observe(drift, -2)
    samples = {s["name"]: s for s in inspect.json("diff", directory + "/before")["samples"]}
    assert samples["drift_seconds_sum"]["change"] == "-2"
    assert "per_second" not in samples["drift_seconds_sum"]
    assert samples["drift_seconds_count"]["per_second"] > 0
    rates = inspect.json("get", "drift_seconds", "--rate", "--interval", "0.05")
    assert {s["name"] for s in rates} == {"drift_seconds_bucket", "drift_seconds_count"}


# prune

def test_prune_lists_and_then_removes_only_what_no_process_has_joined(directory, segment, shop, start_worker, inspect):
    unused = os.path.join(directory, "unused")
    ended = start_worker(at=unused)
    ended.inc(ended.counter("a_total"))
    ended.close()
    joined = start_worker(at=os.path.join(directory, "joined"))  # it has counted nothing yet
    joined.counter("a_total")
    inspect("snapshot", directory + "/kept")
    with open(os.path.join(directory, "notes.v2"), "w") as file:
        file.write("n" * 5000)

    def states(*flags):
        status, out, _err = inspect("--json", "prune", *flags, at=directory)
        assert status == 1, "one is no segment"
        return {os.path.basename(row["segment"]): row.get("state") for row in json.loads(out)}

    assert states() == {"segment.v2": "used", "unused.v2": "unused", "joined.v2": "used", "notes.v2": None}
    assert os.path.exists(unused + ".v2")
    assert states("--yes") == {"segment.v2": "used", "unused.v2": "removed", "joined.v2": "used", "notes.v2": None}
    assert sorted(os.listdir(directory)) == ["joined.v2", "kept.v2", "notes.v2", "segment.v2"]
    joined.inc(joined.counter("a_total"))
    assert inspect("get", "a_total", at=directory + "/joined")[1] == "a_total 1\n"


def test_prune_and_ls_show_the_segments_of_a_folder_and_not_those_below_it(directory, shop, start_worker, inspect):
    os.mkdir(directory + "/below")
    below = start_worker(at=directory + "/below/workers")
    below.inc(below.counter("a_total"))
    for command in ("prune", "ls"):
        assert [os.path.basename(row["segment"]) for row in inspect.json(command, at=directory)] == ["segment.v2"]


@pytest.mark.parametrize("command", ["prune", "ls"])
def test_no_heading_stands_above_nothing(command, directory, inspect):
    status, out, err = inspect(command, at=directory)
    assert (status, out) == (0, "")
    assert err == f"metrics-inspect: there are no segments in {directory} (yet)\n"
    status, out, err = inspect(command, at=directory + "/none")
    assert (status, out) == (1, "")
    assert "does not exist (yet)" in err


def test_an_aggregator_that_reads_a_segment_does_not_keep_it(segment, worker, start_aggregator, inspect):
    worker.inc(worker.counter("a_total"))
    aggregator = start_aggregator()
    aggregator.scrape()
    assert inspect.json("prune")[0]["state"] == "used"
    worker.close()
    assert inspect.json("prune", "--yes")[0]["state"] == "removed"


def test_no_count_is_lost_to_a_prune_that_meets_processes_as_they_join(directory, start_worker, inspect):
    """Whoever joins while segments are removed counts where the name leads to, before or after."""
    path = os.path.join(directory, "busy")
    stop = threading.Event()
    statuses = collections.Counter()

    def prune():
        while not stop.is_set():
            done = subprocess.run([INSPECT, "--segment", path, "prune", "--yes"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, env=clean_environment())
            statuses[done.returncode] += 1

    threads = [threading.Thread(target=prune) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(40):
            worker = start_worker(at=path)
            worker.inc(worker.counter("a_total"))
            assert inspect("get", "a_total", at=path)[1] == "a_total 1\n"
            worker.close()
            until("it is removed", lambda: not os.path.exists(path + ".v2"))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {0, 1}, "1: there was none just then"


# all

@pytest.mark.parametrize("command, lines", {
    "space": 3, "why alpha_total": 3, "get *": 1, "get alpha_total --per-slot": 2,
    "get alpha_total --rate --interval 0.05": 1, "diff --interval 0.05": 1, "prune": 2, "slots": 2,
    "top --interval 0.05": 4, "top --page workers --interval 0.05": 4, "top --page space --interval 0.05": 4,
}.items())
def test_what_others_chose_steers_no_terminal(command, lines, directory, start_worker, inspect):
    path = os.path.join(directory, "\x1b[2J\nfake\u202e")
    program = os.path.join(directory, "\x1b[2Jbash")
    os.symlink(os.path.join(os.path.dirname(INSPECT), "..", "tests", "e2e", "e2e_worker"), program)
    worker = start_worker(at=path, program=program)
    worker.inc(worker.counter("alpha_total", {"kind": TITLE}, help="First.\ncounter fake: \x1b[1mline"))
    status, out, err = inspect(*command.split(), at=path)
    assert (status, err) == (0, "")
    assert not STEERING.search(out), ascii(out)
    assert len(out.splitlines()) == lines, out
    if command.startswith("top"):
        command += " --count 1"
    status, out, err = inspect("--json", *command.split(), at=path)
    assert (status, err) == (0, "")
    assert not STEERING.search(out), ascii(out)
    json.loads(out)
