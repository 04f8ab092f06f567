"""Processes and threads: each counts once, whatever way it comes and goes. All under door 1; the
other doors end in it."""
import json

import pytest


def read(program, code='{n: [s[:2] for s in f[4]] for n, f in _metrics.snapshot().items()}'):
    """What the segment says afterwards, to a process that has counted nothing."""
    return json.loads(program(f"""
        import json
        from libmetrics import _metrics
        print(json.dumps({code}))
    """))


def test_forked_children_that_are_killed_or_leave_at_once_have_counted(program):
    program("""
        import os, signal
        from libmetrics.prometheus_client import *
        counter, summary = Counter('tasks', 'help', ['how']), Summary('seconds', 'help')
        kept = counter.labels('killed')
        counter.labels('before').inc()
        for how in ('killed', 'left'):
            for _ in range(5):
                child = os.fork()
                if child == 0:
                    counter.labels(how).inc(2)
                    kept.inc()
                    summary.observe(.5)
                    os.kill(os.getpid(), signal.SIGKILL) if how == 'killed' else os._exit(0)
                os.waitpid(child, 0)
        counter.labels('after').inc()
    """)
    families = read(program)
    assert {labels['how']: value for labels, value in families['tasks']} == {
        'killed': 20, 'before': 1, 'left': 10, 'after': 1}
    assert families['seconds'] == [[{}, [10, 5]]]


def test_grandchildren_and_children_that_make_metrics_join(program):
    program("""
        import os
        from libmetrics.prometheus_client import *
        counter = Counter('tasks', 'help')
        if os.fork() == 0:
            counter.inc()
            Counter('late', 'help', ['x']).labels('child').inc()
            if os.fork() == 0:
                counter.inc()
                os._exit(0)
            os.wait()
            os._exit(0)
        os.wait()
        Counter('late', 'help', ['x']).labels('parent').inc()
        counter.inc()
    """)
    families = read(program)
    assert families['tasks'] == [[{}, 3]]
    assert sorted(labels['x'] for labels, _ in families['late']) == ['child', 'parent']


def test_threads_count_each_for_itself(program):
    program("""
        import threading
        from libmetrics.prometheus_client import *
        counter, histogram = Counter('tasks', 'help', ['x']), Histogram('seconds', 'help', ['x'])
        gauge = Gauge('running', 'help', multiprocess_mode='sum')
        begin = threading.Barrier(8)
        def work(i):
            begin.wait()
            for n in range(1000):
                counter.labels(str(n % 7)).inc()
                histogram.labels(n % 3).observe(.5)
                with gauge.track_inprogress():
                    pass
        for _ in range(3):
            threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
            for t in threads: t.start()
            for t in threads: t.join()
    """)
    families = read(program)
    assert sum(value for _, value in families['tasks']) == 24000
    assert sum(values[-1] for _, values in families['seconds']) == 12000
    assert families['running'] == [[{}, 0]]


def test_children_forked_while_threads_make_metrics_can_make_metrics(program):
    """No lock of Python's or of the library's is inherited held."""
    program("""
        import os, threading
        from libmetrics.prometheus_client import *
        counter, end = Counter('tasks', 'help', ['x']), threading.Event()
        def churn(i):
            n = 0
            while not end.is_set():
                n += 1
                counter.labels(f'{i} {n % 50}').inc()
                r = CollectorRegistry()
                Gauge(f'made_{i}_{n % 50}', 'help', registry=r)
        threads = [threading.Thread(target=churn, args=(i,)) for i in range(3)]
        for t in threads: t.start()
        for n in range(60):
            child = os.fork()
            if child == 0:
                counter.labels('child').inc()
                Counter(f'child_{n}', 'help').inc()
                Gauge(f'made_0_{n % 50}', 'help', registry=None).set(1)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        end.set()
        for t in threads: t.join()
    """)
    families = read(program)
    assert [value for labels, value in families['tasks'] if labels['x'] == 'child'] == [60]
    assert all(families[f'child_{n}'] == [[{}, 1]] for n in range(60))


def test_worker_trees_with_the_same_metrics_join_and_one_that_differs_counts_beside_them(program):
    tree = """
        from libmetrics.prometheus_client import *
        Counter('tasks_total', 'help', ['x']).labels('a').inc()
        Histogram('seconds', 'help', buckets=(1, 2)).observe(1)
        Gauge('running', 'help', multiprocess_mode='livesum').inc()
        Enum('state', 'help', states=['a', 'b'])
        Info('build', 'help').info({'version': '1'})
    """
    for _ in range(3):
        program(tree)
        assert program.stderr == ''
    program("""
        from libmetrics.prometheus_client import *
        Counter('tasks', 'other help', ['y']).labels('a').inc()
        Histogram('seconds', 'help', buckets=(1, 2, 3)).observe(1)
        Gauge('running', 'help').inc()
        Summary('state', 'help').observe(1)
        print(generate_latest().decode())
    """)
    assert program.stderr == ''
    families = read(program)
    assert families['tasks'] == [[{'x': 'a'}, 3], [{'y': 'a'}, 1]]
    assert families['seconds'] == [[{}, [4, 0, 0, 0, 4]]]
    assert families['state'] == [[{}, [1, 1]]]


@pytest.mark.parametrize('method', ['fork', 'spawn', 'forkserver'])
def test_removing_in_one_process_is_seen_by_labels_in_another(program, method, directory):
    script = directory / 'script.py'
    script.write_text(f"""
import multiprocessing
from libmetrics.prometheus_client import Counter
counter = Counter('tasks', 'help', ['x'])

def work(connection):
    counter.labels('a').inc()
    connection.send('counted')
    connection.recv()
    counter.labels('a').inc(10)
    connection.send('counted')

if __name__ == '__main__':
    here, there = multiprocessing.Pipe()
    worker = multiprocessing.get_context('{method}').Process(target=work, args=(there,))
    worker.start()
    assert here.recv() == 'counted'
    counter.remove('a')
    here.send('removed')
    assert here.recv() == 'counted'
    worker.join()
""")
    program(f'import runpy; runpy.run_path({str(script)!r}, run_name="__main__")') if method == 'fork' else program(
        'import subprocess, sys; subprocess.run([sys.executable, sys.argv[1]], check=True)', str(script))
    assert read(program)['tasks'] == [[{'x': 'a'}, 10]]


def test_an_updater_in_a_signal_handler_loses_nothing(program):
    """Python runs handlers between bytecodes, so an update is never interrupted by another one."""
    program("""
        import signal
        from libmetrics.prometheus_client import *
        counter = Counter('tasks', 'help')
        handled = 0
        def handle(*_):
            global handled
            handled += 1
            counter.inc(.5)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, .001, .001)
        counted = 0
        while handled < 50:
            counter.inc(.5)
            counted += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert REGISTRY.get_sample_value('tasks_total') == .5 * (counted + handled)
    """)


def test_metrics_are_freed_and_survive_collection(program):
    program("""
        import gc, weakref
        from libmetrics.prometheus_client import *
        registry = CollectorRegistry()
        counter = Counter('tasks', 'help', ['x', 'y'], registry=registry)
        child = counter.labels('a', 'b')
        gone = weakref.ref(counter)
        registry.unregister(counter)
        del counter
        gc.collect()
        assert gone() is None
        child.inc()
        for _ in range(3):
            gc.collect()
        child.inc()
        assert child._value.get() == 2
        Counter('tasks', 'help', ['x', 'y'])
        assert REGISTRY.get_sample_value('tasks_total', {'x': 'a', 'y': 'b'}) == 2
    """)
