"""Runs a program, unchanged, with its prometheus_client counting in the shared segment.

    python -m libmetrics.run celery -A app worker -P prefork
    python -m libmetrics.run gunicorn -w 4 app:app
    python -m libmetrics.run script.py ARGS...
    python -m libmetrics.run -m package ARGS...

The program replaces this process: same pid, same signals, same exit status. It and all Python
interpreters that it starts, in whatever way, find a directory in PYTHONPATH whose sitecustomize
does what `import libmetrics.auto` does. Where libmetrics is installed as a package,
METRICS_PYTHON_AUTO=1 in the environment does the same without this command.

Exit status of its own: 2 for a wrong usage, 127 if there is no such program, 126 if it can't be
run.
"""
import importlib.util
import os
import shutil
import sys

USAGE = '''usage: python -m libmetrics.run [OPTION...] COMMAND [ARG...]

COMMAND is a program in PATH or with a path of its own, a Python script, or `-m MODULE`, or `-c CODE`.

options:
  --segment PATH         where to count; else $METRICS_SEGMENT, else the user's default
  --gauge-modes RULES    PATTERN=MODE,...; put before those of $METRICS_GAUGE_MODES
  --help, --version
'''

BOOTSTRAP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '_bootstrap')


def environment(base, segment=None, gauge_modes=None):
    """Returns the program's environment."""
    env = dict(base)
    path = [part for part in env.get('PYTHONPATH', '').split(os.pathsep) if part and part != BOOTSTRAP]
    env['PYTHONPATH'] = os.pathsep.join([BOOTSTRAP, *path])
    env['METRICS_PYTHON_AUTO'] = '1'
    if segment is not None:
        env['METRICS_SEGMENT'] = os.path.abspath(segment)
    if gauge_modes is not None:
        env['METRICS_GAUGE_MODES'] = ','.join(filter(None, (gauge_modes, env.get('METRICS_GAUGE_MODES'))))
    return env


def resolved(command):
    """Returns the arguments to execute for a command line, the first one a file; None if there is
    no such program."""
    name, *args = command
    if name in ('-m', '-c'):
        return [sys.executable, *command]
    if os.path.isfile(name) and (name.endswith('.py') or os.sep in name) and not os.access(name, os.X_OK):
        return [sys.executable, *command]
    found = shutil.which(name)
    if found is not None:
        return [found, *args]
    if os.path.isfile(name):
        return [sys.executable, *command]
    # A package without its script, such as Debian's python3-celery without celery.
    if name.isidentifier() and importlib.util.find_spec(name) is not None:
        return [sys.executable, '-m', *command]
    return None


def main(argv):
    options = {}
    while argv and argv[0].startswith('--'):
        name, equals, value = argv.pop(0).partition('=')
        if name == '--help':
            print(USAGE, end='')
            return 0
        if name == '--version':
            import libmetrics
            print(f'libmetrics {libmetrics.version()}')
            return 0
        if name not in ('--segment', '--gauge-modes') or not (equals or argv):
            print(f'libmetrics.run: {name} is not an option, or lacks its value\n{USAGE}', end='', file=sys.stderr)
            return 2
        options[name[2:].replace('-', '_')] = value if equals else argv.pop(0)
    if not argv or (argv[0] in ('-m', '-c') and len(argv) < 2):
        print(f'libmetrics.run: there is nothing to run\n{USAGE}', end='', file=sys.stderr)
        return 2
    command = resolved(argv)
    if command is None:
        print(f'libmetrics.run: {argv[0]}: there is no such program, script or module', file=sys.stderr)
        return 127
    try:
        os.execve(command[0], [command[0], *command[1:]], environment(os.environ, **options))
    except OSError as why:
        print(f"libmetrics.run: {command[0]} can't be run: {why.strerror}", file=sys.stderr)
        return 126


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
