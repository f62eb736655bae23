from django.urls import path

from harvesting import pair_views, substitute_views, views

urlpatterns = [
    path("losses/", views.firm_losses, name="losses"),
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
    path("substitutes/", substitute_views.substitutes, name="substitutes"),
    path("substitutes/mappings/<int:mapping>/", substitute_views.mapping, name="substitute"),
    path(
        "substitutes/<uuid:public_id>/", substitute_views.suggestions, name="substitute-suggestions"
    ),
    path("swap-backs/", pair_views.swap_backs, name="swap-backs"),
    path(
        "households/<uuid:public_id>/swap-backs/",
        pair_views.household_pairs,
        name="household-swap-backs",
    ),
    path(
        "proposals/<uuid:public_id>/pairs/<int:number>/waiver/",
        pair_views.waiver,
        name="pair-waiver",
    ),
]
