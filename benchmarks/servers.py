"""The servers of a benchmark: the shipped command, or its web server alone."""

import sys


def shipped(port):
    """Everything, as it is deployed: web server and workers under the supervisor."""
    return [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)]


# Of the web server that `manage.py up` starts.
OPTIONS = (
    "-m granian --interface wsgi --host 127.0.0.1 --port {port} --blocking-threads 16 --backpressure 64"
    " --log-level error"
)


def web(port):
    """The web server alone, with the options that `manage.py up` gives it."""
    return [sys.executable, *OPTIONS.format(port=port).split(), "config.wsgi:application"]


def bare_web(port):
    """The same server, with the bare views of benchmarks.peers.views and no middleware."""
    return ["env", "BENCH_BARE_WEB=1", *web(port)]
