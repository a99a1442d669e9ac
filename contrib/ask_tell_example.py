"""A whole campaign in one process, as in a notebook: ask, train, tell, until there is an answer.

    python3 ask_tell_example.py RUN_DIR PLAN     (a plan with trainer.kind: external)
"""

from __future__ import annotations

import math
import sys

import lrsearch


def train(lr: float, tokens: int) -> tuple[float, list[tuple[int, float]]]:
    """Stands for your training: its final validation loss, and its training losses on the way."""
    octaves = math.log2(lr / (8e-3 * (tokens / 1e6) ** -0.3))
    if octaves > 3.5:
        return math.nan, []
    final = 2.0 + 0.02 * octaves**2 + 0.5 * (tokens / 1e6) ** -0.2
    return final, [(tokens * k // 8, final + 1 - k / 8) for k in range(1, 9)]


def main(run_dir: str, plan: str) -> None:
    while True:
        trials = lrsearch.ask(run_dir, plan, n=4)
        if trials.state != "open":  # "waiting" comes only if other processes have trials
            break
        for t in trials:
            loss, curve = train(t["lr"], t["tokens"])
            lrsearch.tell(run_dir, t, loss=loss, curve=curve)
    if trials.result is None:
        sys.exit(f"other processes train {trials.out} trials; call again when they are done")
    target = trials.result["target"]
    print(f"{trials.result['status']}: learning rate {target['lr']:.3g} for {target['tokens']} tokens")
    print("report:", lrsearch.report(run_dir))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
