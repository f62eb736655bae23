"""``manage.py import_market_values FILE [--firm NAME]``: market values of securities, all or none."""

from typing import Any

from securities import services
from securities.management.file_import import FirmFactsCommand


class Command(FirmFactsCommand):
    help = "Import market values from a CSV file (symbol,day,market_value); all or none."
    what = "market values"

    def take(self, **file: Any) -> services.FileImport:
        return services.import_market_values(**file)
