#!/bin/sh
# plans/nightly.sbatch under Slurm: a night and its exit status, a drift with its mail, and a night
# that its time limit interrupts. (interruptions.sh has plans/preemptible.sbatch.)
. "${LRSEARCH_SOURCE_DIR:?}/tests/slurm/slurm_lib.sh"

cat >night.yaml <<'END'
version: 1
name: night
trainer: {kind: simulate}
simulate: {noise: 0.001}
search: {lr: [1e-3, 6.4e-2], horizons: [1M, 2M, 4M], resolution: 0.5}
target: {tokens: 16M}
baseline: previous
END

submit --ntasks=2 "$LRSEARCH_SOURCE_DIR/plans/nightly.sbatch" night.yaml
expect_job COMPLETED 0:0 120
night=$(echo logs/nightly-????-??-??)
expect_file "$night/result.json" "$night.err"
grep -q '^lrsearch: summary {' "nightly-$job.log" || fail "no summary"

mv "$night" logs/nightly-2000-01-01
"$LRSEARCH" history --rebuild >/dev/null 2>&1
mkdir bin
printf '#!/bin/sh\n{ echo "$*"; cat; } >"%s/mail.txt"\n' "$work" >bin/mail
chmod +x bin/mail
export PATH="$work/bin:$PATH" LRSEARCH_MAIL=someone
submit --ntasks=2 "$LRSEARCH_SOURCE_DIR/plans/nightly.sbatch" night.yaml --set simulate.lr=2.4e-2
expect_job FAILED 7:0 120
grep -q 'has moved someone' mail.txt || fail "no mail"
grep -q '^{"name":"night","status":"identified","exit":7' mail.txt || fail "no summary in the mail"

mv "$night" logs/nightly-2000-01-02
slow_plan slow.yaml
submit --ntasks=2 --time=1 --signal=B:USR1@45 "$LRSEARCH_SOURCE_DIR/plans/nightly.sbatch" slow.yaml
expect_job FAILED 75:0 120
grep -q 'interrupted someone' mail.txt || fail "no mail of the interruption"
