"""The service as systemd reads it: its unit, its user, its folder."""
import base64
import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess

import pytest

from aggregators import AGGREGATOR, Aggregator, Exposition
from programs import PACKAGE
from tls_files import Files, bcrypt
from workers import PATIENCE, Worker, clean_environment

SYSTEMD = PACKAGE / "systemd"
TEMPLATE = (SYSTEMD / "metrics-aggregator.service.in").read_text()
SOCKET = (SYSTEMD / "metrics-aggregator.socket").read_text()
MOST_EXPOSED = 15  # of 100

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is missing")


@pytest.fixture
def unit(tmp_path):
    """The unit, with the program that was built."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/metrics-aggregator").symlink_to(os.path.abspath(AGGREGATOR))
    path = tmp_path / "metrics-aggregator.service"
    path.write_text(TEMPLATE.replace("@bindir@", str(tmp_path / "bin")))
    return path


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def settings(name):
    return re.findall(rf"^{name}=(.*)$", TEMPLATE, re.M)


def test_systemd_understands_all_of_the_unit(unit):
    assert analyze("verify", "--man=no", str(unit)) == (0, "")


def test_systemd_understands_the_unit_of_the_sockets(unit):
    path = unit.with_suffix(".socket")
    path.write_text(SOCKET)
    assert analyze("verify", "--man=no", str(path)) == (0, "")


def test_systemd_listens_where_the_daemon_would():
    said = subprocess.run([AGGREGATOR, "--help"], capture_output=True, text=True, check=True).stdout
    (port,) = re.findall(r"^ListenStream=(\d+)$", SOCKET, re.M)
    assert re.search(rf"\s:{port}$", said, re.M)


def test_the_unit_exposes_little(unit):
    status, said = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit))
    assert status == 0, said


def allowed_system_calls():
    """Those that the unit's SystemCallFilter= lets through, groups resolved."""
    groups = {}
    for line in analyze("syscall-filter")[1].splitlines():
        if line.startswith("@"):
            group = groups.setdefault(line, set())
        elif line.strip() and not line.strip().startswith("#") and line.startswith(" "):
            group.add(line.strip())

    def resolved(name):
        if not name.startswith("@"):
            return {name}
        return set().union(*(resolved(member) for member in groups[name]))

    allowed = set()
    for line in settings("SystemCallFilter"):
        named = set().union(*(resolved(word) for word in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return allowed


def test_the_daemon_makes_no_system_call_that_the_unit_forbids(directory, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    segment, trace = os.path.join(directory, "segment"), tmp_path / "trace"
    files = Files(str(tmp_path))
    files.self_signed()
    files.write_tls(rest=f"basic_auth_users: {{alice: {bcrypt('right')}}}\n")
    alice = {"Authorization": "Basic " + base64.b64encode(b"alice:right").decode()}
    worker = Worker(clean_environment(METRICS_SEGMENT=segment))
    aggregator = None
    try:
        worker.inc(worker.counter("tasks_total"))
        aggregator = Aggregator(directory + "/", under=["strace", "-f", "-qq", "-o", str(trace)],
                                flags=["--web.listen-address=[::1]:0", f"--web.config.file={files.config}",
                                       f"--web.listen-address=unix:{tmp_path}/http"],
                                environment=clean_environment(NOTIFY_SOCKET="/nowhere", WATCHDOG_USEC=100_000))
        (pid,) = {line.split()[0] for line in trace.read_text().splitlines() if " execve(" in line}

        def scrape(headers):
            connection = http.client.HTTPSConnection(
                "127.0.0.1", aggregator.port, timeout=PATIENCE,
                context=ssl.create_default_context(cafile=files.path("server.pem")))
            connection.request("GET", "/metrics", headers=headers)
            reply = connection.getresponse()
            body = reply.read()
            connection.close()
            return reply.status, body

        status, body = scrape(alice)
        assert (status, Exposition(body.decode()).value("tasks_total", segment=segment)) == (200, 1)
        assert scrape({})[0] == 401
        files.write_tls("min_version: TLS13")
        os.kill(int(pid), signal.SIGHUP)
        aggregator.wait_for_log("read anew")
        assert scrape({"Accept-Encoding": "gzip"})[0] == 200
        assert aggregator.request().status == 400, "HTTP where TLS is spoken"
        os.kill(int(pid), signal.SIGTERM)
        assert aggregator.ended() == 0
    finally:
        worker.close()
        if aggregator:
            aggregator.close()
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
    assert "openat" in made
    assert made - allowed_system_calls() == set()


def test_the_options_of_the_unit_are_those_that_the_file_of_options_begins_with():
    default = re.findall(r'^ARGS="(.*)"$', (SYSTEMD / "metrics-aggregator.default").read_text(), re.M)
    assert [f'"ARGS={args}"' for args in default] == settings("Environment")


def test_user_and_folder_come_to_be_as_the_unit_has_them(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to any user")
    (tmp_path / "etc").mkdir()
    for program, kind in (("systemd-sysusers", "sysusers"), ("systemd-tmpfiles", "tmpfiles")):
        subprocess.run([program, *(["--create"] if kind == "tmpfiles" else []), f"--root={tmp_path}",
                        str(SYSTEMD / f"metrics-aggregator.{kind}")], check=True)
    name, _, uid, gid, _, home, shell = (tmp_path / "etc/passwd").read_text().strip().split(":")
    assert ([name], home, shell) == (settings("User"), "/", "/usr/sbin/nologin")
    group, _, number, _ = (tmp_path / "etc/group").read_text().strip().split(":")
    assert ([group], number) == (settings("Group"), gid)
    folder = (tmp_path / "run/metrics").stat()
    assert [f"{folder.st_mode & 0o7777:o}"] == settings("RuntimeDirectoryMode")
    assert (folder.st_uid, folder.st_gid) == (int(uid), int(gid))
    assert settings("RuntimeDirectory") == ["metrics"]
    assert settings("RuntimeDirectoryPreserve") == ["yes"], "counts outlive the daemon"
