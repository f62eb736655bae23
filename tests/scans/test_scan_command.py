import time
from datetime import date
from io import StringIO
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

import harvesting.services
from proposals.models import Proposal
from scans import services, work_list
from scans.management.commands import scan as scan_command
from scans.models import ScanRun
from tests.factories import make_firm, make_household

NIGHT = "2022-12-28"
ROOMS = ("accounts", "lots", "proposals", "harvesting", "rebalancing", "scans")


def scan(*arguments):
    out = StringIO()
    call_command("scan", *arguments, stdout=out)
    return out.getvalue()


def figures(text):
    """The table's rows as a dictionary."""
    rows = [line.rsplit(maxsplit=1) for line in text.splitlines() if line.startswith("  ")]
    return {name.strip(): int(figure) for name, figure in rows if figure.isdigit()}


def dump():
    """Every row of every room, to the last column."""
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for room in ROOMS
        for model in apps.get_app_config(room).get_models()
    }


def test_a_night_in_the_foreground_ends_with_its_figures(firm, add_household):
    add_household("Adams")
    add_household("Baker", bought_at="40")
    said = scan("--as-of", NIGHT)
    assert said.startswith("Night of 2022-12-28\n")
    assert figures(said) == {
        "households": 2,
        "done": 2,
        "accounts scanned": 2,
        "accounts skipped": 2,
        "proposals: harvest": 1,
        "no_model": 2,
        "harvest_proposed": 1,
        "no_loss_above_floor": 1,
    }
    assert "not scanned: Adams, Ann traditional_ira: empty_account" in said


def test_the_reasons_stand_under_a_heading_that_says_what_they_count(firm, add_household):
    add_household("Adams")
    reasons = [
        "  households by reason",
        "    harvest_proposed       1",
        "    no_model               1",
    ]
    assert scan("--as-of", NIGHT, "--dry-run").splitlines()[-3:] == reasons
    wet = scan("--as-of", NIGHT).splitlines()
    assert sorted(wet[wet.index(reasons[0]) + 1 :][:2]) == reasons[1:]


def test_the_same_night_again_adds_no_row_and_changes_none(firm, add_household):
    add_household("Adams")
    add_household("Baker", bought_at="40")
    first = scan("--as-of", NIGHT)
    before = dump()
    assert len(before["Proposal"]) == 1
    assert len(before["AccountOutcome"]) == 4
    assert scan("--as-of", NIGHT) == first
    assert dump() == before


def test_without_a_date_a_pinned_firm_is_scanned_at_its_pin(firm, add_household):
    add_household("Adams")
    assert scan().startswith("Night of 2022-12-28\n")


def test_a_dry_run_says_what_would_be_proposed_and_writes_nothing(firm, add_household):
    add_household("Adams")
    before = dump()
    said = scan("--as-of", "2022-12-29", "--dry-run")
    assert "Adams: harvest: " in said
    assert figures(said)["proposals: harvest"] == 1
    assert dump() == before


def test_one_household_can_be_scanned_alone(firm, add_household):
    adams, baker = add_household("Adams"), add_household("Baker")
    scan("--as-of", NIGHT, "--household", str(baker.public_id))
    assert [proposal.household for proposal in Proposal.objects.all()] == [baker]
    scan("--as-of", NIGHT)
    assert Proposal.objects.filter(household=adams).count() == 1
    assert Proposal.objects.filter(household=baker).count() == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--as-of", "28.12.2022"], "'28.12.2022' is no date"),
        (["--as-of", "2022-12-25"], "no trading day"),
        (["--as-of", "2022-12-27"], "the date Harbor Advisers stands at"),
        (["--as-of", "2022-12-27", "--dry-run"], "the date Harbor Advisers stands at"),
        (["--as-of", "2999-01-02"], "has not ended"),
        (["--as-of", NIGHT, "--household", "Nobody"], "has no household 'Nobody'"),
        (["--as-of", NIGHT, "--household", "424242"], "has no household '424242'"),
        (["--as-of", NIGHT, "--firm", "Nobody"], "no firm 'Nobody'"),
    ],
)
def test_what_cannot_be_scanned_is_refused_in_one_line_with_exit_code_1(firm, arguments, said):
    with pytest.raises(CommandError) as refusal:
        scan(*arguments)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert refusal.value.returncode == 1
    assert not ScanRun.objects.exists()


def test_with_several_firms_one_has_to_be_named(firm, add_household):
    adams = add_household("Adams")
    other = make_firm("Another", pinned_date=date(2022, 12, 28))
    make_household(other, "Baker")
    with pytest.raises(CommandError, match="Name the firm with --firm"):
        scan("--as-of", NIGHT)
    scan("--as-of", NIGHT, "--firm", "Another")
    scan("--as-of", NIGHT, "--household", str(adams.pk))  # whose firm is known
    assert list(ScanRun.objects.order_by("pk").values_list("firm", flat=True)) == [
        other.pk,
        firm.pk,
    ]


@pytest.fixture
def no_pause(monkeypatch):
    """Replace the pause between two looks by `no_pause.happens`."""
    clock = SimpleNamespace(happens=lambda: None, monotonic=time.monotonic)
    clock.sleep = lambda seconds: clock.happens()
    monkeypatch.setattr(scan_command, "time", clock)
    return clock


def hold(household):
    """Another worker's lease of the household, in an opened night."""
    run = services.open_run(
        firm_id=household.firm_id, as_of=date.fromisoformat(NIGHT), wake_workers=False
    )
    lease = work_list.claim_next(run_id=run.pk, household_id=household.pk)
    assert lease is not None
    return lease


def test_households_that_other_workers_keep_are_exit_code_3(firm, add_household, no_pause):
    lease = hold(add_household("Adams"))
    add_household("Baker")
    passed = iter(range(0, 10_000, 100))
    no_pause.monotonic = lambda: next(passed)
    with pytest.raises(CommandError) as refusal:
        scan("--as-of", NIGHT)
    assert str(refusal.value) == (
        "1 households are still with other workers: run the command again later."
    )
    assert refusal.value.returncode == 3
    assert Proposal.objects.count() == 1
    scan("--as-of", NIGHT, "--household", "Baker")  # its own household is nobody else's
    assert work_list.give_back(lease)


def test_a_household_that_another_worker_gives_back_is_waited_for_and_done(
    firm, add_household, no_pause
):
    lease = hold(add_household("Adams"))
    no_pause.happens = lambda: work_list.give_back(lease)
    assert figures(scan("--as-of", NIGHT))["done"] == 1


def test_a_released_lease_frees_the_household_and_its_old_holder_writes_nothing(
    firm, add_household
):
    lease = hold(add_household("Adams"))
    assert services.release_leases() == 1
    assert services.release_leases() == 0
    assert not work_list.finish(lease, reason="no_drift", detail="")
    again = work_list.claim(item_id=lease.item)
    assert again is not None
    assert (again.attempts, again.fence) == (lease.attempts, lease.fence + 1)


def test_a_household_that_fails_is_exit_code_2_and_the_others_are_done(
    firm, add_household, monkeypatch
):
    adams = add_household("Adams")
    add_household("Baker")
    examine = harvesting.services.examine

    def break_for_adams(*, household_id, as_of):
        if household_id == adams.pk:
            raise ZeroDivisionError("not foreseen")
        return examine(household_id=household_id, as_of=as_of)

    monkeypatch.setattr(harvesting.services, "examine", break_for_adams)
    with pytest.raises(CommandError, match="1 of 2 households failed") as failure:
        scan("--as-of", NIGHT)
    assert failure.value.returncode == 2
    assert Proposal.objects.count() == 1
