from django.urls import path

from harvesting import backtest_views, gift_views, pair_views, substitute_views, views

urlpatterns = [
    path("losses/", views.firm_losses, name="losses"),
    path("households/<uuid:public_id>/losses/", views.losses, name="household-losses"),
    path("households/<uuid:public_id>/gifts/", gift_views.gifts, name="household-gifts"),
    path(
        "households/<uuid:public_id>/gifts/gifts.csv",
        gift_views.gifts_file,
        name="household-gifts-file",
    ),
    path("backtests/harvest/", backtest_views.harvest, name="backtest-harvest"),
    path(
        "backtests/harvest/<slug:backtest_table>.csv",
        backtest_views.harvest_file,
        name="backtest-harvest-file",
    ),
    path("substitutes/", substitute_views.substitutes, name="substitutes"),
    path("substitutes/mappings/<int:mapping>/", substitute_views.mapping, name="substitute"),
    path(
        "substitutes/<uuid:public_id>/", substitute_views.suggestions, name="substitute-suggestions"
    ),
    path("swap-backs/", pair_views.swap_backs, name="swap-backs"),
    path("swap-backs/waivers/", pair_views.waivers, name="pair-waivers"),
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
