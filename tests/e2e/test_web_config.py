"""TLS, passwords and headers by --web.config.file, as curl, openssl, Python and Prometheus see
them."""
import base64
import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from aggregators import Exposition, run_aggregator
from prometheus_server import Prometheus
from tls_files import EC, RSA, Files, bcrypt
from workers import PATIENCE, until


@pytest.fixture
def files(tmp_path):
    return Files(str(tmp_path))


@pytest.fixture
def start(worker, start_aggregator, files):
    """start(...) writes a configuration with TLS, and starts a daemon with it."""
    worker.inc(worker.counter("tasks_total"), 7)

    def start_with(more=None, rest="", flags=(), server="server", kind=EC):
        if more is not None:
            files.self_signed(server, kind)
            files.write_tls(more, server, rest)
        else:
            files.write(rest)
        return start_aggregator(flags=[f"--web.config.file={files.config}", *flags])

    return start_with


def curl(aggregator, files, *arguments, path="/metrics", scheme="https"):
    """(exit status, HTTP status, body, what curl says)"""
    done = subprocess.run(
        ["curl", "-sS", "--max-time", str(PATIENCE), "--cacert", files.path("server.pem"), "-w", "\n%{http_code}",
         *arguments, f"{scheme}://127.0.0.1:{aggregator.port}{path}"], capture_output=True, text=True)
    body, _, status = done.stdout.rpartition("\n")
    return done.returncode, int(status), body, done.stderr


def scrapes(aggregator, files, *arguments):
    status, code, body, why = curl(aggregator, files, *arguments)
    return (status == 0 and code == 200 and Exposition(body).value("tasks_total") == 7) or why


