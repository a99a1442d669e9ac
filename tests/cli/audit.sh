#!/bin/sh
# A recipe's learning rate against published laws and a run's own; a run's answer carried elsewhere.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
empty_figures

expect_fits() # no line of stdout is longer than 80 characters
{
    ! grep -qE '^.{81}' "$work/out" || fail "stdout has a line of more than 80 characters"
}

expect_first() # TEXT: in the first sentence, which ends at the empty line
{
    text=$1 awk '/^$/ { exit } { all = all $0 " " }
        END { gsub(/  +/, " ", all); exit !index(all, ENVIRON["text"]) }' out ||
        fail "the first sentence does not say: $1"
}

expect_between() # LOW HIGH FILE KEY...
{
    low=$1
    high=$2
    shift 2
    found=$(json "$@") || fail "$*: not there"
    awk "BEGIN { exit !($found >= $low && $found <= $high) }" || fail "$*: $found is not in $low..$high"
}

# ---- LLaMA-1 7B: 3e-4 is 2.7 times too high for a batch of .5M tokens, which is not its own ----
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 6.74B
expect_status 0
expect_first "with a batch of 524k tokens, assumed as in Bjorck 2024, a learning rate of 3.0e-4 for"
expect_first "for 6.74B parameters and 1T tokens is about 2.74 times too high"
expect_first "; with a batch of 4.13M tokens, which Step Law recommends, the best is 5.9e-4 and the"
expect_first "and the recipe's cannot be told from the best (1.98 times below it): give --batch"
expect_said "times too high: by Bjorck 2024 the best is 1.1e-4 (90 % interval 6.7e-5 .. 1.8e-4)"
expect_said "cost about 0.03 nats of loss (90 % interval"
expect_said "by a published loss curve of 0.012 nats per octave^2, steeper above the best"
expect_said "use 1.1e-4; 0.365 times what the recipe has"
expect_said "decay the best for 148 tokens a parameter is 0.078 (AdamW; 1.084 (tokens / parameters)^-0.527"
expect_said "tau of published models: GPT-3 1.8, LLaMA 7B 0.13, Llama 2 7B 0.067"
expect_said "Step Law 2025 8.5e-4 1.79 N^-.713 D^.307, arXiv 2503.04715"
expect_said "does not apply: of its own batch, 4.13M tokens: give --batch to compare"
expect_said "Zhou 2026 - 38.46 N^-.222 D^-.351"
expect_said "6.74B parameters: 2.5 times the most that Bjorck 2024 was fitted on (2.7B)"
expect_said "Bjorck 2024 is of a batch of 524k tokens, and the best learning rate grows with the batch"
expect_said "the published rules disagree by a factor of 7.7, from 1.1e-4 (Bjorck 2024, batch 524k) to"
expect_fits
[ ! -s err ] || fail "audit has something to say"
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --json
expect_status 0
expect_json 1 out schema_version
expect_json 7000000000 out recipe params
expect_json "" out recipe batch_tokens # null: it was not given
expect_json 524288 out verdict batch_tokens
expect_json ON out verdict batch_assumed
expect_json 4125038 out verdict_at_best_batch batch_tokens
expect_json OFF out verdict_at_best_batch batch_assumed
expect_between 0.4 0.6 out verdict_at_best_batch factor
expect_between 1 1.2 out verdict_at_best_batch factor_ci90 1
expect_json cosine out recipe schedule
expect_json "Bjorck 2024" out verdict by
expect_between 1.05e-4 1.15e-4 out verdict lr
expect_between 2.7 2.8 out verdict factor
expect_between 1.5 1.8 out verdict factor_ci90 0
expect_between 0.005 0.027 out verdict loss_penalty_ci90 0
expect_between 0.027 0.2 out verdict loss_penalty_ci90 1
expect_json ON out laws 0 applies
expect_json OFF out laws 1 applies
expect_json "" out laws 0 why_not
expect_json "" out laws 1 lr
expect_json "" out runs
expect_json "Zhou 2026" out laws 4 name
expect_json "" out timescale tau # neither batch nor decay was given
expect_json "" out timescale weight_decay_published
expect_between 0.079 0.08 out timescale tau_published
[ ! -s err ] || fail "audit --json has something to say"

