from django.urls import path

from scans import views

urlpatterns = [
    path("scans/", views.runs, name="scans"),
    path("scans/start/", views.start, name="start-scan"),
    path("scans/<uuid:public_id>/", views.run, name="scan"),
    path("scans/<uuid:public_id>/reopening/", views.reopen, name="reopen-scan"),
]
