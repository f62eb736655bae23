import pytest

from config import health


@pytest.mark.django_db
def test_healthz_is_ready_when_everything_it_needs_answers(client):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "live": True,
        "ready": True,
        "checks": {"database": True, "redis": True, "migrations": True},
    }
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_healthz_is_503_and_tells_no_details_when_the_queue_is_away(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {
        "live": True,
        "ready": False,
        "checks": {"database": True, "redis": False, "migrations": True},
    }


@pytest.mark.django_db
def test_healthz_is_503_while_a_migration_is_missing(client):
    from django.db.migrations.recorder import MigrationRecorder

    recorder = MigrationRecorder.Migration.objects
    recorder.filter(app="sessions").delete()
    health._migrations.cache_clear()
    assert client.get("/healthz").json()["checks"]["migrations"] is False


@pytest.mark.django_db
def test_healthz_takes_no_post(client):
    assert client.post("/healthz").status_code == 405
