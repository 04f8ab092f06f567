"""Compares the counts of a prefork program, whose workers come, go and are killed, with a scrape.

Starts the aggregator and an example, prefork or the engine, kills one of its workers now and then,
and compares what the workers acknowledged, after they had recorded it, with what the aggregator
serves. An update that was in flight when its worker was killed may be in a scrape or not; nothing
else may differ.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

import engine_demo

TASKS_EACH = 50  # files per worker, or messages per thread of it, before it is replaced
KILL_AFTER_S = (0.4, 0.8)  # from one kill to the next
REPORT_S = 3


class Failure(Exception):
    """Ends the demo with one line."""


def sample_key(name, labels):
    return name, *sorted(labels.items())


class Acknowledged:
    """Reads what the prefork program prints: the results that its workers acknowledged, and the
    tasks that they left unfinished."""

    gauges = ("prefork_running_tasks", "prefork_activity")

    def __init__(self):
        self.files, self.unreadable = collections.Counter(), collections.Counter()  # by type
        self.compressed = collections.Counter()  # by type
        self.sizes = collections.defaultdict(collections.Counter)  # by type: how often each size was read
        self.left = collections.defaultdict(list)  # by type: sizes of unfinished files
        self.events = collections.Counter()  # started, done, exited, killed
        self.living = set()

    def take(self, line):
        event, pid, *details = line.rstrip("\n").split("\t")
        self.events[event] += 1
        if event == "started":
            self.living.add(int(pid))
        elif event == "done":
            kind, outcome, read, compressed, _ = details
            self.files[kind] += 1
            if outcome == "unreadable":
                self.unreadable[kind] += 1
            else:
                self.compressed[kind] += int(compressed)
                self.sizes[kind][int(read)] += 1
        else:
            self.living.discard(int(pid))
            if event == "killed" and details[0]:
                self.left[details[0]].append(int(details[1]))

    def is_empty(self):
        return not self.events["done"]

    def progress(self, _samples):
        return f"{self.events['done']:,} tasks acknowledged by {self.events['started']:,} workers"

    def ranges(self, bounds):
        """Returns {sample: (low, high)}: what was acknowledged, without and with all updates in
        flight.

        `bounds`: the buckets' labels.
        """
        ranges = {}

        def expect(low, in_flight, name, **labels):
            ranges[sample_key(f"prefork_{name}", labels)] = low, low + in_flight

        for kind in set(self.files) | set(self.left):
            left, sizes = self.left.get(kind, []), self.sizes.get(kind, {})
            expect(self.files[kind], len(left), "files_total", type=kind)
            expect(self.unreadable[kind], len(left), "unreadable_files_total", type=kind)
            expect(self.files[kind], len(left), "task_seconds_count", type=kind)
            # Data that can't be compressed takes five bytes more per 65,535.
            most = sum(size + 5 * (size // 65535 + 2) for size in left)
            expect(self.compressed[kind], most, "compressed_bytes_total", type=kind)
            expect(sum(sizes.values()), len(left), "file_size_bytes_count", type=kind)
            total = sum(size * count for size, count in sizes.items())
            expect(total, sum(left), "file_size_bytes_sum", type=kind)
            for bound in bounds:
                count = sum(count for size, count in sizes.items() if size <= float(bound))
                in_flight = sum(size <= float(bound) for size in left)
                expect(count, in_flight, "file_size_bytes_bucket", type=kind, le=bound)
        expect(self.events["started"], 0, "workers_started_total")
        expect(self.events["exited"], 0, "workers_ended_total", how="exit")
        expect(self.events["killed"], 0, "workers_ended_total", how="signal")
        return ranges


class Child:
    """A child process, for a with statement: it never outlives this one."""

    def __init__(self, command, **options):
        self.name = os.path.basename(command[0])
        # A session of its own: Ctrl-C is for the demo, which then ends the others in order.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *command], start_new_session=True, text=True, **options
        )

    def end(self, timeout_s):
        """Asks it to end, and returns its exit status. Kills it at the timeout, and raises
        Failure."""
        self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"{self.name} did not end within {timeout_s} s of SIGTERM") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end(60)


class Aggregator(Child):
    def __init__(self, program, segment, listen):
        command = [program, "--segment", segment, f"--web.listen-address={listen}"]
        super().__init__(command, stderr=subprocess.PIPE)
        self.logged = []
        self.address = None
        self.started = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        self.started.wait(10)
        if self.address is None:
            self.end(10)
            raise Failure(f"the aggregator does not serve: {self.last_word()}")
        port = self.address.rpartition(":")[2]
        self.url = f"http://127.0.0.1:{port}/metrics"

    def _listen(self):
        for line in self.process.stderr:
            self.logged.append(line.strip())
            if found := re.search(r'listening.*address="?([^\s"]+)', line):
                self.address = found.group(1)
                self.started.set()
        self.started.set()

    def last_word(self):
        line = self.logged[-1] if self.logged else "it logged nothing"
        message = re.search(r'msg="([^"]*)"', line)
        return message.group(1) if message else line

    def scrape(self):
        """Returns all samples, as {sample_key: value}."""
        with urllib.request.urlopen(self.url, timeout=10) as answer:
            text = answer.read().decode()
        samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples[sample_key(sample.name, sample.labels)] = sample.value
        return samples


class Prefork(Child):
    def __init__(self, command, segment, acknowledged):
        super().__init__(command, stdout=subprocess.PIPE, env={**os.environ, "METRICS_SEGMENT": segment})
        self.acknowledged = acknowledged
        self.lock = threading.Lock()  # held: nothing more is taken as acknowledged
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self):
        for line in self.process.stdout:
            with self.lock:
                self.acknowledged.take(line)

    def kill_one(self):
        """Kills a worker in the middle of anything. Its pid may be another process's already, so
        this asks the kernel first."""
        with self.lock:
            living = list(self.acknowledged.living)
        if not living:
            return
        pid = random.choice(living)
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            if int(stat.rpartition(")")[2].split()[1]) == self.process.pid:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
        finally:
            os.close(handle)


def bounds_in(samples):
    return {dict(labels)["le"] for name, *labels in samples if name == "prefork_file_size_bytes_bucket"}


def faults_of(acknowledged, samples, finished):
    """Returns a line for each sample where the scrape differs from what was acknowledged. Until all
    workers have finished, a scrape may be ahead."""
    ranges = acknowledged.ranges(bounds_in(samples))
    if finished:
        names = {name for name, *_ in ranges}
        ranges.update({key: (0, 0) for key in samples if key[0] in names and key not in ranges})
        ranges.update({key: (0, 0) for key in samples if key[0] in acknowledged.gauges})
    faults = []
    for key, (low, high) in ranges.items():
        value = samples.get(key, 0)
        if value < low or (finished and value > high):
            labels = ",".join(f'{label}="{text}"' for label, text in key[1:])
            faults.append(f"{key[0]}{{{labels}}} is {value:.0f}, not from {low} to {high}")
    return faults


def print_outcome(acknowledged, samples, faults):
    """Prints the families' totals, acknowledged beside scraped, and whether they agree."""
    totals = collections.defaultdict(lambda: [0, 0, 0])
    for key, (low, high) in acknowledged.ranges(()).items():
        row = low, high - low, int(samples.get(key, 0))
        totals[key[0]] = [a + b for a, b in zip(totals[key[0]], row)]
    width = max(map(len, totals), default=0) + 2
    print(f"\n{'':{width}}{'acknowledged':>16}{'in flight':>16}{'scraped':>16}")
    for name, (low, flight, scraped) in totals.items():
        print(f"{name:{width}}{low:16,}{f'<= {flight:,}' if flight else 0:>16}{scraped:16,}")
    events = acknowledged.events
    gone = events["exited"] + events["killed"]
    print(f"{gone:,} workers have come and gone, {events['killed']:,} of them killed")
    if faults:
        print("\n".join(faults))
        print("acknowledged != scraped")
    elif all(low == scraped for low, _, scraped in totals.values()):
        print("acknowledged == scraped")
    else:
        print("acknowledged == scraped, within the updates in flight in killed workers")


