#!/bin/sh
# Every kind of trainer on four ranks, with what happens in real campaigns: attempts that fail,
# cells, a wsd prefix that horizons share, a worker that is killed, a signal. Each ends with the
# result of one process. Under the sanitizers every finding in any rank fails (cli_lib.sh).
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
mpi_environment
limit_s=240

cat >simulate.yaml <<'END'
version: 1
name: simulate
trainer: {kind: simulate}
simulate: {crash: 0.2, ratio_curvature: 0.01}
model: {d_model: [64, 128], n_layers: 2, vocab: [512, 1024], embedding_lr_ratio: [0.25, 16]}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M]}
target: {tokens: 16M}
budget: {trials: 40}
on_fail: {retries: 20}
limits: {max_failures: 1000}
END
replay_plan
cat >train.sh <<'END'
#!/bin/sh
[ "$LRSEARCH_TRIAL.$LRSEARCH_ATTEMPT" != 2.1 ] || kill -KILL $$
[ "$LRSEARCH_TRIAL.$LRSEARCH_ATTEMPT" != 3.1 ] || exit 3
awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    for (k = 1; k <= 8; k++)
        printf "{\"tokens\": %d, \"loss\": %.6f}\n", int(d * k / 8), 4 - k / 8
    printf "{\"tokens\": %d, \"loss\": %.17g, \"final\": true}\n", d, 2 + .02 * t * t
}' >&"$LRSEARCH_REPORT_FD"
END
chmod +x train.sh
cat >command.yaml <<'END'
version: 1
name: command
trainer: {kind: command, argv: [./train.sh]}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M]}
target: {tokens: 16M}
END
small="search: {lr: [1e-3, 3e-1], horizons: [4k, 8k], policy: grid, resolution: 2}"
tiny_plan wsd.yaml "name: wsd" "$small" \
    "training: {batch_tokens: 64, schedule: wsd, warmup_steps: 5, cooldown: 0.2}"
tiny_plan cells.yaml "name: cells" "$small" "budget: {trials: 12}" \
    "model: {arch: llama, d_model: [16, 32], n_layers: 1, n_heads: 2, context: 16, vocab: 64, parametrization: mup}"

for name in simulate replay command wsd cells; do
    run "$LRSEARCH" $name.yaml --run-dir logs/$name
    whole_status=$status
    run_mpi 4 $name.yaml --run-dir logs/$name-4
    expect_status "$whole_status"
    expect_same_result logs/$name/result.json logs/$name-4/result.json
    run_mpi 4 $name.yaml --run-dir logs/$name-4 # finished: it answers at once
    expect_status "$whole_status"
done

# Killed in the midst, and stopped by a signal: wsd, whose ranks share states.
tiny_plan long.yaml "name: long" "search: {lr: [1e-3, 3e-1], horizons: [16k, 32k], policy: grid, resolution: 2}" \
    "training: {batch_tokens: 64, schedule: wsd, warmup_steps: 5, cooldown: 0.2}" \
    "limits: {silence: 60s, checkpoint_every: 1s}"
run "$LRSEARCH" long.yaml --run-dir logs/long
whole_status=$status
for how in kill signal; do
    rm -f "$LRSEARCH_EXIT_FILE"
    # shellcheck disable=SC2046 # words
    start $(mpi_command 4) "$LRSEARCH" long.yaml --run-dir logs/long-$how
    wait_for_events logs/long-$how/journal.jsonl ended 2 120
    case $how in
    kill) kill -KILL "$(rank_pid "$pid" 2)" ;;
    signal) kill -USR1 "$(rank_pid "$pid" 0)" ;;
    esac
    wait_gone "$pid" 240 || fail "$how: mpirun did not end"
    run_mpi 4 long.yaml --run-dir logs/long-$how
    expect_status "$whole_status"
    expect_same_result logs/long/result.json logs/long-$how/result.json
done
