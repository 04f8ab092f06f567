"""The rows of the benchmark's table: what is measured, beside which floor and peers, and what is to
be reached.

A figure is (player, measurement): players are the programs of run.py, measurements what they know.
A target is met if ours is at most the sum of its parts, each a factor times a figure of the same
row, or times 1 for an absolute bound.
"""

from dataclasses import dataclass, field

OURS = "ours"
FLOOR = "floor"
PCPP = "prometheus-cpp"
GO = "client_golang"
PY = "client_python"
PCP = "PCP MMV"


@dataclass
class Target:
    text: str
    parts: tuple  # of (factor, figure's key or None for 1)


@dataclass
class Row:
    group: str
    what: str
    figures: dict  # key -> (player, measurement); the first is ours
    targets: list = field(default_factory=list)
    unit: str = "ns"
    scale: float = 1  # of the unit, in what players answer
    slow: bool = False  # an operation takes milliseconds: few rounds
    only_full: bool = False  # left out by --quick


def at_most_floor(factor, key=FLOOR):
    return Target(f"<= {factor}x {key}", ((factor, key),))


def faster(factor, peer):
    return Target(f"{factor}x faster than {peer}", ((1 / factor, peer),))


def at_most(value, unit, scale=1):
    return Target(f"<= {value} {unit}", ((value * scale, None),))


US, MS, MB = 1e3, 1e6, 1e6

# The same operation however it is come by and whatever goes on beside it.
SETTINGS = {"two threads": ("update", "{}-2-threads"), "two processes": ("update", "{}-2-processes"),
            "while a reader scans": ("update", "{}-scanned"), "C ABI": ("update", "abi-{}"),
            "dlopened": ("dlopen", "{}"), "200,000 series at random": ("update", "cold-{}")}


def settings(what, name):
    figures = {key: (player, pattern.format(name)) for key, (player, pattern) in SETTINGS.items()}
    return Row("settings", what, {OURS: ("update", name)} | figures)


def update(what, name, targets=(), floor=True, peers=(PCPP, GO), **options):
    figures = {OURS: ("update", options.pop("ours", name))}
    if floor:
        figures[FLOOR] = ("floor", name)
    for peer in peers:
        figures[peer] = (peer, name)
    return Row("update", what, figures, list(targets), **options)


def scrapes(slots, unit=US):
    crowd = f"workers={slots}"
    rows = []
    name = f"{slots} processes" if slots > 1 else "1 process"
    figures = {OURS: ("scrape", f"scrape-{crowd}"), FLOOR: ("floor", f"scrape-{slots}")}
    if slots == 1:
        figures |= {PCPP: (PCPP, "scrape-1"), GO: (GO, "scrape-1")}
    targets = []
    figures[PY] = (PY, f"scrape-{slots}")
    if slots in (64, 512):
        targets = [at_most_floor(2), faster(1000, PY)]
    rows.append(Row("scrape", f"catalogue, {name}: read, merge, text", figures, targets, "µs", US,
                    slow=slots == 512))
    if slots in (64, 512):
        figures = {OURS: ("scrape", f"scrape-{crowd},gauges=2"), FLOOR: ("floor", f"scrape-{slots}"),
                   "lock queries": ("floor", f"locks-{slots}")}
        rows.append(Row("scrape", f"the same with 2 live gauges set in each of {slots} slots", figures,
                        [Target("<= 2x floor + 1.5x lock queries", ((2, FLOOR), (1.5, "lock queries")))],
                        "µs", US))
        figures = {OURS: ("scrape", f"scrape-{crowd},states=2"),
                   "2 live gauges": ("scrape", f"scrape-{crowd},gauges=2")}
        rows.append(Row("scrape", f"the same with 2 state sets of mode livesum set in each of {slots} slots", figures,
                        [at_most_floor(1.2, "2 live gauges")], "µs", US))
    return rows


