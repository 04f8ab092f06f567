#!/usr/bin/python3
"""Measures and prints the table; see README.md. Called by tools/bench, which builds what this
runs."""

import argparse
import contextlib
import json
import math
import os
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rows as table

HERE = os.path.dirname(os.path.abspath(__file__))


class Unavailable(Exception):
    """Raised where a figure can't be measured, with the reason."""


class Player:
    """A program that answers "NAME COUNT" with nanoseconds."""

    def __init__(self, command, cpus, environment=None):
        self.command, self.cpus, self.environment = command, cpus, environment
        self.process = None

    def ask(self, name, count):
        if self.process is None:
            if not os.path.exists(self.command[0]):
                raise Unavailable("not built")
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=dict(os.environ, **(self.environment or {})),
                preexec_fn=lambda: os.sched_setaffinity(0, self.cpus))
        try:
            self.process.stdin.write(f"{name} {count}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.end()
            raise Unavailable("the program ended") from None
        answer = self.process.stdout.readline().strip()
        if not answer:
            self.end()
            raise Unavailable("the program ended")
        if answer.startswith("error"):
            raise Unavailable(answer[len("error "):])
        return float(answer)

    def end(self):
        if self.process is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.wait()
            self.process = None


def players(build, cpu):
    programs = f"{build}/tools/benchmark"
    all_cpus = os.sched_getaffinity(0)
    one = {cpu}
    python = [sys.executable, f"{HERE}/python_player.py"]
    return {
        "floor": Player([f"{programs}/bench_floor"], one),
        "update": Player([f"{programs}/bench_update"], one),
        "dlopen": Player([f"{programs}/bench_dlopen"], one),
        "scrape": Player([f"{programs}/bench_scrape"], one),
        "growth": Player([f"{programs}/bench_growth"], one),
        "removal": Player([f"{programs}/bench_removal"], one),
        "removal early": Player([f"{programs}/bench_removal"], one),
        table.PCPP: Player([f"{programs}/bench_prometheus_cpp"], one),
        table.PCP: Player([f"{programs}/bench_pcp"], one),
        table.GO: Player([f"{programs}/bench_client_golang"], one),
        "client_golang wide": Player([f"{programs}/bench_client_golang"], all_cpus),
        table.PY: Player([*python, "client_python"], one),
        "python floor": Player([*python, "floor"], one, {"PYTHONPATH": programs}),
        "python ours": Player([*python, "ours"], one, {"PYTHONPATH": f"{build}/libmetrics/python"}),
    }


class Options:
    def __init__(self, quick, smoke):
        self.quick, self.smoke = quick, smoke
        self.rounds = 1 if smoke else 25 if quick else 81
        self.slow_rounds = 1 if smoke else 3 if quick else 9
        self.repetition_ns = 1e4 if smoke else 1e6 if quick else 2e6


def calibrated(player, name, wanted_ns):
    """So many operations that a repetition takes about that long."""
    count = 1
    while True:
        spent = player.ask(name, count)
        if spent >= wanted_ns / 2 or count >= 1 << 30:
            return max(1, round(count * min(1, wanted_ns / max(spent, 1))))
        count *= 8 if spent < wanted_ns / 20 else 2


def measure(row, known, options):
    """Returns the row's figures, taken in turns, as {key: list of what one operation took}, and
    what is missing."""
    counts, missing = {}, {}
    for key, (player, name) in row.figures.items():
        try:
            if row.slow:
                counts[key] = 1
                known[player].ask(name, 1)
            else:
                counts[key] = calibrated(known[player], name, options.repetition_ns)
        except Unavailable as e:
            missing[key] = str(e)
    if table.OURS not in counts:
        return {}, missing
    taken = {key: [] for key in counts}
    began = time.monotonic()
    for turn in range(options.slow_rounds if row.slow else options.rounds):
        for key, count in counts.items():
            player, name = row.figures[key]
            if turn > 2 and player == table.PY and name.startswith("scrape"):
                continue  # takes seconds
            try:
                taken[key].append(known[player].ask(name, count) / count)
            except Unavailable as e:
                missing[key] = str(e)
        if missing.keys() & taken.keys():
            known_ones = {k: v for k, v in taken.items() if k not in missing}
            return known_ones if table.OURS in known_ones else {}, missing
        if time.monotonic() - began > (4 if options.quick else 20):
            break
    return taken, missing


def summary(values):
    ordered = sorted(values)
    quarter = len(ordered) // 4
    return {"median": statistics.median(ordered), "low": ordered[quarter], "high": ordered[-1 - quarter],
            "least": ordered[0], "count": len(ordered)}


def ratio(ours, other):
    """Returns the median ratio of figures that were taken one after the other."""
    pairs = [a / b for a, b in zip(ours, other) if b > 0]
    return statistics.median(pairs) if pairs else None


def judged(target, taken):
    """Ours by what the target allows, as the median over rounds; None if a figure is missing."""
    ours = taken[table.OURS]
    keys = [key for _, key in target.parts if key is not None]
    if any(key not in taken for key in keys):
        return None
    length = min([len(ours)] + [len(taken[key]) for key in keys])
    allowed = [sum(factor * (1 if key is None else taken[key][i]) for factor, key in target.parts)
               for i in range(length)]
    return statistics.median(o / a if a else (1 if o == 0 else math.inf) for o, a in zip(ours, allowed))


def number(value):
    if value is None:
        return "-"
    if value == 0:
        return "0"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}"


