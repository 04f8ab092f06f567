"""Reads the example engine's output for the demo, and computes the samples that it must lead to."""

import collections
import socket

PROGRAM = "libmetrics/examples/engine/engine"


class Acknowledged:
    """Reads what the engine prints: workers that came and went and, at its end, how often they
    recorded what."""

    gauges = "engine_running_processes", "engine_running_schedules"

    def __init__(self):
        self.counts = {}  # by sample and type
        self.events = collections.Counter()  # started, exited, killed, counted
        self.threads_killed = 0
        self.living = set()

    def take(self, line):
        event, *details = line.rstrip("\n").split("\t")
        self.events[event] += 1
        if event == "started":
            self.living.add(int(details[0]))
        elif event == "counted":
            sample, kind, count = details
            self.counts[sample, kind] = int(count)
        else:
            self.living.discard(int(details[0]))
            if event == "killed":
                self.threads_killed += int(details[1])

    def is_empty(self):
        return not any(self.counts.values())

    def progress(self, samples):
        runs = sum(value for key, value in samples.items() if key[0] == "engine_process_running_time_count")
        running = sum(value for key, value in samples.items() if key[0] == self.gauges[0])
        return f"{runs:,.0f} process runs scraped, {running:,.0f} running, in {self.events['started']:,} workers"

    def ranges(self, _bounds):
        """Returns {sample: (low, high)}: what was acknowledged, without and with one more for each
        killed thread."""
        ranges = {}
        for (sample, kind), count in self.counts.items():
            labels = {"hostname": socket.gethostname(), **({"type": kind} if kind else {})}
            ranges[(sample, *sorted(labels.items()))] = count, count + self.threads_killed
        return ranges
