"""What a service manager hears of the aggregator, and when."""
import ctypes
import itertools
import os
from pathlib import Path
import signal
import time

import pytest

from service_manager import ServiceManager
from workers import clean_environment, until


@pytest.fixture
def manager(directory):
    manager = ServiceManager(directory)
    yield manager
    manager.close()


@pytest.fixture
def start_service(manager, segment, start_aggregator):
    def start(*segments, **variables):
        return start_aggregator(*(segments or [segment]),
                                environment=clean_environment(NOTIFY_SOCKET=manager.path, **variables))

    return start


def test_it_is_ready_when_it_serves_and_says_what(manager, worker, start_service):
    worker.counter("tasks_total", {"type": "image"})
    worker.counter("tasks_total", {"type": "text"})
    aggregator = start_service()
    assert manager.report() == {"READY": "1", "WATCHDOG": "1", "STATUS": "Serving 1 segment with 2 series"}
    assert aggregator.scrape().value("tasks_total", type="text") == 0


def test_segments_that_are_not_there_yet_do_not_keep_it_from_being_ready(manager, directory, segment, worker,
                                                                          start_service):
    worker.counter("tasks_total")
    start_service(segment, os.path.join(directory, "none"))
    assert manager.report()["STATUS"] == (
        "Serving 1 segment with 1 series; 1 segment can't be read: see the log")


def test_sighup_is_a_reload_that_ends(manager, start_service, start_worker):
    aggregator = start_service()
    assert manager.report()["STATUS"] == "Serving 0 segments with 0 series; 1 segment can't be read: see the log"
    start_worker().counter("tasks_total")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    aggregator.process.send_signal(signal.SIGHUP)
    reloading = manager.report()
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    ready = manager.report()
    assert (ready["READY"], ready["STATUS"]) == ("1", "Serving 1 segment with 1 series")


def test_it_says_that_it_stops_before_it_does(manager, start_service):
    aggregator = start_service()
    manager.report()
    assert aggregator.end() == 0
    assert manager.report()["STOPPING"] == "1"


def test_the_watchdog_hears_of_it_in_time_and_no_oftener_than_needed(manager, start_service, start_worker):
    allowed = 1.5
    aggregator = start_service(WATCHDOG_USEC=int(allowed * 1e6))
    manager.report()
    start_worker().counter("tasks_total")
    times = [time.monotonic()]
    for _ in range(3):
        report = manager.report()
        assert report["WATCHDOG"] == "1"
        times.append(time.monotonic())
    assert report["STATUS"] == "Serving 1 segment with 1 series", "the line is kept up to date"
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < allowed
    assert times[-1] - times[0] > 0.6 * allowed
    assert aggregator.end() == 0


class StoppedThread:
    """A thread of a child that runs no further until the end of the block; the others run on."""

    SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000  # of sys/ptrace.h and wait.h

    def __init__(self, pid, name):
        tasks = Path(f"/proc/{pid}/task")

        def named():
            return [int(task.name) for task in tasks.iterdir() if (task / "comm").read_text() == name + "\n"]

        until("the thread has its name", named)
        (self.tid,) = named()

    def ptrace(self, request):
        if ctypes.CDLL(None, use_errno=True).ptrace(ctypes.c_long(request), self.tid, None, None) != 0:
            pytest.skip(f"no thread can be stopped here: {os.strerror(ctypes.get_errno())}")

    def __enter__(self):
        self.ptrace(self.SEIZE)
        self.ptrace(self.INTERRUPT)
        os.waitpid(self.tid, self.WALL)

    def __exit__(self, *_):
        self.ptrace(self.DETACH)


def test_the_watchdog_hears_nothing_while_connections_hang(manager, start_service):
    allowed = 0.6
    aggregator = start_service(WATCHDOG_USEC=int(allowed * 1e6))
    manager.report()
    with StoppedThread(aggregator.process.pid, "http-front"):
        aggregator.wait_for_log("level=error msg=\"no connection is served any more")
        manager.drop_reports()
        assert not manager.hears_within(allowed)
    assert manager.report()["WATCHDOG"] == "1"
    aggregator.scrape()


def test_the_watchdog_of_another_process_gets_no_reports(manager, start_service):
    aggregator = start_service(WATCHDOG_USEC=1000, WATCHDOG_PID=1)
    manager.report()
    aggregator.scrape()
    assert aggregator.end() == 0
    assert manager.report()["STOPPING"] == "1"


def test_a_manager_that_is_gone_disturbs_nothing(manager, start_service):
    os.unlink(manager.path)
    aggregator = start_service(WATCHDOG_USEC=1000)
    aggregator.scrape()
    aggregator.process.send_signal(signal.SIGHUP)
    aggregator.wait_for_log("SIGHUP")
    aggregator.scrape()
    assert aggregator.end() == 0
