"""Runs a program, unchanged, with its prometheus_client counting in the shared segment.

    python -m libmetrics.run celery -A app worker -P prefork
    python -m libmetrics.run gunicorn -w 4 app:app
    python -m libmetrics.run script.py ARGS...
    python -m libmetrics.run -m package ARGS...

The program replaces this process: same pid, same signals, same exit status. It and all Python
interpreters that it starts, in whatever way, find a directory in PYTHONPATH whose sitecustomize
does what `import libmetrics.auto` does. Where libmetrics is installed as a package,
METRICS_PYTHON_AUTO=1 in the environment does the same without this command.

An interpreter with the option -E or -I ignores PYTHONPATH. This command prints so, unless that
interpreter finds libmetrics all the same.

Exit status of its own: 2 for a wrong usage, 127 if there is no such program, 126 if it can't be
run.
"""
import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
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


def isolating_interpreter(command):
    """Returns the beginning of the arguments that start Python with -E or -I, up to that option, or
    None; for a script, those of its first line."""
    words = command
    with contextlib.suppress(OSError), open(command[0], 'rb') as file:
        if file.read(2) == b'#!':
            words = file.readline(1024).decode(errors='replace').split()
    if words and os.path.basename(words[0]) == 'env':
        words = [word for word in words[1:] if not word.startswith('-') and '=' not in word] + [
            word for word in words[1:] if word.startswith('-') and word != '-S']
    if not words or not re.fullmatch(r'python[\d.]*', os.path.basename(words[0])):
        return None
    takes_next = False
    for at, word in enumerate(words[1:], 2):
        if takes_next:
            takes_next = False
        elif not re.match(r'-[^-]', word) or word[1] in 'cm':
            return None
        elif word[1] in 'WX':
            takes_next = len(word) == 2
        elif re.match(r'-[a-zA-Z]*[EI]', word):
            return words[:at]
    return None


def warn_if_isolated(command):
    """Prints that the program will not count if its interpreter ignores PYTHONPATH, and doesn't
    find libmetrics without it."""
    start = isolating_interpreter(command)
    if start is None or shutil.which(start[0]) is None:
        return
    found = subprocess.run([*start, '-c', 'import libmetrics._redirect'], check=False, stdin=subprocess.DEVNULL,
                           capture_output=True)
    if found.returncode != 0:
        print(f"libmetrics.run: {' '.join(start)} ignores PYTHONPATH, so this program will not count in the segment; "
              "leave the option out, or install libmetrics where that interpreter looks for packages", file=sys.stderr)


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
    warn_if_isolated(command)
    try:
        os.execve(command[0], [command[0], *command[1:]], environment(os.environ, **options))
    except OSError as why:
        print(f"libmetrics.run: {command[0]} can't be run: {why.strerror}", file=sys.stderr)
        return 126


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
