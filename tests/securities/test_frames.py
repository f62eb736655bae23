from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from securities.frames import adjusted_returns
from securities.models import CorporateAction
from securities.types import ActionKind
from tests.factories import make_firm, make_security, set_price

pytestmark = pytest.mark.django_db

DAYS = [date(2024, 1, day) for day in (2, 3, 4, 5)]


def test_returns_stand_in_the_order_asked_for_with_gaps_as_nan() -> None:
    firm = make_firm()
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    for day, close in zip(DAYS, ("10", "11", "22", "1000"), strict=True):
        set_price(aaa, day, close)
    set_price(bbb, DAYS[0], "50")
    set_price(bbb, DAYS[2], "40")

    returns = adjusted_returns([bbb.pk, aaa.pk], DAYS[:3])

    assert returns.dtype == np.float64
    np.testing.assert_allclose(returns, [[np.nan, 0.1], [np.nan, 1.0]])


def test_a_booked_split_is_no_move() -> None:
    aaa = make_security(make_firm())
    for day, close in zip(DAYS, ("100", "102", "25.5", "26"), strict=True):
        set_price(aaa, day, close)
    CorporateAction.objects.create(
        security=aaa, kind=ActionKind.SPLIT, effective_on=DAYS[2], ratio=Decimal(4)
    )

    returns = adjusted_returns([aaa.pk], DAYS)

    np.testing.assert_allclose(returns[:, 0], [0.02, 0.0, 26 / 25.5 - 1])


def test_securities_without_prices_have_no_returns() -> None:
    aaa = make_security(make_firm())

    assert np.isnan(adjusted_returns([aaa.pk], DAYS)).all()
