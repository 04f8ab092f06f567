"""One of everything that can be exposed, for judges and for servers."""
TROUBLE = 'C:\\new "quoted"\nsecond line, \\n is no line feed, é 漢字 😀 }{,='
HELP = 'Back\\slash, "quotes",\nline feed, \\n, é 漢字 😀'


def one_of_everything(worker, child, other):
    """From living and dead processes: child is a fork of worker, and is killed."""
    for n, process in enumerate((worker, child, other), 1):
        process.inc(process.counter("tasks_total", {"text": TROUBLE}, help=HELP), 2 ** 53 + 1)
        process.add(process.counter("work_seconds_total"), n / 3)
        for mode in ("all", "liveall", "sum", "livesum", "min", "livemin", "max", "livemax", "mostrecent",
                     "livemostrecent"):
            process.set(process.gauge(f"{mode}_queue", mode), -n / 7)
        process.observe(process.histogram("wait_seconds", [0, 0.005, 1, 2.5, 1e7]), 0, 0.1, n, 1e300)
        process.observe(process.summary("size_bytes", {"text": TROUBLE}), n)
        for mode in "all", "liveall", "livesum", "mostrecent", "livemostrecent":
            process.state(process.stateset(f"{mode}_state", ["idle", TROUBLE], {"is": "it"}, mode=mode), n % 2)
    for value in "+Inf", "-Inf", "NaN", 5e-324, 1.7976931348623157e308:
        worker.set(worker.gauge("extreme", "sum", {"is": str(value)}), value)
    worker.info("app", {"version": TROUBLE}, help=HELP)
    worker.ask("counter", name="unborn_total", labels=["a"], values=["b"])
    worker.observe(worker.histogram("drift_seconds", [-1, 0, 1]), -3, -0.5, 2)
    worker.inc(worker.counter("http.requests_total", {"uri.path": "/", "主机": TROUBLE, "类型": "x"}, help=HELP), 3)
    child.kill()
