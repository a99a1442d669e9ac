#!/bin/sh
# contrib/optuna_bridge.py: Optuna itself reads what it exports; what it imports gives the prior
# that the run's own table gives; what is no run, no study or no storage is told in one line.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

python=/usr/bin/python3 # for which Debian's packages are
$python -c 'import optuna' 2>/dev/null || skip "needs python3-optuna"

bridge() # ARGUMENT...
{
    run $python "$LRSEARCH_SOURCE_DIR/contrib/optuna_bridge.py" "$@"
    expect_err_lines 1
    ! grep -q "$(printf '[\001-\010\013-\037]')" err || fail "control characters on the terminal"
}
told() # STATUS TEXT ARGUMENT...
{
    wanted=$1
    text=$2
    shift 2
    bridge "$@"
    expect_status "$wanted"
    expect_out_empty
    expect_err "optuna_bridge.py: $text"
}
prior() # TABLE FILE ARGUMENT...: the prior of TABLE goes to FILE
{
    table=$1
    file=$2
    shift 2
    run "$LRSEARCH" import csv "$table" --json "$@"
    expect_status 0
    mv out "$file"
}

mkdir runs
run "$LRSEARCH" "$LRSEARCH_SOURCE_DIR/plans/simulate.yaml" --run-dir runs/sim -q
expect_status 0
run "$LRSEARCH" export runs/sim --format csv -o out.csv
expect_status 0
trials=$(($(wc -l <runs/sim/trials.csv) - 1)) # how many the search takes is its own affair
chmod -R a-w runs/sim
ls -lR --time-style=full-iso runs/sim >before

# ---- there and back, by a journal and by a database ----
told 0 "study.log: $trials trials as study simulate" export runs/sim study.log
told 0 "sqlite:///study.db: $trials trials as study simulate" export runs/sim sqlite:///study.db
run $python "$LRSEARCH_SOURCE_DIR/tests/cli/read_optuna.py" study.log out.csv written.log
expect_status 0
prior runs/sim/trials.csv own --columns tokens=horizon_tokens,loss=val_loss
told 0 "journal.csv: $trials trials of study simulate; read it by: lrsearch import csv journal.csv" \
    import study.log simulate -o journal.csv
chmod a-w study.log
told 0 "database.csv: $trials trials" import sqlite:///study.db simulate -o database.csv
cmp -s journal.csv database.csv || fail "the two storages differ"
prior journal.csv by_bridge
cmp -s own by_bridge || fail "the prior of the study is not that of the run"
told 0 "written.csv: $trials trials" import written.log again -o written.csv
prior written.csv by_optuna --columns tokens=budget
grep -q '"assumed": "tokens^' own || fail "the run's own table does not tell its optimizer"
grep -q '"assumed": null' by_optuna || fail "a study of Optuna's own tells no optimizer"
grep -v '"assumed"' own >own.prior
grep -v '"assumed"' by_optuna >by_optuna.prior
cmp -s own.prior by_optuna.prior || fail "the prior of a study that Optuna wrote is not that of the run"
run "$LRSEARCH" import csv journal.csv --where purpose=search
expect_status 0
expect_out "  prior_tokens: 4000000"
ls -lR --time-style=full-iso runs/sim >after
cmp -s before after || fail "export changed the run's directory"

# ---- a trial that diverged, one that waits, a parametrization that differs ----
cp -R runs/sim runs/mixed && chmod -R u+w runs/mixed
sed -e '2s/,done,/,diverged,/; 2s/,done,[^,]*,/,diverged,nan,/; 3s/,done,/,pending,/' \
    -e '3s/,done,.*/,,,,,,,,,,/; 4s/,sp,/,mup,/' runs/sim/trials.csv >runs/mixed/trials.csv
told 0 "mixed.log: $trials trials" export runs/mixed mixed.log
told 0 "mixed.csv: $((trials - 1)) trials" import mixed.log simulate -o mixed.csv
grep -q '^0,,0.0005,' mixed.csv || fail "a diverged trial has a loss"
grep -q '^2,.*,mup,' mixed.csv || fail "the parametrization is lost"

