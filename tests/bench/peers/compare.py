"""Runs the program and PyTorch in turns and prints how many times as fast it is: the median over
the rounds of the ratio within a round, with the least and the largest."""
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


def peer(size, variant, threads, environment):
    script = [sys.executable, os.path.join(HERE, "pytorch_gpt.py"), size, variant]
    return json.loads(output(script + ["--threads", str(threads)], environment))["tokens_per_s"]


def spread(values, digits):
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} .. {max(values):.{digits}f})"


def main():
    program, threads, rounds, sizes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    plain = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads))
    # memory kept rather than given back, in huge pages
    tuned = dict(plain)
    if os.environ.get("JEMALLOC"):
        tuned["LD_PRELOAD"] = os.environ["JEMALLOC"]
        tuned["MALLOC_CONF"] = "thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1"
    print(f"{threads} thread{'s' * (threads > 1)}, {rounds} rounds; tokens/s are medians")
    print("size   lrsearch  of FMA peak          eager   traced  times the faster    at least")
    for size in sizes:
        ours, shares, eager, traced, ratios = [], [], [], [], []
        for turn in range(rounds):
            print(f"{size}: round {turn + 1} of {rounds}", file=sys.stderr)
            bench = [program, "bench", "train", "--size", size, "--threads", str(threads), "--json"]
            result = json.loads(output(bench, plain))["sizes"][0]
            eager.append(peer(size, "eager", threads, tuned))
            traced.append(peer(size, "traced", threads, tuned))
            ours.append(result["tokens_per_s"])
            shares.append(result["share_of_peak"])
            ratios.append(ours[-1] / max(eager[-1], traced[-1]))
        wanted = f"{AT_LEAST[size][0]}x, {AT_LEAST[size][1]}" if threads == 1 else ""
        print(
            f"{size:4} {statistics.median(ours):10.0f}  {spread(shares, 2)}"
            f" {statistics.median(eager):8.0f} {statistics.median(traced):8.0f}"
            f"  {spread(ratios, 2)}  {wanted}",
            flush=True,
        )


main()
