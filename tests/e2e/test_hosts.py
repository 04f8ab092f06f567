"""Two hosts, each with workers and an aggregator, and real Prometheus servers that add them up. One
of the aggregators speaks TLS, and asks for a password.

Hosts are network namespaces. ctest runs this file in one of its own (see CMakeLists.txt), which is
where Prometheus runs: what the test adds to it ends with it, and its addresses and ports are
nobody else's.
"""
import contextlib
import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import time

import pytest

from aggregators import AGGREGATOR
from prometheus_server import Server
from tls_files import Files, bcrypt
from workers import PATIENCE, Worker, clean_environment, until

DOCS = Path(__file__).parents[2] / "aggregator/docs"
PORT = 8001  # the same on each host, as is usual
RECEIVER = "127.0.0.1:9191"
BOUNDS = [1, 2]

# Of one's own metrics, as recording.yml suggests. Of what was counted, not of rates: those are
# never exact.
RECORDED = """\
groups:
  - name: tasks
    rules:
      - {record: "job:tasks:sum", expr: sum by (job) (tasks_total)}
"""

# Sent to both hosts: one has TLS and a password, and says so by the label __scheme__, where the
# list of targets has it.
ACCESS = """\
    basic_auth: {{username: prometheus, password: right}}
    tls_config: {{ca_file: "{ca}"}}
"""

MAIN = f"""\
global: {{{{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}}}
rule_files: ["{DOCS}/alerts.yml", "{DOCS}/recording.yml", tasks.yml]
scrape_configs:
  - job_name: workers
    file_sd_configs: [{{{{files: [targets.json]}}}}]
{ACCESS}"""

# A Prometheus of all sites takes from each what is recorded there.
ABOVE = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: federate
    honor_labels: true
    metrics_path: /federate
    params: {{"match[]": ['{{__name__=~"job:.*"}}']}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""

AGENT = f"""\
global: {{{{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {{{{site: edge}}}}}}}}
scrape_configs:
  - job_name: workers
    http_sd_configs:
      - {{{{url: "http://{{plain}}/http_sd", refresh_interval: 1s}}}}
      - url: "https://{{secure}}/http_sd"
        refresh_interval: 1s
        basic_auth: {{{{username: prometheus, password: right}}}}
        tls_config: {{{{ca_file: "{{ca}}"}}}}
{ACCESS}remote_write:
  - url: http://{RECEIVER}/api/v1/write
    queue_config: {{{{min_backoff: 30ms, max_backoff: 1s}}}}
"""

NOTHING = "global: {scrape_interval: 1s}\n"


def run(*command):
    subprocess.run(command, check=True)


class Host:
    """A network namespace with a way to this one, workers' counts, and an aggregator."""

    def __init__(self, number, directory):
        self.scheme, self.flags = "http", []
        self.segment = os.path.join(directory, f"host{number}")
        self.address = f"10.77.{number}.2"
        # The process that holds the namespace: it waits for the end of its input.
        self.holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        here = os.stat("/proc/self/ns/net").st_ino
        until("the namespace is there", lambda: os.stat(f"/proc/{self.holder.pid}/ns/net").st_ino != here)
        link = f"host{number}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "address", "add", f"10.77.{number}.1/24", "dev", link)
        run("ip", "link", "set", link, "up")
        run(*self.inside("ip", "address", "add", f"{self.address}/24", "dev", "eth0"))
        for device in ("lo", "eth0"):
            run(*self.inside("ip", "link", "set", device, "up"))
        self.instance = f"{self.address}:{PORT}"
        self.worker = self.aggregator = None
        self.counted = 0

    def inside(self, *command):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *command]

    def start_worker(self):
        self.worker = Worker(clean_environment(METRICS_SEGMENT=self.segment))
        self.tasks = self.worker.counter("tasks_total")
        self.seconds = self.worker.histogram("task_seconds", BOUNDS)

    def count(self, tasks):
        self.worker.inc(self.tasks, tasks)
        self.worker.observe(self.seconds, *[1.5] * tasks)
        self.counted += tasks

    def protect(self, folder):
        """From its next start on, the aggregator asks for TLS and a password. Returns the CA."""
        files = Files(str(folder))
        files.self_signed(names=f"IP:{self.address}")
        files.write_tls(rest=f"basic_auth_users: {{prometheus: {bcrypt('right')}}}\n")
        self.scheme, self.flags = "https", [f"--web.config.file={files.config}"]
        return files.path("server.pem")

    def start_aggregator(self):
        self.aggregator = subprocess.Popen(
            self.inside(AGGREGATOR, "--segment", self.segment, f"--web.listen-address={self.instance}",
                        *self.flags),
            stderr=subprocess.DEVNULL, env=clean_environment())

    def end_aggregator(self):
        self.aggregator.send_signal(signal.SIGTERM)
        assert self.aggregator.wait(PATIENCE) == 0

    def close(self):
        if self.worker:
            self.worker.close()
        if self.aggregator and self.aggregator.returncode is None:
            self.aggregator.kill()
            self.aggregator.wait()
        self.holder.stdin.close()
        self.holder.wait()


class Site:
    """All servers, and what they are asked."""

    def __init__(self, stack, directory, hosts, ca):
        self.hosts, self.directory, self.stack, self.ca = hosts, directory, stack, ca
        secure, plain = (host.instance for host in hosts)
        main = self.folder("main")
        (main / "tasks.yml").write_text(RECORDED)
        (main / "targets.json").write_text(json.dumps(
            [{"targets": [host.instance], "labels": {"__scheme__": host.scheme}} for host in hosts]))
        self.main = self.start(Server(str(main), MAIN.format(ca=ca)))
        self.above = self.start(Server(str(self.folder("above")), ABOVE.format(port=self.main.port)))
        self.receiver_folder = self.folder("receiver")
        self.start_receiver()
        self.start(Server(str(self.folder("agent")), AGENT.format(plain=plain, secure=secure, ca=ca), agent=True))

    def folder(self, name):
        path = self.directory / name
        path.mkdir()
        return path

    def start(self, server):
        self.stack.callback(server.close)
        return server

    def start_receiver(self):
        self.receiver = self.start(Server(str(self.receiver_folder), NOTHING, listen=RECEIVER,
                                          flags=["--web.enable-remote-write-receiver"]))

    def counted(self):
        return sum(host.counted for host in self.hosts)


