#!/bin/sh
# docs/your-script.md: an unchanged script of each kind goes from nothing to an answer with two
# commands and no failed attempt, and the known best learning rate lies in the answer's interval.
# your_script.sh KIND: a plan of plans/recipes, or "page" for the recipes of the page.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures
command -v python3 >/dev/null 2>&1 || skip "needs python3"
scripts=$LRSEARCH_SOURCE_DIR/tests/cli/scripts
recipes=$LRSEARCH_SOURCE_DIR/plans/recipes
export PATH="$work/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
mkdir bin project
cp "$scripts/torchrun" "$scripts/conda" "$scripts/apptainer" bin
ln -s "$(python3 -c 'import sys; print(sys.executable)')" bin/python3 # itself, not a version manager's
cd project || exit 1
cp "$scripts/surface.py" .

program() # STAND-IN NAME: the script as its project calls it
{
    cp "$scripts/$1" "$2"
}

no_failures() # RUN
{
    [ ! -e "$1/faults.csv" ] || fail "$(cat "$1/faults.csv")"
}

answered() # RUN: without a failed attempt, and right
{
    expect_status 0
    expect_json identified "$1/result.json" status
    no_failures "$1"
    python3 - "$1/result.json" <<'END' || fail "the best learning rate is not in the interval"
import json, sys
sys.path.insert(0, ".")
import surface
target = json.load(open(sys.argv[1]))["target"]
best = surface.best_lr(target["tokens"])
print(f"best {best:.3g}, found {target['lr']:.3g}, 90 % {target['ci90']}")
sys.exit(not target["ci90"][0] <= best <= target["ci90"][1])
END
}

two_commands() # NAME [RUN-ARGUMENT...]: with the plan as it is shipped
{
    plan=$1
    shift
    cp "$recipes/$plan.yaml" .
    run "$LRSEARCH" check "$plan.yaml" --try
    expect_status 0
    run "$LRSEARCH" run "$plan.yaml" "$@"
    answered "logs/$plan"
    grep -q ',diverged,' "logs/$plan/trials.csv" || fail "no learning rate diverges"
}

case $1 in
nanogpt)
    program nanogpt.py train.py
    two_commands nanogpt
    [ -d out/worker-0 ] || fail "no output folder of worker 0"
    ;;
hf-trainer)
    program run_clm.py run_clm.py
    two_commands hf-trainer
    expect_file out/trial-1.1/trainer_state.json
    ;;
megatron)
    program pretrain_gpt.py pretrain_gpt.py
    two_commands megatron
    ;;
lightning)
    program lightning_main.py main.py
    two_commands lightning
    expect_file out/trial-1/version_1/metrics.csv
    ;;
torchrun) # two at a time, each with a port of its own
    program nanogpt.py train.py
    two_commands torchrun --set trainer.concurrent_trials=2
    [ -d out/worker-1 ] || fail "there was no second worker"
    ;;
init)
    program plain.py train.py
    run "$LRSEARCH" plan init --command "python3 train.py --lr {lr} --steps {steps}" -o fast.yaml
    expect_status 0
    run "$LRSEARCH" check fast.yaml --json # no target is too long for a plan
    expect_status 0
    run "$LRSEARCH" plan init --command "python3 train.py --lr {lr} --steps {steps}" --lr 2e-3 \
        --batch-tokens 64Ki --target-tokens 64Mi -o mine.yaml # at its speed all lengths fit the time
    expect_status 0
    run "$LRSEARCH" run mine.yaml
    answered logs/mine
    ;;
page)
    program plain.py train.py
    python3 -m venv --without-pip .venv || skip "python3 has no venv"
    : >image.sif
    printf 'module() { [ "$1 $2" = "load cuda" ] && export CUDA_HOME=/opt/cuda; }\n' >.bash_profile
    export HOME="$PWD"
    count=0
    for name in $(sed -n 's/^<!-- recipe: \(.*\) -->$/\1/p' "$LRSEARCH_SOURCE_DIR/docs/your-script.md"); do
        awk -v wanted="<!-- recipe: $name -->" '
            /^[^ ]/ { inside = $0 == wanted } # the indented block behind the line
            inside && /^    / { print substr($0, 5) }' "$LRSEARCH_SOURCE_DIR/docs/your-script.md" >"$name.yaml"
        cat >>"$name.yaml" <<END
version: 1
name: $name
training: {batch_tokens: 64Ki}
search: {lr: [1e-4, 3e-2], horizons: [16Mi, 32Mi, 64Mi]}
target: {tokens: 1Gi}
END
        run "$LRSEARCH" run "$name.yaml" --set budget.trials=2
        expect_status 4
        no_failures "logs/$name"
        [ "$(grep -c ',done,' "logs/$name/trials.csv")" -eq 2 ] || fail "$name: no two losses"
        count=$((count + 1))
    done
    [ "$count" -eq 5 ] || fail "the page has $count recipes"
    grep -qx 'lr0.000[0-9]*-t16777216 my-campaign' wandb.txt || fail "W&B is told $(head -n 1 wandb.txt)"
    ;;
*) fail "no such kind: $1" ;;
esac
