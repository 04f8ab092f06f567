"""The wheel, built from the source tree without the net: one binary for all Pythons, complete, and
usable where installed. And what `cmake --install` puts under a prefix."""
import os
from pathlib import Path
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = Path(__file__).parents[2]
CHECK = """
import libmetrics, sys
from libmetrics.prometheus_client import Counter, REGISTRY
assert libmetrics.__file__.startswith(sys.argv[1]), libmetrics.__file__
Counter('tasks', 'help').inc()
assert REGISTRY.get_sample_value('tasks_total') == 1
print(libmetrics.version())
"""


def without_python_path(**more):
    return {**{k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}, **more}


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    for module, package in (('setuptools', 'python3-setuptools'), ('wheel', 'python3-wheel'), ('pip', 'python3-pip')):
        pytest.importorskip(module, reason=f'{package} is not installed')
    # A copy of only what a wheel is made of. Unoptimised, since it is not for its speed that it is
    # built here.
    source, out = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('wheel')
    for part in ('CMakeLists.txt', 'libmetrics'):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, source / part)
    before = sorted(source.rglob('*'))
    done = subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--no-build-isolation', '--no-deps', '--no-index',
                           '-q', '-w', str(out), str(source / 'libmetrics/python')],
                          capture_output=True, text=True, env=without_python_path(CFLAGS='-O0'))
    assert done.returncode == 0, done.stderr
    assert sorted(source.rglob('*')) == before, 'the build left something in the tree'
    built, = out.iterdir()
    return built


def test_wheel_is_one_for_all_and_complete(wheel):
    assert wheel.name.startswith('libmetrics-')
    assert '-cp310-abi3-linux_' in wheel.name
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {str(path.relative_to(ROOT / 'libmetrics/python')) for path in
               (ROOT / 'libmetrics/python/libmetrics').rglob('*.py*') if path.suffix in ('.py', '.pyi')}
    assert {name for name in names if '.dist-info/' not in name} == sources | {
        'libmetrics/_metrics.abi3.so', 'libmetrics/py.typed', 'libmetrics.pth'}


def test_cmake_installs_the_same_modules(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith('libmetrics/')}
    text = (ROOT / 'libmetrics/python/CMakeLists.txt').read_text()
    modules = text.partition('set(modules\n')[2].partition(')')[0].split()
    assert {f'libmetrics/{module}' for module in modules} == names - {'libmetrics/_metrics.abi3.so'}


@pytest.mark.parametrize('interpreter', [sys.executable, *filter(None, [shutil.which('python3')])])
def test_wheel_works_where_it_is_unpacked(wheel, segment, tmp_path, interpreter):
    done = subprocess.run([interpreter, '-c', 'import sys; print(sys.version_info >= (3, 10))'], capture_output=True)
    if done.stdout.strip() != b'True':
        pytest.skip(f'{interpreter} is older than 3.10')
    target = tmp_path / 'target'
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-index', '-q', '--target', str(target),
                    str(wheel)], check=True, env=without_python_path())
    done = subprocess.run([interpreter, '-c', CHECK, str(target)], capture_output=True, text=True,
                          env=without_python_path(PYTHONPATH=str(target)))
    assert (done.returncode, done.stderr) == (0, '')


def test_variable_is_enough_in_a_virtual_environment(wheel, segment, tmp_path):
    venv = tmp_path / 'venv'
    made = subprocess.run([sys.executable, '-m', 'venv', '--without-pip', str(venv)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip('python3-venv is not installed')
    site, = venv.glob('lib/python3*/site-packages')
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-index', '-q', '--target', str(site),
                    str(wheel)], check=True, env=without_python_path())
    code = "import prometheus_client as p; p.Counter('a', 'b').inc(); print(p.Counter.__module__)"
    done = subprocess.run([str(venv / 'bin/python'), '-I', '-c', code], capture_output=True, text=True,
                          env=without_python_path(METRICS_PYTHON_AUTO='1'))
    assert (done.stdout, done.stderr) == ('libmetrics.prometheus_client.metrics\n', '')
    done = subprocess.run([str(venv / 'bin/python'), '-m', 'libmetrics.run', '-c', code], capture_output=True,
                          text=True, env=without_python_path())
    assert (done.stdout, done.stderr) == ('libmetrics.prometheus_client.metrics\n', '')


def test_cmake_installs_where_the_prefix_is_looked_at(segment, tmp_path):
    build = os.environ.get('METRICS_BUILD')
    if not build:
        pytest.skip('METRICS_BUILD does not name the build directory')
    done = subprocess.run(['cmake', '-P', f'{build}/libmetrics/python/cmake_install.cmake'], capture_output=True,
                          text=True, env=without_python_path(DESTDIR=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    package, = tmp_path.rglob('libmetrics/_metrics.abi3.so')
    site = package.parents[1]
    assert site.name in ('dist-packages', 'site-packages')
    assert (site / 'libmetrics.pth').exists()
    assert not [path for path in site.rglob('*') if path.is_symlink()]
    done = subprocess.run([sys.executable, '-c', CHECK, str(site)], capture_output=True, text=True,
                          env=without_python_path(PYTHONPATH=str(site)))
    assert (done.returncode, done.stderr) == (0, '')
