"""Aggregators come and go, before, beside and after the workers; what they say when they can't
run."""
import json
import os
import re
import signal
import socket

import pytest

from aggregators import run_aggregator
from workers import clean_environment, until


def test_started_first_it_says_that_there_is_nothing_yet_and_then_serves(segment, start_aggregator, start_worker):
    aggregator = start_aggregator()
    before = aggregator.scrape()
    assert before.value("metrics_segment_up", segment=segment) == 0
    why = f"{segment}.v2 does not exist (yet): no worker has created it"
    assert before.value("metrics_segment_unusable_info", segment=segment, reason=why) == 1
    assert aggregator.request("/-/ready").status == 200
    worker = start_worker()
    worker.inc(worker.counter("tasks_total"), 3)
    after = aggregator.scrape()
    assert after.value("tasks_total") == 3
    assert after.value("metrics_segment_up", segment=segment) == 1
    assert not after.all("metrics_segment_unusable_info")


def test_started_last_it_serves_what_dead_workers_counted(worker, start_aggregator):
    worker.inc(worker.counter("tasks_total"), 5)
    worker.kill()
    assert start_aggregator().scrape().value("tasks_total") == 5


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_restarted_it_resets_and_loses_nothing(sign, worker, start_aggregator):
    tasks, wait = worker.counter("tasks_total"), worker.histogram("wait_seconds", [1, 2])
    worker.inc(tasks, 2)
    worker.observe(wait, 0.5, 1.5)
    first = start_aggregator()
    assert first.scrape().value("tasks_total") == 2
    assert first.end(sign) == (0 if sign == signal.SIGTERM else -sign)
    worker.inc(tasks, 40)  # while none is there
    worker.observe(wait, 3)
    now = start_aggregator().scrape()
    assert now.value("tasks_total") == 42
    assert [now.value("wait_seconds_bucket", le=le) for le in ("1.0", "2.0", "+Inf")] == [1, 2, 3]
    assert now.value("wait_seconds_sum") == 5


def test_two_beside_each_other_serve_the_same(worker, start_aggregator):
    worker.inc(worker.counter("tasks_total"), 7)
    worker.set(worker.gauge("queue_length", "livesum"), 4)
    one, other = start_aggregator(), start_aggregator()
    assert one.scrape().about_segments() == other.scrape().about_segments()
    assert one.end() == 0
    assert other.scrape().value("tasks_total") == 7


def test_killed_workers_leave_what_was_acknowledged_and_at_most_one_more(worker, directory, start_aggregator):
    tasks = worker.counter("tasks_total")
    worker.inc(tasks)  # the parent has a slot of its own
    aggregator = start_aggregator()
    acknowledged, counted, last = 1, 1, 1
    for _ in range(5):
        child = worker.fork(directory)
        child.spin(counter=tasks)
        child.acknowledged_at_least(20)
        during = aggregator.scrape().value("tasks_total")
        assert during >= last + 20
        child.kill()
        acknowledged += child.acknowledged_in_all()
        last = aggregator.scrape().value("tasks_total")
        assert during <= last
        counted += 1
        assert acknowledged <= last <= acknowledged + counted
    slots = aggregator.scrape().all("metrics_segment_slots", state="free")
    assert list(slots.values()) == [1024 - 2], "the children took turns in one slot"