def s_client(aggregator, *arguments):
    """What openssl says of a connection that it ends at once."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{aggregator.port}", *arguments], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout + done.stderr


def context(files, server="server"):
    return ssl.create_default_context(cafile=files.path(f"{server}.pem"))


def connect(aggregator, tls):
    return http.client.HTTPSConnection("127.0.0.1", aggregator.port, timeout=PATIENCE, context=tls)


def get(connection, path="/metrics", headers=None):
    connection.request("GET", path, headers=headers or {})
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read().decode()


# ---- TLS ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", [EC, RSA], ids=["ec", "rsa"])
def test_curl_scrapes_over_tls_and_keeps_its_connection(kind, start, files):
    aggregator = start("", kind=kind)
    aggregator.wait_for_log("address=127.0.0.1:.* tls=true")
    assert scrapes(aggregator, files) is True
    for version in "1.2", "1.3":
        assert scrapes(aggregator, files, f"--tlsv{version}", "--tls-max", version) is True
    connection = connect(aggregator, context(files))
    for _ in range(3):
        assert get(connection)[0] == 200
    connection.close()


def test_http_at_a_tls_port_is_answered_and_nonsense_is_not(start, files):
    aggregator = start("")
    assert curl(aggregator, files, scheme="http")[1:3] == (400, "This is an HTTPS server: write https://.\n")
    for nonsense in b"\x16\x03\x01\xff\xff" + bytes(100), b"\0", bytes(20000), b"\x15\x03\x01\x00\x02\x02\x28":
        with socket.create_connection(("127.0.0.1", aggregator.port), PATIENCE) as client:
            try:
                client.sendall(nonsense)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
            except TimeoutError:
                raise
            except OSError:  # at any of these it may find that it was hung up on
                pass
    assert scrapes(aggregator, files) is True


def test_versions_are_those_of_the_configuration(start, files):
    def spoken(aggregator):
        return [v for v in ("1", "1_1", "1_2", "1_3")
                if "Cipher is TLS" in (said := s_client(aggregator, f"-tls{v}", "-cipher", "DEFAULT:@SECLEVEL=0"))
                or "Cipher is ECDHE" in said or "Cipher is AES" in said]

    aggregator = start("")
    assert spoken(aggregator) == ["1_2", "1_3"]
    files.write_tls("min_version: TLS13")
    assert spoken(aggregator) == ["1_3"]
    files.write_tls("max_version: TLS12")
    assert spoken(aggregator) == ["1_2"]
    files.write_tls("min_version: TLS10\nmax_version: TLS11")
    assert spoken(aggregator) == ["1", "1_1"]


def test_ciphers_and_curves_are_those_of_the_configuration(start, files):
    aggregator = start("cipher_suites:\n- TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256\n"
                       "- TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n- TLS_AES_128_GCM_SHA256\n"
                       "curve_preferences: [CurveP384]")
    assert "Cipher is TLS_AES_128_GCM_SHA256" in s_client(aggregator, "-tls1_3")
    assert "Cipher is (NONE)" in s_client(aggregator, "-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384")
    assert "Cipher is (NONE)" in s_client(aggregator, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")
    both = ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"]
    assert "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305" in s_client(aggregator, *both), "the server's order counts"
    assert "secp384r1, 384 bits" in s_client(aggregator)
    assert "Cipher is (NONE)" in s_client(aggregator, "-curves", "X25519")
    files.write_tls("cipher_suites:\n- TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256\n"
                    "- TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\nprefer_server_cipher_suites: false")
    assert "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in s_client(aggregator, *both), "the client's order counts"


def test_by_default_ciphers_are_chosen_as_by_gos_servers(start, files):
    aggregator = start("")
    for offered, chosen in (
        (["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"],
         "TLS_AES_128_GCM_SHA256"),
        (["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"], "TLS_AES_256_GCM_SHA384"),
        (["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"], "TLS_CHACHA20_POLY1305_SHA256"),
    ):
        assert f"Cipher is {chosen}" in s_client(aggregator, "-tls1_3", "-ciphersuites", ":".join(offered))


def test_pem_may_be_inline(start, files):
    files.self_signed()
    def inline(name):
        with open(files.path(name)) as file:
            return "".join(f"    {line}" for line in file)
    aggregator = start(rest=f"tls_server_config:\n  cert: |\n{inline('server.pem')}  key: |\n{inline('server.key')}")
    assert scrapes(aggregator, files) is True


# Which clients get in: without a certificate, with one of another CA, with one of the right one.
CLIENT_AUTH = {
    "NoClientCert": (True, True, True),
    "RequestClientCert": (True, True, True),
    "RequireAnyClientCert": (False, True, True),
    "VerifyClientCertIfGiven": (True, False, True),
    "RequireAndVerifyClientCert": (False, False, True),
}


@pytest.fixture
def clients(files):
    for ca in "ca", "stranger":
        files.self_signed(ca)
    files.signed("friend", "ca")
    files.signed("foe", "stranger")
    return {name: ["--cert", files.path(f"{name}.pem"), "--key", files.path(f"{name}.key")]
            for name in ("friend", "foe")}


@pytest.mark.parametrize("policy", CLIENT_AUTH)
def test_clients_certificates_are_asked_for_as_the_policy_says(policy, start, files, clients):
    ca = "" if policy == "NoClientCert" else "client_ca_file: ca.pem\n"
    aggregator = start(f"{ca}client_auth_type: {policy}")
    got_in = tuple(scrapes(aggregator, files, *arguments) is True
                   for arguments in ([], clients["foe"], clients["friend"]))
    assert got_in == CLIENT_AUTH[policy]


def test_a_clients_certificate_needs_one_of_the_names(start, files, clients):
    files.signed("named", "ca", "DNS:other.example,IP:10.1.2.3,email:a@example.org,URI:spiffe://x/y")
    named = ["--cert", files.path("named.pem"), "--key", files.path("named.key")]
    required = "client_ca_file: ca.pem\nclient_auth_type: RequireAndVerifyClientCert\nclient_allowed_sans: "
    aggregator = start(required + "[client.example]")
    assert scrapes(aggregator, files, *clients["friend"]) is True
    assert scrapes(aggregator, files, *named) is not True
    for name in "other.example", "10.1.2.3", "a@example.org", "spiffe://x/y":
        files.write_tls(f"{required}[x, '{name}']")
        assert scrapes(aggregator, files, *named) is True, name
        assert scrapes(aggregator, files, *clients["friend"]) is not True
    files.write_tls(required + "[named]")  # its common name, which doesn't count
    assert scrapes(aggregator, files, *named) is not True


def test_a_session_is_resumed_and_not_under_another_configuration(start, files):
    aggregator = start("")
    session = files.path("session")
    first = ["-tls1_2", "-sess_out", session]
    assert "New, TLS" in s_client(aggregator, *first)
    assert "Reused, TLS" in s_client(aggregator, "-tls1_2", "-sess_in", session)
    files.self_signed("ca")
    files.write_tls("client_ca_file: ca.pem\nclient_auth_type: RequireAndVerifyClientCert")
    assert "Reused, TLS" not in s_client(aggregator, "-tls1_2", "-sess_in", session)


class Raw:
    """A TLS connection whose client decides when bytes are sent and read, and ends its direction
    alone."""

    def __init__(self, aggregator, tls):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", aggregator.port))
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.do(self.tls.do_handshake)

    def do(self, call):
        """call(), with all that must be read for it."""
        while True:
            try:
                result = call()
            except ssl.SSLWantReadError:
                self.flush()
                got = self.socket.recv(1 << 16)
                self.incoming.write(got) if got else self.incoming.write_eof()
            else:
                self.flush()
                return result

    def flush(self):
        self.socket.sendall(self.outgoing.read())

    def end_direction(self):
        """Sends the end of this client's direction. Returns what had come before."""
        answers = bytearray()
        with contextlib.suppress(ssl.SSLWantReadError):
            while True:  # unwrap() would take it for an answer to the end, and fail
                answers += self.tls.read(1 << 16)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.flush()
        return bytes(answers)

    def read_to_end(self):
        """Everything up to the end of the server's direction, which TLS must say."""
        answers = bytearray()
        while got := self.do(lambda: self.tls.read(1 << 16)):
            answers += got
        self.socket.close()
        return bytes(answers)


