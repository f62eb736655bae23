"""The tables of rebalancing, one module a subject."""

from rebalancing.models.mandates import Mandate, MandateRule
from rebalancing.models.plans import ProposalFrontier, TransitionPlan
from rebalancing.models.policies import RebalanceBand, RebalanceLook, RebalancePolicy
from rebalancing.models.risk import (
    RiskFactor,
    RiskSetting,
    SuppliedCovariance,
    SuppliedLoading,
    SuppliedRisk,
    SuppliedSpecific,
)
from rebalancing.models.target_models import (
    ModelAssignment,
    ModelExit,
    ModelVersion,
    ModelVersionWeight,
    ModelWeight,
    ReturnView,
    TargetModel,
    VersionEffect,
)

__all__ = [
    "Mandate",
    "MandateRule",
    "ModelAssignment",
    "ModelExit",
    "ModelVersion",
    "ModelVersionWeight",
    "ModelWeight",
    "ProposalFrontier",
    "RebalanceBand",
    "RebalanceLook",
    "RebalancePolicy",
    "ReturnView",
    "RiskFactor",
    "RiskSetting",
    "SuppliedCovariance",
    "SuppliedLoading",
    "SuppliedRisk",
    "SuppliedSpecific",
    "TargetModel",
    "TransitionPlan",
    "VersionEffect",
]
