from django.urls import path

from lots import policy_views, report_views, views, what_if_views

urlpatterns = [
    path("imports/", views.imports, name="imports"),
    path("imports/<uuid:public_id>/", views.import_draft, name="import-draft"),
    path("tax-policy/", policy_views.tax_policy, name="tax-policy"),
    path("households/<uuid:public_id>/what-if/", what_if_views.what_if, name="what-if"),
    path("households/<uuid:public_id>/taxes/", report_views.taxes, name="taxes"),
    path("households/<uuid:public_id>/taxes/<int:year>/", report_views.taxes, name="tax-year"),
    path(
        "households/<uuid:public_id>/taxes/<int:year>/reported/",
        report_views.mark_reported,
        name="tax-year-reported",
    ),
    path(
        "households/<uuid:public_id>/taxes/<int:year>/<slug:report>/",
        report_views.tax_report,
        name="tax-report",
    ),
    path(
        "households/<uuid:public_id>/taxes/<int:year>/<slug:report>.<slug:extension>",
        report_views.tax_file,
        name="tax-file",
    ),
]