def test_a_client_that_ends_its_direction_gets_its_answers(start, files):
    client = Raw(start(""), context(files))
    client.tls.write(b"GET /metrics HTTP/1.1\r\n\r\nGET /-/healthy HTTP/1.1\r\n\r\n")
    client.end_direction()
    answers = client.read_to_end()
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.endswith(b"metrics-aggregator is healthy.\n")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_client_that_ends_its_direction_while_it_takes_a_large_answer_gets_all_of_it(
        version, directory, start_worker, start, files):
    path = os.path.join(directory, "big")
    start_worker(METRICS_DIRECTORY_BYTES=16 << 20, at=path).ask("many", name="large_total", count=300, bytes=16000)
    aggregator = start("", flags=["--segment", path])
    tls = context(files)
    tls.maximum_version = ssl.TLSVersion[version]
    client = Raw(aggregator, tls)
    client.tls.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    answer = client.do(lambda: client.tls.read(100)) + client.end_direction()
    assert len(answer) < 1 << 20, "most of it is yet to come"
    answer += client.read_to_end()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert f"Content-Length: {len(body)}".encode() in head.split(b"\r\n")
    assert len(body) > 300 * 16000


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_client_that_hangs_up_while_it_takes_a_large_answer_is_gone(version, directory, start_worker, start, files):
    path = os.path.join(directory, "big")
    start_worker(METRICS_DIRECTORY_BYTES=16 << 20, at=path).ask("many", name="large_total", count=300, bytes=16000)
    aggregator = start("", flags=["--segment", path])
    tls = context(files)
    tls.maximum_version = ssl.TLSVersion[version]
    client = Raw(aggregator, tls)
    client.tls.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    client.do(lambda: client.tls.read(100))
    client.end_direction()
    assert http_metric(aggregator, files, "connections", state="writing") == 1
    client.socket.close()
    until("it is gone", lambda: http_metric(aggregator, files, "connections", state="writing") == 0)
    assert http_metric(aggregator, files, "connections_closed_total", reason="response_timeout") == 0


# ---- passwords, headers, rate ------------------------------------------------------------------

@pytest.fixture(scope="module")
def users():
    return f"basic_auth_users:\n  alice: {bcrypt('right')}\n  bob: {bcrypt('other', 5)}\n"


def test_users_get_in_with_their_password_and_nobody_else(users, start, files):
    aggregator = start("", rest=users)
    for user in "alice:right", "bob:other":
        for _ in range(2):
            assert scrapes(aggregator, files, "-u", user) is True
    for user in "alice:wrong", "alice:", "bob:right", "mallory:right", ":", "alice:right\0":
        token = base64.b64encode(user.encode()).decode()
        assert curl(aggregator, files, "-H", f"Authorization: Basic {token}")[1:3] == (401, "Unauthorized\n"), user
    for header in "Basic", "Basic ", "Basic =", "Basic YWxpY2U=", "Basic !!!!", "Bearer x", "Digest username=alice":
        assert curl(aggregator, files, "-H", f"Authorization: {header}")[1] == 401, header
    token = base64.b64encode(b"alice:right").decode()
    assert scrapes(aggregator, files, "-H", f"authorization: bAsIc {token}") is True


