"""The work list's SQL: leases by the database's clock, a fence against late writers, a count of attempts.

    ready --claim--> leased --finish--> done
      ^                 |---give back (not counted), fail (counted)---> ready
      |                 '---lease runs out---> claimed by somebody else
    too many attempts: poison

Every change is one conditional UPDATE. A worker that was frozen and wakes after its lease holds an old fence: its
UPDATE changes no row, and it writes nothing.
"""

from collections.abc import Mapping

from django.conf import settings
from django.db import connection

from scans.types import ItemState, Lease

_FREE = "(item.state = 'ready' OR (item.state = 'leased' AND item.lease_until < now()))"
_CLAIM = """
    UPDATE scans_scanitem AS taken
       SET state = 'leased', lease_until = now() + make_interval(secs => %(lease)s),
           attempts = taken.attempts + 1, fence = taken.fence + 1
      FROM scans_scanrun AS run
     WHERE taken.run_id = run.id
       AND taken.id = (SELECT item.id FROM scans_scanitem AS item
                        WHERE {which} AND {free} AND item.attempts < %(most)s
                        ORDER BY item.id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING taken.id, taken.run_id, taken.household_id, run.business_date, taken.fence, taken.attempts,
              taken.screened, taken.screen_stamp, run.job
"""
_CLAIM_ONE = _CLAIM.format(which="item.id = %(item)s", free=_FREE)
_CLAIM_NEXT = _CLAIM.format(
    which="item.run_id = %(run)s AND (%(household)s::bigint IS NULL OR item.household_id = %(household)s)",
    free=_FREE,
)
_STILL_OURS = "WHERE id = %(item)s AND state = 'leased' AND fence = %(fence)s"


def claim(*, item_id: int) -> Lease | None:
    """Lease one item; None when it is done, held by somebody else, or does not exist."""
    return _claimed(_CLAIM_ONE, {"item": item_id})


def claim_next(*, run_id: int, household_id: int | None = None) -> Lease | None:
    """Lease the run's next free item (of one household, where named); None when there is none."""
    return _claimed(_CLAIM_NEXT, {"run": run_id, "household": household_id})


def finish(lease: Lease, *, reason: str, detail: str) -> bool:
    """Mark the item done; False when the lease has gone to somebody else, and nothing may be written."""
    return _changed(
        f"""UPDATE scans_scanitem SET state = 'done', lease_until = NULL, finished_at = now(),
                   reason = %(reason)s, detail = %(detail)s {_STILL_OURS}""",
        {"item": lease.item, "fence": lease.fence, "reason": reason, "detail": detail},
    )


def give_back(lease: Lease) -> bool:
    """Make the item ready again and forget the attempt: it was nobody's fault. False when it is not ours."""
    return _changed(
        f"""UPDATE scans_scanitem SET state = 'ready', lease_until = NULL,
                   attempts = attempts - 1 {_STILL_OURS}""",
        {"item": lease.item, "fence": lease.fence},
    )


def release_all() -> list[int]:
    """Give back every leased item, for when no worker can be alive; returns their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE scans_scanitem SET state = 'ready', lease_until = NULL, attempts = attempts - 1
                WHERE state = 'leased' RETURNING id"""
        )
        return sorted(row[0] for row in cursor.fetchall())


def fail(lease: Lease, *, detail: str) -> ItemState | None:
    """Make the item ready for another attempt, or poison when that was the last; None when it is not ours."""
    state = ItemState.POISON if lease.attempts >= settings.SCAN_MAX_ATTEMPTS else ItemState.READY
    ours = _changed(
        f"""UPDATE scans_scanitem SET state = %(state)s, lease_until = NULL, detail = %(detail)s,
                   reason = CASE WHEN %(state)s = 'poison' THEN 'failed' ELSE '' END,
                   finished_at = CASE WHEN %(state)s = 'poison' THEN now() END {_STILL_OURS}""",
        {"item": lease.item, "fence": lease.fence, "state": state.value, "detail": detail},
    )
    return state if ours else None


def park_exhausted() -> list[int]:
    """Poison the items whose last permitted attempt ended without a word; returns their ids."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE scans_scanitem AS item
                   SET state = 'poison', lease_until = NULL, finished_at = now(), reason = 'failed',
                       detail = 'No attempt came to an end: the worker died or hung each time.'
                 WHERE {_FREE} AND item.attempts >= %s RETURNING item.id""",
            [settings.SCAN_MAX_ATTEMPTS],
        )
        return [row[0] for row in cursor.fetchall()]


def waiting() -> list[int]:
    """Ids of all free items: run-out leases first, then ready ones with the newest first.

    A queue hands out its oldest hints first, so the newest items are the likeliest to have lost theirs.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT item.id FROM scans_scanitem AS item
                 WHERE {_FREE} AND item.attempts < %s ORDER BY item.state, item.id DESC""",
            [settings.SCAN_MAX_ATTEMPTS],
        )
        return [row[0] for row in cursor.fetchall()]


def finish_runs() -> list[int]:
    """Finish every run that has no open item left; returns their ids. Poison does not hold a run open."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE scans_scanrun AS run SET finished_at = now()
                WHERE finished_at IS NULL AND NOT EXISTS (
                      SELECT 1 FROM scans_scanitem AS item
                       WHERE item.run_id = run.id AND item.state IN ('ready', 'leased'))
                RETURNING run.id"""
        )
        return sorted(row[0] for row in cursor.fetchall())


def _claimed(sql: str, parameters: Mapping[str, int | str | None]) -> Lease | None:
    limits = {"lease": settings.SCAN_LEASE_SECONDS, "most": settings.SCAN_MAX_ATTEMPTS}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**limits, **parameters})
        row = cursor.fetchone()
    return Lease(*row) if row else None


def _changed(sql: str, parameters: Mapping[str, int | str | None]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return bool(cursor.rowcount == 1)
