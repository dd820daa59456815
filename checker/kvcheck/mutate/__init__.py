"""Mutants of a design: what is noticed when one conjunct is taken away."""

from kvcheck.mutate.judge import Judgement, Notice, judge
from kvcheck.mutate.mutants import Mutant, guard_mutants, property_mutants

__all__ = ["Judgement", "Mutant", "Notice", "guard_mutants", "judge", "property_mutants"]