def await_first_worker(prefork, stop):
    """Waits for the first worker: looking through the files may take long, and a program that ends
    before it has no results."""
    while not stop.wait(0.02) and prefork.process.poll() is None:
        with prefork.lock:
            if prefork.acknowledged.events["started"]:
                return


def watch(prefork, aggregator, stop, seconds):
    """Kills workers and scrapes until the time is up or `stop` is set. Returns the faults of the
    first scrape that has any."""
    await_first_worker(prefork, stop)
    begun = time.monotonic()
    next_kill = next_report = 0
    while True:
        past = time.monotonic() - begun
        if 0 < seconds <= past:
            break
        if past >= next_kill:
            prefork.kill_one()
            next_kill = past + random.uniform(*KILL_AFTER_S)
        if past >= next_report:
            with prefork.lock:
                samples = aggregator.scrape()
                faults = faults_of(prefork.acknowledged, samples, finished=False)
                progress = prefork.acknowledged.progress(samples)
                killed = prefork.acknowledged.events["killed"]
            if faults:
                return faults
            print(f"{past:5.0f} s: {progress}, {killed:,} of them killed", flush=True)
            next_report = past + REPORT_S
        if prefork.process.poll() is not None:
            raise Failure("the prefork program ended by itself")
        if stop.wait(min(next_kill, next_report, seconds or next_kill) - past):
            break
    return []


