"""What the aggregator tells of itself and of the segments: every number that an operator may alert
on."""
import os
import re

from workers import until


def drops(exposition, what):
    """By reason, those that are not 0."""
    return {dict(labels)["reason"]: n
            for labels, n in exposition.all(f"metrics_segment_dropped_{what}_total").items() if n}


def test_dropped_updates_count_by_reason(worker, start_aggregator):
    aggregator = start_aggregator()
    worker.observe(worker.histogram("wait_seconds", [1]), "NaN", 1, "NaN")
    worker.observe(worker.summary("size_bytes"), "NaN")
    tasks = worker.counter("tasks_total")
    for amount in -1, "NaN", 0.5:
        worker.add(tasks, amount)
    now = aggregator.scrape()
    assert drops(now, "updates") == {"observation_nan": 3, "counter_negative": 2}
    assert drops(now, "series") == drops(now, "slot_claims") == {}
    assert now.value("wait_seconds_count") == 1
    assert now.value("tasks_total") == 0.5


def test_every_reason_is_there_from_the_beginning(segment, worker, start_aggregator):
    worker.counter("tasks_total")
    now = start_aggregator().scrape()
    reasons = {what: {dict(labels)["reason"] for labels in now.all(f"metrics_segment_dropped_{what}_total")}
               for what in ("updates", "exemplars", "series", "slot_claims")}
    assert reasons == {
        "updates": {"observation_nan", "counter_negative", "gauge_without_slot", "state_unknown"},
        "exemplars": {"exemplar_invalid", "exemplar_unplaced"},
        "series": {"family_conflict", "directory_full", "cells_full", "no_space", "editions_full", "limit"},
        "slot_claims": {"slots_exhausted", "lanes_exhausted", "no_space", "unreachable"},
    }


def test_cut_label_values_count_as_such_and_refuse_nothing(segment, worker, start_aggregator, inspect):
    aggregator = start_aggregator()
    cut = "metrics_segment_cut_label_values_total"
    tasks = worker.counter("tasks_total", {"path": "x"})
    assert aggregator.scrape().value(cut, segment=segment, reason="label_value_cut") == 0
    for end in "ab":
        tasks = worker.counter("tasks_total", {"path": "x" * 20000 + end})
        worker.inc(tasks)
    now = aggregator.scrape()
    assert now.value("tasks_total", path="x" * 16381 + "…") == 2
    assert now.value(cut, segment=segment, reason="label_value_cut") == 2
    assert drops(now, "series") == {}
    aggregator.wait_for_log('label values were too long .* reason=label_value_cut family=tasks')
    (told,) = inspect.json("dropped")["dropped"]
    assert (told["what"], told["reason"], told["count"]) == ("label", "label_value_cut", 2)
    assert "now" not in told
    assert (told["families"], told["last"]["family"]) == (["tasks"], "tasks")


def test_series_that_do_not_change_are_left_out_on_demand(worker, start_aggregator):
    always, expiring = start_aggregator(), start_aggregator(flags=["--series.expire-after=1ms"])
    tasks, alone = worker.counter("tasks_total", {"type": "image"}), worker.counter("alone_total")
    load = worker.gauge("load", "sum", {"cpu": "0"})
    worker.inc(tasks)
    worker.inc(alone)
    worker.set(load, 1)
    left_out = "metrics_aggregator_series_expired"
    now = until("the series is left out", lambda: (now := expiring.scrape()).value(left_out) == 1 and now)
    assert now.value("tasks_total", type="image") is None
    assert (now.value("alone_total"), now.value("load", cpu="0")) == (1, 1)
    assert now.all("metrics_segment_dropped_series_total"), "the aggregator's own never expire"
    worker.inc(tasks)
    now = expiring.scrape()
    assert (now.value("tasks_total", type="image"), now.value(left_out)) == (2, 0)
    now = always.scrape()
    assert (now.value("tasks_total", type="image"), now.value(left_out)) == (2, 0)


def test_a_conflict_within_a_process_counts(worker, start_aggregator):
    worker.counter("tasks_total", {"type": "image"})
    assert worker.ask("gauge", name="tasks", mode="sum")["status"] == "conflict"
    assert worker.ask("counter", name="tasks", labels=["kind"], values=["x"])["status"] == "ok"
    assert drops(start_aggregator().scrape(), "series") == {"family_conflict": 1}


