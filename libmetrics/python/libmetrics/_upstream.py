"""Where the prometheus_client is that was installed, if any."""
from importlib.machinery import PathFinder
import os


def directory():
    """Its directory, or None. Asks the path alone: whoever else answers for that name is this
    package."""
    spec = PathFinder.find_spec('prometheus_client')
    if spec is None or not spec.submodule_search_locations:
        return None
    return next(iter(spec.submodule_search_locations))


def extend(path, *names):
    """Appends a package's directory in what was installed to another package's __path__, if it is
    there; names[0] is "prometheus_client"."""
    root = directory()
    if root is not None:
        there = os.path.join(root, *names[1:])
        if os.path.isdir(there) and there not in path:
            path.append(there)
