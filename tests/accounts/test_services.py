"""Tokens and idempotent requests."""

import threading

import pytest
from django.db import connection

from accounts.errors import IdempotencyMismatch
from accounts.models import ApiToken, IdempotencyRecord
from accounts.services import issue_token, once, revoke_token, token_hash
from accounts.types import Role
from tests.factories import make_firm, make_user


@pytest.mark.django_db
def test_only_the_hash_of_a_token_is_kept():
    user = make_user(make_firm(), "client", role=Role.API_CLIENT)
    token = issue_token(user=user, label="feed")
    row = ApiToken.objects.get()
    assert row.token_hash == token_hash(token)
    assert token not in str(row.__dict__)


@pytest.mark.django_db
def test_a_revoked_token_stays_revoked():
    user = make_user(make_firm(), "client", role=Role.API_CLIENT)
    issue_token(user=user, label="feed")
    row = ApiToken.objects.get()
    revoke_token(token=row)
    row.refresh_from_db()
    first = row.revoked_at
    revoke_token(token=row)
    row.refresh_from_db()
    assert row.revoked_at == first is not None


@pytest.mark.django_db
def test_the_same_key_and_request_replays_without_a_second_effect():
    user = make_user(make_firm(), "client", role=Role.API_CLIENT)
    effects = []

    def effect() -> tuple[int, str]:
        effects.append(1)
        return 201, '{"n":1}'

    first = once(user=user, key="k", request_sha256="a" * 64, effect=effect)
    second = once(user=user, key="k", request_sha256="a" * 64, effect=effect)
    assert first == (201, '{"n":1}', False)
    assert second == (201, '{"n":1}', True)
    assert len(effects) == 1


@pytest.mark.django_db
def test_the_same_key_with_another_request_is_refused():
    user = make_user(make_firm(), "client", role=Role.API_CLIENT)
    once(user=user, key="k", request_sha256="a" * 64, effect=lambda: (201, ""))
    with pytest.raises(IdempotencyMismatch):
        once(user=user, key="k", request_sha256="b" * 64, effect=lambda: (201, ""))


@pytest.mark.django_db
def test_a_failed_effect_keeps_nothing_so_that_a_retry_runs():
    user = make_user(make_firm(), "client", role=Role.API_CLIENT)

    def fail() -> tuple[int, str]:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        once(user=user, key="k", request_sha256="a" * 64, effect=fail)
    assert not IdempotencyRecord.objects.exists()
    assert once(user=user, key="k", request_sha256="a" * 64, effect=lambda: (201, "x"))[2] is False


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_with_one_key_have_one_effect():
    user = make_user(make_firm(), "client", role=Role.API_CLIENT)
    barrier, effects, answers = threading.Barrier(6), [], []

    def effect() -> tuple[int, str]:
        effects.append(1)
        return 201, "x"

    def request() -> None:
        barrier.wait()
        answers.append(once(user=user, key="k", request_sha256="a" * 64, effect=effect))
        connection.close()

    threads = [threading.Thread(target=request) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(effects) == 1
    assert sorted(replayed for _, _, replayed in answers) == [False] + [True] * 5