def now(server, expression):
    """{instance, or None: value} of the vector."""
    return {labels.get("instance"): value for labels, value in server.query(expression, time.time())}


def comes(server, expression, expected):
    """Waits until the expression has that value."""
    try:
        until(expression, lambda: now(server, expression) == expected)
    except AssertionError as error:
        raise AssertionError(f"{expression} is {now(server, expression)}, not {expected}") from error


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    if not os.environ.get("METRICS_OWN_NETWORK"):
        pytest.skip("only in a network namespace of its own: see CMakeLists.txt")
    if subprocess.run(["ip", "link", "set", "lo", "up"]).returncode != 0:
        pytest.skip("ip is missing, or may do nothing here; install iproute2")
    with contextlib.ExitStack() as stack:
        segments = f"/dev/shm/metrics-hosts-{time.time_ns()}"
        os.mkdir(segments)
        stack.callback(shutil.rmtree, segments)
        hosts = []
        for number in (1, 2):
            hosts.append(Host(number, segments))
            stack.callback(hosts[-1].close)
        ca = hosts[0].protect(tmp_path_factory.mktemp("tls"))
        for host in hosts:
            host.start_worker()
            host.start_aggregator()
        yield Site(stack, tmp_path_factory.mktemp("hosts"), hosts, ca)


def test_hosts_add_up(site):
    one, two = site.hosts
    one.count(30)
    two.count(12)
    comes(site.main, "sum(tasks_total)", {None: 42})
    comes(site.main, "tasks_total", {one.instance: 30, two.instance: 12})
    comes(site.main, 'sum(task_seconds_bucket{le="2.0"})', {None: 42})
    assert now(site.main, "histogram_quantile(0.5, sum by (le) (task_seconds_bucket))") == {None: 1.5}
    assert now(site.main, "up") == {one.instance: 1, two.instance: 1}


def test_only_who_has_the_password_gets_what_a_protected_host_counts(site):
    one, _ = site.hosts
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", site.ca]
    for user, status in ("prometheus:right", "200"), ("prometheus:wrong", "401"):
        done = subprocess.run([*command, "-u", user, f"https://{one.instance}/metrics"], capture_output=True, text=True)
        assert (done.stdout, done.stderr) == (status, "")


def test_what_is_recorded_is_federated(site):
    comes(site.main, "job:tasks:sum", {None: site.counted()})
    comes(site.above, "job:tasks:sum", {None: site.counted()})
    comes(site.above, "job:metrics_segment_slots_live:sum", {None: 2})
    comes(site.above, "job:metrics_segment_dropped:rate5m", {None: 0})


def test_an_agent_that_finds_hosts_by_asking_them_writes_to_a_receiver(site):
    for host in site.hosts:
        host.count(5)
    comes(site.receiver, 'sum(tasks_total{site="edge"})', {None: site.counted()})


def test_nothing_is_lost_while_the_receiver_is_away(site):
    one, _ = site.hosts
    site.receiver.close()
    gone = time.time()
    for _ in range(3):  # scrapes that the agent makes meanwhile
        one.count(1)
        comes(site.main, "tasks_total", {host.instance: host.counted for host in site.hosts})
    until("some scrapes are made", lambda: time.time() - gone > 3)
    back = time.time()
    site.start_receiver()
    comes(site.receiver, 'sum(tasks_total{site="edge"})', {None: site.counted()})
    window = int(time.time() - gone) + 60
    (_, samples), = site.receiver.query(f'tasks_total{{instance="{one.instance}"}}[{window}s]', time.time())
    meanwhile = [value for when, value in samples if gone <= when < back]
    assert len(meanwhile) >= 2, "samples of the time in which it was away"
    assert meanwhile == sorted(meanwhile)


def test_a_daemon_that_is_away_is_seen_and_loses_nothing(site):
    one, two = site.hosts
    two.end_aggregator()
    comes(site.main, "up", {one.instance: 1, two.instance: 0})
    comes(site.main, "tasks_total", {one.instance: one.counted})
    comes(site.main, 'ALERTS{alertname="MetricsAggregatorDown",alertstate="pending"}', {two.instance: 1})
    two.count(5)
    two.start_aggregator()
    comes(site.main, "tasks_total", {one.instance: one.counted, two.instance: two.counted})
    assert now(site.main, "resets(tasks_total[5m])") == {one.instance: 0, two.instance: 0}
    comes(site.main, 'ALERTS{alertname="MetricsAggregatorDown"}', {})


def test_a_segment_that_is_replaced_is_one_reset_and_an_alert(site):
    one, two = site.hosts
    before = now(site.main, "sum(increase(tasks_total[5m]))")[None]
    one.worker.close()
    os.unlink(one.segment + ".v2")
    one.counted = 0
    one.start_worker()
    one.count(3)
    comes(site.main, "tasks_total", {one.instance: 3, two.instance: two.counted})
    assert now(site.main, "resets(tasks_total[5m])") == {one.instance: 1, two.instance: 0}
    assert now(site.main, "sum(increase(tasks_total[5m]))")[None] > before
    comes(site.main, 'ALERTS{alertname="MetricsSegmentReplaced",alertstate="firing"}', {one.instance: 1})
