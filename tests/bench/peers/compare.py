"""Runs the program and PyTorch in turns and prints how many times as fast it is. A shared machine is
faster in one minute than in the next, so each is set beside the FMA peak measured in its own process
along its steps; the ratio is that of these shares, within a round: its median over the rounds, with
the least and the largest."""
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
AT_LEAST = {"XS": (1.7, 0.66), "S": (1.6, 0.73), "M": (1.35, 0.84), "L": (1.12, 0.86)}


def output(command, environment):
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout


def peer(size, variant, threads, peak, environment):
    script = [sys.executable, os.path.join(HERE, "pytorch_gpt.py"), size, variant]
    return json.loads(output(script + ["--threads", str(threads), "--peak", peak], environment))


def middle(runs, name):
    return statistics.median(run[name] for run in runs)


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} .. {max(values):.{digits}f})"


def main():
    program, peak, threads, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    sizes = sys.argv[5:]
    plain = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    # memory kept rather than given back, in huge pages
    tuned = dict(plain)
    if os.environ.get("JEMALLOC"):
        tuned["LD_PRELOAD"] = os.environ["JEMALLOC"]
        tuned["MALLOC_CONF"] = "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1"
    print(f"{threads} thread{'s' * (threads > 1)}, {rounds} rounds; medians; tokens/s, and share of the FMA peak")
    print("size  lrsearch                      eager        traced       times the faster   at least")
    for size in sizes:
        ours, eager, traced, ratios = [], [], [], []
        for turn in range(rounds):
            print(f"{size}: round {turn + 1} of {rounds}", file=sys.stderr)
            bench = [program, "bench", "train", "--size", size, "--threads", str(threads), "--json"]
            result = json.loads(output(bench, plain))["sizes"][0]
            eager.append(peer(size, "eager", threads, peak, tuned))
            traced.append(peer(size, "traced", threads, peak, tuned))
            ours.append(result)
            best = max(eager[-1]["share_of_peak"], traced[-1]["share_of_peak"])
            ratios.append(result["share_of_peak"] / best)
        wanted = f"{AT_LEAST[size][0]}x, {AT_LEAST[size][1]}" if threads == 1 else ""
        print(
            f"{size:4} {middle(ours, 'tokens_per_s'):9.0f}"
            f" {spread([run['share_of_peak'] for run in ours], 2)}"
            f" {middle(eager, 'tokens_per_s'):7.0f} {middle(eager, 'share_of_peak'):.2f}"
            f" {middle(traced, 'tokens_per_s'):7.0f} {middle(traced, 'share_of_peak'):.2f}"
            f"  {spread(ratios, 2)}  {wanted}",
            flush=True,
        )


main()
