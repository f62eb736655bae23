from django.urls import path

from lots import views

urlpatterns = [
    path("imports/", views.imports, name="imports"),
    path("imports/<uuid:public_id>/", views.import_draft, name="import-draft"),
]
