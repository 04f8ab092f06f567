"""Activates libmetrics in each interpreter that has this directory in its PYTHONPATH.

libmetrics.run puts it there for the program and for all interpreters that the program starts. Then
runs the sitecustomize that this one hides.

Any version of Python may run this file, so it uses only syntax that all of them have. A failure is
reported in one line: the program must run.
"""
# Older Pythons run this file too, so ruff must not ask for newer syntax.
# ruff: noqa: UP031, UP036
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))


def _activate():
    if sys.version_info < (3, 10) or os.environ.get('METRICS_PYTHON_AUTO') == '0':
        return
    if 'libmetrics' not in sys.modules:
        # Imports the package by its file: its directory need not be in this interpreter's path, and
        # adding it would make everything else in there importable.
        from importlib.util import module_from_spec, spec_from_file_location
        package = os.path.dirname(_here)
        spec = spec_from_file_location('libmetrics', os.path.join(package, '__init__.py'),
                                       submodule_search_locations=[package])
        sys.modules['libmetrics'] = module = module_from_spec(spec)
        spec.loader.exec_module(module)
    import libmetrics.auto  # noqa: F401


def _give_way():
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _here]
    if sys.version_info < (3, 5):
        return
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec
    spec = PathFinder.find_spec('sitecustomize')
    if spec is not None:
        sys.modules['sitecustomize'] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


try:
    _activate()
except Exception as why:
    sys.stderr.write('libmetrics: not active, prometheus_client is what it always was: %r\n' % (why,))
_give_way()
