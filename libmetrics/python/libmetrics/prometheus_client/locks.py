"""The lock that programs find as `_lock` of metrics and registries."""
import os
import threading


class ForkedLock:
    """A context manager that excludes the process's other threads. A forked child begins with a
    lock that is free, whatever thread of its parent held it. The library itself takes none."""

    def __init__(self):
        self._pid = os.getpid()
        self._lock = threading.RLock()

    def _own(self):
        pid = os.getpid()
        if pid != self._pid:
            self._lock, self._pid = threading.RLock(), pid
        return self._lock

    def acquire(self, blocking=True, timeout=-1):
        """Takes the lock, as threading.Lock.acquire() does. The thread that holds it may take it
        again."""
        return self._own().acquire(blocking, timeout)

    def release(self):
        """Gives the lock back. RuntimeError: the thread doesn't hold it."""
        self._own().release()

    def locked(self):
        """Returns whether a thread holds it."""
        lock = self._own()
        if lock._is_owned() or not lock.acquire(blocking=False):
            return True
        lock.release()
        return False

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()


class Lock:
    """Makes the lock of an object when it is first asked for."""

    def __get__(self, owner, cls=None):
        if owner is None:
            return self
        return vars(owner).setdefault('_lock', ForkedLock())