# The batch that it had: the rule for batches decides, and that is said.
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --batch 4M
expect_status 0
expect_first "a learning rate of 3.0e-4 for 7B parameters and 1T tokens cannot be told from the best"
expect_first "cannot be told from the best (1.92 times below it): by Bjorck 2024 the best is 5.7e-4"
expect_said "arXiv 2505.13738), a weight decay of 0.17" # 4M / (3e-4 x .079 x 1T)
expect_not_said "assumed as in"
expect_not_said "give --batch"
expect_said "where it says 1.1e-4 (the recipe would be 2.76 times too high); what it says here rests"
expect_said "rests on the square root rule for batches"
expect_said "Step Law 2025 8.3e-4 1.79 N^-.713 D^.307, arXiv 2503.04715, 215M .. 1.07B parameters, 4B .. 100B tokens; applies"
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --batch 4M --json
expect_json 4000000 out verdict batch_tokens
expect_json OFF out verdict batch_assumed
expect_json "" out verdict_at_best_batch

# Where the best batch is about the assumed one, there is nothing else to compare with.
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --batch 4M --weight-decay 0.1
expect_status 0
expect_said "decay tau = batch / (LR weight_decay tokens) is 0.13; the best for 143 tokens a parameter"
expect_fits
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --weight-decay 0.1
expect_said "decay tau needs the batch: give --batch; the best for"
run "$LRSEARCH" audit --lr 3e-4 --tokens 1T --params 7B --batch 4M --weight-decay 0.1 --json
expect_json 0.10000000000000001 out timescale weight_decay
expect_between 0.133 0.134 out timescale tau
run "$LRSEARCH" audit --lr 3e-4 --tokens 30B --params 1B
expect_first "(90 % interval 3.6e-4 .. 7.6e-4); a larger batch raises the best: give --batch"

# Too low, and another schedule.
run "$LRSEARCH" audit --lr 1e-5 --tokens 100B --params 1B --batch 524288 --schedule wsd --cooldown 0.1
expect_status 0
expect_said "is about 2"
expect_said "times too low: by Bjorck 2024"
expect_said "rests on a rule for schedules (arXiv 2602.07145)"
run "$LRSEARCH" audit --lr 1e-5 --tokens 100B --params 1B --schedule wsd --cooldown 0.1 --json
expect_json 0.10000000000000001 out recipe cooldown

# Where no rule applies: exit status 3, and each says why.
run "$LRSEARCH" audit --lr 1e-3 --tokens 100B --params 125M
expect_status 3
expect_said "no published rule applies to a learning rate of 1.0e-3 for 125M parameters and 100B tokens"
expect_said "smaller ones, like this of 125M, follow another rule"
expect_not_said "cost"
expect_not_said "use "
expect_fits
run "$LRSEARCH" audit --lr 1e-3 --tokens 100B --params 125M --batch 1M # Step Law's own batch
expect_status 0
expect_said "by Step Law 2025 the best is"
run "$LRSEARCH" audit --lr 3e-4 --tokens 100B --params 1B --schedule constant
expect_status 3
expect_said "does not apply: fitted on learning rates that fall to the end: a constant one has another"
run "$LRSEARCH" audit --lr 3e-4 --tokens 100B --params 1B --batch 8M --json
expect_status 3
expect_json "" out verdict
expect_json "the batch of 8M tokens is 7.22 times the best one for so many tokens (Step Law: 1.11M): above the critical batch no rule is known" \
    out laws 0 why_not
run "$LRSEARCH" audit --lr 3e-4 --tokens 100T --params 1B
expect_status 3
expect_said "fitted on 25B to 800B tokens: 100T is more than 10 times beyond"