# ---- refused ----
told 2 "the following arguments are required: COMMAND"
told 2 "the following arguments are required: -o/--out" import study.log simulate
told 2 "unrecognized arguments: ?[31m" export runs/sim x "$(printf '\033[31m')"
told 65 "runs/trials.csv: no such file; name the directory of a finished run" export runs x
told 73 "study.log: is there already; name another, or remove it" export runs/sim study.log
told 73 "sqlite:///study.db: has a study simulate already" export runs/sim sqlite:///study.db
told 73 "nowhere/x: No such file or directory" export runs/sim nowhere/x
told 73 "sqlite:///nowhere/x: " export runs/sim sqlite:///nowhere/x
told 65 "nowhere: No such file or directory" import nowhere simulate -o x
told 65 "sqlite:///nowhere: nowhere: No such file or directory" import sqlite:///nowhere s -o x
told 65 "study.db: is an SQLite database; name it sqlite:///study.db" import study.db s -o x
told 65 "journal.csv: is no journal file of Optuna" import journal.csv s -o x
told 65 "runs: is no regular file" import runs s -o x
told 65 "sqlite:///study.log: is it whole, and a storage of Optuna's? " \
    import sqlite:///study.log simulate -o x
told 65 "study.log: there is no study ?[31m?x; there are: simulate" \
    import study.log "$(printf '\033[31m\nx')" -o x
told 73 "own: is there already; name another, or remove it" import study.log simulate -o own
told 73 "nowhere/x: No such file or directory" import study.log simulate -o nowhere/x
sed '2s/}}/}/' written.log >damaged
told 65 "damaged: is it whole, and a storage of Optuna's? " import damaged again -o x
$python - <<'END'
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
from optuna.storages import JournalFileStorage, JournalStorage
storage = JournalStorage(JournalFileStorage("up.log"))
optuna.create_study(study_name="up", storage=storage, direction="maximize").optimize(
    lambda trial: trial.suggest_float("lr", 0, 1), n_trials=1)
optuna.create_study(study_name="empty", storage=storage)
END
told 65 "up.log: study up maximizes its value; a loss is minimized" import up.log up -o x
told 65 "up.log: study empty: no trial has a loss" import up.log empty -o x

broken() # TEXT FILE SED: a copy of the run whose FILE is changed
{
    rm -rf runs/broken
    cp -R runs/sim runs/broken && chmod -R u+w runs/broken
    sed "$3" "runs/sim/$2" >"runs/broken/$2"
    told 65 "$1" export runs/broken broken.log
    [ ! -e broken.log ] || fail "a journal was left"
}
broken "runs/broken/trials.csv: has no column lr" trials.csv '1s/,lr,/,rate,/'
broken "runs/broken/trials.csv: has no trials" trials.csv '2,$d'
broken "runs/broken/trials.csv: row 1 does not have as many cells as the header" trials.csv '2s/,$//'
broken "trials.csv: trial 1: lr is no number: 'x\\x1b[31m'" trials.csv \
    "2s/,0.0005,/,x$(printf '\033')[31m,/"
broken "trials.csv: trial 1: lr is nan" trials.csv '2s/,0.0005,/,nan,/'
broken "runs/broken: ValueError: " trials.csv '2s/,0.0005,/,-1,/'
broken "trials.csv: trial 1000000" trials.csv "2s/^1,/1$(printf '%0400d' 0),/"
broken "trials.csv: trial 1: seconds is 1e300" trials.csv '2s/,[^,]*,\([^,]*,\)$/,1e300,\1/'
broken "runs/broken/plan.resolved.json: has no search.lr" plan.resolved.json \
    '/"lr": \[/,/\]/s/^ *[0-9][0-9.]*,$/NaN,/'
broken "trials.csv: trial 1: unknown state 'gone'" trials.csv '2s/,done,/,gone,/'
broken "runs/broken/result.json: JSONDecodeError: " result.json '1d'
broken "runs/broken/plan.resolved.json: has no search.lr" plan.resolved.json 's/"lr":/"rate":/'
broken "runs/broken/provenance.json: does not tell when" provenance.json 's/started_utc/begun/'
