"""The chain holds, names the first fault, and the database refuses to change it."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.audit_chain import GENESIS, Link, first_fault, link_hash
from accounts.models import AuditEvent
from accounts.selectors import audit_fault
from accounts.services import record_audit
from tests.factories import make_firm


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    for sequence in range(1, length + 1):
        previous = links[-1].hash if links else GENESIS
        payload = f'{{"event":{sequence}}}'
        links.append(
            Link(
                firm=7,
                sequence=sequence,
                format_version=1,
                payload=payload,
                previous_hash=previous,
                hash=link_hash(
                    version=1, previous_hash=previous, firm=7, sequence=sequence, payload=payload
                ),
            )
        )
    return links


def changed(link: Link, **fields: object) -> Link:
    values = {name: getattr(link, name) for name in Link.__slots__}
    return Link(**{**values, **fields})


def test_an_untouched_chain_holds():
    assert first_fault(chain(5)) is None


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_changed_payload_is_found_at_its_place(place):
    links = chain(5)
    links[place] = changed(links[place], payload='{"event":"other"}')
    assert first_fault(links) == f"event {place + 1} was changed after it was written"


def test_a_missing_event_is_found():
    links = chain(5)
    assert (
        first_fault(links[:2] + links[3:]) == "event 3 is missing: the next one found is number 4"
    )


def test_swapped_events_are_found():
    links = chain(3)
    links[1], links[2] = links[2], links[1]
    assert first_fault(links) == "event 2 is missing: the next one found is number 3"


def test_a_rewritten_event_breaks_the_link_after_it():
    links = chain(3)
    payload = '{"event":"other"}'
    links[1] = changed(
        links[1],
        payload=payload,
        hash=link_hash(version=1, previous_hash=links[0].hash, firm=7, sequence=2, payload=payload),
    )
    assert first_fault(links) == "event 3 does not continue the one before it"


def test_an_unknown_format_is_an_error_not_a_pass():
    with pytest.raises(ValueError, match="version 2 is unknown"):
        link_hash(version=2, previous_hash=GENESIS, firm=1, sequence=1, payload="{}")


@pytest.mark.django_db
def test_each_firm_has_a_chain_of_its_own():
    first, second = make_firm("First"), make_firm("Second")
    for firm in (first, second, first):
        record_audit(firm=firm, actor="ada", action="test.done", subject="x", facts={"n": 1})
    assert list(AuditEvent.objects.filter(firm=first).values_list("sequence", flat=True)) == [1, 2]
    assert audit_fault(first) is None
    assert audit_fault(second) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_auditevent SET actor = 'eve'", "DELETE FROM accounts_auditevent"]
)
def test_the_database_refuses_to_change_history(statement):
    firm = make_firm()
    record_audit(firm=firm, actor="ada", action="test.done", subject="x", facts={})
    assert_refused(statement)
    assert AuditEvent.objects.get(firm=firm).actor == "ada"


@pytest.mark.django_db
def test_the_database_refuses_to_empty_history():
    """On a table without rows of this transaction: PostgreSQL would refuse those for another reason."""
    assert_refused("TRUNCATE accounts_auditevent")


def assert_refused(statement: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.django_db
def test_a_change_behind_the_triggers_is_found():
    firm = make_firm()
    for number in range(3):
        record_audit(firm=firm, actor="ada", action="test.done", subject="x", facts={"n": number})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # what an owner could do
        cursor.execute(
            "UPDATE accounts_auditevent SET payload = replace(payload, 'ada', 'eve') WHERE sequence = 2"
        )
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert audit_fault(firm) == "event 2 was changed after it was written"