def example(arguments):
    """Returns the program to run, as a command, and the object that reads its output."""
    build, workers = arguments.build, str(arguments.workers)
    if arguments.engine:
        command = [f"{build}/{engine_demo.PROGRAM}", "--workers", workers, "--messages", str(TASKS_EACH)]
        return [*command, arguments.path], engine_demo.Acknowledged()
    return [f"{build}/libmetrics/examples/prefork", arguments.path, workers, str(TASKS_EACH)], Acknowledged()


HOW_TO_LOOK = """\
  as text, in a browser too            curl {url}
  as OpenMetrics, with exemplars       curl -H 'Accept: application/openmetrics-text;version=1.0.0' {url}
  the state set: who does what         curl -s {url} | grep {states}
  native buckets, as intervals         {build}/tools/metrics-inspect --segment {segment} get {native}
  a Prometheus that keeps them all     prometheus --enable-feature=native-histograms,exemplar-storage,
                                       with {address} as a target of static_configs"""


def print_how_to_look(arguments, aggregator, segment):
    """Says where to see what the examples show beside counters: only protobuf has native buckets,
    and only OpenMetrics and protobuf have exemplars."""
    address = aggregator.url.removeprefix("http://").partition("/")[0]
    print(HOW_TO_LOOK.format(url=aggregator.url, address=address, build=arguments.build, segment=segment,
                             states="prefork_activity", native="prefork_task_seconds"), flush=True)


def run(arguments, stop, segment):
    build = arguments.build
    command, acknowledged = example(arguments)
    with Aggregator(f"{build}/aggregator/metrics-aggregator", segment, arguments.listen) as aggregator:
        print(f"scrape {aggregator.url}", flush=True)
        if not arguments.engine:
            print_how_to_look(arguments, aggregator, segment)
        with Prefork(command, segment, acknowledged) as prefork:
            faults = watch(prefork, aggregator, stop, arguments.seconds)
            if prefork.end(60) != 0:
                raise Failure(f"{prefork.name} failed")
            prefork.reading.join()
        samples = aggregator.scrape()
        if aggregator.end(10) != 0:
            raise Failure(f"the aggregator failed: {aggregator.last_word()}")

    faults += faults_of(acknowledged, samples, finished=True)
    if acknowledged.is_empty():
        faults.append("nothing was acknowledged")
    print_outcome(acknowledged, samples, faults)
    return not faults


def seconds(text):
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError
    return value


def positive(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def main():
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--seconds", type=seconds, default=15, help="how long; 0: until Ctrl-C (15)")
    parser.add_argument("--workers", type=positive, default=max(2, os.cpu_count()), help="at a time (one per CPU)")
    parser.add_argument("--engine", action="store_true", help="run the example engine, with bamboo-engine's metrics")
    parser.add_argument("--listen", default=":8001", help="where the aggregator serves (:8001)")
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    parser.add_argument("path", metavar="PATH", nargs="?", default="/usr/share", help="files to work on (/usr/share)")
    arguments = parser.parse_args()

    stop = threading.Event()
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda *_: stop.set())
    directory = tempfile.mkdtemp(prefix="metrics-demo-", dir="/dev/shm")
    try:
        agree = run(arguments, stop, os.path.join(directory, "demo"))
    except (Failure, OSError) as failure:
        sys.exit(f"demo: {failure}")
    finally:
        shutil.rmtree(directory)
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
