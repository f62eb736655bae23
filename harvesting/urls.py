from django.urls import path

from harvesting import views

urlpatterns = [
    path("losses/", views.firm_losses, name="losses"),
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
]
