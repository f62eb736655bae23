from django.urls import path

from harvesting import views

urlpatterns = [
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
]