def test_without_a_password_no_path_says_whether_it_exists(users, start_aggregator, files):
    files.write(users)
    aggregator = start_aggregator(flags=[f"--web.config.file={files.config}"])
    replies = [aggregator.request(path, method) for method in ("GET", "HEAD", "POST")
               for path in ("/", "/metrics", "/-/healthy", "/-/ready", "/nowhere")]
    assert {(reply.status, reply.headers["WWW-Authenticate"]) for reply in replies} == {(401, "Basic")}


def test_headers_are_on_each_response(start_aggregator, files):
    files.write("http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n")
    aggregator = start_aggregator(flags=[f"--web.config.file={files.config}"])
    for path, status in ("/metrics", 200), ("/nowhere", 404), ("http://elsewhere.example/", 400):
        reply = aggregator.request(path)
        assert (reply.status, reply.headers["X-Frame-Options"], reply.headers["X-Content-Type-Options"]) == (
            status, "deny", "nosniff")


def test_requests_above_the_rate_get_429(start_aggregator, files):
    files.write("rate_limit: {interval: 1h, burst: 3}\n")
    aggregator = start_aggregator(flags=[f"--web.config.file={files.config}"])
    assert [aggregator.request().status for _ in range(5)] == [200, 200, 200, 429, 429]


def test_wrong_passwords_by_the_dozen_dont_keep_a_known_user_out(start_aggregator, files):
    files.write(f"basic_auth_users:\n  alice: {bcrypt('right', 11)}\n")
    aggregator = start_aggregator(flags=[f"--web.config.file={files.config}", "--web.max-requests=1"])

    def token(password):
        return {"Authorization": "Basic " + base64.b64encode(f"alice:{password}".encode()).decode()}

    assert aggregator.request(headers=token("right")).status == 200
    attackers = []
    for i in range(20):
        attackers.append(aggregator.connect())
        attackers[-1].request("GET", "/metrics", headers=token(f"wrong{i}"))
    for _ in range(5):
        assert aggregator.request(headers=token("right")).status == 200
    statuses = [attacker.getresponse().status for attacker in attackers]
    for attacker in attackers:
        attacker.close()
    assert set(statuses) == {401, 503}


# ---- the file changes --------------------------------------------------------------------------

def test_a_fault_at_start_is_one_clear_line_with_its_place(files):
    files.write("tls_server_config:\n  cert_file: x.pem\n  keyfile: x.key\n")
    status, out, log = run_aggregator(f"--web.config.file={files.config}", "--web.listen-address=127.0.0.1:0")
    assert (status, out) == (2, "")
    assert log.splitlines()[-1].endswith(
        f'level=error msg="{files.config}:3: field \\"keyfile\\" is not known in tls_server_config"')


def test_a_fault_later_keeps_the_last_good_configuration_and_is_shown(start, files):
    aggregator = start("")
    good = "metrics_aggregator_web_config_last_reload_successful"

    def shown():
        return Exposition(curl(aggregator, files)[2]).value(good)

    assert shown() == 1
    files.write("tls_server_config:\n  certfile: x\n")
    assert scrapes(aggregator, files) is True
    aggregator.wait_for_log(r'level=warn msg="web configuration has a fault; the last good one stays: .*/web.yml:2: '
                            r'field \\"certfile\\" is not known in tls_server_config"')
    assert shown() == 0
    files.write_tls("min_version: TLS13")
    until("it is mended", lambda: shown() == 1)
    assert "Cipher is (NONE)" in s_client(aggregator, "-tls1_2")


def test_sighup_reads_the_configuration_anew(start, files):
    aggregator = start(rest="rate_limit: {interval: 1h, burst: 9}\n")
    aggregator.process.send_signal(signal.SIGHUP)
    aggregator.wait_for_log('level=info msg="SIGHUP: reading the web configuration anew')
    aggregator.wait_for_log('level=info msg="web configuration read anew"')
    assert aggregator.scrape().value("tasks_total") == 7


def test_tls_can_come_and_go_while_the_daemon_runs(start, files):
    files.self_signed()
    aggregator = start(rest="")
    assert aggregator.scrape().value("tasks_total") == 7
    files.write_tls()
    until("TLS is spoken", lambda: scrapes(aggregator, files) is True)
    files.write("# nothing\n")
    until("TLS is gone", lambda: curl(aggregator, files, scheme="http")[1] == 200)


