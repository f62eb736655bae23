"""Triggers that make a table append-only: the database itself refuses UPDATE, DELETE and TRUNCATE."""

from django.db import migrations

CREATE_FUNCTION = migrations.RunSQL(
    """
    CREATE FUNCTION lotwise_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'table % is append-only: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'restrict_violation';
    END $$;
    """,
    "DROP FUNCTION lotwise_refuse_change()",
)


def append_only(table: str) -> migrations.RunSQL:
    """The migration operation that guards one table; it needs CREATE_FUNCTION to have run."""
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION lotwise_refuse_change();
        CREATE TRIGGER {table}_table_stays BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION lotwise_refuse_change();
        """,
        f"DROP TRIGGER {table}_rows_stay ON {table}; DROP TRIGGER {table}_table_stays ON {table};",
    )
