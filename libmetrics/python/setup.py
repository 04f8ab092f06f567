"""Builds the wheel: `pip wheel --no-build-isolation --no-deps .`, in the source tree, with a C++20
compiler and Boost's headers (Debian: g++ libboost-dev python3-dev python3-setuptools
python3-wheel). It needs no CMake, and nothing from the net.

The extension is the library itself and what reads segments, so the wheel is complete, and tagged
cp310-abi3: one for CPython 3.10 and all that follow.
"""
import os
from pathlib import Path
import re
import shutil

from setuptools import Extension, setup
from setuptools.command.build_py import build_py
from wheel.bdist_wheel import bdist_wheel

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The wings of the library that the extension holds, and their sources; CMakeLists.txt has the same
# lists.
SOURCES = {
    'format': 'access definition editions error file geometry group label_values name native ownership printable '
              'random records types utf8',
    'update': 'buckets claims gauges handles locked own_slots pending process sanitizer segment slow_path stretches '
              'threads',
    'setup': 'bounds creation directory directory_series join max_series permissions read_back registry '
             'registry_series reuse series series_count surroundings',
    'api': 'arguments errors families log read_back segments series updates',
    'reader': 'contents dropped families gauge_merge held_back identity limits mapping merge overlooked reader seeded '
              'shown slot_report verify',
    'python/extension': 'counter gauge histogram info messages metric module own processes snapshot tables '
                        'timer',
}
VERSION = re.search(r'project\(metrics VERSION (\S+)', (ROOT / 'CMakeLists.txt').read_text()).group(1)


def sources():
    for folder, names in SOURCES.items():
        for name in names.split():
            yield os.path.relpath(ROOT / 'libmetrics' / folder / f'{name}.cpp', HERE)


class BuildPyWithPth(build_py):
    """Puts the .pth beside the package: METRICS_PYTHON_AUTO=1 works wherever the wheel is
    installed."""

    def run(self):
        super().run()
        shutil.copy(HERE / 'libmetrics.pth', self.build_lib)


class Abi3Wheel(bdist_wheel):
    def finalize_options(self):
        self.py_limited_api = 'cp310'
        super().finalize_options()


os.chdir(HERE)
setup(
    version=VERSION,
    cmdclass={'build_py': BuildPyWithPth, 'bdist_wheel': Abi3Wheel},
    ext_modules=[Extension(
        'libmetrics._metrics',
        sources=list(sources()),
        include_dirs=[str(ROOT), str(ROOT / 'libmetrics/include')],
        define_macros=[('METRICS_VERSION', f'"{VERSION}"')],
        extra_compile_args=['-std=c++20', '-g0', '-ftrapping-math', '-fvisibility=hidden',
                            '-fvisibility-inlines-hidden'],
        extra_link_args=['-Wl,-z,nodelete', f'-Wl,--version-script={HERE / "extension/exports.map"}'],
        language='c++',
        py_limited_api=True,
    )],
)
