"""Updates from Python: of `ours`, `client_python` (multiprocess) or `floor`. The protocol is
player.h's."""

import contextlib
import os
import sys
import tempfile
import time

BOUNDS = (.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 25, 50, 75, 100)
TYPES = tuple(f"ServiceActivity{i}-and-what-it-is" for i in range(3))
HOSTNAME = "worker-7d9f5b"


def observations():
    state, values = 42, []
    for _ in range(1024):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(0.001 * 10 ** (5 * (state >> 11) / 2**53))
    return values


OBSERVATIONS = observations()


def catalogue_families(client):
    """As catalogue.h's, counted once."""
    histograms = []
    for i in range(39):
        family = client.Histogram(f"engine_node_execute_part_time_{i}", "time spent on one part of a node",
                                  ("type", "hostname"), buckets=BOUNDS)
        for k in range(3 if i < 23 else 1):
            histograms.append(family.labels(f"ServiceActivity{k}", "worker-7d9f5b6c8-x2x4z"))
    for s, histogram in enumerate(histograms):
        for b in range(len(BOUNDS) + 1):
            for _ in range(1 + (s * 13 + b * 31) % 97):
                histogram.observe(BOUNDS[0] / 3 if b == 0 else BOUNDS[b - 1] * 1.1)


def scrape_client_python(processes):
    """Files as that many processes have left them: a process's copied under other pids."""
    import shutil
    import subprocess

    import prometheus_client
    from prometheus_client import multiprocess

    directory = tempfile.mkdtemp(prefix="metrics-bench-", dir="/dev/shm")
    environment = dict(os.environ, PROMETHEUS_MULTIPROC_DIR=directory)
    subprocess.run([sys.executable, __file__, "client_python", "fill"], env=environment, check=True)
    name, = os.listdir(directory)
    first = 1 << 22  # no process's: where pids end
    for pid in range(first + 1, first + processes):
        shutil.copy(f"{directory}/{name}", f"{directory}/histogram_{pid}.db")

    def scrape(count):
        for _ in range(count):
            registry = prometheus_client.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry, directory)
            prometheus_client.generate_latest(registry)
    return scrape, directory


def measurements(which):
    if which == "floor":
        import bench_floor
        counter, histogram, family = bench_floor.Cells(), bench_floor.Cells(), bench_floor.Labels()
    else:
        if which == "ours":
            os.environ["METRICS_SEGMENT"] = f"/dev/shm/metrics-bench-python-{os.getpid()}"
            from libmetrics import prometheus_client as client
        else:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = DIRECTORIES.setdefault(
                "updates", tempfile.mkdtemp(prefix="metrics-bench-", dir="/dev/shm"))
            import prometheus_client as client
        counter = client.Counter("bench", "Help.")
        histogram = client.Histogram("bench_seconds", "Help.", buckets=BOUNDS)
        family = client.Histogram("labelled_seconds", "Help.", ("type", "hostname"), buckets=BOUNDS)
        gauge = client.Gauge("bench_size", "Help.")

    def inc(count):
        f = counter.inc
        for _ in range(count):
            f()

    def add(count):
        f = counter.inc
        for _ in range(count):
            f(0.5)

    def set_gauge(count):
        f = gauge.set
        for i in range(count):
            f(i)

    def time_scope(count):
        f = histogram.time
        for _ in range(count):
            with f():
                pass

    def observe(count):
        f = histogram.observe
        for i in range(count):
            f(OBSERVATIONS[i & 1023])

    def lookup(count):
        f = family.labels
        for i in range(count):
            f(TYPES[i % 3], HOSTNAME).observe(OBSERVATIONS[i & 1023])

    updates = {"inc": inc, "observe18": observe, "lookup": lookup}
    return updates if which == "floor" else updates | {"add": add, "set": set_gauge, "timer": time_scope}


DIRECTORIES = {}


def main():
    which = sys.argv[1]
    if sys.argv[2:] == ["fill"]:
        import prometheus_client
        catalogue_families(prometheus_client)
        return
    try:
        known = measurements(which)
    except ImportError as e:
        known, missing = {}, e
    for line in sys.stdin:
        name, count = line.split()[0], int(line.split()[1])
        if which == "client_python" and name.startswith("scrape-") and name not in known:
            known[name], DIRECTORIES[name] = scrape_client_python(int(name[len("scrape-"):]))
        if name not in known:
            print("error", f"not built: {missing}" if not known else "no such measurement", flush=True)
            continue
        work = known[name]
        if not name.startswith("scrape-"):
            work(count // 8 + 1)
        begin = time.thread_time_ns()
        work(count)
        print(time.thread_time_ns() - begin, flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        import shutil
        for directory in DIRECTORIES.values():
            shutil.rmtree(directory, ignore_errors=True)
        if len(sys.argv) == 2 and sys.argv[1] == "ours":
            for ending in ("", ".v2"):
                with contextlib.suppress(OSError):
                    os.unlink(os.environ.get("METRICS_SEGMENT", "/nonexistent") + ending)
