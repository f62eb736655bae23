"""``manage.py import_dividends FILE [--firm NAME]``: declared dividends, all or none."""

from typing import Any

from securities import services
from securities.management.file_import import FirmFactsCommand


class Command(FirmFactsCommand):
    help = (
        "Import declared dividends from a CSV file (symbol,ex_date,pay_date,amount); all or none."
    )
    what = "dividends"

    def take(self, **file: Any) -> services.FileImport:
        return services.import_dividends(**file)
