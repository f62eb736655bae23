from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import (
    broker_from_url,
    database_from_url,
    env_bool,
    env_int,
    env_list,
    env_path,
    env_secret,
)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("1", True), ("Yes", True), (" on ", True), ("0", False), ("FALSE", False), ("", False)],
)
def test_a_flag_is_one_of_the_listed_words(monkeypatch, word, meaning):
    monkeypatch.setenv("LOTWISE_DEBUG", word)
    assert env_bool("LOTWISE_DEBUG", default=not meaning) is meaning


def test_another_word_for_a_flag_is_refused_with_the_words_that_are_accepted(monkeypatch):
    monkeypatch.setenv("LOTWISE_DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured) as refusal:
        env_bool("LOTWISE_DEBUG", default=False)
    assert str(refusal.value) == (
        "LOTWISE_DEBUG='maybe': use one of 1, true, yes, on, 0, false, no, off"
    )


def test_a_missing_variable_gives_the_default(monkeypatch):
    monkeypatch.delenv("LOTWISE_X", raising=False)
    assert env_bool("LOTWISE_X", default=True) is True
    assert env_int("LOTWISE_X", default=8000, least=1, most=65535) == 8000
    assert env_list("LOTWISE_X", default=["a"]) == ["a"]
    assert env_path("LOTWISE_X", default=Path("/here")) == Path("/here")


@pytest.mark.parametrize("word", ["0", "65536", "-1", "80.0", "http", "８０"])
def test_a_port_out_of_range_or_not_a_number_is_refused(monkeypatch, word):
    monkeypatch.setenv("PORT", word)
    with pytest.raises(ImproperlyConfigured, match="use a whole number from 1 to 65535"):
        env_int("PORT", default=8000, least=1, most=65535)


def test_a_list_is_separated_by_commas_and_drops_blanks(monkeypatch):
    monkeypatch.setenv("LOTWISE_ALLOWED_HOSTS", "a.example, b.example,,")
    assert env_list("LOTWISE_ALLOWED_HOSTS", default=[]) == ["a.example", "b.example"]


def test_a_secret_is_made_once_and_kept_private(monkeypatch, tmp_path):
    monkeypatch.delenv("LOTWISE_SECRET_KEY", raising=False)
    file = tmp_path / "state" / "secret_key"
    secret = env_secret("LOTWISE_SECRET_KEY", keep_in=file)
    assert len(secret) >= 50
    assert env_secret("LOTWISE_SECRET_KEY", keep_in=file) == secret
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_socket_folder_with_a_space_is_read_from_a_database_address():
    database = database_from_url("postgresql://lotwise@/books?host=%2Ftmp%2Fa%20b%2Frun")
    assert (database["NAME"], database["USER"], database["HOST"], database["PORT"]) == (
        "books",
        "lotwise",
        "/tmp/a b/run",
        "",
    )


def test_a_network_database_address_is_read_with_its_password():
    database = database_from_url("postgres://u%40x:p%2Fw@db.example:6432/books")
    assert (database["USER"], database["PASSWORD"]) == ("u@x", "p/w")
    assert (database["HOST"], database["PORT"]) == ("db.example", "6432")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.example:54x2/books",
        "postgresql://u:p@db.example:99999/books",
        "postgresql://u:p@db.example/books?port=x",
        "postgresql://u:p@[db.example/books",
    ],
)
def test_a_database_address_without_a_usable_port_is_refused_and_not_shown(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refusal:
        database_from_url(url)
    assert "u:p" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:pw@q.example:port/0", "REDIS_URL is no address"),
        ("redis://:p#w@q.example:6379/0", "REDIS_URL is no address"),
        ("redis://q.example:6379/first", "REDIS_URL: database 'first'"),
        ("unix:///run/valkey.sock?db=x", "REDIS_URL: database 'x'"),
        ("valkey.sock", "use redis://"),
    ],
)
def test_a_malformed_queue_address_is_refused(url, said):
    with pytest.raises(ImproperlyConfigured) as refusal:
        broker_from_url(url)
    assert said in str(refusal.value)


def test_a_secret_that_cannot_be_kept_is_refused_with_the_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("LOTWISE_SECRET_KEY", raising=False)
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match="let LOTWISE_DATA_DIR name another folder"):
        env_secret("LOTWISE_SECRET_KEY", keep_in=tmp_path / "file" / "state" / "secret_key")


def test_another_kind_of_database_is_refused():
    with pytest.raises(ImproperlyConfigured, match="use postgresql://"):
        database_from_url("sqlite:///x.db")


def test_celery_gets_its_own_spelling_of_a_socket_address():
    assert broker_from_url("unix:///tmp/a%20b/valkey.sock?db=3") == (
        "redis+socket:///tmp/a%20b/valkey.sock?virtual_host=3"
    )
    assert broker_from_url("redis://127.0.0.1:6379/2") == "redis://127.0.0.1:6379/2"
    assert broker_from_url("") == ""


def test_another_kind_of_queue_is_refused():
    with pytest.raises(ImproperlyConfigured, match="use redis://"):
        broker_from_url("amqp://localhost")
