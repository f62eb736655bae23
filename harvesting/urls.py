from django.urls import path

from harvesting import substitute_views, views

urlpatterns = [
    path("losses/", views.firm_losses, name="losses"),
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
    path("substitutes/", substitute_views.substitutes, name="substitutes"),
    path("substitutes/mappings/<int:mapping>/", substitute_views.mapping, name="substitute"),
    path(
        "substitutes/<uuid:public_id>/", substitute_views.suggestions, name="substitute-suggestions"
    ),
]
