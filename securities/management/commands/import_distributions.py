"""``manage.py import_distributions FILE [--firm NAME]``: announced capital-gain distributions, all or none."""

from typing import Any

from securities import services
from securities.management.file_import import FirmFactsCommand


class Command(FirmFactsCommand):
    help = (
        "Import announced capital-gain distributions from a CSV file (symbol,ex_date,kind,amount[,source]); "
        "all or none."
    )
    what = "distributions"

    def take(self, **file: Any) -> services.FileImport:
        return services.import_distributions(**file)
