from django.urls import path

from lots import views

urlpatterns = [path("imports/", views.imports, name="imports")]