LINE = "{:<58} {:>10} {:>15} {:>10} {:>7}  {}"


class Report:
    def __init__(self):
        self.met = self.missed = self.skipped = 0
        self.rows = []

    def verdict(self, text, share):
        if share is None:
            self.skipped += 1
            return {"text": text, "verdict": "skipped"}
        self.met, self.missed = self.met + (share <= 1), self.missed + (share > 1)
        return {"text": text, "verdict": "met" if share <= 1 else "missed", "share": share}

    def row(self, group, what, unit, figures, ratios, targets, missing):
        """figures: key -> summary in the row's unit; ratios: ours by each."""
        entry = {"group": group, "what": what, "unit": unit, "figures": figures, "ratios": ratios,
                 "targets": targets, "missing": missing}
        self.rows.append(entry)
        if table.OURS not in figures:
            print(f"{what:<58} skipped: {missing.get(table.OURS)}", flush=True)
            return
        ours = figures[table.OURS]
        keys = [key for key in figures if key != table.OURS]
        base = keys[0] if keys else None
        peers = "; ".join(f"{key} {number(figures[key]['median'])} ({number(1 / ratios[key])}x ours)"
                          for key in keys[1:] if ratios.get(key))
        spread = f"{number(ours['low'])}-{number(ours['high'])}"
        print(LINE.format(f"{what}, {unit}" if unit else what, number(ours["median"]), spread,
                          number(figures[base]["median"]) if base else "-",
                          number(ratios.get(base)) if base else "-", peers).rstrip())
        if base and base != table.FLOOR:
            print(f"{'':>58}   third figure: {base}")
        for target in targets:
            share = f" ({target['share']:.2f} of what is allowed)" if "share" in target else ""
            print(f"{'':>4}target {target['text']}: {target['verdict']}{share}")
        for key, why in missing.items():
            print(f"{'':>4}no {key}: {why}")
        sys.stdout.flush()


def progress(text):
    """Replaces the last line on a terminal; an empty text clears it. Elsewhere prints nothing."""
    if sys.stderr.isatty():
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        text = text[:max(columns - 1, 0)]  # of a line that is wrapped, only the last part could be replaced
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)


def measured_rows(known, options, report, only):
    group = None
    rows = [row for row in table.ROWS if not ((options.quick or options.smoke) and row.only_full)
            and (not only or re.search(only, f"{row.group}: {row.what}"))]
    for done, row in enumerate(rows):
        if row.group != group:
            group = row.group
            known["scrape"].end()  # a process joins so many segments only, and its workers go
            print(f"\n-- {group} --")
            print(LINE.format("what", "ours", "quartiles", "floor", "ratio", "peers"))
        for player in ("removal", "removal early"):
            known[player].end()  # likewise: each row has segments of its own
        progress(f"{done} of {len(rows)} rows; now {row.what}")
        taken, missing = measure(row, known, options)
        progress("")
        figures = {key: summary([v / row.scale for v in values]) for key, values in taken.items()}
        ratios = {key: ratio(taken[table.OURS], taken[key]) for key in taken if key != table.OURS}
        targets = [report.verdict(t.text, judged(t, taken) if taken else None) for t in row.targets]
        report.row(row.group, row.what, row.unit, figures, ratios, targets, missing)


# ---- instructions ----

def instructions(player, name, count):
    """Per operation, by callgrind: the difference that so many more make."""
    def collected(n):
        result = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *player.command, name, str(n)],
            capture_output=True, text=True)
        found = re.search(r"Collected : (\d+)", result.stderr)
        if not found:
            raise Unavailable(result.stderr.strip().splitlines()[-1] if result.stderr else "callgrind failed")
        return int(found.group(1))
    # An eighth goes ahead untimed, see player.h.
    return (collected(2 * count) - collected(count)) / (count * 9 / 8)


