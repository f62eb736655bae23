"""Guards around every request."""

import pytest
from django.test import Client
from django.urls import reverse

from proposals.types import Status
from tests.clients import make_client
from tests.factories import make_firm, make_user


def test_a_request_larger_than_an_upload_may_be_is_not_read(settings):
    huge = settings.IMPORT_MAX_BYTES + 2 * 1024 * 1024
    answer = Client().post("/login/", b"x", content_type="text/plain", CONTENT_LENGTH=str(huge))
    assert answer.status_code == 413
    assert b"larger than 20 MB" in answer.content


def test_a_length_that_is_no_number_is_refused():
    answer = Client().post("/login/", b"x", content_type="text/plain", CONTENT_LENGTH="-5")
    assert answer.status_code == 413


@pytest.mark.django_db
def test_a_nul_in_the_address_is_refused_before_the_database_sees_it():
    client = Client()
    client.force_login(make_user(make_firm()))
    assert client.get("/households/?q=%00").status_code == 400
    assert client.get("/households/?q=Mil").status_code == 200


@pytest.mark.django_db
def test_client_data_stays_out_of_the_browsers_memory():
    client = Client()
    client.force_login(make_user(make_firm()))
    assert client.get(reverse("households"))["Cache-Control"] == "no-store"
    assert "no-store" in client.get(reverse("inbox") + f"?status={Status.STALE}")["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [(RuntimeError("secret detail"), 500, "failed"), ("database", 503, "unavailable")],
)
def test_an_unforeseen_failure_of_the_api_keeps_the_envelope_and_its_secrets(
    monkeypatch, failure, status, code
):
    from django.db import OperationalError

    from accounts import selectors

    error = OperationalError("secret detail") if failure == "database" else failure

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(selectors, "households", fail)
    answer = make_client(make_firm()).get("/api/v1/households/")
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert b"secret" not in answer.content
    assert (answer.get("Retry-After") == "5") == (status == 503)


@pytest.mark.django_db
def test_asking_for_the_options_of_the_api_page_is_refused_not_failed():
    assert Client().options("/api/docs/").status_code == 405


@pytest.mark.django_db
def test_a_page_that_waits_too_long_for_a_lock_says_try_again(monkeypatch):
    from django.db import OperationalError

    from lots import selectors

    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    client = Client()
    client.force_login(make_user(make_firm()))
    monkeypatch.setattr(selectors, "imported_files", fail)
    answer = client.get(reverse("imports"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.content.endswith(b"try again. Nothing was changed.\n")
