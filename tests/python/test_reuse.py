"""Series that are removed come back: at zero, in the same room, however often."""
import pytest

# Makes and removes series of all types in rounds, so many that the test's segment would be full if
# nothing was used again. Raises if something is wrong.
ROUNDS = """
    import ctypes, gc, json, os, signal, subprocess, sys, time
    from libmetrics import _metrics, gauge_modes
    from libmetrics.prometheus_client import *

    case, with_workers = sys.argv[1], sys.argv[2] == 'beside living workers'
    metrics = [Counter('a_counter', 'help', ['x', 'y']), Histogram('a_histogram', 'help', ['x', 'y']),
               Summary('a_summary', 'help', ['x', 'y'])]
    metrics += [Gauge(f'gauge_{mode}', 'help', ['x', 'y'], multiprocess_mode=mode) for mode in gauge_modes.MODES]
    INFO = Info('an_info', 'help')

    def update(child, number):
        getattr(child, {'counter': 'inc', 'gauge': 'set'}.get(child._type, 'observe'))(number)

    def start_worker(number):
        # It looks up series, and from then on only updates them.
        ready, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            children = [m.labels('kept', str(number)) for m in metrics]
            INFO.info({'worker': str(number)})
            os.write(tell, b'x')
            while True:
                for child in children:
                    update(child, 1)
                time.sleep(.001)
        os.close(tell)
        assert os.read(ready, 1)
        os.close(ready)
        return pid

    def one_label_set(metric, number):
        metric.remove('the', 'one') if number else None
        update(metric.labels('the', 'one'), number)

    def cleared_and_set_anew(metric, number):
        metric.clear()
        for one in range(100):
            update(metric.labels('many', str(one)), number)

    def new_label_set(metric, number):
        metric.remove(f'task {number - 1}', f'of {number - 1}') if number else None
        update(metric.labels(f'task {number}', f'of {number}'), number)

    def stated_anew(metric, number):
        metric.info({'revision': f'{number:08x}'})

    class MallInfo2(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in (
            'arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost')]
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = MallInfo2

    def memory():
        # What is in use: the heap itself grows in steps, by what was freed in which order.
        gc.collect()
        figures = mallinfo2()
        return (figures.uordblks + figures.hblkhd) // 1024

    def space():
        # Records and cells, live and removed. How long rounds take goes by these; the benchmark measures it.
        listed = subprocess.run([os.environ['METRICS_BUILD'] + '/tools/metrics-inspect', 'ls', '--json', '--segment',
                                 _metrics.segment_path()], check=True, capture_output=True)
        (usage,) = json.loads(listed.stdout)
        return usage['directory_used_bytes'], usage['cells_used']

    def value(of):
        return of if not isinstance(of, tuple) else of[-1] if of else 1.0

    def check(metric, do, rounds):
        for number in range(rounds):
            do(metric, number)
            if number % 50 == 0:
                generate_latest()
            if number == rounds // 2:  # tables and caches have their size by then
                memory_early, space_early = memory(), space()
        kib = memory() - memory_early
        assert kib <= 50, f'{metric}: {kib} KiB more in the second half of {rounds} rounds'
        assert space() == space_early, metric
        series = [one[:2] for one in _metrics.snapshot()[metric._name][4]]
        pid = {'pid': str(os.getpid())} if 'gauge' in metric._type and metric._multiprocess_mode.endswith('all') else {}
        last = rounds - 1
        expected = {one_label_set: [{'x': 'the', 'y': 'one'}],
                    cleared_and_set_anew: [{'x': 'many', 'y': str(one)} for one in range(100)],
                    new_label_set: [{'x': f'task {last}', 'y': f'of {last}'}],
                    stated_anew: [{'revision': f'{last:08x}'}]}[do]
        shown = [labels for labels, of in series if labels.get('x') != 'kept' and 'worker' not in labels]
        by_labels = lambda labels: sorted(labels.items())
        assert sorted(shown, key=by_labels) == sorted([{**e, **pid} for e in expected], key=by_labels)
        assert {value(of) for labels, of in series if labels in shown} == {1.0 if do is stated_anew else last}
        if with_workers and do is not cleared_and_set_anew:
            kept = [labels for labels, _ in series if labels not in shown]
            assert {labels.get('worker', labels.get('y')) for labels in kept} == {'0', '1', '2'}

    workers = [start_worker(number) for number in range(3)] if with_workers else []
    try:
        if case == 'stated_anew':
            check(INFO, stated_anew, 3000)
        else:
            for metric in metrics:
                check(metric, globals()[case], 600 if case == 'cleared_and_set_anew' else 3000)
                metric.clear()
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
"""


@pytest.mark.parametrize('workers', ['alone', 'beside living workers'])
@pytest.mark.parametrize('case', ['one_label_set', 'cleared_and_set_anew', 'new_label_set', 'stated_anew'])
def test_rounds_of_removed_series_add_up_to_nothing(program, case, workers):
    """Neither in the segment nor in the process's memory."""
    program(ROUNDS, case, workers, METRICS_DIRECTORY_BYTES='131072', METRICS_CELLS='8192', PYTHONMALLOC='malloc')
    assert program.stderr == ''