def test_a_hidden_family_is_told_for_as_long_as_it_is_hidden(segment, worker, start_worker, start_aggregator, inspect):
    worker.inc(worker.counter("tasks_total", {"type": "image"}))
    aggregator = start_aggregator()
    hidden = "metrics_segment_hidden_families"
    assert aggregator.scrape().value(hidden, segment=segment) == 0
    other = start_worker()
    other.set(other.gauge("tasks", "sum"), 3)
    now = aggregator.scrape()
    assert now.value("tasks") == 3
    assert now.value(hidden, segment=segment) == 1
    assert now.value("metrics_segment_hidden_family_info", segment=segment, family="tasks", type="counter",
                     shown="tasks", shown_type="gauge") == 1
    aggregator.wait_for_log(re.escape('the counter \\"tasks\\" with labels (type) is counted but not shown'))
    aggregator.wait_for_log(re.escape('the gauge \\"tasks\\" of mode sum with labels ()'))
    (told,) = inspect.json("dropped")["hidden"]
    assert told["family"] == 'counter "tasks" with labels (type)'
    assert told["served"] == 'gauge "tasks" of mode sum with labels ()'
    third = start_worker()
    third.inc(third.counter("tasks_total", {"type": "image"}))
    now = aggregator.scrape()
    assert now.value("tasks_total", type="image") == 2
    assert now.value(hidden, segment=segment) == 1


def test_a_name_that_another_one_is_escaped_to_is_hidden_from_those_that_see_it_escaped(
        segment, worker, start_worker, start_aggregator, inspect):
    worker.inc(worker.counter("web_requests"), 3)
    aggregator = start_aggregator()
    hidden = "metrics_segment_hidden_families"
    other = start_worker()
    other.inc(other.counter("web.requests"), 4)
    now = aggregator.scrape()
    assert now.value("web_requests_total") == 4
    assert now.value(hidden, segment=segment) == 1
    assert now.value("metrics_segment_hidden_family_info", segment=segment, family="web_requests", type="counter",
                     shown="web.requests", shown_type="counter", escaping="underscores") == 1
    aggregator.wait_for_log(re.escape('the counter \\"web_requests\\" with labels () is counted but not shown to'))
    (told,) = inspect.json("dropped")["hidden"]
    assert (told["family"], told["where_escaped"]) == ('counter "web_requests" with labels ()', True)
    text = aggregator.request(headers={"Accept": "text/plain;version=1.0.0;escaping=allow-utf-8"}).text
    assert "\nweb_requests_total 3\n" in text
    assert '\n{"web.requests_total"} 4\n' in text
    third = start_worker()
    third.inc(third.counter("web_requests"))
    assert aggregator.scrape().value("web_requests_total") == 4, "3 + 1: it is the last one again"
    (hidden_now,) = aggregator.scrape().all("metrics_segment_hidden_family_info")
    assert ("family", "web.requests") in hidden_now


def test_the_creation_time_of_a_segment_is_shown(segment, worker, start_aggregator):
    worker.counter("tasks_total")
    created = start_aggregator().scrape().value("metrics_segment_created_timestamp_seconds", segment=segment)
    assert abs(created - os.stat(segment + ".v2").st_ctime) < 60


def test_a_full_directory_and_full_cells_count(segment, start_worker, start_aggregator, inspect):
    worker = start_worker(METRICS_DIRECTORY_BYTES=16384, METRICS_CELLS=64)
    tasks = worker.counter("tasks_total")
    aggregator = start_aggregator()
    wide = worker.ask("histogram", name="wide", bounds=list(range(100)))
    assert wide["status"] == "full"
    assert "METRICS_CELLS" in wide["error"]
    assert drops(aggregator.scrape(), "series") == {"cells_full": 1}
    long = worker.ask("counter", name="long", labels=["text"], values=["x" * 16000])
    assert long["status"] == "full"
    assert "METRICS_DIRECTORY_BYTES" in long["error"]
    worker.inc(tasks)  # what was there before still counts
    now = aggregator.scrape()
    assert drops(now, "series") == {"cells_full": 1, "directory_full": 1}
    assert {dict(labels)["reason"] for labels, up in now.all("metrics_segment_refusing").items() if up} == {
        "cells_full", "directory_full"}
    aggregator.wait_for_log('reason=cells_full family=wide')
    told = {row["reason"]: row for row in inspect.json("dropped")["dropped"]}
    assert (told["cells_full"]["last"]["family"], told["directory_full"]["last"]["family"]) == ("wide", "long")
    assert told["cells_full"]["last"]["pid"] == worker.pid
    assert told["cells_full"]["now"]
    assert told["cells_full"]["families"] == ["wide"]
    assert now.value("tasks_total") == 1
    assert now.value("metrics_segment_cells_capacity", segment=segment) == 64
    assert now.value("metrics_segment_directory_capacity_bytes", segment=segment) == 16384
    assert now.value("metrics_segment_directory_used_bytes", segment=segment) <= 16384


