"""Several segments behind one aggregator, of which some are missing, damaged, replaced or at
odds."""
import os
import resource

import pytest

PAGE = 4096


@pytest.fixture
def two(directory):
    return [os.path.join(directory, name) for name in ("alpha", "beta")]


def serve(start_worker, path, **counters):
    worker = start_worker(at=path)
    for name, n in counters.items():
        worker.inc(worker.counter(name), n)
    return worker


def test_a_label_tells_segments_apart_and_nothing_is_summed(two, start_worker, start_aggregator):
    for n, path in enumerate(two, 1):
        serve(start_worker, path, tasks_total=n)
    now = start_aggregator(*two).scrape()
    assert [now.value("tasks_total", segment=path) for path in two] == [1, 2]
    assert now.text.count("# TYPE tasks_total counter") == 1


def test_one_segment_has_no_label(segment, start_worker, start_aggregator):
    serve(start_worker, segment, tasks_total=1)
    assert start_aggregator().scrape().value("tasks_total") == 1


@pytest.mark.parametrize("ending", ["", "/"])
def test_segments_of_a_directory_come_and_go(ending, directory, two, start_worker, start_aggregator):
    aggregator = start_aggregator(directory + ending)
    assert not aggregator.scrape().all("metrics_segment_up")
    for n, path in enumerate(two, 1):
        serve(start_worker, path, tasks_total=n)
        now = aggregator.scrape()
        assert now.value("tasks_total", segment=path) == n
        assert len(now.all("metrics_segment_up")) == n
        aggregator.wait_for_log(rf'level=info msg="serving" segment={path}\.v2 commands=e2e_worker$')
    os.unlink(two[0] + ".v2")
    now = aggregator.scrape()
    assert now.all("tasks_total") == {frozenset({("segment", two[1])}): 2}
    assert now.all("metrics_segment_up") == {frozenset({("segment", two[1])}): 1}
    aggregator.wait_for_log(rf'level=info msg="segment is gone" segment={two[0]}\.v2$')


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_directory_may_come_later(ending, directory, start_worker, start_aggregator):
    later = os.path.join(directory, "later")
    aggregator = start_aggregator(later + ending)
    assert list(aggregator.scrape().all("metrics_segment_up").values()) == [0]
    os.mkdir(later)
    for name in "alpha", "beta":
        serve(start_worker, os.path.join(later, name), tasks_total=1)
    now = aggregator.scrape()
    assert {dict(labels)["segment"] for labels in now.all("tasks_total")} == {
        os.path.join(later, name) for name in ("alpha", "beta")}


def truncate(path):
    os.truncate(path, 3 * PAGE)


def empty(path):
    os.truncate(path, 0)


def scribble(path):
    with open(path, "r+b") as file:
        file.write(os.urandom(PAGE))


def replace_by_garbage(path):
    os.unlink(path)
    with open(path, "wb") as file:
        file.write(b"no segment " * 1000)


def replace_by_directory(path):
    os.unlink(path)
    os.mkdir(path)


def replace_by_link(path):
    os.rename(path, path + ".moved")
    os.symlink(path + ".moved", path)


def replace_by_fifo(path):
    os.unlink(path)
    os.mkfifo(path)


REASONS = {
    truncate: "is truncated: 12288 of ",
    empty: "is not a metrics segment: it has 0 bytes",
    scribble: "is not a metrics segment",
    replace_by_garbage: "is not a metrics segment",
    replace_by_directory: "is not a regular file",
    replace_by_link: "is a symbolic link; give the path of the file itself",
    replace_by_fifo: "is not a regular file",
    os.unlink: "was deleted: workers that have it open count unseen until they are restarted",
}


@pytest.mark.parametrize("harm", REASONS, ids=lambda harm: harm.__name__)
def test_a_damaged_segment_leaves_the_good_one_alone(harm, two, start_worker, start_aggregator):
    bad, good = two
    victim = serve(start_worker, bad, tasks_total=1)
    serve(start_worker, good, tasks_total=2)
    aggregator = start_aggregator(*two)
    assert aggregator.scrape().value("metrics_segment_up", segment=bad) == 1
    victim.kill()
    harm(bad + ".v2")
    now = aggregator.scrape()
    assert now.value("metrics_segment_up", segment=bad) == 0
    (labels,) = now.all("metrics_segment_unusable_info", segment=bad)
    assert dict(labels)["reason"].startswith(f"{bad}.v2 {REASONS[harm]}")
    assert now.all("tasks_total") == {frozenset({("segment", good)}): 2}
    assert now.value("metrics_segment_up", segment=good) == 1
    assert set(now.all("metrics_segment_series")) == {frozenset({("segment", good)})}


def test_a_replaced_segment_is_served_from_its_beginning(segment, start_worker, start_aggregator):
    serve(start_worker, segment, tasks_total=10)
    aggregator = start_aggregator()
    before = aggregator.scrape()
    assert before.value("metrics_segment_slots", segment=segment, state="free") == 1023
    os.unlink(segment + ".v2")
    second = start_worker(METRICS_PROCESSES=2)
    second.inc(second.counter("tasks_total"), 1)
    now = aggregator.scrape()
    assert now.value("tasks_total") == 1
    slots = {dict(labels)["state"]: n for labels, n in now.all("metrics_segment_slots").items()}
    assert slots == {"live": 1, "dead": 0, "free": 1}


