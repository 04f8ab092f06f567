"""uWSGI, unchanged, under libmetrics.run: with and without lazy-apps, with threads, recycled by
max-requests, killed."""
import os
import shutil
import signal

import pytest

import servers
import web_servers

pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
if shutil.which('uwsgi') is None or not any(os.path.exists(f'/usr/lib/uwsgi/plugins/{name}_plugin.so') for name in (
        'python3', 'python311')):
    pytest.skip('uwsgi or uwsgi-plugin-python3 is not installed', allow_module_level=True)


@pytest.mark.parametrize('options', [[], ['--lazy-apps'], ['--enable-threads', '--threads', '3']])
def test_requests_are_counted(directory, segment, options):
    """The server is ended by SIGKILL: uWSGI may forget that it was to stop while it replaces a
    worker that died."""
    socket = directory / 'web.sock'
    command = servers.under_libmetrics(
        'uwsgi', '--plugin', 'python3', '--http-socket', str(socket), '--master', '--processes', '2', '--die-on-term',
        '--max-requests', '10', '--min-worker-lifetime', '0', '--worker-reload-mercy', '1', '--module', 'web', *options)
    with servers.redis_server(directory) as redis, servers.aggregator(directory, segment) as address, \
            servers.Scrapes(address) as scrapes, \
            servers.running(command, directory, 'uwsgi', stop_by=signal.SIGKILL, REDIS_SOCKET=redis.socket,
                            PYTHONPATH=f'{servers.APPS}:{os.environ["PYTHONPATH"]}') as server:
        web_servers.requests_are_counted(socket, redis, scrapes, server, requests=80)
        # Hardly more than max_requests each: a worker's threads may be at one more when it is to
        # end.
        assert redis.scard('pids') >= 80 / 13
