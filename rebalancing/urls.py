from django.urls import path

from rebalancing import views

urlpatterns = [path("households/<uuid:public_id>/drift/", views.drift, name="household-drift")]
