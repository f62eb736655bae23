from django.urls import path

from lots.views import imports, policy, reconciliation, reports, what_if

urlpatterns = [
    path("imports/", imports.imports, name="imports"),
    path("imports/<uuid:public_id>/", imports.import_draft, name="import-draft"),
    path("reconciliation/", reconciliation.breaks, name="reconciliation"),
    path("tax-policy/", policy.tax_policy, name="tax-policy"),
    path("households/<uuid:public_id>/what-if/", what_if.what_if, name="what-if"),
    path("households/<uuid:public_id>/taxes/", reports.taxes, name="taxes"),
    path("households/<uuid:public_id>/taxes/<int:year>/", reports.taxes, name="tax-year"),
    path(
        "households/<uuid:public_id>/taxes/<int:year>/reported/",
        reports.mark_reported,
        name="tax-year-reported",
    ),
    path(
        "households/<uuid:public_id>/taxes/<int:year>/<slug:report>/",
        reports.tax_report,
        name="tax-report",
    ),
    path(
        "households/<uuid:public_id>/taxes/<int:year>/<slug:report>.<slug:extension>",
        reports.tax_file,
        name="tax-file",
    ),
]
