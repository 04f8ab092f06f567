"""Unchanged programs: libmetrics.run, libmetrics.auto, METRICS_PYTHON_AUTO; and what must not keep
one from running."""
import os
from pathlib import Path
import subprocess
import sys

import pytest

BUILT = Path(os.environ['PYTHONPATH'].split(os.pathsep)[0]).resolve()
COUNTS = "import prometheus_client as p; p.Counter('tasks', 'help').inc(); print(p.Counter.__module__)"
OURS, THEIRS = 'libmetrics.prometheus_client.metrics\n', 'prometheus_client.metrics\n'


@pytest.fixture
def run(segment):
    """`python -m libmetrics.run ARGS`, its result."""
    def start(*args, **env):
        return subprocess.run([sys.executable, '-m', 'libmetrics.run', *args], capture_output=True, text=True,
                              env={**os.environ, **env}, timeout=120)
    return start


@pytest.fixture
def tasks(program):
    """What was counted, read by a program of its own."""
    def read():
        return float(program("""
            from libmetrics import _metrics
            labels, value, _ = _metrics.snapshot()['tasks'][4][0]
            print(value)
        """))
    return read


def test_runs_code_scripts_modules_and_programs(run, tasks, tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(COUNTS)
    executable = tmp_path / 'program'
    executable.write_text(f'#!{sys.executable}\n{COUNTS}')
    executable.chmod(0o755)
    (tmp_path / 'package').mkdir()
    (tmp_path / 'package' / '__main__.py').write_text(COUNTS)
    in_path = {'PATH': f'{tmp_path}:{os.environ["PATH"]}', 'PYTHONPATH': f'{BUILT}:{tmp_path}'}
    assert run('-c', COUNTS).stdout == OURS
    assert run(str(script)).stdout == OURS
    assert run(str(executable)).stdout == OURS
    assert run('program', **in_path).stdout == OURS
    assert run('-m', 'package', **in_path).stdout == OURS
    assert run('package', **in_path).stdout == OURS
    assert tasks() == 6


def test_replaces_itself_with_arguments_exit_status_and_pid_unchanged(run):
    with subprocess.Popen([sys.executable, '-m', 'libmetrics.run', '-c',
                           'import os, sys; print(os.getpid(), sys.argv[1:]); sys.exit(7)', '--segment', 'x y'],
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.read() == f"{process.pid} ['--segment', 'x y']\n"
    assert process.returncode == 7


def test_segment_and_gauge_modes_are_given_on_the_command_line(run, segment):
    shown = "import os; print(os.environ['METRICS_SEGMENT'], os.environ['METRICS_GAUGE_MODES'])"
    assert run('--segment=rel', '--gauge-modes', 'a=sum', '-c', shown, METRICS_GAUGE_MODES='b=min').stdout == (
        f'{os.getcwd()}/rel a=sum,b=min\n')


def test_says_what_it_cannot_run(run, tmp_path):
    (tmp_path / 'data').write_text('no program')
    (tmp_path / 'data').chmod(0o755)
    assert (run().returncode, run('--nonsense').returncode, run('-m').returncode) == (2, 2, 2)
    assert run('no-such-program').returncode == 127
    assert run(str(tmp_path / 'data')).returncode == 126
    assert run('--help').stdout.startswith('usage: ')
    assert run('--version').stdout.startswith('libmetrics ')


def test_says_that_an_interpreter_ignores_the_environment(run, tmp_path):
    pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    script = tmp_path / 'script'
    for line in (f'#!{sys.executable} -Es', f'#!/usr/bin/env -S {sys.executable} -I'):
        script.write_text(f'{line}\n{COUNTS}')
        script.chmod(0o755)
        done = run(str(script))
        assert done.stdout == THEIRS
        assert 'ignores PYTHONPATH, so this program will not count in the segment' in done.stderr
    for options in (('-I',), ('-u', '-Es'), ('-W', 'ignore', '-X', 'utf8', '-bE')):
        assert 'ignores PYTHONPATH' in run(sys.executable, *options, '-c', COUNTS).stderr
    for options in (('-u',), ('-W', 'error::ImportWarning'), ('-Xutf8',)):
        assert run(sys.executable, *options, '-c', COUNTS, '-I').stderr == ''


@pytest.mark.parametrize('method', ['fork', 'spawn', 'forkserver'])
def test_children_of_multiprocessing_count(run, tasks, method, tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(f"""
import multiprocessing
import prometheus_client
tasks = prometheus_client.Counter('tasks', 'help')

def work(n):
    assert prometheus_client.Counter.__module__.startswith('libmetrics.')
    tasks.inc(n)

if __name__ == '__main__':
    with multiprocessing.get_context('{method}').Pool(2, maxtasksperchild=1) as pool:
        pool.map(work, range(1, 6), chunksize=1)
""")
    done = run(str(script))
    assert (done.returncode, done.stderr) == (0, '')
    assert tasks() == 15


def test_programs_started_by_the_program_count_wherever_they_start(run, tasks, tmp_path):
    done = run('-c', f'import subprocess, sys; subprocess.run([sys.executable, "-c", {COUNTS!r}], check=True, cwd="/")')
    assert (done.stdout, done.stderr) == (OURS, '')
    assert tasks() == 1


def test_runs_where_the_package_is_in_no_path_but_its_own(segment, tmp_path):
    """As when a virtual environment's libmetrics.run starts a program of another interpreter."""
    done = subprocess.run([sys.executable, '-c', COUNTS], capture_output=True, text=True, cwd='/', env={
        **os.environ, 'PYTHONPATH': str(BUILT / 'libmetrics' / '_bootstrap')})
    assert (done.stdout, done.stderr) == (OURS, '')


def test_the_sitecustomize_that_is_hidden_runs_too(run, tmp_path):
    (tmp_path / 'sitecustomize.py').write_text('import sys; sys.customized = True')
    code = 'import sys, sitecustomize; print(sys.customized, sitecustomize.__file__, "_bootstrap" in str(sys.path))'
    done = run('-c', code, PYTHONPATH=f'{BUILT}:{tmp_path}')
    assert done.stdout == f'True {tmp_path}/sitecustomize.py False\n'


def test_each_module_is_one_object_under_both_names(run):
    done = run('-c', '''
import warnings
warnings.simplefilter('error')
import prometheus_client.registry, libmetrics.prometheus_client.registry
from prometheus_client import exposition, multiprocess, values, core
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.metrics import MetricWrapperBase
assert prometheus_client is libmetrics.prometheus_client
assert prometheus_client.registry is libmetrics.prometheus_client.registry
assert prometheus_client.metrics.__spec__.name == 'libmetrics.prometheus_client.metrics'
try:
    import prometheus_client.nonsense
except ModuleNotFoundError as why:
    print(why)
''')
    assert (done.stdout, done.stderr) == ("No module named 'prometheus_client.nonsense'\n", '')


def test_modules_that_only_the_installed_package_has_use_ours(run):
    pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    done = run('-c', '''
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.bridge.graphite import GraphiteBridge
import libmetrics.prometheus_client.metrics_core as ours
family, = text_string_to_metric_families('# TYPE a_total counter\\na_total 1\\n')
assert isinstance(family, ours.Metric)
family, = openmetrics('# TYPE a counter\\na_total 1\\n# EOF\\n')
assert isinstance(family, ours.Metric)
''')
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.parametrize('text', ['0a 1\\n', 'a-b 1\\n', '# TYPE a.b counter\\na.b_total 1\\n'])
def test_the_parsers_refuse_what_the_installed_ones_refuse(run, text):
    """Those before 0.22 leave names to Metric, whose names may be any in ours."""
    pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    done = run('-c', f'''
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics
for module, text in ((parser, '{text}'), (openmetrics, '{text}# EOF\\n')):
    assert module.__name__.startswith('libmetrics.')
    try:
        print(list(module.text_string_to_metric_families(text)))
    except ValueError:
        print('refused')
''')
    assert (done.stdout, done.stderr) == ('refused\nrefused\n', '')


def test_without_prometheus_client_there_is_no_parser(segment):
    done = subprocess.run([sys.executable, '-S', '-c', '''
try:
    import libmetrics.prometheus_client.openmetrics.parser
except ModuleNotFoundError as why:
    print(why)
'''], capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': str(BUILT)})
    assert done.stdout == 'prometheus_client, which has openmetrics.parser, is not installed\n', done.stderr


@pytest.mark.parametrize('offered, line', [
    ("('Counter', 'Novelty', 'Another')", 'has what libmetrics does not: Another, Novelty'),
    ("('Counter', 'Gauge')", ''),
    ('names()', '')])  # which only running it would tell
def test_what_a_newer_release_has_beyond_ours_is_logged_once(run, tmp_path, offered, line):
    package = tmp_path / 'prometheus_client'
    package.mkdir()
    (package / '__init__.py').write_text(f'__all__ = {offered}\n')
    done = run('-c', '''
import os
import sys
import prometheus_client
if os.fork() == 0:
    for name in [name for name in sys.modules if name.startswith('prometheus_client')]:
        del sys.modules[name]
    import prometheus_client
    os._exit(0)
os.wait()
''', PYTHONPATH=f'{BUILT}:{tmp_path}')
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert len(lines) == bool(line), done.stderr
    assert all(one.endswith(f'that is installed, in {package}, {line}') for one in lines)


def test_auto_makes_the_program_count(program, tasks):
    assert program(f'import libmetrics.auto\n{COUNTS}') == OURS
    assert tasks() == 1


def test_auto_that_comes_too_late_says_so_and_changes_nothing(program):
    pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    assert program(f'import prometheus_client\nimport libmetrics.auto\n{COUNTS}') == THEIRS
    assert 'imported before libmetrics.auto' in program.stderr


def test_the_variable_alone_is_enough_where_the_package_is_installed(segment, tmp_path):
    """A site directory has the .pth; this one is made as an install would."""
    (tmp_path / 'libmetrics').symlink_to(BUILT / 'libmetrics')
    pth = Path(__file__).parents[2] / 'libmetrics/python/libmetrics.pth'
    code = f"import site; site.addsitedir({str(tmp_path)!r}, None)\n{COUNTS}"
    for value, module in (('1', OURS), ('0', THEIRS)):
        (tmp_path / 'libmetrics.pth').write_text(pth.read_text())
        done = subprocess.run([sys.executable, '-I', '-c', code], capture_output=True, text=True,
                              env={**os.environ, 'METRICS_PYTHON_AUTO': value})
        assert (done.stdout, done.stderr) == (module, '')


# ---- what must not keep a program from running ----

def test_where_the_extension_cannot_be_loaded_the_program_gets_what_it_always_had(segment, tmp_path):
    pytest.importorskip('prometheus_client', reason='python3-prometheus-client is not installed')
    package = tmp_path / 'libmetrics'
    subprocess.run(['cp', '-rL', str(BUILT / 'libmetrics'), str(package)], check=True)
    (package / '_metrics.abi3.so').write_text('of another machine')
    done = subprocess.run([sys.executable, '-m', 'libmetrics.run', '-c', COUNTS], capture_output=True, text=True,
                          env={**os.environ, 'PYTHONPATH': str(tmp_path)})
    assert done.stdout == THEIRS
    assert done.stderr.count('\n') == 1
    assert "prometheus_client is what it always was" in done.stderr


def test_without_a_segment_nothing_is_counted_and_it_is_said_once(program):
    out = program("""
        from libmetrics.prometheus_client import *
        import libmetrics, os
        counter, gauge = Counter('a', 'help', ['x']), Gauge('b', 'help')
        histogram, info, enum = Histogram('c', 'help'), Info('d', 'help'), Enum('e', 'help', states=['f', 'g'])
        def use():
            counter.labels('1').inc(); gauge.set(1); histogram.observe(1); info.info({'a': 'b'}); enum.state('g')
        use()
        if os.fork() == 0:
            use()
            os._exit(0)
        assert os.wait()[1] == 0
        generate_latest()
        counter.remove('1')
        counter.clear()
        print(REGISTRY.get_sample_value('b'), libmetrics.segment_status()[0])
    """, METRICS_SEGMENT='/proc/nonsense/segment')
    assert out == 'None system error\n' or out.startswith('None no')
    assert program.stderr.count('nothing is counted') == 1


def test_a_full_segment_harms_nobody(program):
    program("""
        from libmetrics.prometheus_client import *
        counter = Counter('a', 'help', ['x'])
        for i in range(5000):
            counter.labels(i).inc()
        for i in range(5000):
            counter.labels(i).inc()
        more = [Gauge(f'g{i}', 'help') for i in range(100)]
        for gauge in more:
            gauge.set(1)
    """, METRICS_DIRECTORY_BYTES='65536')
    assert 'full' in program.stderr.lower()
    assert len(program.stderr.splitlines()) < 200