def test_without_a_slot_counters_count_and_gauges_are_refused(start_worker, start_aggregator):
    first = start_worker(METRICS_PROCESSES=1)
    first.inc(first.counter("tasks_total"))
    second = start_worker()
    tasks, queue = second.counter("tasks_total"), second.gauge("queue_length", "sum")
    second.inc(tasks, 5)
    second.set(queue, 1)
    assert second.ask("status")["status"] == "no slot"
    now = start_aggregator().scrape()
    assert now.value("tasks_total") == 6
    assert drops(now, "slot_claims") == {"slots_exhausted": 1}
    assert drops(now, "updates") == {"gauge_without_slot": 1}


def test_slots_by_state_follow_workers(segment, directory, worker, start_worker, start_aggregator):
    def slots(exposition):
        return [exposition.value("metrics_segment_slots", segment=segment, state=s) for s in ("live", "dead", "free")]

    def fresh():  # another aggregator: one renews its count every second
        aggregator = start_aggregator()
        result = aggregator.scrape()
        aggregator.close()
        return result

    tasks = worker.counter("tasks_total")
    worker.inc(tasks)
    children = [worker.fork(directory) for _ in range(3)]
    for child in children:
        child.inc(tasks)
    now = fresh()
    assert slots(now) == [4, 0, 1020]
    assert now.value("metrics_segment_thread_slots", segment=segment) == 0
    children[0].kill()
    children[2].kill()
    assert slots(fresh()) == [2, 2, 1020]
    children[1].thread(("inc", {"id": tasks}))
    worker.thread(("inc", {"id": tasks}))
    adopter = worker.fork(directory)
    adopter.inc(tasks)
    now = fresh()
    assert slots(now) == [3, 1, 1020]
    assert now.value("metrics_segment_thread_slots", segment=segment) == 2
    assert now.value("tasks_total") == 7


def test_sizes_follow_what_is_registered(segment, worker, start_aggregator):
    worker.inc(worker.counter("tasks_total", {"type": "image"}))
    worker.counter("tasks_total", {"type": "video"})
    worker.histogram("wait_seconds", [1, 2])
    aggregator = start_aggregator()

    def value(name):
        return aggregator.scrape().value(f"metrics_segment_{name}", segment=segment)

    assert (value("families"), value("series"), value("cells_used")) == (2, 3, 2 + 2 + 4)
    assert value("cells_capacity") == 1 << 20
    assert 0 < value("directory_used_bytes") < 2000
    assert value("directory_capacity_bytes") == 8 << 20
    assert value("memory_bytes") == os.stat(segment + ".v2").st_blocks * 512
    assert value("directory_faults") == 0


def test_the_process_metrics_are_the_aggregators(start_aggregator):
    aggregator = start_aggregator()
    before, now = aggregator.scrape(), aggregator.scrape()
    proc = f"/proc/{aggregator.process.pid}"
    with open(f"{proc}/statm") as file:
        pages = int(file.read().split()[1])
    resident = now.value("process_resident_memory_bytes")
    assert abs(resident / os.sysconf("SC_PAGE_SIZE") - pages) < pages / 2
    # Connections of the last moments may be among them, and the directory that is read to count
    # them.
    assert 0 <= now.value("process_open_fds") - len(os.listdir(f"{proc}/fd")) <= 4
    assert now.value("process_cpu_seconds_total") >= before.value("process_cpu_seconds_total") > 0
    started = now.value("process_start_time_seconds")
    assert started == before.value("process_start_time_seconds") or abs(
        started - before.value("process_start_time_seconds")) < 0.1
    assert abs(started - os.stat(proc).st_ctime) < 60
    assert now.value("metrics_aggregator_scrapes_total") == 2
    assert 0 < now.value("metrics_aggregator_scrape_duration_seconds") < 1
    (build,) = now.all("metrics_aggregator_build_info")
    assert dict(build).keys() == {"version", "revision"}