def instruction_rows(known, options, report, only):
    rows = [r for r in table.INSTRUCTIONS if not only or re.search(only, f"instructions: {r[0]}")]
    if options.smoke or not rows:
        return
    print("\n-- instructions per operation (callgrind) --")
    for what, ours, floor, count in rows:
        if options.quick and ours[0] == "scrape":
            continue
        try:
            figures = {}
            for key, (player, name) in ((table.OURS, ours), (table.FLOOR, floor)):
                n = instructions(known[player], name, count)
                figures[key] = summary([n])
            ratios = {table.FLOOR: figures[table.OURS]["median"] / figures[table.FLOOR]["median"]}
            report.row("instructions", what, "", figures, ratios, [], {})
        except (Unavailable, FileNotFoundError) as e:
            report.row("instructions", what, "", {}, {}, [], {table.OURS: str(e)})


# ---- HTTP ----

class Server:
    """A server of the catalogue: `command` prints its port, or ours logs it; ends with its standard
    input."""

    def __init__(self, command, path, find_port, closes=True, scheme="http"):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.closes = closes
        for line in self.process.stdout:
            found = re.search(find_port, line)
            if found:
                self.url = f"{scheme}://127.0.0.1:{found.group(1)}{path}"
                return
        raise Unavailable("the server ended")

    def end(self):
        if not self.closes:
            self.process.terminate()
        self.process.stdin.close()
        self.process.wait()