def churn(generations, only_full):
    before, after = "workers=8", f"workers=8,generations={generations}"
    label = f"after {8 * generations:,} workers, 8 at a time"
    rows = [Row("churn", f"{label}: a scrape", {OURS: ("scrape", f"scrape-{after}"),
                                               "after 8": ("scrape", f"scrape-{before}")},
                [at_most_floor(1.1, "after 8")], "µs", US, only_full=only_full)]
    for what, name in (("bytes of text", "text-bytes"), ("bytes of the segment", "segment-bytes")):
        # Counts that have grown by many workers' have more digits.
        factor = 1.1 if name == "text-bytes" else 1
        rows.append(Row("churn", f"{label}: {what}", {OURS: ("scrape", f"{name}-{after}"),
                                                      "after 8": ("scrape", f"{name}-{before}")},
                        [at_most_floor(factor, "after 8")], "KB", 1e3, slow=True, only_full=only_full))
    return rows


def removal(sets, rounds, what, metrics=("counter", "gauge", "histogram")):
    """The last tenth of so many rounds that remove series and make them again, beside the second
    tenth, and what the rounds have left behind."""
    rows = []
    for metric in metrics:
        for beside, label in (("", ""), ("-beside", ", beside three workers")):
            name = f"{sets}-{metric}{beside}"
            late, early = rounds * 9 // 10, rounds // 10
            figures = {OURS: ("removal", f"round-{name}@{late}"),
                       f"after {early:,}": ("removal early", f"round-{name}@{early}")}
            rows.append(Row("removal", f"{what}, {metric}{label}, after {late:,}: a round", figures,
                            [at_most_floor(1.2, f"after {early:,}")], "µs", US, slow=sets == "hundred",
                            only_full=True))
            kept = 64 if sets == "new" else 0
            for left, most in (("memory", kept + 8), ("directory", kept)):
                rows.append(Row("removal", f"{what}, {metric}{label}: {left} that a round adds",
                                {OURS: ("removal", f"{left}-{name}@{rounds}")},
                                [at_most(most, "B")], "B", 1, slow=True, only_full=True))
    return rows


