"""A Celery worker with the cluster as broker and result backend."""

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.clients
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def tasks(port, tmp_path_factory):
    if importlib.util.find_spec("celery") is None:
        (pytest.fail if os.environ.get("ELIXIRCACHE_REQUIRE_PEERS") else pytest.skip)("celery is not installed")
    os.environ["BROKER"] = f"redis://127.0.0.1:{port}/0"
    log = tmp_path_factory.mktemp("celery") / "log"
    with open(log, "wb") as out:
        worker = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "celery",
                "-A",
                "celery_tasks",
                "worker",
                "-c",
                "2",
                "-l",
                "INFO",
                "--without-mingle",
            ],
            cwd=HERE,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "C_FORCE_ROOT": "1"},
        )
    sys.path.insert(0, str(HERE))
    try:
        yield importlib.import_module("celery_tasks")
    finally:
        worker.send_signal(signal.SIGTERM)
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        sys.path.remove(str(HERE))
        print(log.read_text()[-3000:])


def test_a_task_gives_its_result(tasks):
    assert tasks.add.delay(2, 3).get(timeout=30) == 5


def test_many_tasks_give_each_its_own_result(tasks):
    results = [tasks.add.delay(i, i) for i in range(100)]
    assert [result.get(timeout=60) for result in results] == [2 * i for i in range(100)]


def test_a_chord_joins_its_parts(tasks):
    from celery import chord

    assert chord(tasks.add.s(i, 1) for i in range(10))(tasks.total.s()).get(timeout=60) == 55


def test_a_chain_hands_on_its_results(tasks):
    from celery import chain

    assert chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4))().get(timeout=30) == 10


def test_a_task_is_retried(tasks):
    assert tasks.flaky.delay().get(timeout=30) == 2


def test_a_revoked_task_that_waits_is_not_run(tasks):
    later = tasks.add.apply_async((1, 1), countdown=2)
    later.revoke()
    with pytest.raises(Exception, match="revoked"):
        later.get(timeout=20)
