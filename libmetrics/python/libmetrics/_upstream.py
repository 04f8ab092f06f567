"""Finds the prometheus_client that is installed, if any."""
import ast
from contextlib import suppress
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


def report_newer(path, ours):
    """Logs once what the package whose directory stands last in `path` offers and `ours`, a tuple
    of names, does not have."""
    with suppress(OSError, SyntaxError, ValueError):
        with open(os.path.join(path[-1], '__init__.py'), encoding='utf-8') as file:
            tree = ast.parse(file.read())
        offered = next((ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)
                        and getattr(node.targets[0], 'id', '') == '__all__'), ())
        missing = sorted(set(offered) - set(ours))
        if missing and len(path) > 1:
            from libmetrics import log
            log.once('newer', f'the prometheus_client that is installed, in {path[-1]}, has what libmetrics does not: '
                     + ', '.join(missing))


def run(namespace, *names):
    """Makes a module's namespace that of the installed package's module `names`, a parser.
    ModuleNotFoundError: there is none."""
    root = directory()
    path = os.path.join(root, *names) + '.py' if root is not None else None
    if path is None or not os.path.isfile(path):
        raise ModuleNotFoundError(f'prometheus_client, which has {".".join(names)}, is not installed',
                                  name=namespace['__name__'])
    with open(path, encoding='utf-8') as file:
        source = file.read()
    exec(compile(source, path, 'exec'), namespace)
    if '.validation import' not in source:
        namespace['Metric'] = _refusing_new_names(namespace['Metric'])


def _refusing_new_names(metric):
    """Parsers before 0.22 leave it to Metric to refuse names, which has taken any since then."""
    from .prometheus_client.validation import METRIC_NAME_RE

    def checked(name, *args, **kwargs):
        if not METRIC_NAME_RE.match(name):
            raise ValueError('Invalid metric name: ' + name)
        return metric(name, *args, **kwargs)
    return checked
