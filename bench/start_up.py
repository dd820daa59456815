"""What starting costs: `import kvspec`, and `kvproof --help` from the shell."""

from __future__ import annotations

import argparse
import statistics
import sys

from measure import (
    FAILED,
    KVPROOF,
    OK,
    PYTHON,
    ROUNDS,
    Sample,
    against,
    heading,
    median_cpu,
    median_wall,
    table,
    taken_in_turns,
    timed,
)

IMPORT = (
    "from time import perf_counter as now, process_time as cpu\n"
    "a, b = now(), cpu()\n"
    "import {module}\n"
    "print(now() - a, cpu() - b)\n"
)


def main() -> int:
    """Print both, and the import of the language and of everything that ships."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    heading("Start-up", fixed="bytecode compiled before, output in a pipe", rounds=rounds)
    modules = ["kvspec", "kvspec.lang", "kvspec.models", "kvspec.bugs"]

    def importing(module: str) -> Sample:
        return timed([PYTHON, "-c", IMPORT.format(module=module)])

    runs = [lambda module=module: importing(module) for module in modules]
    taken = taken_in_turns([*runs, lambda: timed([KVPROOF, "--help"])], rounds=rounds)
    if any(s.exit_code != 0 for each in taken for s in each):
        print("FAILED: something did not start")
        return FAILED
    rows, walls = [], []
    for module, samples in zip(modules, taken, strict=False):
        times = [tuple(map(float, s.output.split())) for s in samples]
        walls.append(statistics.median(wall for wall, _ in times))
        cpu = statistics.median(cpu for _, cpu in times)
        rows.append([f"import {module}", f"{walls[-1] * 1e3:.0f}", f"{cpu * 1e3:.0f}"])
    helped = median_wall(taken[-1])
    rows.append(["kvproof --help", f"{helped * 1e3:.0f}", f"{median_cpu(taken[-1]) * 1e3:.0f}"])
    table(["what", "wall ms", "CPU ms"], rows)
    spec = walls[0]
    print("- " + against(f"import kvspec under 50 ms (here {spec * 1e3:.0f})", met=spec < 0.05))
    says = f"kvproof --help under 400 ms (here {helped * 1e3:.0f})"
    print("- " + against(says, met=helped < 0.4) + "\n")
    return OK


if __name__ == "__main__":
    sys.exit(main())
