"""Trials as jobs of Slurm through submitit (pip install submitit; without Slurm: --local).

    python3 submitit_example.py RUN_DIR PLAN [--local]   (a plan with trainer.kind: command)

Each job runs the command that lrsearch made for its trial; the last line of its output must be the
final loss. This process only submits jobs and tells their results. It may be killed and started
again: after `--again-after` its trials are handed out once more.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import time

import lrsearch

AT_ONCE = 8
POLL_S = 5.0


def train(trial: lrsearch.Trial) -> float:
    """Runs in the job: the trial's command, and the loss that it prints last."""
    done = subprocess.run(trial["argv"], env={**os.environ, **trial["env"]}, cwd=trial["cwd"],
                          stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def tell(run_dir: str, trial: lrsearch.Trial, job) -> None:
    try:
        loss = job.result()
    except Exception as error:  # the job failed, was preempted too often, or ran out of time
        lrsearch.tell(run_dir, trial, failed=str(error).splitlines()[-1][:200] or "the job failed")
    else:
        lrsearch.tell(run_dir, trial, loss=loss if math.isfinite(loss) else math.nan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir")
    parser.add_argument("plan")
    parser.add_argument("--local", action="store_true")
    parser.add_argument("--again-after", default="1d")
    options = parser.parse_args()
    import submitit  # only this example needs it

    executor = submitit.AutoExecutor(folder=os.path.join(options.run_dir, "submitit"),
                                     cluster="local" if options.local else None)
    executor.update_parameters(timeout_min=240, cpus_per_task=8, name="lrsearch")
    jobs: list = []
    while True:
        trials = lrsearch.ask(options.run_dir, options.plan, n=max(1, AT_ONCE - len(jobs)),
                              again_after=options.again_after) if len(jobs) < AT_ONCE else []
        jobs += [(t, executor.submit(train, t)) for t in trials]
        if getattr(trials, "state", "open") == "finished":
            print(trials.result["status"], trials.result["target"]["lr"])
            return
        for trial, job in [pair for pair in jobs if pair[1].done()]:
            jobs.remove((trial, job))
            tell(options.run_dir, trial, job)
        time.sleep(POLL_S)


if __name__ == "__main__":
    main()