def many_series(counters, only_full):
    """What a scrape costs after some series have come or gone, and what the inspector does."""
    label = f"{counters * 11 // 10:,} series"
    common = {"slow": True, "only_full": only_full}
    steady = ("growth", f"steady-{counters}")
    rows = [Row("growth", f"{label}: a steady scrape",
                {OURS: steady, PCPP: (PCPP, f"steady-{counters}"), GO: (GO, f"steady-{counters}")}, [], "ms", MS,
                **common)]
    for changed in (1, 10, 1000):
        for how, what in (("added", "new"), ("removed", "removed")):
            rows.append(Row("growth", f"{label}, {changed:,} {what}: a scrape",
                            {OURS: ("growth", f"{how}-{counters}/{changed}"), "steady": steady},
                            [Target(f"<= steady + {20 * changed:,} µs", ((1, "steady"), (20 * US * changed, None)))],
                            "ms", MS, **common))
    rows.append(Row("growth", f"{label}: the first scrape",
                    {OURS: ("growth", f"first-{counters}"), "steady": steady},
                    [at_most_floor(6, "steady")], "ms", MS, **common))
    for what, kind, count in ((label, "", counters), (f"{counters // 10:,} histograms", "histograms-", counters // 10)):
        peers = {} if kind else {PCPP: (PCPP, f"memory-{count}"), GO: (GO, f"memory-{count}")}
        rows.append(Row("growth", f"{what}: anonymous memory",
                        {OURS: ("growth", f"{kind}memory-{count}"), "text": ("growth", f"{kind}text-bytes-{count}")} |
                        peers, [Target("<= 16 MB + 3x text", ((16 * MB, None), (3, "text")))], "MB", MB, **common))
    rows.append(Row("growth", f"{label}: metrics-inspect ls, as a program", {OURS: ("growth", f"ls-{counters}")},
                    [at_most(10, "ms", MS)], "ms", MS, **common))
    rows.append(Row("growth", f"{label}: verify",
                    {OURS: ("growth", f"verify-{counters}"), "a first reading": ("growth", f"reading-{counters}")},
                    [at_most_floor(2, "a first reading")], "ms", MS, **common))
    rows.append(Row("growth", f"{label}: the most memory of verify",
                    {OURS: ("growth", f"peak-of-verify-{counters}"),
                     "the directory": ("growth", f"directory-bytes-{counters}")},
                    [Target("<= 64 MB + the directory", ((64 * MB, None), (1, "the directory")))], "MB", MB, **common))
    return rows


def many_segments(segments, series):
    """A directory of segments beside one that has as many series."""
    one = f"one of {segments * series:,}"
    return [Row("growth", f"{segments} segments of {series:,} series: {what}",
                {OURS: ("growth", f"segments-{name}-{segments}/{series}"),
                 one: ("growth", f"segments-{name}-1/{segments * series}")},
                [Target(f"<= 1.3x {one}", ((1.3, one),))], "ms", MS, slow=True)
            for name, what in (("steady", "a scrape"), ("first", "the first scrape"))]


ROWS = [
    update("counter inc, inlined, 64 counters in turns", "inc",
           [at_most_floor(2)], peers=(PCPP, GO, PCP)),
    update("counter inc through the C ABI", "inc",
           [at_most(3, "ns"), faster(3, PCPP)], ours="abi-inc", peers=(PCPP,)),
    update("counter inc(0.5)", "add"),
    update("gauge set", "set"),
    Row("update", "state set, livesum: set a state by its index",
        {OURS: ("update", "state"), FLOOR: ("floor", "set"), "gauge set": ("update", "set")}),
    Row("update", "state set, livemostrecent: set a state by its index",
        {OURS: ("update", "state-recent"), FLOOR: ("floor", "set-stamped"), "the clock alone": ("floor", "clock")},
        [at_most_floor(1.5)]),
    update("histogram observe, 18 bounds", "observe18", [at_most_floor(1.5), faster(7, PCPP)]),
    update("histogram observe, 4 odd bounds", "observe4", peers=()),
    update("histogram observe, 18 odd bounds", "observe18odd", peers=()),
    update("histogram observe, 64 odd bounds", "observe64", peers=()),
    update("histogram observe, native", "observe-native", [at_most_floor(1.3)], peers=()),
    Row("update", "histogram observe, native and 11 explicit bounds",
        {OURS: ("update", "observe-native-and-explicit"), FLOOR: ("floor", "observe-native")},
        [at_most_floor(1.5)]),
    update("histogram observe through the C ABI", "observe18", ours="abi-observe18", peers=(PCPP,)),
    update("histogram observe, cold: 200,000 at random", "cold-observe18", peers=(PCPP,),
           only_full=True),
    Row("update", "counter inc, two threads on one series",
        {OURS: ("update", "inc-2-threads"), "one thread": ("update", "inc-one"),
         PCPP: (PCPP, "inc-2-threads"), GO: ("client_golang wide", "inc-2-threads")},
        [Target("<= 1.1x one", ((1.1, "one thread"),))]),
    Row("update", "counter inc, two processes on one series",
        {OURS: ("update", "inc-2-processes"), "one process": ("update", "inc-one")},
        [Target("<= 1.1x one", ((1.1, "one process"),))]),
    Row("update", "histogram observe, two threads on one series",
        {OURS: ("update", "observe18-2-threads"), "one thread": ("update", "observe18"),
         PCPP: (PCPP, "observe18-2-threads"), GO: ("client_golang wide", "observe18-2-threads")},
        [Target("<= 1.1x one", ((1.1, "one thread"),))]),
    Row("update", "histogram observe, two processes on one series",
        {OURS: ("update", "observe18-2-processes"), "one process": ("update", "observe18")},
        [Target("<= 1.1x one", ((1.1, "one process"),))]),
    update("timer around an empty scope", "timer", [at_most_floor(1.2)]),
    Row("update", "histogram observe with an exemplar, 18 bounds",
        {OURS: ("update", "exemplar18"), "clock_gettime": ("floor", "clock"), "without": ("update", "observe18")},
        [at_most_floor(4, "clock_gettime")]),
    update("labels lookup + observe", "lookup", [at_most(30, "ns"), faster(10, PCPP)]),
    Row("update", "labels lookup + observe, beyond a limit of 1,000 series",
        {OURS: ("update", "lookup-beyond"), "known": ("update", "lookup-1000")},
        [at_most_floor(5, "known")]),
] + [
    settings(what, name)
    for what, name in (("counter inc, 64 counters in turns", "inc"), ("counter inc(0.5)", "add"), ("gauge set", "set"),
                       ("histogram observe, 18 bounds", "observe18"), ("timer around an empty scope", "timer"),
                       ("labels lookup + observe", "lookup"))
] + [
    Row("python", f"Python: {what}",
        {OURS: ("python ours", name), FLOOR: ("python floor", name), PY: (PY, name)},
        [at_most_floor(2), faster(10, PY)])
    for what, name in (("inc", "inc"), ("observe on a kept child", "observe18"),
                       ("labels().observe()", "lookup"))
] + [
    Row("python", f"Python: {what}", {OURS: ("python ours", name), PY: (PY, name)})
    for what, name in (("inc(0.5)", "add"), ("gauge set", "set"), ("with histogram.time()", "timer"))
] + [
    row for slots in (1, 8, 64, 512) for row in scrapes(slots)
] + [
    Row("scrape", "catalogue of native histograms, 64 processes: read, merge",
        {OURS: ("scrape", "merge-workers=64,native=1"), FLOOR: ("floor", "sum-native-64")},
        [at_most_floor(2)], "µs", US),
    # 2 us for each of its 85 series.
    Row("scrape", "catalogue of native histograms, 75 populated buckets each: protobuf",
        {OURS: ("scrape", "in-protobuf-workers=1,native=1")}, [at_most(170, "µs", 1e3)], "µs", US),
    Row("scrape", "catalogue, 4,096 slots: read, merge, text",
        {OURS: ("scrape", "scrape-workers=1,threads=4095"), FLOOR: ("floor", "scrape-4096")}, [], "µs", US,
        slow=True, only_full=True),
    Row("scrape", "catalogue, 512 processes, one series each: read, merge, text",
        {OURS: ("scrape", "scrape-workers=512,sparse=1"), "all series": ("scrape", "scrape-workers=512")}, [],
        "µs", US, slow=True, only_full=True),
    Row("scrape", "101,000 cells, 64 processes: read, merge, text",
        {OURS: ("scrape", "scrape-workers=64,times=60"), FLOOR: ("floor", "scrape-64x60")}, [], "ms", MS,
        slow=True, only_full=True),
    Row("scrape", "100 gauges of mode all, 1,024 processes: a sample",
        {OURS: ("scrape", "each-workers=1024,each=100"), "64 processes": ("scrape", "each-workers=64,each=100")},
        [Target("<= 1.5x that of 64", ((1.5, "64 processes"),))], slow=True, only_full=True),
    Row("scrape", "catalogue, 8 processes, gzipped",
        {OURS: ("scrape", "gzip-workers=8"), "plain": ("scrape", "scrape-workers=8")}, [], "µs", US),
    Row("scrape", "catalogue, encoded in OpenMetrics",
        {OURS: ("scrape", "in-openmetrics-workers=8"), "text 0.0.4": ("scrape", "in-text-workers=8")},
        [at_most_floor(1.1, "text 0.0.4")], "µs", US),
    Row("scrape", "catalogue, encoded in protobuf",
        {OURS: ("scrape", "in-protobuf-workers=8"), "text 0.0.4": ("scrape", "in-text-workers=8")},
        [at_most_floor(1.3, "text 0.0.4")], "µs", US),
    Row("scrape", "catalogue, gzip of OpenMetrics",
        {OURS: ("scrape", "packed-openmetrics-workers=8"), "text 0.0.4": ("scrape", "packed-text-workers=8"),
         "protobuf": ("scrape", "packed-protobuf-workers=8")}, [], "µs", US),
    Row("scrape", "catalogue, 8 processes, with the aggregator's own metrics",
        {OURS: ("scrape", "whole-workers=8"), "without": ("scrape", "scrape-workers=8")}, [], "µs", US),
    Row("scrape", "catalogue, 64 processes, caches emptied before: read, merge, text",
        {OURS: ("scrape", "cold-workers=64"), "hot": ("scrape", "scrape-workers=64")}, [], "µs", US, slow=True),
    Row("scrape", "catalogue, 8 processes, by a new reader",
        {OURS: ("scrape", "first-workers=8"), "known": ("scrape", "scrape-workers=8")}, [], "µs", US),
    Row("scrape", "allocations of a scrape, 101,000 cells",
        {OURS: ("scrape", "allocations-workers=8,times=60"), "1,700 cells": ("scrape", "allocations-workers=8")},
        [Target("no more than for 1,700 cells", ((1, "1,700 cells"),))], "", 1, slow=True),
] + many_series(100_000, False) + many_segments(100, 1000) + many_series(1_000_000, True) + (
    churn(125, False) + churn(1250, True)
) + (
    removal("one", 100_000, "one label set", ("counter", "gauge", "histogram", "abi")) +
    removal("hundred", 10_000, "100 label sets") + removal("new", 100_000, "a new label set") +
    removal("one", 100_000, "an info stated anew", ("info",))
) + [
    Row("start-up", "first update after fork", {OURS: ("update", "first-update")},
        [at_most(100, "µs", 1e3)], "µs", US),
    Row("start-up", "first update after fork, 64 processes at once", {OURS: ("update", "first-update-64")},
        [], "µs", US, slow=True),
    Row("start-up", "first update after fork, beside 1,000 living processes",
        {OURS: ("update", "first-update-beside-1000"), "beside 10": ("update", "first-update-beside-10")},
        [at_most_floor(3, "beside 10")], "µs", US, slow=True, only_full=True),
    Row("start-up", "opening a segment that is there and one series", {OURS: ("update", "open")}, [], "µs", US,
        slow=True),
    Row("start-up", "creating a segment and one series", {OURS: ("update", "create")}, [], "µs", US, slow=True),
    Row("start-up", "registering 10,000 series", {OURS: ("update", "register")}, [], "ms", MS, slow=True),
    Row("start-up", "registering the same 10,000 series, each of 64 processes at once",
        {OURS: ("update", "register-64")}, [], "ms", MS, slow=True, only_full=True),
]

# Counted by callgrind, which emulates: the figures don't depend on the machine's mood.
INSTRUCTIONS = [
    ("counter inc, inlined", ("update", "inc"), ("floor", "inc"), 100_000),
    ("counter inc through the C ABI", ("update", "abi-inc"), ("floor", "inc"), 100_000),
    ("counter inc(0.5)", ("update", "add"), ("floor", "add"), 100_000),
    ("gauge set", ("update", "set"), ("floor", "set"), 100_000),
    ("histogram observe, 18 bounds", ("update", "observe18"), ("floor", "observe18"), 100_000),
    ("histogram observe, native", ("update", "observe-native"), ("floor", "observe-native"), 100_000),
    ("histogram observe, native and 11 explicit bounds", ("update", "observe-native-and-explicit"),
     ("floor", "observe-native"), 100_000),
    ("state set, livemostrecent", ("update", "state-recent"), ("floor", "set-stamped"), 50_000),
    ("timer around an empty scope", ("update", "timer"), ("floor", "timer"), 20_000),
    ("labels lookup + observe", ("update", "lookup"), ("floor", "lookup"), 50_000),
    ("catalogue, 64 processes: read, merge, text", ("scrape", "scrape-workers=64"), ("floor", "scrape-64"), 50),
]

# HTTP, by kind: what serves, and how many times as fast ours is to be.
HTTP_TARGETS = {"plain": [("10x client_golang", GO, 10), ("10x prometheus-cpp", PCPP, 10)],
                "TLS": [("5x client_golang", GO, 5)]}

# Time and bytes against what grows. Each figure is one of the scrape player's, in ns or bytes.
GROWTH = [
    ("slots", [1, 8, 64, 512], {
        "scrape, µs": lambda n: ("scrape", f"scrape-workers={n}", 1e3),
        "text, KB": lambda n: ("scrape", f"text-bytes-workers={n}", 1e3),
        "segment, KB": lambda n: ("scrape", f"segment-bytes-workers={n}", 1e3)}),
    ("series", [85, 850, 5100], {
        "scrape of 8 processes, µs": lambda n: ("scrape", f"scrape-workers=8,times={n // 85}", 1e3),
        "text, KB": lambda n: ("scrape", f"text-bytes-workers=8,times={n // 85}", 1e3),
        "segment, KB": lambda n: ("scrape", f"segment-bytes-workers=8,times={n // 85}", 1e3)}),
    ("many series", [1_100, 11_000, 110_000, 1_100_000], {
        f"{what}, {unit}": lambda n, player=player, name=name: (player, name.format(n * 10 // 11), 1e6)
        for what, unit, player, name in (
            ("steady scrape", "ms", "growth", "steady-{}"), ("after 1 new", "ms", "growth", "added-{}/1"),
            ("after 1,000 new", "ms", "growth", "added-{}/1000"), ("first scrape", "ms", "growth", "first-{}"),
            (f"scrape, {PCPP}", "ms", PCPP, "steady-{}"), (f"scrape, {GO}", "ms", GO, "steady-{}"),
            ("text", "MB", "growth", "text-bytes-{}"), ("memory", "MB", "growth", "memory-{}"),
            (f"memory, {PCPP}", "MB", PCPP, "memory-{}"), (f"memory, {GO}", "MB", GO, "memory-{}"),
            ("ls", "ms", "growth", "ls-{}"), ("verify", "ms", "growth", "verify-{}"))}),
    ("processes, each with 100 gauges of mode all", [64, 256, 1024], {
        "a sample, ns": lambda n: ("scrape", f"each-workers={n},each=100", 1),
        "text, KB": lambda n: ("scrape", f"text-bytes-times=0,workers={n},each=100", 1e3)}),
    ("buckets", [4, 18, 64], {
        "observe, ns": lambda n: ("update", f"observe{n}", 1),
        "scrape of 8 processes, µs": lambda n: ("scrape", f"scrape-workers=8,bounds={n}", 1e3),
        "text, KB": lambda n: ("scrape", f"text-bytes-workers=8,bounds={n}", 1e3),
        "segment, KB": lambda n: ("scrape", f"segment-bytes-workers=8,bounds={n}", 1e3)}),
    ("living processes", [10, 100, 1000], {
        "first update, µs": lambda n: ("update", f"first-update-beside-{n}", 1e3)}),
    ("series removed", [1_000, 10_000, 100_000], {
        "one label set, µs": lambda n: ("removal", f"round-one-counter@{n}", 1e3),
        "one label set beside three workers, µs": lambda n: ("removal", f"round-one-counter-beside@{n}", 1e3),
        "100 label sets, µs for each": lambda n: ("removal", f"round-hundred-counter@{n // 100}", 1e5),
        "a new label set, µs": lambda n: ("removal", f"round-new-counter@{n}", 1e3),
        "an info, µs": lambda n: ("removal", f"round-one-info@{n}", 1e3)}),
    ("processes ever started, 8 at a time", [8, 80, 800], {
        "scrape, µs": lambda n: ("scrape", f"scrape-workers=8,generations={n // 8}", 1e3),
        "text, KB": lambda n: ("scrape", f"text-bytes-workers=8,generations={n // 8}", 1e3),
        "segment, KB": lambda n: ("scrape", f"segment-bytes-workers=8,generations={n // 8}", 1e3)}),
]
