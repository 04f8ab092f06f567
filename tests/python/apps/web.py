"""A WSGI application that knows nothing of libmetrics. What each request has counted it tells to
Redis, too."""
import os
import signal

from prometheus_client import Counter, Gauge, Histogram, make_wsgi_app
import redis

REQUESTS = Counter('web_requests', 'Requests.', ['path'])
SECONDS = Histogram('web_request_seconds', 'Time of a request.', buckets=(.1, 1, 10))
RUNNING = Gauge('web_requests_running', 'Requests that run.', multiprocess_mode='livesum')
told = redis.Redis(unix_socket_path=os.environ['REDIS_SOCKET'])
metrics = make_wsgi_app()


def application(environ, start_response):
    path = environ['PATH_INFO']
    if path == '/metrics':
        return metrics(environ, start_response)
    with RUNNING.track_inprogress(), SECONDS.time():
        REQUESTS.labels(path).inc()
        told.hincrby('told', path)
        told.sadd('pids', os.getpid())
        if path == '/die':
            os.kill(os.getpid(), signal.SIGKILL)
        if path == '/hold':
            told.rpush('holding', os.getpid())
            told.blpop('release', timeout=120)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [str(os.getpid()).encode()]
