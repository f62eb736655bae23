"""``manage.py import_half_spreads FILE [--firm NAME]``: half spreads from a day on, all or none."""

from typing import Any

from securities import services
from securities.management.file_import import FirmFactsCommand


class Command(FirmFactsCommand):
    help = "Import half spreads from a CSV file (symbol or asset_class,since,half_spread); all or none."
    what = "half spreads"

    def take(self, **file: Any) -> services.FileImport:
        return services.import_half_spreads(**file)
