#!/usr/bin/env python3
"""Reads lines "PRECISION SEED LR LOSS", passes them on, and prints where each precision's parabola in
log2 LR has its vertex: of the mean losses, and, for the standard error, of each seed's."""
import sys
from math import log2, sqrt
from statistics import stdev

losses = {}
for line in sys.stdin:
    print(line, end="", flush=True)
    precision, seed, lr, loss = line.split()
    losses.setdefault(precision, {}).setdefault(seed, {})[log2(float(lr))] = float(loss)


def vertex(curve):
    """Least squares in polynomials of degree 1 and 2 that are orthogonal on the LRs."""
    xs = list(curve)
    middle = sum(xs) / len(xs)
    one = {x: x - middle for x in xs}
    square = sum(v * v for v in one.values())
    skew = sum(v ** 3 for v in one.values()) / square
    two = {x: v * v - skew * v - square / len(xs) for x, v in one.items()}
    b = sum(curve[x] * one[x] for x in xs) / square
    a = sum(curve[x] * two[x] for x in xs) / sum(v * v for v in two.values())
    return middle + (a * skew - b) / (2 * a)


def mean(curves):
    return {t: sum(c[t] for c in curves) / len(curves) for t in curves[0]}


best, each = {}, {}
for precision, seeds in losses.items():
    average = mean(list(seeds.values()))
    best[precision] = vertex(average)
    each[precision] = [vertex(curve) for curve in seeds.values()]
    print(f"{precision}: best LR {2 ** best[precision]:.3g}; mean losses",
          *(f"{average[t]:.4f}" for t in sorted(average)))
apart = [b - a for a, b in zip(each["fp32"], each["bf16"])]
spread = stdev(apart) / sqrt(len(apart)) if len(apart) > 1 else float("nan")
print(f"bf16's best LR is {best['bf16'] - best['fp32']:+.3f} octaves from fp32's "
      f"(standard error {spread:.3f})")
