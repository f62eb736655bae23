"""Store a supplied risk model: dated, all of it or nothing, and checked as the model that it will be."""

from dataclasses import dataclass
from datetime import date
from pathlib import PurePath

import numpy as np
from django.conf import settings
from django.db import transaction

from accounts.locks import lock_firm
from accounts.models import Firm
from accounts.selectors import business_date
from accounts.services import record_audit
from rebalancing.errors import BadReturns
from rebalancing.models import SuppliedCovariance, SuppliedLoading, SuppliedRisk, SuppliedSpecific
from rebalancing.risk import supplied
from rebalancing.risk_data.risk_files import SuppliedFigures, read_figures
from securities import selectors
from securities.importers.file_text import check_bytes, check_size, decoded
from securities.importers.refusal import Problems

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class LoadingsImport:
    """What an import of a risk model did, or with ``dry_run`` would do."""

    securities: int
    factors: int
    is_new: bool  # else the day had one
    changed: bool
    remarks: tuple[str, ...]


def import_loadings(
    *,
    firm: Firm,
    file: bytes,
    name: str,
    as_of: date,
    dry_run: bool = False,
    correct: bool = False,
) -> LoadingsImport:
    """Take a file's risk model as of a day; the same file again changes nothing.

    Raises ImportRefused with every problem found: in the rows, in what is left out, for a covariance that is none, for
    a day ahead of the firm's, and for another model than the one known for the day unless ``correct``.
    """
    name = PurePath(name).name[:255] or "loadings"
    check_size(name=name, size=len(file), limit=settings.IMPORT_MAX_BYTES)
    check_bytes(name=name, data=file)
    text = decoded(name=name, data=file)
    figures = read_figures(text, name=name, securities=selectors.security_ids(firm.pk))
    problems = Problems(name)
    today = business_date(firm)
    if as_of > today:
        problems.add(f"a risk model as of {as_of} lies ahead: today is {today}")
    remarks = _checked(figures, problems)
    problems.raise_if_any()
    with transaction.atomic():
        lock_firm(firm.pk)
        known = SuppliedRisk.objects.filter(firm=firm, as_of=as_of).first()
        changed = known is None or _of(known) != figures
        if known is not None and changed and not correct:
            problems.add(
                f"another risk model as of {as_of} is known: import it with --correct if the file is right"
            )
            problems.raise_if_any()
        if changed:
            _store(firm, as_of, figures, known)
        if dry_run:
            transaction.set_rollback(True)
        elif changed:
            record_audit(
                firm=firm,
                actor="command",
                action="risk_model.imported",
                subject=name[:120],
                facts={
                    "as_of": as_of,
                    "securities": len(figures.specific_variances),
                    "factors": list(figures.factors),
                    "corrects": known is not None,
                },
            )
    return LoadingsImport(
        len(figures.specific_variances), len(figures.factors), known is None, changed, remarks
    )


def _checked(figures: SuppliedFigures, problems: Problems) -> tuple[str, ...]:
    """What the model has to say about itself; what makes it none is noted."""
    securities, factors = sorted(figures.specific_variances), figures.factors
    covariance = np.array(
        [[float(figures.covariances[min(a, b), max(a, b)]) for b in factors] for a in factors]
    )
    loadings = [[float(figures.loadings[one, factor]) for factor in factors] for one in securities]
    specific = [float(figures.specific_variances[one]) for one in securities]
    try:
        model = supplied(np.array(loadings), covariance, np.array(specific), factors=factors)
    except BadReturns as error:
        problems.add(error.message)
        return ()
    return model.remarks


def _of(version: SuppliedRisk) -> SuppliedFigures:
    covariances = {
        (min(first, second), max(first, second)): value
        for first, second, value in version.covariances.values_list(
            "factor_a", "factor_b", "covariance"
        )
    }
    loadings = version.loadings.values_list("security_id", "factor", "loading")
    return SuppliedFigures(
        factors=tuple(sorted({factor for pair in covariances for factor in pair})),
        loadings={(security, factor): value for security, factor, value in loadings},
        covariances=covariances,
        specific_variances=dict(version.specifics.values_list("security_id", "variance")),
    )


def _store(firm: Firm, as_of: date, figures: SuppliedFigures, known: SuppliedRisk | None) -> None:
    if known is not None:
        known.delete()
    version = SuppliedRisk.objects.create(firm=firm, as_of=as_of)
    SuppliedLoading.objects.bulk_create(
        (
            SuppliedLoading(version=version, security_id=one, factor=factor, loading=value)
            for (one, factor), value in figures.loadings.items()
        ),
        batch_size=_AT_ONCE,
    )
    SuppliedCovariance.objects.bulk_create(
        (
            SuppliedCovariance(version=version, factor_a=a, factor_b=b, covariance=value)
            for (a, b), value in figures.covariances.items()
        ),
        batch_size=_AT_ONCE,
    )
    SuppliedSpecific.objects.bulk_create(
        (
            SuppliedSpecific(version=version, security_id=one, variance=value)
            for one, value in figures.specific_variances.items()
        ),
        batch_size=_AT_ONCE,
    )
