"""The API for client systems, under /api/v1/: what it offers is stable (docs/api.md)."""

from django.urls import path, re_path

from accounts.api import AccountList, HouseholdList, HouseholdRead
from accounts.client_views import NoSuchAddress
from lots.api.ledger import LotList, Transactions
from lots.api.what_if import WhatIf
from proposals.api import HouseholdWindows, ProposalList, ProposalRead

urlpatterns = [
    path("households/", HouseholdList.as_view(), name="api-households"),
    path("households/<uuid:public_id>/", HouseholdRead.as_view(), name="api-household"),
    path("households/<uuid:public_id>/windows/", HouseholdWindows.as_view(), name="api-windows"),
    path("households/<uuid:public_id>/what-if/", WhatIf.as_view(), name="api-what-if"),
    path("accounts/", AccountList.as_view(), name="api-accounts"),
    path("lots/", LotList.as_view(), name="api-lots"),
    path("transactions/", Transactions.as_view(), name="api-transactions"),
    path("proposals/", ProposalList.as_view(), name="api-proposals"),
    path("proposals/<uuid:public_id>/", ProposalRead.as_view(), name="api-proposal"),
    re_path("", NoSuchAddress.as_view(), name="api-nothing"),
]
