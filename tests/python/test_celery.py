"""Celery workers, unchanged, under libmetrics.run: prefork with children that are recycled and
killed, gevent, threads. What was scraped is what the tasks have told to Redis."""
import os
import signal
import sys

import pytest

import servers

pytest.importorskip('celery', reason='python3-celery is not installed')
pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')


@pytest.fixture
def redis(directory):
    with servers.redis_server(directory) as client:
        yield client


@pytest.fixture
def send(redis, monkeypatch):
    """Sends a task, without importing the application."""
    from celery import Celery
    app = Celery(broker='redis+socket://' + redis.socket)

    def send(name, *args):
        app.send_task(f'tasks.{name}', args)
    return send


@pytest.fixture
def worker(directory, redis, segment):
    """Starts a worker with these options."""
    started = []

    def start(*options, name='worker'):
        started.append(servers.Server(
            servers.under_libmetrics('celery', '-A', 'tasks', 'worker', '--loglevel', 'INFO', '--without-gossip',
                                     '--without-mingle', '--without-heartbeat', '-n', f'{name}@localhost', *options),
            directory, name, REDIS_SOCKET=redis.socket, PYTHONPATH=f'{servers.APPS}:{os.environ["PYTHONPATH"]}'))
        return started[-1]
    yield start
    for server in started:
        server.stop()


def finished(redis, count, log):
    for done in range(count):
        assert redis.blpop('finished', timeout=servers.DEADLINE_S), f'{done} of {count} tasks finished\n{log()}'


def assert_told_is_scraped(redis, scrapes, adds):
    told = redis.hgetall('told')
    assert scrapes.value('app_tasks_total', kind='add') == adds
    assert scrapes.value('app_task_seconds_count', kind='add') == adds
    assert scrapes.value('app_task_seconds_bucket', kind='add', le='+Inf') == adds
    assert scrapes.value('app_amount_total') == pytest.approx(float(told['amount']), rel=1e-12)
    for kind in ('die', 'hold'):
        assert scrapes.value('app_tasks_total', kind=kind) == (float(told[kind]) if kind in told else None)


def test_prefork_recycled_and_killed(worker, redis, send, directory, segment):
    with servers.aggregator(directory, segment) as address, servers.Scrapes(address) as scrapes:
        celery = worker('-P', 'prefork', '-c', '2', '--max-tasks-per-child', '3')
        for n in range(60):
            send('add', n / 4)
            if n % 10 == 9:
                send('die')
        finished(redis, 66, celery.log)
        assert_told_is_scraped(redis, scrapes, 60)
        assert redis.hlen('pids') >= 20

        def running():
            return scrapes.value('engine_running_processes', hostname='host')
        send('hold')
        send('hold')
        holding = [int(redis.blpop('holding', timeout=servers.DEADLINE_S)[1]) for _ in range(2)]
        servers.wait_until(lambda: running() == 2, 'two are running', celery.log)
        os.kill(holding[0], signal.SIGKILL)
        servers.wait_until(lambda: running() == 1, 'one is gone', celery.log)
        redis.rpush('release', 'x')
        finished(redis, 1, celery.log)
        servers.wait_until(lambda: running() == 0, 'none is running', celery.log)

        send('add', 1)
        finished(redis, 1, celery.log)
        celery.stop()
        assert_told_is_scraped(redis, scrapes, 61)
        scrapes.judged_by_promtool()
        assert scrapes.count > 5
        assert celery.log().count('start_http_server(8001) listens nowhere') == 1


@pytest.mark.parametrize('pool', ['gevent', 'threads'])
def test_other_pools_and_a_worker_that_is_killed_whole(worker, redis, send, directory, segment, pool):
    if pool == 'gevent':
        pytest.importorskip('gevent', reason='python3-gevent is not installed')
    with servers.aggregator(directory, segment) as address, servers.Scrapes(address) as scrapes:
        first = worker('-P', pool, '-c', '4')
        for n in range(40):
            send('add', n)
        finished(redis, 40, first.log)
        for _ in range(3):
            send('hold')
        for _ in range(3):
            assert redis.blpop('holding', timeout=servers.DEADLINE_S), first.log()
        assert scrapes.value('engine_running_processes', hostname='host') == 3
        first.process.kill()
        first.process.wait()
        servers.wait_until(lambda: scrapes.value('engine_running_processes', hostname='host') == 0, 'gauges are back')
        assert_told_is_scraped(redis, scrapes, 40)
        second = worker('-P', pool, '-c', '4', name='second')
        for n in range(40):
            send('add', n)
        finished(redis, 40, second.log)
        assert_told_is_scraped(redis, scrapes, 80)


def test_two_worker_trees_of_different_pools_share_their_metrics(worker, redis, send, directory, segment):
    with servers.aggregator(directory, segment) as address, servers.Scrapes(address) as scrapes:
        prefork = worker('-P', 'prefork', '-c', '2', name='a')
        worker('-P', 'threads', '-c', '2', name='b')
        for n in range(50):
            send('add', n)
        finished(redis, 50, prefork.log)
        assert_told_is_scraped(redis, scrapes, 50)


def test_one_import_in_the_application_does_the_same(redis, send, directory, segment):
    """`import libmetrics.auto` before everything else, and no libmetrics.run."""
    (directory / 'changed.py').write_text('import libmetrics.auto\nfrom tasks import app\n')
    command = [sys.executable, '-m', 'celery', '-A', 'changed', 'worker', '--without-gossip', '--without-mingle',
               '--without-heartbeat', '-P', 'prefork', '-c', '2', '--max-tasks-per-child', '5']
    with servers.running(command, directory, 'worker', REDIS_SOCKET=redis.socket,
                         PYTHONPATH=f'{directory}:{servers.APPS}:{os.environ["PYTHONPATH"]}') as celery, \
            servers.aggregator(directory, segment) as address, servers.Scrapes(address) as scrapes:
        for n in range(20):
            send('add', n)
        finished(redis, 20, celery.log)
        assert_told_is_scraped(redis, scrapes, 20)
