from django.urls import path

from scans import views

urlpatterns = [
    path("operations/", views.operations_page, name="operations"),
    path("operations/coverage.csv", views.coverage_file, name="scan-coverage"),
    path("households/<uuid:public_id>/look-again/", views.look_again, name="look-again"),
    path("scans/", views.runs, name="scans"),
    path("scans/start/", views.start, name="start-scan"),
    path("scans/<uuid:public_id>/", views.run, name="scan"),
    path("scans/<uuid:public_id>/reopening/", views.reopen, name="reopen-scan"),
]