def status_kb(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(re.search(rf"{field}:\s+(\d+) kB", file.read()).group(1))


class OurServer(Server):
    def __init__(self, build, workload, tls=None):
        """tls: a folder with a web configuration."""
        self.crowd = subprocess.Popen([f"{build}/tools/benchmark/bench_scrape", "serve", workload],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        path = self.crowd.stdout.readline().strip()
        super().__init__([f"{build}/aggregator/metrics-aggregator", "--web.listen-address=127.0.0.1:0",
                          f"--segment={path}", *([f"--web.config.file={tls}/web.yml"] if tls else [])],
                         "/metrics", r"listening.*127\.0\.0\.1:(\d+)", closes=False,
                         scheme="https" if tls else "http")

    def end(self):
        super().end()
        self.crowd.stdin.close()
        self.crowd.wait()


def cpu_us(pid):
    """The process's CPU time."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def load(server, seconds, extra=(), environment=None):
    """Returns scrapes per second, and the server's CPU time for each, in microseconds."""
    before = cpu_us(server.process.pid)
    result = subprocess.run(["wrk", "-t2", "-c4", f"-d{seconds}s", *extra, server.url], capture_output=True, text=True,
                            env=dict(os.environ, **(environment or {})))
    spent = cpu_us(server.process.pid) - before
    found = re.search(r"Requests/sec:\s+([\d.]+)", result.stdout)
    # "read" errors are a server's closing, which prometheus-cpp's does.
    if not found or re.search(r"Non-2xx|connect [1-9]|timeout [1-9]", result.stdout):
        raise Unavailable(result.stdout.strip() + result.stderr.strip())
    return float(found.group(1)), spent / int(re.search(r"(\d+) requests in", result.stdout).group(1))


def make_certificate(folder):
    """A key, a certificate and the configurations that name them."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "1", "-subj", "/CN=localhost", "-keyout", f"{folder}/key.pem",
                    "-out", f"{folder}/cert.pem"], check=True, capture_output=True)
    with open(f"{folder}/web.yml", "w", encoding="ascii") as file:
        file.write("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    # One cipher for all: OpenSSL takes what the client prefers, Go what it prefers itself.
    with open(f"{folder}/client.cnf", "w", encoding="ascii") as file:
        file.write("openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = client\n"
                   "[client]\nCiphersuites = TLS_AES_128_GCM_SHA256\n")


def body_bytes(server):
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(server.url, timeout=30, context=anybody) as reply:
        return len(reply.read())


def http_servers(build, tls):
    """What makes each server, in the order of the table; the floor's gets the number of bytes that
    ours sends."""
    programs = f"{build}/tools/benchmark"
    port = ("/metrics", r"^(\d+)$")
    if tls:  # Debian's civetweb, which is prometheus-cpp's, crashes in its first handshake
        return {
            table.OURS: lambda _: OurServer(build, "workers=1", tls),
            table.FLOOR: lambda size: Server([f"{programs}/bench_floor_http", str(size), f"{tls}/cert.pem",
                                              f"{tls}/key.pem"], *port, scheme="https"),
            table.GO: lambda _: Server([f"{programs}/bench_client_golang", "serve", f"{tls}/cert.pem",
                                        f"{tls}/key.pem"], *port, scheme="https"),
        }
    return {
        table.OURS: lambda _: OurServer(build, "workers=1"),
        "ours, 64 processes": lambda _: OurServer(build, "workers=64"),
        table.FLOOR: lambda size: Server([f"{programs}/bench_floor_http", str(size)], *port),
        table.GO: lambda _: Server([f"{programs}/bench_client_golang", "serve"], *port),
        table.PCPP: lambda _: Server([f"{programs}/bench_prometheus_cpp", "serve"], *port),
    }


def http_rows(build, options, report, only):
    if only and not re.search(only, "http: complete HTTP scrapes"):
        return
    print("\n-- HTTP: complete scrapes per second, 4 connections kept alive, two threads of wrk --")
    kinds = {"plain": ()} if options.quick else {"plain": (), "gzip": ("-H", "Accept-Encoding: gzip")}
    http_kinds(http_servers(build, None), kinds, options, report)
    with tempfile.TemporaryDirectory() as folder:
        try:
            make_certificate(folder)
        except (FileNotFoundError, subprocess.CalledProcessError) as e:
            print(f"skipped: TLS: {e}")
            return
        client = {"OPENSSL_CONF": f"{folder}/client.cnf"}
        http_kinds(http_servers(build, folder), {"TLS": ()}, options, report, client)
        # Each scrape with a connection and a handshake of its own.
        http_kinds(http_servers(build, folder), {"TLS, a connection each": ("-H", "Connection: close")}, options,
                   report, client)


def http_kinds(make_servers, kinds, options, report, environment=None):
    servers, missing, size = {}, {}, 0
    try:
        for key, make in make_servers.items():
            try:
                servers[key] = make(size)
                size = size or body_bytes(servers[key])
            except (Unavailable, OSError) as e:
                missing[key] = str(e)
        for kind, extra in kinds.items():
            # The floor neither compresses nor closes.
            asked = {key: server for key, server in servers.items() if key != table.FLOOR or not extra}
            taken = {key: [] for key in asked}
            spent = {key: [] for key in asked}
            for _ in range(1 if options.smoke else 3 if options.quick else 7):
                for key, server in asked.items():
                    per_second, cpu = load(server, 1, extra, environment)
                    taken[key].append(per_second)
                    spent[key].append(cpu)
            figures = {key: summary(values) for key, values in taken.items()}
            # Rates are the other way round: a tenth of the time is allowed.
            ratios = {key: ratio(taken[table.OURS], taken[key]) for key in taken if key != table.OURS}
            targets = []
            for text, peer, factor in table.HTTP_TARGETS.get(kind, ()):
                share = factor / ratios[peer] if ratios.get(peer) else None
                targets.append(report.verdict(text, share))
            entry = {"group": "http", "what": f"complete HTTP scrapes, {kind}", "unit": "/s", "figures": figures,
                     "ratios": ratios, "targets": targets, "missing": missing,
                     "server_cpu_us": {key: summary(values) for key, values in spent.items()}}
            report.rows.append(entry)
            print(f"{kind}: " + "; ".join(
                f"{key} {number(f['median'])}/s ({number(f['low'])}-{number(f['high'])})"
                + (f", ours {number(ratios[key])}x" if key in ratios else "") for key, f in figures.items()))
            print("    the server's CPU time for each: " + "; ".join(
                f"{key} {number(statistics.median(values))} µs"
                + (f", {number(ratio(values, spent[table.OURS]))}x ours" if key != table.OURS else "")
                for key, values in spent.items()))
            for target in targets:
                share = f" ({target['share']:.2f} of the time allowed)" if "share" in target else ""
                print(f"    target {target['text']}: {target['verdict']}{share}")
        for key, why in missing.items():
            print(f"    no {key}: {why}")
    except FileNotFoundError as e:
        print(f"skipped: {e}")
    finally:
        for server in servers.values():
            server.end()


def memory_rows(build, options, report, only):
    if only and not re.search(only, "memory: aggregator"):
        return
    print("\n-- memory of the aggregator after 20 scrapes, without the segment's own pages --")
    workloads = ["workers=64", "workers=64,times=60"]
    for workload in workloads[:1] if options.smoke else workloads:
        server = OurServer(build, workload)
        try:
            for _ in range(1 if options.smoke else 20):
                size = len(urllib.request.urlopen(server.url, timeout=30).read())
            pid = server.process.pid
            own = (status_kb(pid, "RssAnon") + status_kb(pid, "RssFile")) * 1024
            shared = status_kb(pid, "RssShmem") * 1024
        finally:
            server.end()
        allowed = 16e6 + 3 * size
        what = f"exposition of {size / 1e6:.1f} MB ({workload}); mapped pages of the segment {shared / 1e6:.1f} MB"
        target = report.verdict("<= 16 MB + 3x the exposition", own / allowed)
        figures = {table.OURS: summary([own / 1e6]), "allowed": summary([allowed / 1e6])}
        report.row("memory", what, "MB", figures, {"allowed": own / allowed}, [target], {})


# ---- growth ----

def slope(points):
    """Returns the slope between the last two points, of their logarithms: 1 is linear; None if one
    is missing."""
    (x0, y0), (x1, y1) = points[-2:]
    if not y0 or not y1:
        return None
    return math.log(y1 / y0) / math.log(x1 / x0)


def growth_figure(player, name, scale, options):
    """The median of seven times, or of as many as there is time for; None if it can't be had."""
    patience = 5  # seconds
    try:
        is_size = "bytes" in name or "memory" in name
        count = 1 if is_size else calibrated(player, name, options.repetition_ns)
        began, values = time.monotonic(), []
        while len(values) < (1 if is_size else 7) and (not values or time.monotonic() - began < patience):
            values.append(player.ask(name, count) / count / scale)
        return statistics.median(values)
    except Unavailable:
        return None


def growth_tables(known, options, only):
    tables = []
    wanted = [entry for entry in table.GROWTH if not only or re.search(only, f"growth: {entry[0]}")]
    if options.smoke or options.quick or not wanted:
        return tables
    print("\n-- growth; the slope is that of the logarithms at the end: 1 is linear --")
    for what, sizes, columns in wanted:
        known["scrape"].end()
        known["removal"].end()
        entry = {"what": what, "sizes": sizes, "columns": {}}
        for title, figure in columns.items():
            values = []
            for size in sizes:
                player, name, scale = figure(size)
                values.append(growth_figure(known[player], name, scale, options))
            entry["columns"][title] = {"values": values, "slope": slope(list(zip(sizes, values)))}
        tables.append(entry)
        print(f"{what:<40}" + "".join(f"{s:>12,}" for s in sizes) + f"{'slope':>8}")
        for title, column in entry["columns"].items():
            print(f"{title:<40}" + "".join(f"{number(v):>12}" for v in column["values"])
                  + f"{number(column['slope']):>8}", flush=True)
    return tables


def versions():
    packages = {"prometheus-cpp": "prometheus-cpp-dev", "client_golang": "golang-github-prometheus-client-golang-dev",
                "client_python": "python3-prometheus-client", "PCP MMV": "libpcp-mmv1-dev"}
    found = {}
    for peer, package in packages.items():
        result = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True)
        found[peer] = result.stdout.split("-")[0] if result.returncode == 0 else "unknown"
    return found


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        text = file.read()
    model = re.search(r"model name\s*: (.*)", text)
    return {"cpu": model.group(1) if model else "unknown", "cpus": os.cpu_count(), "kernel": os.uname().release}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="build directory")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument("--smoke", action="store_true", help="one short round of everything: does it run?")
    parser.add_argument("--only", metavar="REGEX", help="rows whose group and name it finds")
    parser.add_argument("--cpu", type=int, help="where single-threaded figures are taken; default: the last one")
    given = parser.parse_args()
    options = Options(given.quick, given.smoke)
    cpu = given.cpu if given.cpu is not None else max(os.sched_getaffinity(0))
    known = players(given.build, cpu)
    report = Report()
    began = time.monotonic()
    try:
        measured_rows(known, options, report, given.only)
        growth = growth_tables(known, options, given.only)
    finally:
        for player in known.values():
            player.end()
    instruction_rows(known, options, report, given.only)
    http_rows(given.build, options, report, given.only)
    memory_rows(given.build, options, report, given.only)
    if given.json:
        with open(given.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine(), "versions": versions(), "quick": given.quick, "load": os.getloadavg(),
                       "rows": report.rows, "growth": growth}, file, indent=1, ensure_ascii=False)
    skipped = f", {report.skipped} skipped" if report.skipped else ""
    print(f"\n{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}")
    print(f"{report.met} targets met, {report.missed} missed{skipped}")


if __name__ == "__main__":
    main()
