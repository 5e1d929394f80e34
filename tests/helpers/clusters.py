"""A cluster of this machine, and workers that die."""

import logging
import os
import signal
import time

import pytest


def kill_this_worker():
    os.kill(os.getpid(), signal.SIGKILL)


def start_cluster(workers):
    distributed = pytest.importorskip("distributed", reason="needs dask: the extra `dask`, part of `test`")
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        host="127.0.0.1",
        silence_logs=logging.CRITICAL,
    )


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two worker processes on loopback."""
    dask = pytest.importorskip("dask", reason="needs dask: the extra `dask`, part of `test`")
    # First: settings made before it is there are all that it has, and none when they are taken back.
    pytest.importorskip("distributed", reason="needs dask: the extra `dask`, part of `test`")
    # A local cluster looks, 15 s after a worker died, whether it is back, and lets go of it for ever if not just then.
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"}), start_cluster(2) as running:
        yield running


def both_there(cluster):
    """Wait until both workers are back from whatever killed them."""
    until = time.monotonic() + 60
    while len(cluster.scheduler.workers) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(cluster.scheduler.workers) == 2
    return cluster.scheduler_address
