import os
import signal

from config.celery import app


def test_a_real_worker_answers_over_the_valkey_socket(celery_worker_process):
    celery_worker_process()
    replies = app.control.ping(timeout=5, limit=1) or []
    assert [list(reply.values()) for reply in replies] == [[{"ok": "pong"}]]


def test_a_worker_killed_without_a_word_is_gone_and_another_can_start(celery_worker_process):
    worker = celery_worker_process()
    os.killpg(worker.pid, signal.SIGKILL)
    assert worker.wait(timeout=10) == -signal.SIGKILL
    celery_worker_process()
    names = [name for reply in app.control.ping(timeout=2) or [] for name in reply]
    assert [name.split("@")[0] for name in names] == ["test1"]


def test_messages_are_json_and_the_queue_is_never_trusted_with_results(server_addresses):
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_ignore_result is True
    assert app.conf.broker_transport_options["visibility_timeout"] > app.conf.task_time_limit
