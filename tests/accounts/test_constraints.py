"""Every money and quantity column refuses NaN, by a CHECK with both bounds."""

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from tests.accounts.test_access import OURS
from tests.factories import make_firm, make_household

COLUMNS = [
    (model, field.column)
    for model in apps.get_models()
    if model._meta.app_label in OURS
    for field in model._meta.concrete_fields
    if isinstance(field, models.DecimalField)
]


def test_there_are_columns_to_check():
    assert len(COLUMNS) > 40


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "column"), COLUMNS, ids=[f"{model.__name__}.{column}" for model, column in COLUMNS]
)
def test_every_decimal_column_refuses_nan(model, column):
    """Asks PostgreSQL itself: some CHECK over this column alone is false for NaN."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint
             WHERE conrelid = %s::regclass AND contype = 'c' AND conkey = ARRAY[
                   (SELECT attnum FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s)]
            """,
            [table, table, column],
        )
        checks = [row[0] for row in cursor.fetchall()]
        verdicts = []
        for check in checks:
            cursor.execute(f"SELECT {check} FROM (SELECT 'NaN'::numeric AS {column}) AS row")
            verdicts.append(cursor.fetchone()[0])
    assert False in verdicts, f"{table}.{column} has no CHECK that refuses NaN: {checks}"


@pytest.mark.django_db
def test_nan_is_refused_on_a_real_row():
    household = make_household(make_firm())
    with (
        pytest.raises(IntegrityError, match="tax_profile_ordinary"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            """
            INSERT INTO accounts_taxprofile (household_id, year, filing_status, federal_ordinary_rate,
                federal_long_rate, niit_rate, state_rate, short_outside, long_outside, short_carryover,
                long_carryover, carried_loss_value, qualified_dividends)
            VALUES (%s, 2022, 'single', 'NaN', 0, 0, 0, 0, 0, 0, 0, 0, 0)
            """,
            [household.pk],
        )
