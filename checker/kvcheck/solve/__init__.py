"""Proof and bounded checking with Z3; importing the room does not load Z3, solving does."""

from kvcheck.solve.answer import Answer
from kvcheck.solve.engines import EverySize, InductionEngine, StatedSize
from kvcheck.solve.obligations import Obligation, ObligationKind, proof_plan, vacuity_plan
from kvcheck.solve.options import Logic, SolveOptions
from kvcheck.solve.parallel import Fault
from kvcheck.solve.proof_cache import ProofCache
from kvcheck.solve.prove import Broken, PropertyResult, ProveOptions, ProveResult, prove
from kvcheck.solve.stages import Bounded, Induction, KInduction
from kvcheck.solve.strategy import Settled, Stage, settle_in_order
from kvcheck.solve.vacuity import VacuityResult, check_for_vacuity

__all__ = [
    "Answer",
    "Bounded",
    "Broken",
    "EverySize",
    "Fault",
    "Induction",
    "InductionEngine",
    "KInduction",
    "Logic",
    "Obligation",
    "ObligationKind",
    "ProofCache",
    "PropertyResult",
    "ProveOptions",
    "ProveResult",
    "Settled",
    "SolveOptions",
    "Stage",
    "StatedSize",
    "VacuityResult",
    "check_for_vacuity",
    "proof_plan",
    "prove",
    "settle_in_order",
    "vacuity_plan",
]
