"""A Celery application that knows nothing of libmetrics. What each task has counted it tells to
Redis, too."""
import os
import signal

from celery import Celery
from prometheus_client import Counter, Gauge, Histogram, start_http_server
import redis

app = Celery(broker='redis+socket://' + os.environ['REDIS_SOCKET'])
app.conf.update(worker_prefetch_multiplier=1, worker_hijack_root_logger=False)
told = redis.Redis(unix_socket_path=os.environ['REDIS_SOCKET'])

start_http_server(8001)  # as a program does that is on its own
TASKS = Counter('app_tasks', 'Tasks finished.', ['kind'])
AMOUNT = Counter('app_amount', 'What they were asked to add.')
SECONDS = Histogram('app_task_seconds', 'Time of a task.', ['kind'])
RUNNING = Gauge('engine_running_processes', 'count running state processes', ['hostname'])
HOST = 'host'


@app.task
def add(amount):
    with RUNNING.labels(hostname=HOST).track_inprogress(), SECONDS.labels('add').time():
        AMOUNT.inc(amount)
    TASKS.labels('add').inc()
    told.hincrbyfloat('told', 'amount', amount)
    told.hincrby('pids', str(os.getpid()))
    told.rpush('finished', amount)


@app.task
def die():
    """Is killed in mid-task, by nobody but itself, so that the test knows what it had counted."""
    with RUNNING.labels(HOST).track_inprogress():
        TASKS.labels('die').inc()
        told.hincrby('told', 'die')
        told.rpush('finished', 'die')
        os.kill(os.getpid(), signal.SIGKILL)


@app.task
def hold():
    """Runs until the test says otherwise."""
    with RUNNING.labels(HOST).track_inprogress():
        TASKS.labels('hold').inc()
        told.hincrby('told', 'hold')
        told.rpush('holding', os.getpid())
        told.blpop('release', timeout=120)
    told.rpush('finished', 'hold')
