"""The recorded OpenAPI document: what client systems rely on changes only on purpose.

``LOTWISE_GOLDEN=write`` records it anew.
"""

import json
import os
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

GOLDEN = Path(settings.BASE_DIR) / "tests" / "golden" / "openapi.json"
ENVELOPE = {"$ref": "#/components/schemas/ErrorEnvelope"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """As `manage.py spectacular` makes it; a warning fails."""
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", format="openapi-json", stdout=out)
    return dict(json.loads(out.getvalue()))


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_the_recorded_one(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if os.environ.get("LOTWISE_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text, (
        "the API changed; if that is meant, record it: "
        "LOTWISE_GOLDEN=write .venv/bin/python -m pytest tests/config/test_openapi.py"
    )


def test_every_operation_declares_how_it_refuses(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        wanted = {"401", "403", "429"}
        wanted |= {"404"} if "{" in path else {"400"}
        wanted |= {"413", "415", "422"} if method == "post" else set()
        refused = {status for status in operation["responses"] if status >= "400"}
        assert wanted <= refused, f"{method} {path}"
        for status in refused:
            content = operation["responses"][status]["content"]
            assert content == {"application/json": {"schema": ENVELOPE}}, f"{method} {path}"


def test_every_operation_asks_for_a_bearer_token(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["token"]

    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert {json.dumps(operation["security"]) for _, _, operation in operations(document)} == {
        '[{"token": []}]'
    }


def test_no_number_with_decimals_travels_as_a_json_number(document: dict[str, Any]) -> None:
    assert '"type": "number"' not in json.dumps(document)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("quantity", "12.5", ["1e3", "NaN", "-1", "1_000", "１", "1.123456789", "", "1" * 13]),
        ("amount", "99999999999999.9999", ["1.00001", "1" * 15, "+1"]),
        ("price", "0.000001", ["0.0000001", "1" * 11, ".5"]),
    ],
)
def test_the_patterns_of_numbers_accept_ascii_digits_only(
    document: dict[str, Any], field: str, good: str, bad: list[str]
) -> None:
    schema = document["components"]["schemas"]["TransactionInput"]["properties"][field]

    assert re.fullmatch(schema["pattern"], good)
    assert [text for text in bad if re.fullmatch(schema["pattern"], text)] == []


@pytest.mark.django_db
def test_the_schema_is_served_to_anybody_and_is_the_recorded_one() -> None:
    answer = Client().get("/api/schema/?format=json")

    assert answer.status_code == 200
    assert answer.json() == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.django_db
def test_the_page_of_the_api_needs_nothing_from_elsewhere_and_nothing_inline() -> None:
    page = Client().get("/api/docs/")

    text = page.content.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(sources) == 5
    assert all(source.startswith("/") and not source.startswith("//") for source in sources)
    assert "<style" not in text
    assert not re.search(r"<script>", text)
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert Client().get("/api/docs/?script=")["Content-Type"].startswith("application/javascript")
