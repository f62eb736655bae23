"""docs/set-up.md followed to the letter: the example ends in the proposals that the page promises."""

import re
import shlex
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import Firm
from harvesting.models import HarvestFinding
from harvesting.types import Outcome
from proposals.models import Proposal
from proposals.types import ProposalKind
from scans.models import AccountOutcome
from scans.types import AccountState
from securities.models import Price

NIGHT = date(2026, 11, 20)
PAGE = Path(settings.BASE_DIR) / "docs" / "set-up.md"


def documented_commands() -> list[list[str]]:
    """The words after ``python manage.py`` of each line in the page's blocks, in order."""
    blocks = re.findall(
        r"^```\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    lines = [line for block in blocks for line in block.splitlines()]
    assert all(line.startswith("python manage.py ") for line in lines)
    return [shlex.split(line)[2:] for line in lines]


@pytest.fixture
def followed(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the commands that were run, in order."""
    monkeypatch.chdir(settings.BASE_DIR)
    commands = documented_commands()
    for command, *arguments in commands:
        call_command(command, *arguments)
    return [command for command, *_ in commands]


def test_the_example_ends_in_the_proposals_its_page_promises(followed: list[str]) -> None:
    assert followed == [
        "set_up", "import_prices", "import_transactions", "scan", "scan", "verify",
    ]  # fmt: skip
    proposals = Proposal.objects.order_by("household__name", "kind")
    assert [(str(one.household), one.kind, one.as_of) for one in proposals] == [
        ("Miller", ProposalKind.HARVEST, NIGHT),
        ("Miller", ProposalKind.REBALANCE, NIGHT),
        ("Stone", ProposalKind.REBALANCE, NIGHT),
    ]
    sale, purchase = proposals[0].trades.order_by("pk")
    assert (sale.side, sale.security.symbol, sale.quantity) == ("sell", "AAPL", Decimal(150))
    # MSFT, the first substitute, must not be bought: Mary works there.
    assert (purchase.side, purchase.security.symbol, purchase.quantity) == ("buy", "QUAL", 175)
    assert proposals[0].tax_saved > 0
    outcomes = AccountOutcome.objects.values_list("state", flat=True)
    assert list(outcomes) == [AccountState.SCANNED] * 3
    assert Price.objects.latest("day").day == NIGHT


def test_the_loss_that_the_ira_of_the_spouse_blocks_is_passed_over(followed: list[str]) -> None:
    blocked = HarvestFinding.objects.get(outcome=Outcome.PERMANENT_WASH)
    assert blocked.security.symbol == "GOOGL"
    assert blocked.detail == (
        "15 shares of GOOG bought on 2026-11-05 in John's IRA are still held: "
        "the loss would be lost for ever (R16). Free from 2026-12-06."
    )


def test_the_same_steps_again_change_nothing(
    followed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for command, *arguments in documented_commands():
        call_command(command, *arguments)
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "firm.toml: nothing to change, everything in it is on record.",
        "prices.csv: 0 prices new, 420 known, 0 changed",
        "transactions.csv: this file was imported before, nothing changed.",
    ]
    assert Proposal.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["2026-11-21", "2999-01-02"])
def test_a_firm_stands_at_a_trading_day_that_has_ended(day: str) -> None:
    with pytest.raises(CommandError, match=f"--stand-at {day} is no trading day that has ended"):
        call_command("set_up", PAGE.parent / "example" / "firm.toml", "--stand-at", day)
    assert not Firm.objects.exists()


@pytest.mark.django_db
def test_a_firm_that_follows_the_calendar_cannot_be_put_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    example = PAGE.parent / "example" / "firm.toml"
    call_command("set_up", example)
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("set_up", example, "--stand-at", "2026-11-20")
    assert capsys.readouterr().err == (
        "firm.name: 'Harbor Example Advisers' is on record and follows the calendar: "
        "only a new firm can stand at a date\n"
    )
    assert Firm.objects.get().pinned_date is None