# ---- wrong use ----
need="audit: needs --lr, --tokens and --params of a recipe"
refused 2 "$need" audit
refused 2 "$need" audit --lr 3e-4 --tokens 1T
refused 2 "$need" audit --lr 3e-4 --params 7B
refused 2 "$need" audit --tokens 1T --params 7B
refused 2 "--lr nan: must be a number above 0" audit --lr nan --tokens 1T --params 7B
refused 2 "--params 0: must be a whole count such as 7B" audit --lr 3e-4 --tokens 1T --params 0
refused 2 "--params 7.5: must be a whole count" audit --lr 3e-4 --tokens 1T --params 7.5
refused 2 "--tokens -1: must be a whole count" audit --lr 3e-4 --tokens -1 --params 7B
refused 2 "--weight-decay 0: must be a number above 0" \
    audit --lr 1 --tokens 1T --params 7B --weight-decay 0
refused 2 "--batch 1: must be the tokens of a step" audit --lr 1 --tokens 1T --params 7B --batch 1
refused 2 "--schedule square: must be cosine, linear, wsd or constant" \
    audit --lr 3e-4 --tokens 1T --params 7B --schedule square
refused 2 "--cooldown 2: must be a share above 0, up to 1" \
    audit --lr 3e-4 --tokens 1T --params 7B --schedule wsd --cooldown 2
refused 2 "audit --cooldown: is of --schedule wsd" \
    audit --lr 3e-4 --tokens 1T --params 7B --cooldown 0.1
refused 2 "one run's directory is expected, found also 'b'" \
    audit a b --lr 3e-4 --tokens 1T --params 7B
refused 2 "audit --width: is of a run's model; name the run's directory" \
    audit --lr 3e-4 --tokens 1T --params 7B --width 64
refused 2 "--layers: has no meaning for lrsearch audit" \
    audit --lr 3e-4 --tokens 1T --params 7B --layers 4
refused 65 "nowhere: is no directory of a run" audit nowhere --lr 3e-4 --tokens 1T --params 7B

# ---- a run of one's own: 8e-3 at 1M tokens, falling as tokens^-.3; 235k parameters ----
cat >own.yaml <<'END'
version: 1
name: own
trainer: {kind: simulate}
simulate: {lr: 8e-3, beta: 0.3, noise: 0.001}
model: {arch: gpt, d_model: 64, n_layers: 2, head_size: 32, context: 64, vocab: 1024, parametrization: mup}
training: {batch_tokens: 4096}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M, 4M], resolution: 0.5, min_gain: 0.001}
target: {tokens: 16M}
END
run "$LRSEARCH" own.yaml -q
expect_status 0
expect_said "4M -> 16M tokens (4x longer): LR x 0."
expect_not_said "published rule"
cp out before
ls -lR --time-style=full-iso logs >files
run "$LRSEARCH" audit logs/own --lr 2e-2 --tokens 16M --params 235k
expect_status 0 # the run's model is the recipe's, so that its law applies
expect_first "with a batch of 4.1k tokens, assumed as in own, a learning rate of 2.0e-2 for 235k"
expect_first "for 235k parameters and 16M tokens is about"
expect_first "; a larger batch raises the best: give --batch"
expect_said "times too high: by own the best is"
expect_said "by the loss curve of the runs of 0.0"
expect_said "runs own says"
expect_said "length 4 times as many tokens as the longest horizon, 4M; the recipe's model has 0.999 times"
expect_said "steps - length: LR x 0."
expect_said "from your runs: this campaign's slope over tokens, from 4M to 16M tokens"
expect_fits
run "$LRSEARCH" audit logs/own --lr 2e-2 --tokens 16M --params 235k --json
expect_json own out verdict by
expect_json 4096 out verdict batch_tokens
expect_json ON out verdict batch_assumed
expect_json ON out runs applies
expect_json horizon out runs steps 0 of
expect_json 4000000 out runs longest_tokens
expect_json "$(json logs/own/result.json target lr)" out runs verdict lr
expect_json "$(json logs/own/result.json target loss_penalty_if_wrong_2x)" out runs verdict curvature
run "$LRSEARCH" audit logs/own --lr 2e-2 --tokens 16M --params 1M # another model
expect_status 3
expect_said "no published rule applies"
expect_said "the campaign is about a model of 235k parameters, the recipe about one of 1M, 4.25 times"
run "$LRSEARCH" audit logs/own --lr 3e-4 --tokens 100B --params 1B
expect_status 0 # by the published law
expect_said "by Bjorck 2024 the best is 3.6e-4"
expect_said "runs own gives no learning rate here: the target is not known well enough"
run "$LRSEARCH" audit logs/own --lr 3e-4 --tokens 500k --params 235k
expect_status 3
expect_said "runs own gives no learning rate here: --tokens 500k: is less than the shortest horizon"

