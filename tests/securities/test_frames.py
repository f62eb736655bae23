from datetime import date, timedelta

import numpy as np
import pytest

from securities.frames import daily_returns
from tests.factories import make_firm, make_security, set_price

pytestmark = pytest.mark.django_db


def test_returns_stand_in_the_order_asked_for_with_gaps_as_nan() -> None:
    firm = make_firm()
    aaa, bbb = make_security(firm, "AAA"), make_security(firm, "BBB")
    for day, close in ((2, "10"), (3, "11"), (4, "22"), (5, "1000")):
        set_price(aaa, date(2024, 1, day), close)
    set_price(bbb, date(2024, 1, 2), "50")
    set_price(bbb, date(2024, 1, 4), "40")

    returns = daily_returns([bbb.pk, aaa.pk], date(2024, 1, 4))

    assert returns.dtype == np.float64
    np.testing.assert_allclose(returns, [[np.nan, 0.1], [np.nan, 1.0]])


def test_only_the_newest_observations_are_given() -> None:
    aaa = make_security(make_firm())
    for place in range(10):
        set_price(aaa, date(2024, 1, 1) + timedelta(days=place), str(100 + place))

    returns = daily_returns([aaa.pk], date(2024, 12, 31), observations=200)
    newest = daily_returns([aaa.pk], date(2024, 12, 31), observations=180 * 3)

    assert (returns.shape, newest.shape) == ((9, 1), (9, 1))
    assert daily_returns([aaa.pk], date(2024, 1, 10), observations=3)[-1, 0] == 109 / 108 - 1


def test_securities_without_prices_have_no_returns() -> None:
    aaa = make_security(make_firm())

    assert daily_returns([aaa.pk], date(2024, 1, 4)).shape == (0, 1)