def slow_client(aggregator):
    """Has asked for the exposition and, with a window this small, can't be sent all of it before it
    reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", aggregator.port))
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    begin = client.recv(4096)
    assert begin.startswith(b"HTTP/1.1 200 ")
    return client, begin


def test_sigterm_lets_the_response_under_way_be_finished(start_worker, start_aggregator):
    worker = start_worker(METRICS_DIRECTORY_BYTES=16 << 20)
    worker.ask("many", name="large_total", count=700, bytes=16000)  # more than sockets hold
    aggregator = start_aggregator()
    client, received = slow_client(aggregator)
    aggregator.process.send_signal(signal.SIGTERM)
    aggregator.wait_for_log('msg="stopping" signal=SIGTERM')
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    while chunk := client.recv(1 << 20):
        received += chunk
    client.close()
    head, body = received.split(b"\r\n\r\n", 1)
    assert f"Content-Length: {len(body)}".encode() in head
    assert len(body) > 700 * 16000
    assert body.endswith(b"\n")
    assert aggregator.ended() == 0


def test_a_second_signal_ends_it_at_once(start_worker, start_aggregator):
    worker = start_worker(METRICS_DIRECTORY_BYTES=16 << 20)
    worker.ask("many", name="large_total", count=700, bytes=16000)
    aggregator = start_aggregator()
    client, _ = slow_client(aggregator)
    aggregator.process.send_signal(signal.SIGINT)
    aggregator.wait_for_log('msg="stopping" signal=SIGINT')

    def ended():
        aggregator.process.send_signal(signal.SIGINT)  # the first may come before the signal is let through
        return aggregator.process.poll() is not None

    until("it ends although a client is being served", ended)
    client.close()
    assert aggregator.ended() == -signal.SIGINT


def test_ctrl_c_ends_an_idle_one_with_status_0(start_aggregator):
    aggregator = start_aggregator()
    aggregator.scrape()
    assert aggregator.end(signal.SIGINT) == 0
    assert 'msg="stopping" signal=SIGINT' in aggregator.log[-2]


def test_sighup_is_logged_and_ends_nothing(segment, start_worker, start_aggregator):
    aggregator = start_aggregator()
    aggregator.process.send_signal(signal.SIGHUP)
    aggregator.wait_for_log('level=info msg="SIGHUP: flags and environment can\'t change')
    start_worker().counter("tasks_total")
    aggregator.process.send_signal(signal.SIGHUP)
    aggregator.wait_for_log('msg="serving" segment=')  # without a scrape
    assert aggregator.scrape().value("tasks_total") == 0
    assert aggregator.end() == 0


def test_a_sighup_while_the_last_response_is_under_way_ends_nothing(start_worker, start_aggregator):
    worker = start_worker(METRICS_DIRECTORY_BYTES=16 << 20)
    worker.ask("many", name="large_total", count=700, bytes=16000)
    aggregator = start_aggregator()
    client, _ = slow_client(aggregator)
    aggregator.process.send_signal(signal.SIGTERM)
    aggregator.wait_for_log('msg="stopping" signal=SIGTERM')
    aggregator.process.send_signal(signal.SIGHUP)
    while client.recv(1 << 20):
        pass
    client.close()
    assert aggregator.ended() == 0


# An aggregator that is started first, with nothing that says where, in a /dev/shm of its own.
ALONE = ["unshare", "--mount", "sh", "-c", """
    mount -t tmpfs none /dev/shm && : >/dev/shm/metrics-33.v2 && : >/dev/shm/metrics-7.v1 &&
    : >/dev/shm/metrics-none.v2 && chown 4711 /dev/shm/metrics-33.v2 && exec "$@" """, "sh"]


def test_the_default_segments_of_other_users_are_logged_once(start_aggregator):
    if os.geteuid() != 0:
        pytest.skip("only root can have another /dev/shm")
    aggregator = start_aggregator(environment=clean_environment(), under=ALONE)
    aggregator.wait_for_log('level=info msg="another user\'s default segment is here; to serve it, give its path as '
                            '--segment, and its user as --segment.owner" segment=/dev/shm/metrics-33.v2 user=4711$')
    aggregator.scrape()
    assert aggregator.end() == 0
    assert sum("another user" in line for line in aggregator.log) == 1


def test_the_log_tells_what_an_operator_asks(segment, start_worker, start_aggregator):
    aggregator = start_aggregator(flags=["--log.level=debug"])
    aggregator.wait_for_log(r'level=warn msg="segment can\'t be read" segment=\S+ reason=".* does not exist \(yet\)')
    worker = start_worker()
    worker.inc(worker.counter("tasks_total"))
    aggregator.scrape()
    aggregator.wait_for_log(rf'level=info msg="serving" segment={segment}\.v2 commands=e2e_worker$')
    aggregator.wait_for_log(r'level=debug msg="scrape" seconds=0\.\d+ bytes=\d+ segments=1$')
    os.unlink(segment + ".v2")
    aggregator.scrape()
    aggregator.scrape()
    aggregator.wait_for_log(r'level=warn msg="segment can\'t be read" segment=\S+ reason=".* was deleted: workers')
    assert aggregator.end() == 0
    version = run_aggregator("--version")[1].split()[1]
    revision = run_aggregator("--version")[1].splitlines()[1].split()[1]
    assert (f'level=info msg="starting" version={version} revision={revision} pid={aggregator.process.pid}\n'
            in aggregator.log[0])
    assert sum("was deleted" in line for line in aggregator.log) == 1, "said once, not at every scrape"


def test_a_log_line_is_json_if_asked_for(start_aggregator):
    aggregator = start_aggregator(flags=["--log.format=json"])
    assert aggregator.end() == 0
    lines = [json.loads(line) for line in aggregator.log[:-1]]
    assert [line["msg"] for line in lines] == ["starting", "listening", "segment can't be read", "stopping"]
    assert {line["level"] for line in lines} == {"info", "warn"}


def test_a_taken_port_is_one_clear_line(start_aggregator):
    port = start_aggregator().port
    status, out, err = run_aggregator(f"--web.listen-address=127.0.0.1:{port}")
    assert (status, out) == (1, "")
    _starting, error = err.splitlines()
    assert error.split(" ", 1)[1] == (
        f'level=error msg="cannot listen on 127.0.0.1:{port}: address already in use; '
        'stop what listens there or choose another port"')


USAGE = {
    "--nope": "unknown flag --nope",
    "--segmnt=x": "unknown flag --segmnt (did you mean --segment?)",
    "--segment=a --web.listen-adress :1": "unknown flag --web.listen-adress (did you mean --web.listen-address?)",
    "extra": "unexpected argument extra",
    "--web.external-url=here": "--web.external-url: must be a URL without query, e.g. "
                               "https://metrics.example.org/workers",
    **{f"--web.max-connections={number}": f"--web.max-connections: Value {number} not in range 1 to 1000000"
       for number in (0, 1000001)},
    "--segment": "--segment needs a value",
    "--web.max-requests": "--web.max-requests needs a value",
    "--log.level=info --log.level=warn": "--log.level is given twice",
    "--web.systemd-socket=soon": '--web.systemd-socket is true or false, and not "soon"',
    "--segment=a --segment=": "--segment= has no value",
    "--segment.owner=nobody-here": '--segment.owner: "nobody-here" is not a user here; write a user\'s name or number',
    "--segment= --web.listen-address=127.0.0.1:0": "--segment= has no value",
    "--web.listen-address=8001": '--web.listen-address: cannot listen on "8001": a port needs a colon before it; '
                                 'write :8001',
    "--web.listen-address=127.0.0.1": '--web.listen-address: cannot listen on "127.0.0.1": the port is missing; '
                                      'write 127.0.0.1:8001',
    "--web.listen-address=:99999": '--web.listen-address: cannot listen on ":99999": the port must be a number from '
                                   '0 to 65535',
    "--web.listen-address=::1": '--web.listen-address: cannot listen on "::1": an IPv6 address needs brackets, and a '
                                'port; write [::1]:8001',
    "--web.listen-address=unix:": '--web.listen-address: cannot listen on "unix:": the path is missing; write '
                                  'unix:/run/metrics/aggregator.socket',
    "--web.listen-address=here:80": '--web.listen-address: cannot listen on "here:80": "here" is not an IP address '
                                    'and names are not looked up; write an IP address such as 127.0.0.1:8001 or '
                                    '[::1]:8001, or :8001 for every interface',
    **{f"--web.telemetry-path={path}": "--web.telemetry-path: must begin with '/' and need no escapes, e.g. /metrics"
       for path in ("metrics", "/", "/a?b", "/a%20b", "/\u00e4")},
    "--web.telemetry-path=/-/ready": "--web.telemetry-path: /-/ready is the path of another page; choose another one",
    **{f"--web.max-requests={number}": f"--web.max-requests: Value {number} not in range 1 to 1000"
       for number in (0, 1001)},
    **{f"--scrape.threads={number}": f"--scrape.threads: Value {number} not in range 1 to 64" for number in (0, 65)},
    **{f"--series.expire-after={text}": f'--series.expire-after: "{text}" is not a duration; write a whole number '
                                        'and ms, s, m, h or d, e.g. 30m, at most 36500d'
       for text in ("5", "m", "-5m", "1.5h", "5M", "1h30m", "36501d", "99999999999999999999d")},
    **{f"--native-histogram.max-buckets={number}": f"--native-histogram.max-buckets: Value {number} not in range 65 "
                                                   "to 100000" for number in (64, 100001)},
    "--log.level=loud": "--log.level: loud not in {debug,info,warn,error}",
    "--log.format=xml": "--log.format: xml not in {logfmt,json}",
}


@pytest.mark.parametrize("arguments", USAGE)
def test_a_bad_flag_is_one_clear_line(arguments):
    assert run_aggregator(*arguments.split()) == (2, "", f"metrics-aggregator: {USAGE[arguments]}; see --help\n")


def test_an_empty_path_is_no_default():
    assert run_aggregator("--segment", "") == (
        2, "", "metrics-aggregator: --segment: the path is empty; leave the flag out for the default; see --help\n")


def test_an_address_that_is_elsewhere_is_one_clear_line():
    status, out, err = run_aggregator("--web.listen-address=192.0.2.1:80")  # of no machine: RFC 5737
    assert (status, out) == (1, "")
    assert err.splitlines()[-1].endswith(
        'msg="cannot listen on 192.0.2.1:80: no interface of this machine has that address"')


def test_help_fits_a_terminal_and_names_every_flag():
    status, out, err = run_aggregator("--help")
    assert (status, err) == (0, "")
    assert max(len(line) for line in out.splitlines()) <= 90
    for flag in ("segment", "segment.owner", "web.listen-address", "web.systemd-socket", "web.config.file",
                 "web.telemetry-path", "web.max-requests", "web.max-connections", "web.external-url",
                 "web.disable-exporter-metrics", "series.expire-after", "scrape.threads", "native-histograms",
                 "native-histogram.max-buckets", "log.level", "log.format", "version"):
        assert f"--{flag} " in out


def test_its_version_has_revision_and_build():
    status, out, err = run_aggregator("--version")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"metrics-aggregator \d+\.\d+\.\d+\n  revision: \S+\n  build:    \S+ [0-9.]+, \w*, \w+\n", out)


def test_without_a_flag_it_serves_the_segment_that_workers_take(segment, worker, start_aggregator):
    worker.inc(worker.counter("tasks_total"), 9)
    aggregator = start_aggregator(environment=clean_environment(METRICS_SEGMENT=segment))
    assert aggregator.scrape().value("tasks_total") == 9


def test_the_variable_may_name_a_directory_as_the_flag_may(directory, segment, worker, start_aggregator):
    worker.inc(worker.counter("tasks_total"), 9)
    aggregator = start_aggregator(environment=clean_environment(METRICS_SEGMENT=directory))
    assert aggregator.scrape().value("tasks_total", segment=segment) == 9


def test_what_is_not_counted_is_logged_once_for_each_reason(start_worker, start_aggregator):
    aggregator = start_aggregator()
    first, second = start_worker(METRICS_PROCESSES=1), start_worker()
    for worker in (first, second):
        worker.inc(worker.counter("tasks_total"))
    for _ in range(3):
        assert aggregator.scrape().value("tasks_total") == 2
    aggregator.wait_for_log(
        r'level=warn msg="processes or threads have no slot .*" segment=\S+ reason=slots_exhausted$')
    assert aggregator.end() == 0
    assert sum("slots_exhausted" in line for line in aggregator.log) == 1
