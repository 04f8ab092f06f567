"""What gunicorn's and uWSGI's tests have in common: requests, recycled and killed workers, and what
is scraped of it."""
import os
import signal
import threading

import servers


def requests_are_counted(socket, redis, scrapes, server, requests=40):
    """Sends requests to a server of two workers that are recycled; some kill their worker."""
    servers.wait_until(lambda: answers(socket), 'the server answers', server.log)
    for n in range(requests):
        assert serve(socket, '/a' if n % 2 else '/b', server) is not None
        if n % 20 == 19:
            serve(socket, '/die', server)
    told = {path: float(count) for path, count in redis.hgetall('told').items()}
    assert told['/a'] >= requests / 2
    assert told['/die'] == requests // 20
    assert {path: scrapes.value('web_requests_total', path=path) for path in told} == told
    # A request that ends its worker is counted, but takes no time that anybody knows of.
    assert scrapes.value('web_request_seconds_count') == sum(told.values()) - told['/die']

    def running():
        return scrapes.value('web_requests_running')

    assert running() == 0
    holders = [threading.Thread(target=servers.get, args=(socket, '/hold')) for _ in range(2)]
    for holder in holders:
        holder.start()
    pids = [int(redis.blpop('holding', timeout=servers.DEADLINE_S)[1]) for _ in holders]
    assert running() == len(holders)
    victim = pids[0]
    os.kill(victim, signal.SIGKILL)
    servers.wait_until(lambda: running() == len(holders) - pids.count(victim), 'its gauges are gone', server.log)
    for _ in pids:
        redis.rpush('release', 'x')
    for holder in holders:
        holder.join()
    servers.wait_until(lambda: running() == 0, 'none is running', server.log)

    # The program's own /metrics goes on to work, and shows all processes.
    shown = serve(socket, '/metrics', server)
    assert f'web_requests_total{{path="/a"}} {told["/a"]}\n' in shown
    scrapes.judged_by_promtool()


def answers(socket):
    try:
        return servers.get(socket, '/first')
    except OSError:
        return None


def serve(socket, path, server):
    """The body; None if the worker died over it. A server that is replacing a worker may refuse for
    a moment."""
    def attempt():
        try:
            return [servers.get(socket, path)]
        except (ConnectionRefusedError, FileNotFoundError):
            return None
    answer, = servers.wait_until(attempt, f'{path} is served', server.log)
    if answer is None:
        return None
    assert answer[0] == 200, answer
    return answer[1]
