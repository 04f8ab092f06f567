"""Finds the prometheus_client that is installed, if any."""
from importlib.machinery import PathFinder
import os


def directory():
    """Returns its directory, or None. Searches sys.path only, as any other finder of that name is
    ours."""
    spec = PathFinder.find_spec('prometheus_client')
    if spec is None or not spec.submodule_search_locations:
        return None
    return next(iter(spec.submodule_search_locations))


def extend(path, *names):
    """Appends the directory of the installed package `names` to another package's __path__, if it
    exists. names[0] is "prometheus_client"."""
    root = directory()
    if root is not None:
        there = os.path.join(root, *names[1:])
        if os.path.isdir(there) and there not in path:
            path.append(there)