def test_a_family_of_another_type_is_left_out_and_logged(two, start_worker, start_aggregator):
    serve(start_worker, two[0], load_total=1, jobs_total=3)
    other = start_worker(at=two[1])
    other.set(other.gauge("load", "sum"), 2)
    other.histogram("jobs", [1])
    other.inc(other.counter("fine_total"))
    aggregator = start_aggregator(*two)
    now = aggregator.scrape()
    assert now.value("load_total", segment=two[0]) == 1
    assert now.value("load", segment=two[1]) is None
    assert not now.all("jobs_bucket")
    assert now.value("fine_total", segment=two[1]) == 1
    aggregator.wait_for_log(rf'level=warn msg="gauge \\"load\\" of segment {two[1]} is left out: it conflicts with '
                            r'the counter \\"load\\" of an earlier source"')


def test_buckets_may_differ_between_segments(two, start_worker, start_aggregator):
    for path, bounds in zip(two, ([1, 2], [5])):
        worker = start_worker(at=path)
        worker.observe(worker.histogram("wait_seconds", bounds), 1.5)
    now = start_aggregator(*two).scrape()
    assert now.text.count("# TYPE wait_seconds histogram") == 1
    block = [i for i, line in enumerate(now.text.splitlines()) if "wait_seconds" in line]
    assert block == list(range(block[0], block[0] + 2 + 5 + 4)), "HELP, TYPE and both segments' lines together"
    for path, les in zip(two, (["1.0", "2.0", "+Inf"], ["5.0", "+Inf"])):
        buckets = {dict(labels)["le"]: n for labels, n in now.all("wait_seconds_bucket", segment=path).items()}
        assert buckets == {le: float(le != "1.0") for le in les}


def test_a_label_named_segment_steps_aside_as_in_prometheus(two, start_worker, start_aggregator):
    worker = start_worker(at=two[0])
    worker.inc(worker.counter("a_total", {"segment": "mine"}))
    worker.inc(worker.counter("b_total", {"segment": "mine", "exported_segment": "too"}))
    now = start_aggregator(*two).scrape()
    assert now.value("a_total", segment=two[0], exported_segment="mine") == 1
    assert now.value("b_total", segment=two[0], exported_exported_segment="mine", exported_segment="too") == 1


def test_alone_a_label_named_segment_stays(worker, start_aggregator):
    worker.inc(worker.counter("a_total", {"segment": "mine"}))
    assert start_aggregator().scrape().value("a_total", segment="mine") == 1


def test_a_path_that_is_no_utf8_leaves_the_exposition_valid(directory, start_worker, start_aggregator):
    path = os.fsencode(directory) + b"/caf\xe9"
    serve(start_worker, os.fsdecode(path), tasks_total=1)
    missing = os.fsdecode(os.fsencode(directory) + b"/th\xe9")
    now = start_aggregator(os.fsdecode(path), missing).scrape()
    assert now.value("tasks_total", segment=f"{directory}/caf\ufffd") == 1
    assert now.value("metrics_segment_up", segment=f"{directory}/th\ufffd") == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_segment_of_another_user_is_served_only_if_that_user_is_named(two, directory, start_worker,
                                                                         start_aggregator):
    forged, own = two
    for path in two:
        serve(start_worker, path, tasks_total=1)
    os.chown(forged + ".v2", 65534, 65534)
    strict = start_aggregator(directory)
    now = strict.scrape()
    assert [now.value("metrics_segment_up", segment=path) for path in two] == [0, 1]
    assert set(now.all("tasks_total")) == {frozenset({("segment", own)})}
    (labels,) = now.all("metrics_segment_unusable_info", segment=forged)
    assert dict(labels)["reason"] == (f"{forged}.v2 belongs to user nobody, and this process runs as root; if that "
                                      "user's metrics are to be served, add --segment.owner nobody")
    strict.wait_for_log(rf'msg="segment can\'t be read" segment={forged}\.v2 reason=".* belongs to user nobody, ')
    assert now.value("metrics_segment_info", segment=forged, owner="nobody") == 1
    assert now.value("metrics_segment_info", segment=own, owner="root") == 1
    for name in "nobody", "65534":
        named = start_aggregator(directory, flags=["--segment.owner", "daemon", "--segment.owner", name]).scrape()
        assert [named.value("metrics_segment_up", segment=path) for path in two] == [1, 1]


def test_more_files_than_a_service_may_open_hide_no_segment(segment, directory, start_worker, start_aggregator):
    serve(start_worker, segment, tasks_total=3)
    for n in range(1100):
        open(os.path.join(directory, f"{n}.v2"), "w").close()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        aggregator = start_aggregator(directory)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    now = aggregator.scrape()
    assert now.all("tasks_total") == {frozenset({("segment", segment)}): 3}
    assert len(now.all("metrics_segment_up")) == 1101
    assert now.value("process_max_fds") == hard
    assert now.value("process_open_fds") < 200
