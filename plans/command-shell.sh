#!/bin/sh
# A program for plans/command-shell.yaml: shows what a trainer is told and what it has to say, and
# trains something tiny. Weights w with curvatures 1, 1/2, 1/3, ... are pulled to 0 by gradients
# with noise, with a cosine schedule down to a tenth; a step stands for 1000 tokens. Too low an LR
# does not arrive, too high a one keeps the noise, above 2 it diverges.
set -eu
echo "trial $LRSEARCH_TRIAL, attempt $LRSEARCH_ATTEMPT: lr $LRSEARCH_LR, $LRSEARCH_TOKENS tokens" >&2

awk -v lr="$LRSEARCH_LR" -v tokens="$LRSEARCH_TOKENS" -v seed="$LRSEARCH_SEED" '
function noise(    i, sum) { # nearly normal; of our own, for awks differ
    for (i = sum = 0; i < 12; i++) {
        state = (state * 16807) % 2147483647
        sum += state / 2147483647
    }
    return sum - 6
}
function loss(    i, sum) {
    for (i = 1; i <= 30; i++) sum += w[i] * w[i] / i / 2
    return 2 + sum / 10
}
function report(final) { # on the descriptor; a line is one JSON object
    printf "{\"tokens\": %d, \"loss\": %s%s}\n", step * 1000, l < 1e6 ? sprintf("%.9g", l) : "NaN", final
    fflush()
}
BEGIN {
    state = seed * 7919 % 2147483646 + 1
    for (i = 1; i <= 30; i++) w[i] = 1
    steps = int(tokens / 1000)
    for (step = 1; step <= steps; step++) {
        rate = lr * (0.55 + 0.45 * cos(3.14159265358979 * (step - 1) / steps))
        for (i = 1; i <= 30; i++) w[i] -= rate * (w[i] + noise() * 1.5) / i
        l = loss()
        if (step % 50 == 0 || l >= 1e6) report("")
        if (l >= 1e6) exit # NaN was told: diverged
    }
    step = steps
    report(", \"final\": true")
}' >&"$LRSEARCH_REPORT_FD"