# Two processes that take turns: a child that runs there(), and its parent. turn() lets the other
# one go on until that one calls it too, or ends.
TURNS = """
    import os, socket
    from libmetrics import _metrics
    from libmetrics.prometheus_client import *

    def start(there):
        global mine
        mine, others = socket.socketpair()
        if os.fork() == 0:
            mine = others
            status = 1
            try:
                mine.recv(1)
                there()
                status = 0
            finally:
                os._exit(status)
        others.close()

    def turn():
        mine.send(b'x')
        mine.recv(1)

    def end():
        mine.close()
        assert os.wait()[1] == 0

    def shown(metric):
        return {tuple(labels.values()): value for labels, value, _ in _metrics.snapshot()[metric._name][4]}
"""


@pytest.mark.parametrize('first', ['the child', 'the parent, before the fork'])
def test_a_child_object_begins_at_zero_after_another_process_has_removed_and_made_its_series(program, first):
    program(TURNS + """
    import sys
    metrics = {'counter': Counter('counts', 'help', ['x']), 'summary': Summary('sizes', 'help', ['x']),
               'histogram': Histogram('seconds', 'help', ['x'], buckets=(1,)),
               'sum': Gauge('running', 'help', ['x'], multiprocess_mode='sum'),
               'livesum': Gauge('jobs', 'help', ['x'], multiprocess_mode='livesum'),
               'all': Gauge('each', 'help', ['x']), 'max': Gauge('most', 'help', ['x'], multiprocess_mode='max')}

    def count(metric, times):
        add = metric.labels('a').observe if hasattr(metric, 'observe') else metric.labels('a').inc
        for _ in range(times):
            add(1)

    def there():
        for metric in metrics.values():
            count(metric, 5)
        kept = [metric.labels('a') for metric in metrics.values()]
        turn()
        for child in kept:  # removed: counts nothing
            child.observe(1) if hasattr(child, 'observe') else child.inc(1)
        for metric in metrics.values():
            count(metric, 2)
        turn()

    if sys.argv[1] != 'the child':
        for metric in metrics.values():
            metric.labels('a')
    start(there)
    turn()
    for metric in metrics.values():
        metric.remove('a')
        count(metric, 1)
    turn()
    values = {name: shown(metric) for name, metric in metrics.items()}
    each = values.pop('all')
    assert sorted(each.values()) == [1, 2], each
    one = ('a',)
    assert values == {'counter': {one: 3}, 'summary': {one: (3, 3)}, 'histogram': {one: (3, 0, 3)}, 'sum': {one: 3},
                      'livesum': {one: 3}, 'max': {one: 2}}
    end()
    """, first)


def test_children_of_series_that_another_process_removes_are_not_kept(program):
    program(TURNS + """
    import gc
    counter = Counter('counts', 'help', ['x', 'y'])
    gauge = Gauge('running', 'help', ['x', 'y'], multiprocess_mode='livesum')

    def there():
        while True:
            counter.clear()
            gauge.clear()
            turn()

    start(there)
    kept = counter.labels('kept', '0')
    for number in range(2000):
        if number % 100 == 0:
            turn()
        counter.labels(f'x {number}', f'y {number}').inc(number)
        gauge.labels(f'x {number}', f'y {number}').set(number)
    assert len(counter._metrics) < 300 and len(gauge._metrics) < 300, (len(counter._metrics), len(gauge._metrics))
    assert set(shown(counter)) == {(f'x {number}', f'y {number}') for number in range(1900, 2000)}
    kept.inc()
    assert ('kept', '0') not in shown(counter)
    counter.labels('kept', '0').inc()
    assert shown(counter)['kept', '0'] == 1
    mine.close()
    """)


def test_an_info_stays_when_another_process_states_another_one(program):
    program(TURNS + """
    info = Info('build', 'help')
    facts = lambda: [labels for labels, *_ in _metrics.snapshot()['build'][4]]

    def there():
        info.info({'version': '2'})
        turn()
        info.info({'version': '3'})
        turn()

    info.info({'version': '1'})
    start(there)
    turn()
    assert facts() == [{'version': '1'}, {'version': '2'}]
    turn()
    assert facts() == [{'version': '1'}, {'version': '3'}]
    info.info({'version': '4'})
    assert {'version': '4'} in facts() and {'version': '3'} in facts()
    end()
    assert facts() == [{'version': '4'}]
    """)


def test_an_info_that_threads_state_at_once_has_one_fact(program):
    program("""
        import sys, threading
        from libmetrics import _metrics
        from libmetrics.prometheus_client import *
        sys.setswitchinterval(1e-6)
        info, begin = Info('build', 'help'), threading.Barrier(4)
        def state(number):
            begin.wait()
            for turn in range(2000):
                info.info({'version': f'{number} {turn}'})
        threads = [threading.Thread(target=state, args=(number,)) for number in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
        assert len(_metrics.snapshot()['build'][4]) == 1
    """)
