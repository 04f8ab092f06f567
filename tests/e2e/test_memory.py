"""The aggregator's memory, over many scrapes and many workers."""
import os
import re
import socket


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_ten_thousand_scrapes_do_not_make_it_grow(worker, start_aggregator):
    for i in range(20):
        wait = worker.histogram("wait_seconds", [2.0 ** k for k in range(18)], {"type": str(i)})
        worker.observe(wait, i)
    queue = worker.gauge("queue_length", "livesum")
    aggregator = start_aggregator()
    connection = socket.create_connection(("127.0.0.1", aggregator.port))

    def scrape(times, header):  # by hand: http.client takes longer than the aggregator
        for _ in range(times):
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n")
            head, _, body = connection.recv(1 << 20).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            left = int(re.search(rb"Content-Length: (\d+)", head)[1]) - len(body)
            while left:
                left -= len(connection.recv(1 << 20))

    gzip, plain = b"Accept-Encoding: gzip\r\n", b""
    scrape(500, plain)
    scrape(500, gzip)
    before = resident(aggregator.process.pid)
    for round in range(10):
        worker.set(queue, round)  # the first time, the exposition's shape changes
        scrape(500, plain)
        scrape(500, gzip)
    connection.close()
    grown = resident(aggregator.process.pid) - before
    assert grown <= 256 * 1024, f"{grown} bytes"


def test_its_threads_do_not_each_keep_memory_for_an_exposition(start_worker, start_aggregator):
    worker = start_worker(METRICS_DIRECTORY_BYTES=8 << 20)
    worker.ask("many", name="large_total", count=300, bytes=10000)
    aggregator = start_aggregator()
    for _ in range(2):
        size = len(aggregator.request().body)
    before = resident(aggregator.process.pid)
    for _ in range(60):  # each over a connection of its own, which another thread serves
        aggregator.request()
    grown = resident(aggregator.process.pid) - before
    # One body more, with its spare capacity: a request may come before the thread that has served
    # the last one has let its body go. Sixteen threads that each kept one would have fifteen more.
    assert grown <= 1.5 * size, f"{grown} bytes, while an exposition has {size}"


def test_workers_and_segments_that_come_and_go_do_not_make_it_grow(directory, worker, start_worker, start_aggregator):
    aggregator = start_aggregator(directory)
    tasks = worker.counter("tasks_total")

    def churn(times):
        for i in range(times):
            short = start_worker(at=os.path.join(directory, "short"), METRICS_DIRECTORY_BYTES=65536)
            short.inc(short.counter("tasks_total", {"n": str(i)}))
            child = worker.fork(directory)
            child.inc(tasks)
            aggregator.scrape()
            child.kill()
            short.kill()
            os.unlink(os.path.join(directory, "short.v2"))
            aggregator.scrape()

    churn(40)  # by then each of its threads has had its turn
    before = resident(aggregator.process.pid)
    size = len(aggregator.scrape().text)
    churn(40)
    grown = resident(aggregator.process.pid) - before
    assert grown <= 256 * 1024, f"{grown} bytes"
    assert abs(len(aggregator.scrape().text) - size) < 100
    assert aggregator.scrape().value("tasks_total", segment=os.path.join(directory, "segment")) == 80
