"""gunicorn, unchanged, under libmetrics.run: sync and gthread workers, recycled by max_requests,
killed."""
import os
import shutil

import pytest

import servers
import web_servers

pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
if shutil.which('gunicorn') is None:
    pytest.skip('gunicorn is not installed', allow_module_level=True)


@pytest.mark.parametrize('worker, threads, preload', [('sync', 1, False), ('gthread', 3, False), ('sync', 1, True)])
def test_requests_are_counted(directory, segment, worker, threads, preload):
    socket = directory / 'web.sock'
    command = servers.under_libmetrics(
        'gunicorn', '--bind', f'unix:{socket}', '--workers', '2', '--worker-class', worker, '--threads', str(threads),
        '--max-requests', '10', '--worker-tmp-dir', str(directory), '--graceful-timeout', '5',
        *(['--preload'] if preload else []), 'web:application')
    with servers.redis_server(directory) as redis, servers.aggregator(directory, segment) as address, \
            servers.Scrapes(address) as scrapes, \
            servers.running(command, directory, 'gunicorn', REDIS_SOCKET=redis.socket,
                            PYTHONPATH=f'{servers.APPS}:{os.environ["PYTHONPATH"]}') as server:
        web_servers.requests_are_counted(socket, redis, scrapes, server, requests=80)
        assert redis.scard('pids') >= 80 / 10  # none serves more than max_requests
