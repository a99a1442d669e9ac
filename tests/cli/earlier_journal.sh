#!/bin/sh
# The run directory that release 0.2.0 wrote (tests/golden/journal-0.2): this version reads it, goes
# on with it and comes to the recorded answer; also where keys are absent. One of a later version is
# refused, and stays as it is.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v python3 >/dev/null 2>&1 || skip "needs python3, which makes the copies of other versions"
version=$("$LRSEARCH" --version | sed -n '1s/lrsearch //p')
golden=$LRSEARCH_SOURCE_DIR/tests/golden/journal-0.2

copy() # NAME [WORD...]: the finished run, changed by other_version.py
{
    rm -rf "$1"
    cp -r "$golden" "$1" && chmod -R u+rw,go= "$1" && find "$1" -type d -exec chmod u+x {} + ||
        fail "cannot copy"
    copied=$1
    shift
    python3 "$LRSEARCH_SOURCE_DIR/tests/cli/other_version.py" "$copied" "$@" || fail "cannot change it"
}
# As a kill leaves it: of the last two trainings one runs, and one is not begun.
cut_off() # NAME
{
    awk '{ line[NR] = $0 } /"event":"ended"/ { end[++ends] = NR }
        END { for (i = 1; i < end[ends - 1]; i++) print line[i] }' "$1/journal.jsonl" >cut
    cp cut "$1/journal.jsonl"
    rm -f "$1/result.json"
}
read_all() # NAME: every command that reads a run
{
    run "$LRSEARCH" fit "$1" --json
    expect_status 0
    cp out "$1.fit"
    expect_same_answer "$golden/result.json" "$1.fit"
    run "$LRSEARCH" report "$1"
    expect_status 0
    expect_file "$1/report.html"
    rm -rf "$1.csv"
    run "$LRSEARCH" export "$1" --format csv -o "$1.csv"
    expect_status 0
    cmp -s "$1.csv/trials.csv" "$golden/trials.csv" || fail "$1: other trials than the recorded ones"
    run "$LRSEARCH" status "$1"
    expect_status 0
    expect_out finished
    run "$LRSEARCH" predict "$1" --tokens 256M
    expect_status 0
}
go_on() # NAME [RESULT.JSON]: the same command again; the answer that it comes to
{
    run "$LRSEARCH" "$1/plan.yaml" --run-dir "$1"
    expect_status 0
    expect_same_answer "$golden/${2:-result.json}" "$1/result.json"
}

# ---- as it is ----

copy finished
read_all finished
lines=$(wc -l <finished/journal.jsonl)
go_on finished
[ "$(wc -l <finished/journal.jsonl)" -eq "$lines" ] || fail "a finished campaign goes on"

copy interrupted
cut_off interrupted
started=$(grep -c '"event":"started"' interrupted/journal.jsonl)
run "$LRSEARCH" fit interrupted
expect_status 75
expect_said "12 runs"
go_on interrupted
[ "$(grep -c '"event":"session"' interrupted/journal.jsonl)" -eq 2 ] || fail "it did not go on"
[ "$(grep -c '"event":"started"' interrupted/journal.jsonl)" -eq "$((started + 2))" ] ||
    fail "other trainings than the two that had not ended were run"
cut -d, -f1-4,6- "$golden/trials.csv" >trials # without the attempt
cut -d, -f1-4,6- interrupted/trials.csv | cmp -s - trials || fail "the rest was trained otherwise"

# A release that adds a key, or an event, raises the format, so that this one refuses its journal.
keys_of() # JOURNAL
{
    grep -o '"[a-z_0-9]*":' "$1" | sort -u
}
copy fresh
rm fresh/journal.jsonl fresh/plan.resolved.json
go_on fresh new-run.json # this version chooses trials of its own
keys_of "$golden/journal.jsonl" >keys.golden
keys_of fresh/journal.jsonl >keys.fresh
format=$(grep -o '"format":[0-9]*' fresh/journal.jsonl | sort -u)
if [ "$format" = '"format":1' ]; then
    cmp -s keys.golden keys.fresh || {
        diff keys.golden keys.fresh
        fail "the keys of the journal changed, but not JOURNAL_FORMAT (orchestrator/campaign/event.h)"
    }
fi

# ---- absent keys, as of versions that had fewer ----

absent="-plan.simulate.decay -plan.search.min_gain -plan.search.mode -plan.training.optimizer
    -plan.model.vector_lr_ratio -plan.trainer.diverged.exit -plan.trainer.launcher -plan.limits
    -plan.budget.share_of_target -plan.target.weight_decay -campaign.format -session.format
    -session.commit -session.asks -session.first_failures -campaign.shares_wsd_prefix
    -planned.spec.vector_lr_ratio -ended.ranks -ended.rank_s -started.members -clock.until_ms"
# shellcheck disable=SC2086 # words
copy fewer $absent
read_all fewer
# shellcheck disable=SC2086
copy fewer $absent
cut_off fewer
go_on fewer

# ---- 0.2.1 goes on with it, and takes its trainings over; 0.3 may train other losses ----

copy patch 'campaign.version="0.2.7"'
cut_off patch
go_on patch
run "$LRSEARCH" patch/plan.yaml --run-dir patch --fork forked --set target.tokens=512M
expect_status 0
grep -q '"host":"fork"' forked/journal.jsonl || fail "no training was taken over"
copy series 'campaign.version="0.3.0"'
run "$LRSEARCH" series/plan.yaml --run-dir series --fork other
expect_status 65
expect_err "series/journal.jsonl: was trained by lrsearch 0.3.0, and this is $version: its losses may differ"
run "$LRSEARCH" series/plan.yaml --run-dir series # finished: no training is missing
expect_status 0
cut_off series
cksum series/journal.jsonl >before
run "$LRSEARCH" series/plan.yaml --run-dir series
expect_status 65
expect_err "series/journal.jsonl: was begun by lrsearch 0.3.0, and this is $version: its losses may differ. Go on with"
cksum series/journal.jsonl | diff before - || fail "the journal was changed"

# ---- a later version ----

files_of() # NAME: with their content, but for messages
{
    find "$1" -type f ! -path '*/logs/*' -exec cksum {} + | sort
}
later() # TEXT NAME journal|plan: every command refuses it, and changes nothing
{
    files_of "$2" >files
    for command in "fit $2" "report $2" "export $2 --format csv -o never" "status $2" \
        "predict $2 --tokens 1M" "$2/plan.yaml --run-dir $2" "journal repair $2"; do
        case $command in journal*) [ "$3" = journal ] || continue ;; esac
        # shellcheck disable=SC2086
        run "$LRSEARCH" $command
        expect_status 65
        expect_err "$1"
    done
    files_of "$2" | diff files - || fail "the run directory was changed"
}
# With a key that this version does not know, as a later one would have it.
copy later 'campaign.format=2' 'campaign.version="0.9.0"' 'campaign.colour=1'
later "later/journal.jsonl:1: lrsearch 0.9.0 wrote this journal in format 2, and this lrsearch, " later journal
copy later 'session.format=7' 'session.version="9.9.9"' 'planned.colour=1'
later "lrsearch 9.9.9 wrote this journal in format 7" later journal
cut_off later
later "lrsearch 9.9.9 wrote this journal in format 7" later journal
copy later plan.version=2 plan.colour=3
later "later/plan.resolved.json: is a plan of version 2, and lrsearch" later plan
sed 's/^version: 1/version: 2/' "$golden/plan.yaml" >later.yaml
refused 65 "later.yaml:2:10: version: 2 is out of range (only 1): the plan is for another lrsearch" check later.yaml