def test_no_scrape_fails_while_certificates_and_configurations_change(users, start, files):
    aggregator = start("", rest=users)
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # it is another one each time
    headers = {"Authorization": "Basic " + base64.b64encode(b"alice:right").decode()}
    failures, counts, over = [], [0, 0, 0], threading.Event()

    def scrape_on(i):
        while not over.is_set():
            try:
                connection = connect(aggregator, tls)
                for _ in range(3):
                    status, _, body = get(connection, headers=headers)
                    assert status == 200
                    assert Exposition(body).value("tasks_total") == 7
                    counts[i] += 1
                connection.close()
            except Exception as failure:  # whatever it is, it is a scrape that failed
                failures.append(failure)

    threads = [threading.Thread(target=scrape_on, args=[i]) for i in range(len(counts))]
    for thread in threads:
        thread.start()
    fingerprints = set()
    try:
        for i in range(10):
            name = f"new{i}"
            files.self_signed(name, RSA if i % 2 else EC)
            for suffix in "key", "pem":  # in this moment, the key is not the certificate's
                os.rename(files.path(f"{name}.{suffix}"), files.path(f"server.{suffix}"))
            files.write_tls(f"min_version: TLS1{2 + i % 2}", rest=users)
            before = list(counts)
            until("each has scraped again", lambda before=before: all(a > b + 3 for a, b in zip(counts, before)))
            fingerprints.add(ssl.get_server_certificate(("127.0.0.1", aggregator.port)))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(fingerprints) == 10


# ---- many connections --------------------------------------------------------------------------

def resident_bytes(aggregator):
    with open(f"/proc/{aggregator.process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def http_metric(aggregator, files, name, **labels):
    return Exposition(curl(aggregator, files)[2]).value("metrics_aggregator_http_" + name, **labels)


def test_a_thousand_clients_stay_connected_over_tls(start, files):
    aggregator = start("")
    assert scrapes(aggregator, files) is True
    before = resident_bytes(aggregator)
    tls = context(files)
    kept = [connect(aggregator, tls) for _ in range(1000)]
    for client in kept:
        assert get(client, "/-/healthy")[0] == 200
    grown = resident_bytes(aggregator) - before
    assert http_metric(aggregator, files, "connections", state="idle") == 1000
    assert grown < http_metric(aggregator, files, "tls_bytes") + 1000 * 4000
    for client in kept:
        assert get(client, "/-/healthy")[0] == 200
        client.close()


def test_clients_that_read_nothing_over_tls_keep_no_scrape_out(directory, start_worker, start, files):
    path = os.path.join(directory, "big")
    big = start_worker(METRICS_DIRECTORY_BYTES=16 << 20, at=path)
    big.ask("many", name="large_total", count=300, bytes=16000)  # more than sockets hold
    aggregator = start("", flags=["--web.max-requests=2", "--segment", path])
    tls = context(files)
    slow = []
    for _ in range(64):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(PATIENCE)
        raw.connect(("127.0.0.1", aggregator.port))
        slow.append(tls.wrap_socket(raw, server_hostname="localhost"))
        slow[-1].sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert slow[-1].recv(100).startswith(b"HTTP/1.1 200 ")
    assert curl(aggregator, files, path="/-/healthy")[1] == 200
    for _ in range(3):
        assert curl(aggregator, files)[1] == 200
    assert http_metric(aggregator, files, "buffered_bytes") < 70 << 20
    for client in slow:
        client.close()


# ---- Prometheus --------------------------------------------------------------------------------

def test_prometheus_scrapes_with_https_and_basic_auth(users, start, files):
    if not shutil.which("prometheus"):
        pytest.skip("Prometheus is missing; install prometheus")
    aggregator = start("", rest=users)
    prometheus = Prometheus(files.folder, aggregator.port, f"""\
    scheme: https
    tls_config: {{ca_file: {files.path("server.pem")}}}
    basic_auth: {{username: alice, password: right}}
""")
    try:
        def scraped():
            return [value for _, value in prometheus.query("tasks_total", None)] == [7]

        until("it has scraped", scraped)
        assert prometheus.one("up", None) == 1
    finally:
        prometheus.close()
    aggregator.end()
    assert not any("level=error" in line for line in aggregator.log)
