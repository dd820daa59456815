"""How many histories of 200 calls are made and judged a minute, on one core.

Held fixed: three threads, 4 + 2 blocks, four keys, seeds 0 to 199; CPU time of the process, median
of five rounds. The right manager must hold in each round, or there is no figure.
"""

from __future__ import annotations

import time
from statistics import median

from kvcheck.linear.block import BlockContract
from kvcheck.linear.campaign import Where, history_of
from kvcheck.linear.drive import Program
from kvcheck.linear.judge import judge
from kvcheck.verdict import Outcome

ROUNDS, HISTORIES = 5, 200


def measured(where: Where) -> tuple[float, float]:
    """Histories a CPU minute: made and judged, and judged alone."""
    contract = BlockContract()
    both, alone = [], []
    for _ in range(ROUNDS):
        began = time.process_time()
        histories = [history_of(Program(seed=n), where) for n in range(HISTORIES)]
        made = time.process_time()
        verdicts = [judge(history, contract).verdict for history in histories]
        ended = time.process_time()
        assert all(v.outcome is Outcome.HOLDS for v in verdicts), "the figure would mean nothing"
        both.append(60 * HISTORIES / (ended - began))
        alone.append(60 * HISTORIES / (ended - made))
    return median(both), median(alone)


def main() -> None:
    """Print a row for each kind of threads."""
    for where in Where:
        both, alone = measured(where)
        print(
            f"{where.value:8} {both:8,.0f} histories a minute made and judged, {alone:9,.0f} judged"
        )


if __name__ == "__main__":
    main()
