"""The firm's reading of the unsettled points of the law, as a set-up file states it."""

from dataclasses import replace
from typing import Any

from accounts.errors import Conflict
from config.setup_file.contents import TaxPolicyEntry
from config.setup_file.records import Records
from lots import selectors
from lots.services.policies import put_policy


def apply_tax_policy(records: Records, entry: TaxPolicyEntry) -> None:
    """Put the file's answers in force where they differ; what it leaves out stays. Problems are noted."""
    author = records.person(f"{entry.where}.author", entry.author)
    in_force = selectors.policy(records.firm.pk)
    answers: dict[str, Any] = dict(entry.answers)
    wanted = replace(in_force, **answers)
    if author is None or wanted == in_force:
        return
    for field, value in answers.items():
        if (old := getattr(in_force, field)) != value:
            what = f"{field} {old} -> {value}"
            records.changes.add_changed("tax policy", records.firm.name, what)
    try:
        records.recomputed |= set(
            put_policy(firm=records.firm, author=author, policy=wanted, reason=entry.reason)
        )
    except Conflict as error:
        records.problems.add(entry.where, str(error))
