#!/bin/sh
# 64 tasks on two nodes of Slurm, by mpirun and by srun --mpi=pmix: the answer of one process.
# Without PMIx srun starts as many processes of one rank: that is said at once, by one of them. A
# batch script that starts no ranks is one process.
. "${LRSEARCH_SOURCE_DIR:?}/tests/slurm/slurm_lib.sh"

cat >simulate.yaml <<'END'
version: 1
name: simulate
trainer: {kind: simulate}
simulate: {noise: 0.001}
search: {lr: [1e-3, 3e-1], horizons: [32k, 64k, 128k], policy: grid}
target: {tokens: 1M}
END
run "$LRSEARCH" simulate.yaml --run-dir whole
expect_status 0

cat >job.sh <<'END'
#!/bin/sh
#SBATCH --output=ranks-%j.log
exec "$@"
END

submit --nodes=2 --ntasks=64 job.sh build/lrsearch run simulate.yaml -n auto --run-dir mpirun
expect_job COMPLETED 0:0 240
expect_same_result whole/result.json mpirun/result.json
grep -q '"event":"session".*"ranks":64' mpirun/journal.jsonl || fail "not 64 ranks: $(logs)"

submit --nodes=2 --ntasks=64 job.sh srun --mpi=pmix build/lrsearch simulate.yaml --run-dir pmix
expect_job COMPLETED 0:0 240
expect_same_result whole/result.json pmix/result.json
grep -q '"event":"session".*"ranks":64' pmix/journal.jsonl || fail "not 64 ranks: $(logs)"

# ---- ranks that MPI does not see ----

submit --ntasks=8 job.sh srun --mpi=none build/lrsearch simulate.yaml --run-dir none
wait_for_job "$job" 60
[ "$state $code" = "FAILED 69:0" ] || fail "srun without PMIx: $state $code: $(logs)"
text="MPI sees one rank, Slurm started 8: use srun --mpi=pmix or mpirun"
[ "$(grep -cF "$text" "ranks-$job.log")" -eq 1 ] || fail "said by none or by many: $(logs)"
[ ! -e none ] || fail "files of a campaign that did not begin"

submit --ntasks=8 job.sh srun --mpi=pmi2 build/lrsearch simulate.yaml --run-dir pmi2
wait_for_job "$job" 60
[ "$state $code" = "FAILED 69:0" ] || fail "srun --mpi=pmi2: $state $code: $(logs)"
text="Slurm started 8 ranks with --mpi=pmi2, which Open MPI does not speak: use srun --mpi=pmix or mpirun"
[ "$(grep -cF "$text" "ranks-$job.log")" -eq 1 ] || fail "said by none or by many: $(logs)"
[ ! -e pmi2 ] || fail "files of a campaign that did not begin"

# ---- one process: in a batch script, in a step of one task, and in each of several by -n 1 ----

submit --ntasks=8 job.sh build/lrsearch simulate.yaml --run-dir alone
expect_job COMPLETED 0:0 60
expect_same_result whole/result.json alone/result.json
submit --ntasks=8 job.sh srun --mpi=none --ntasks=1 build/lrsearch simulate.yaml --run-dir step
expect_job COMPLETED 0:0 60
expect_same_result whole/result.json step/result.json
# shellcheck disable=SC2016 # for the shell of each task
submit --ntasks=2 job.sh srun --mpi=none sh -c \
    'exec build/lrsearch run simulate.yaml -n 1 --run-dir "each-$SLURM_PROCID"'
expect_job COMPLETED 0:0 60
expect_same_result whole/result.json each-0/result.json
expect_same_result whole/result.json each-1/result.json
