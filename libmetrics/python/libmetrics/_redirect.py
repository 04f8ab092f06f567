"""Makes `import prometheus_client` find libmetrics.prometheus_client.

Each module is one object under both names, so there is one REGISTRY under either name. Modules that
only the installed prometheus_client has (its parsers) are found too, and import ours where they
import siblings.
"""
import importlib
from importlib.machinery import ModuleSpec
import importlib.util
import os
import sys

_NAME = 'prometheus_client'
_OURS = 'libmetrics.'


class _Alias:
    """Loads a module that was already imported under its own name."""

    def __init__(self, module):
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec):
        return self._module

    def exec_module(self, module):
        module.__spec__ = self._spec  # the import system has just replaced it by the alias's


def _import_package():
    """Imports libmetrics by its file, if a program has emptied sys.modules: its directory need not
    be in the path."""
    if 'libmetrics' not in sys.modules:
        here = os.path.dirname(os.path.abspath(__file__))
        spec = importlib.util.spec_from_file_location('libmetrics', os.path.join(here, '__init__.py'),
                                                      submodule_search_locations=[here])
        sys.modules['libmetrics'] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _forget_modules():
    """Makes the next import begin anew, with a registry that is empty."""
    for name in [name for name in sys.modules if name == _OURS + _NAME or name.startswith(_OURS + _NAME + '.')]:
        del sys.modules[name]


class _Finder:
    def __init__(self):
        self._has_imported = False

    def find_spec(self, name, path=None, target=None):
        if name != _NAME and not name.startswith(_NAME + '.'):
            return None
        if name == _NAME and name not in sys.modules:
            _import_package()
            if self._has_imported:  # a program that has taken it out of sys.modules wants a new one
                _forget_modules()
            self._has_imported = True
        try:
            if importlib.util.find_spec(_OURS + name) is None:
                return None
            module = importlib.import_module(_OURS + name)
        except ImportError as why:
            if name == _NAME:
                # The extension is for another interpreter; metrics must not keep the program from
                # running.
                sys.meta_path.remove(self)
                _warn(f"can't be used in this Python, so prometheus_client is what it always was: {why}")
                return None
            raise
        return ModuleSpec(name, _Alias(module), is_package=hasattr(module, '__path__'))


def install():
    """Makes prometheus_client libmetrics.prometheus_client from now on.

    Does nothing if it is already. Logs a warning and does nothing else if the program has imported
    prometheus_client before, as metrics that it has made would be lost.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    if _NAME in sys.modules:
        if not sys.modules[_NAME].__name__.startswith(_OURS):
            _warn('prometheus_client was imported before libmetrics.auto, and stays what it is: import libmetrics.auto '
                 'before everything else, or start the program by python -m libmetrics.run')
        return
    sys.meta_path.insert(0, _Finder())


def _warn(text):
    from libmetrics import log
    log.warn((text,))