# ---- predict: what the run did not measure, by rules ----
run "$LRSEARCH" predict logs/own --tokens 16M
expect_status 0
expect_said "4M -> 16M tokens (4x longer): LR x 0."
expect_not_said "published rule"
run "$LRSEARCH" predict logs/own --tokens 16M --width 128 --layers 4 --vocab 4096 --batch 8k --schedule linear
expect_said " width: LR x 1 (0.89 .. 1.1); a published rule: mup holds the LR of base_width"
expect_said " depth: LR x 1 (0.75 .. 1.3); a published rule: no change assumed, without a published rule, from 2 to 4 layers"
expect_said " vocabulary: LR x 1 (0.8 .. 1.3); a published rule: no change for the hidden matrices"
expect_said " batch: LR x 1."
expect_said "from 4.1k to 8k tokens"
expect_said " schedule: LR x 1.39 (1.1 .. 1.8); a published rule: cosine to 0.1 -> linear to 0"
expect_out "Target    width 128, vocabulary 4096"
run "$LRSEARCH" predict logs/own --tokens 16M --schedule wsd --cooldown 0.4 --json
expect_status 0
wsd=$(json out target lr)
awk "BEGIN { exit !($wsd < $(json logs/own/result.json target lr)) }" ||
    fail "wsd has the lower learning rate"
run "$LRSEARCH" predict logs/own --tokens 16M --batch 1M
expect_status 3
expect_said "tokens: carried over to the target, the 90 % interval reaches a factor"
expect_said "no measurement stands behind its batch"
refused 65 "--params 1M: the campaign does not say how the best LR changes with size" predict logs/own --tokens 16M --params 1M
refused 2 "predict: --params is a model's size, and so are --width and --layers" \
    predict logs/own --tokens 16M --params 1M --width 128
refused 2 "--layers 0: must be a depth from 1 to 1024" predict logs/own --tokens 16M --layers 0
refused 2 "--vocab 1: must be a whole count from 2 to 131072" \
    predict logs/own --tokens 16M --vocab 1
refused 2 "--vocab 300: must be 256 (bytes), or 512 to 131072" tokenize x.txt --vocab 300 --out y
refused 2 "--lr: has no meaning for lrsearch predict" predict logs/own --tokens 16M --lr 1
ls -lR --time-style=full-iso logs >after
cmp -s files after || fail "audit or predict wrote into the run's directory"

# Losses of another program: no rule knows from where.
cat >replay.yaml <<'END'
version: 1
name: replay
trainer: {kind: replay, table: table.csv}
search: {lr: [1e-3, 8e-3], horizons: [1M, 2M]}
target: {tokens: 4M}
END
awk 'BEGIN { print "tokens,lr,loss"
    for (D = 1; D <= 2; D++) for (i = 0; i < 7; i++) {
        lr = 1e-3 * 2 ^ (i / 2); x = log(lr / (3e-3 * D ^ -.3)) / log(2)
        printf "%de6,%.5g,%.5f\n", D, lr, 3 - .1 * D + .02 * x * x } }' >table.csv
run "$LRSEARCH" replay.yaml -q
for option in --layers --vocab --batch; do
    refused 65 "$option: the campaign's losses are those of another program" \
        predict logs/replay --tokens 4M $option 512
done
refused 65 "--schedule wsd: the campaign's losses are not from trainings of its own" \
    predict logs/replay --tokens 4M --schedule wsd
run "$LRSEARCH" audit logs/replay --lr 3e-3 --tokens 4M --params 1B
expect_said "only you know whether it is the recipe's"

# A constant schedule is no source.
sed 's/^name: own/name: flat/; s/batch_tokens: 4096/batch_tokens: 4096, schedule: constant/' own.yaml >flat.yaml
run "$LRSEARCH" flat.yaml -q
refused 65 "--schedule cosine: the campaign trained with a constant learning rate" \
    predict logs/flat --tokens 16M --schedule cosine
