"""The README's examples, each run as it is written but for addresses."""
import os
from pathlib import Path
import re
import shlex
import shutil
import signal
import subprocess
import sys

import pytest

import servers

pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')

ROOT = Path(__file__).parents[2]
README = (ROOT / 'libmetrics/python/README.md').read_text()
FILES = dict(re.findall(r'^```python\n# (\S+)\n(.*?)^```$', README, re.M | re.S))
COMMANDS = re.findall(r'^\$ (.*)$', README, re.M)


def command(*words, **replaced):
    """The one command of the README that has these words, with addresses and the interpreter of the
    test's own."""
    found = [line for line in COMMANDS if all(word in line for word in words)]
    assert len(found) == 1, (words, found)
    line = found[0]
    for old, new in replaced.items():
        assert old in line
        line = line.replace(old, new)
    first, *rest = shlex.split(line)
    return [sys.executable if first == 'python3' else first, *rest]


@pytest.fixture
def files(directory, monkeypatch):
    """The examples' files as they are, in the directory that is current."""
    for name, text in FILES.items():
        (directory / name).write_text(text)
    monkeypatch.chdir(directory)
    return directory


def test_every_example_is_here():
    assert sorted(FILES) == ['counted.py', 'tasks.py', 'web.py']
    assert len(re.findall('^```python', README, re.M)) == len(FILES)
    assert len(COMMANDS) == 9


def test_the_front_page_shows_the_same_commands():
    shown = re.findall(r'^\$ (python3 -m libmetrics.run .*)$', (ROOT / 'README.md').read_text(), re.M)
    assert len(shown) == 2
    assert set(shown) < set(COMMANDS)


def test_one_line_changed(files, program):
    program((files / 'counted.py').read_text() + '\n'
            "from libmetrics.prometheus_client import REGISTRY\n"
            "assert REGISTRY.get_sample_value('task_seconds_count', {'type': 'image'}) == 1\n"
            "assert REGISTRY.get_sample_value('tasks_total', {'type': 'image'}) == 1\n"
            "assert REGISTRY.get_sample_value('tasks_running') == 0\n")


@pytest.mark.parametrize('variable', ['METRICS_GAUGE_MODES', 'METRICS_MAX_SERIES'])
def test_an_operators_rules(files, segment, variable):
    line = next(line for line in COMMANDS if line.startswith(variable + '='))
    line = line.replace('python3', sys.executable)
    done = subprocess.run(['sh', '-c', line], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stderr) == (0, '')


def test_celery(files, segment):
    pytest.importorskip('celery', reason='python3-celery is not installed')
    from celery import Celery
    assert command('curl') == ['curl', '-s', 'localhost:8001/metrics']
    assert command('metrics-aggregator')
    short, long = (line for line in COMMANDS if 'celery' in line)
    assert long.startswith(short)
    with servers.redis_server(files) as redis:
        tasks, url = files / 'tasks.py', 'redis+socket://' + redis.socket
        assert "'redis://localhost'" in FILES['tasks.py']
        tasks.write_text(FILES['tasks.py'].replace('redis://localhost', url))
        sender = Celery(broker=url)
        with servers.aggregator(files, segment) as address, servers.Scrapes(address) as scrapes, \
                servers.running(command('max-tasks-per-child'), files, 'celery',
                                PYTHONPATH=f'{files}:{os.environ["PYTHONPATH"]}') as server:
            for n in range(8):
                sender.send_task('tasks.resize', [n])
            servers.wait_until(lambda: scrapes.value('tasks_finished_total', task='resize') == 8, 'tasks are counted',
                               server.log)
            servers.wait_until(lambda: scrapes.value('tasks_running') == 0, 'none runs', server.log)


@pytest.mark.parametrize('server, address', [('gunicorn', '-b localhost:8000'),
                                             ('uwsgi', '--http-socket localhost:8000')])
def test_web_servers(files, segment, server, address):
    if shutil.which(server) is None:
        pytest.skip(f'{server} is not installed')
    socket = files / 'web.sock'
    own = f'unix:{socket}' if server == 'gunicorn' else str(socket)
    with servers.aggregator(files, segment) as at, servers.Scrapes(at) as scrapes, \
            servers.running(command(server, **{address: f'{address.split()[0]} {own}'}), files, server,
                            stop_by=signal.SIGKILL) as running:
        def answers():
            try:
                return servers.get(socket, '/')
            except OSError:
                return None
        assert servers.wait_until(answers, f'{server} answers', running.log) == (200, 'hello\n')
        for _ in range(9):
            assert servers.get(socket, '/') == (200, 'hello\n')
        assert scrapes.value('requests_total', method='GET') == 10
        assert scrapes.value('request_seconds_count') == 10
