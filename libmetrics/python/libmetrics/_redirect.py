"""Makes `import prometheus_client` find libmetrics.prometheus_client.

Each module is one object under both names, so there is one REGISTRY, whichever name it is asked for
by. Modules that only the installed prometheus_client has (its parsers) are found too, and import
ours where they import siblings.
"""
import importlib
from importlib.machinery import ModuleSpec
import importlib.util
import sys

_NAME = 'prometheus_client'
_OURS = 'libmetrics.'


class _Alias:
    """A loader that hands out a module that was imported under its own name."""

    def __init__(self, module):
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec):
        return self._module

    def exec_module(self, module):
        module.__spec__ = self._spec  # which the import system has just replaced by the alias's


class _Finder:
    def find_spec(self, name, path=None, target=None):
        if name != _NAME and not name.startswith(_NAME + '.'):
            return None
        try:
            if importlib.util.find_spec(_OURS + name) is None:
                return None
            module = importlib.import_module(_OURS + name)
        except ImportError as why:
            if name == _NAME:
                # Another interpreter than the extension is for: metrics must not keep the program
                # from running.
                sys.meta_path.remove(self)
                _say(f"can't be used in this Python, so prometheus_client is what it always was: {why}")
                return None
            raise
        return ModuleSpec(name, _Alias(module), is_package=hasattr(module, '__path__'))


def install():
    """From now on prometheus_client is libmetrics.prometheus_client. Does nothing if it is already,
    or, saying so, if the program has imported prometheus_client before: metrics that it has made
    would be lost."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    if _NAME in sys.modules:
        if not sys.modules[_NAME].__name__.startswith(_OURS):
            _say('prometheus_client was imported before libmetrics.auto, and stays what it is: import libmetrics.auto '
                 'before everything else, or start the program by python -m libmetrics.run')
        return
    sys.meta_path.insert(0, _Finder())


def _say(text):
    from libmetrics import log
    log.tell((text,))
