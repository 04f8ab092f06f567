"""The plugin of pytest, used as a program's tests use it, in a pytest of their own."""
import os
from pathlib import Path
import subprocess
import sys
import textwrap

TESTS = """
    import os
    import subprocess
    import sys

    import pytest

    import libmetrics
    from prometheus_client import REGISTRY, Counter, Enum, Gauge, Histogram, Info

    TASKS, STATES = Counter('tasks', 'help', ['x']), Enum('state', 'help', states=['new', 'done'])
    SIZE, SECONDS, BUILD = Gauge('size', 'help'), Histogram('seconds', 'help'), Info('build', 'help')
    SUM = Gauge('sum', 'help', multiprocess_mode='sum')
    value = REGISTRY.get_sample_value

    @pytest.mark.parametrize('number', range(20))
    def test_begins_at_nothing(metrics_segment, number):
        assert value('tasks_total', {'x': 'a'}) is None
        assert (value('size'), value('seconds_count'), value('seconds_sum')) == (0, 0, 0)
        assert (value('state', {'state': 'new'}), value('build_info', {'v': '1'})) == (1, None)
        assert SECONDS._sum.get() == 0
        TASKS.labels('a').inc()
        SIZE.set(5)
        SUM.inc(3)
        SECONDS.observe(2)
        STATES.state('done')
        BUILD.info({'v': '1'})
        assert value('tasks_total', {'x': 'a'}) == 1
        assert (value('size'), value('seconds_count'), value('sum'), value('state', {'state': 'done'})) == (5, 1, 3, 1)

    def test_programs_have_a_segment_of_their_own(metrics_segment):
        assert libmetrics.segment_path() != metrics_segment
        subprocess.run([sys.executable, '-c', "from libmetrics.prometheus_client import *; Counter('a', 'b').inc()"],
                       check=True)
        assert os.path.exists(metrics_segment + '.v2')

    def test_nothing_is_in_the_users_segment():
        assert 'libmetrics-tests-' in libmetrics.segment_path()
"""


def test_each_test_has_a_segment(tmp_path):
    (tmp_path / 'test_program.py').write_text(textwrap.dedent(TESTS))
    environment = {name: text for name, text in os.environ.items() if name != 'METRICS_SEGMENT'}
    before = set(Path('/dev/shm').glob('libmetrics-tests-*'))
    done = subprocess.run([sys.executable, '-m', 'libmetrics.run', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p',
                           'libmetrics.pytest_plugin', str(tmp_path)], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '22 passed' in done.stdout
    assert set(Path('/dev/shm').glob('libmetrics-tests-*')) <= before
