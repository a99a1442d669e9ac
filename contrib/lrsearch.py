"""Ask lrsearch for trials and tell it their results, from any Python program or scheduler.

    import lrsearch
    trials = lrsearch.ask("logs/mine", plan="mine.yaml", n=4)
    for t in trials:
        lrsearch.tell("logs/mine", t, loss=train(lr=t["lr"], tokens=t["tokens"], seed=t["seed"]))
    print(lrsearch.result("logs/mine")["target"]["lr"])

Each function runs the `lrsearch` program, found in $LRSEARCH or PATH. Calls may come from any number
of processes at once, on any host that sees the run's directory. Needs Python 3.9, nothing else.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from typing import Any, Iterable, Mapping, Optional, Union

Path = Union[str, "os.PathLike[str]"]
Trial = dict[str, Any]

# Statuses of a finished campaign, not errors: not identified, budget used up, drift.
_ANSWERS = (0, 3, 4, 7)


class LrsearchError(RuntimeError):
    """lrsearch refused or failed; `status` is its exit status, the text says why."""

    def __init__(self, text: str, status: int):
        super().__init__(text)
        self.status = status


class Trials(list):
    """Trials to train, and the campaign's `state`: open, waiting or finished."""

    state: str = "open"
    out: int = 0  # handed out and not told yet, these included
    result: Optional[dict[str, Any]] = None  # the answer once it is finished


def _run(command: str, options: list[str], operands: list[Path], stdin: str = "",
         good: Iterable[int] = (0,)) -> dict[str, Any]:
    program = os.environ.get("LRSEARCH") or "lrsearch"
    words = [program, command, *options, "--json", "--", *map(os.fspath, operands)]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode not in good:
        text = done.stderr.strip() or f"exit status {done.returncode}"
        raise LrsearchError(text, done.returncode)
    return json.loads(done.stdout)


def ask(run_dir: Path, plan: Optional[Path] = None, n: int = 1, *,
        again_after: Optional[str] = None, sets: Optional[Mapping[str, Any]] = None) -> Trials:
    """Up to `n` trials to train, each a dict: trial, attempt, lr, tokens, seed, ... and, for a plan
    of trainer.kind command, argv, env and cwd.

    The first call needs the plan and begins the campaign; the same call later goes on with it.
    again_after ("6h"): what was handed out so long ago and not told is handed out again. sets:
    keys of the plan to override. An empty list with state "waiting": results must be told first.
    """
    options = [f"--count={n}"]
    if again_after is not None:
        options.append(f"--again-after={again_after}")
    options += [f"--set={key}={value}" for key, value in (sets or {}).items()]
    operands = [run_dir] if plan is None else [run_dir, plan]
    reply = _run("ask", options, operands, good=_ANSWERS)
    trials = Trials(reply["trials"])
    trials.state, trials.out, trials.result = reply["state"], reply["out"], reply["result"]
    return trials


def tell(run_dir: Path, trial: Union[int, Trial], *, loss: Optional[float] = None,
         diverged: bool = False, failed: Optional[str] = None, attempt: Optional[int] = None,
         loss_se: Optional[float] = None, tokens: Optional[int] = None,
         seconds: Optional[float] = None,
         curve: Optional[Iterable[tuple[int, float]]] = None) -> str:
    """Record a trial's result: its final loss (nan: it diverged), diverged=True, or failed="why".

    `trial` is what ask() gave, or its number. To tell the same twice does no harm; another result
    for a trial that has ended raises LrsearchError. curve: (tokens, training loss) pairs; nan
    and inf are left out. Returns the campaign's state, "open" or "finished".
    """
    if isinstance(trial, dict):
        attempt = trial["attempt"] if attempt is None else attempt
        trial = trial["trial"]
    options = [f"--trial={trial}"]
    # whatever a program has printed, as a word of a command line
    reason = failed if failed is None else failed[:1000].replace("\0", " ")
    # numbers may be those of numpy or torch
    for name, value, kind in (("attempt", attempt, int), ("loss", loss, float),
                              ("loss-se", loss_se, float), ("tokens", tokens, int),
                              ("seconds", seconds, float), ("failed", reason, str)):
        if value is not None:
            options.append(f"--{name}={kind(value)!s}")
    if diverged:
        options.append("--diverged")
    lines = "".join(json.dumps({"tokens": int(t), "loss": float(x)}) + "\n"
                    for t, x in curve or () if math.isfinite(x))
    if lines:
        options.append("--curve=-")
    return _run("tell", options, [run_dir], stdin=lines)["state"]


def report(run_dir: Path) -> str:
    """Write RUN_DIR/report.html from the results so far; returns its path."""
    return _run("report", [], [run_dir])["report"]


def result(run_dir: Path) -> Optional[dict[str, Any]]:
    """The answer of a finished campaign, as in result.json; None: it is not finished."""
    try:
        with open(os.path.join(os.fspath(run_dir), "result.json"), encoding="utf-8") as file:
            answer = json.load(file)
    except FileNotFoundError:
        return None
    return answer if answer["status"] != "interrupted" else None
