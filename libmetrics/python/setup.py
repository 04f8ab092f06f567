"""Builds the wheel: `pip wheel --no-build-isolation --no-deps .`, in the source tree, with a C++20
compiler and Boost's headers (Debian: g++ libboost-dev python3-dev python3-setuptools
python3-wheel). It needs no CMake, and nothing from the net, and leaves nothing in the tree.

The extension is the library itself and what reads segments, so the wheel is complete, and tagged
cp310-abi3: one for CPython 3.10 and all that follow. Where the library of this version is installed
(pkg-config knows it) and METRICS_PYTHON_SHARED=1 is set, the extension uses that, as CMake's option
of that name has it: quicker to build, for this machine.
"""
import atexit
from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import re
import shutil
import subprocess
import tempfile

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # before setuptools 70.1
    from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The wings of the library that the extension holds, and their sources; CMakeLists.txt has the same
# lists.
SOURCES = {
    'format': 'access definition editions error escaping exemplar file geometry group label_values name native '
              'ownership printable random records types utf8',
    'update': 'buckets claims drops exemplars gauges handles locked own_slots pending process sanitizer segment '
              'slow_path stretches threads',
    'setup': 'bounds creation directory directory_series join max_series patterns permissions read_back registry '
             'registry_series reuse series series_count surroundings',
    'api': 'arguments errors families log read_back segments series updates',
    'reader': 'block_copies contents directory directory_changes dropped exemplars families gauge_merge held_back '
              'identities identity limits mapping merge merge_changes merge_lists merge_sums overlooked parts reader '
              'record_index seeded series_edits series_list shown slot_report verify verify_directory verify_values '
              'words written_heads',
    'python/extension': 'children counter gauge histogram info messages metric module observation own processes '
                        'series snapshot stateset tables timer',
}
VERSION = re.search(r'project\(metrics VERSION (\S+)', (ROOT / 'CMakeLists.txt').read_text()).group(1)


# What the installed library does not export, and the extension needs all the same.
NOT_EXPORTED = ('format', 'reader', 'python/extension')


def uses_installed_library():
    """Returns whether to link the library that is installed. RuntimeError: it is asked for, and
    there is none of this version."""
    if os.environ.get('METRICS_PYTHON_SHARED', '0') in ('', '0'):
        return False
    found = subprocess.run(['pkg-config', '--modversion', 'metrics'], check=False, capture_output=True, text=True)
    if found.stdout.strip() != VERSION:
        raise RuntimeError(f'METRICS_PYTHON_SHARED: version {VERSION} of the library is not installed; '
                           f'pkg-config says: {found.stdout.strip() or found.stderr.strip()}')
    return True


def library_arguments():
    if not uses_installed_library():
        return []
    flags = subprocess.run(['pkg-config', '--libs', 'metrics'], check=True, capture_output=True, text=True)
    return flags.stdout.split()


def sources():
    """Returns what to compile: of each of the library's wings one file, made here, that includes
    all of its sources, since the headers of the standard library take longest; and the extension's
    own sources, whose functions have the names of Python's methods."""
    for folder, names in SOURCES.items():
        if folder not in NOT_EXPORTED and uses_installed_library():
            continue
        files = [ROOT / 'libmetrics' / folder / f'{name}.cpp' for name in names.split()]
        if folder != 'python/extension':
            whole = Path(OUTSIDE) / f'{folder}.cpp'
            whole.write_text(''.join(f'#include "{file}"\n' for file in files))
            files = [whole]
        yield from (os.path.relpath(file, HERE) for file in files)


class BuildPyWithPth(build_py):
    """Puts the .pth beside the package: METRICS_PYTHON_AUTO=1 works wherever the wheel is
    installed."""

    def run(self):
        super().run()
        shutil.copy(HERE / 'libmetrics.pth', self.build_lib)


class BuildExtAtOnce(build_ext):
    """Compiles as many files at a time as there are CPUs."""

    def build_extensions(self):
        compiler = self.compiler

        def compile_all(sources, output_dir=None, macros=None, include_dirs=None, debug=0, extra_preargs=None,
                        extra_postargs=None, depends=None):
            macros, objects, extra, preprocess, build = compiler._setup_compile(
                output_dir, macros, include_dirs, sources, depends, extra_postargs)
            arguments = compiler._get_cc_args(preprocess, debug, extra_preargs)

            def compile_one(name):
                source, ending = build[name]
                compiler._compile(name, source, ending, arguments, extra, preprocess)
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
                list(threads.map(compile_one, build))
            return objects
        compiler.compile = compile_all
        super().build_extensions()


class Abi3Wheel(bdist_wheel):
    def finalize_options(self):
        self.py_limited_api = 'cp310'
        super().finalize_options()


os.chdir(HERE)
OUTSIDE = tempfile.mkdtemp(prefix='libmetrics-build-')
atexit.register(shutil.rmtree, OUTSIDE, ignore_errors=True)
setup(
    version=VERSION,
    options={'build': {'build_base': OUTSIDE}, 'egg_info': {'egg_base': OUTSIDE}},
    cmdclass={'build_py': BuildPyWithPth, 'build_ext': BuildExtAtOnce, 'bdist_wheel': Abi3Wheel},
    ext_modules=[Extension(
        'libmetrics._metrics',
        sources=list(sources()),
        include_dirs=[str(ROOT), str(ROOT / 'libmetrics/include')],
        define_macros=[('METRICS_VERSION', f'"{VERSION}"')],
        extra_compile_args=['-std=c++20', '-g0', '-ftrapping-math', '-fvisibility=hidden',
                            '-fvisibility-inlines-hidden'],
        extra_link_args=[*library_arguments(),
                         '-Wl,-z,nodelete', f'-Wl,--version-script={HERE / "extension/exports.map"}'],
        language='c++',
        py_limited_api=True,
    )],
)
