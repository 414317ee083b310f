"""Attacks through documents: how often they succeed, by kind, with and without the defences (docs/security.md)."""

from evals.attacks.run import AttackRequest, FinishedAttacks, run_attacks
from evals.attacks.screening import exposure, render_exposure
from evals.attacks.table import render_attacks

__all__ = ["AttackRequest", "FinishedAttacks", "exposure", "render_attacks", "render_exposure", "run_attacks"]
