#!/bin/sh
# A run directory in which somebody has put links before: nothing is written through them. One that
# belongs to somebody else, or that others may write to, is refused.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

replay_plan
mkdir elsewhere
victim=$work/elsewhere/victim
printf 'the only copy\n' >"$victim"
tried=0
unharmed() # and no file is beside it
{
    tried=$((tried + 1))
    [ "$(cat "$victim")" = "the only copy" ] || fail "the victim was changed"
    [ "$(find elsewhere | wc -l)" -eq 2 ] || fail "something was written elsewhere: $(find elsewhere)"
}

# Every file that a run or a report makes, and its temporary names, all of them links at once.
run "$LRSEARCH" -q replay.yaml --run-dir whole
[ "$status" -eq 0 ] || fail "exit status $status"
files=$(cd whole && find . -type f ! -name journal.jsonl | sed 's/^..//')
mkdir -m 700 run
for file in $files; do
    mkdir -p "run/$(dirname "$file")"
    for at in "$file" "$file.tmp" "$file.part" "$file.gp"; do
        ln -sf "$victim" "run/$at"
    done
done
find run -type d -exec chmod 700 {} +
run "$LRSEARCH" -q replay.yaml --run-dir run
[ "$status" -eq 0 ] || fail "exit status $status"
unharmed
for file in $files; do
    tried=$((tried + 1))
    case $file in
    logs/*) ;; # the log goes without a file rather than through a link
    *) { [ -s "run/$file" ] && [ ! -L "run/$file" ]; } || fail "$file was not written" ;;
    esac
done
empty_figures # the rest is not about them

# The journal is appended to, so its place is refused, and a file that is no journal is not cut off.
rm -rf run && mkdir -m 700 run && ln -s "$victim" run/journal.jsonl
run "$LRSEARCH" replay.yaml --run-dir run
expect_status 73
expect_err "run/journal.jsonl: is a symbolic link, and a journal is a file of its own; move it away"
unharmed
rm run/journal.jsonl && cp "$victim" run/journal.jsonl
run "$LRSEARCH" replay.yaml --run-dir run
expect_status 74
expect_err "run/journal.jsonl:1: the checksum does not fit: the line was changed"
cmp -s "$victim" run/journal.jsonl || fail "a file that is no journal was cut off"
printf secret >run/journal.jsonl
run "$LRSEARCH" replay.yaml --run-dir run
expect_status 74
expect_err "run/journal.jsonl: is no journal of lrsearch; move it away, or choose another --run-dir"
[ "$(cat run/journal.jsonl)" = secret ] || fail "a file that is no journal was cut off"
rm -rf run

# Folders inside that are links.
for folder in curves figures logs; do
    rm -rf run && mkdir -m 700 run && ln -s "$work/elsewhere" run/$folder
    run "$LRSEARCH" replay.yaml --run-dir run
    unharmed
    if [ $folder = curves ]; then
        expect_status 73
        expect_err "run/curves: is a symbolic link, and what is written there would go elsewhere; remove it"
    elif [ $folder = figures ]; then
        expect_err "the figures could not be drawn: run/figures: is a symbolic link"
    else
        expect_err "run/logs/rank-0000.log: cannot be written: Too many levels of symbolic links; going on without a log"
    fi
done
for what in "ln -s nowhere" touch; do
    rm -rf run && mkdir -m 700 run && $what run/curves
    run "$LRSEARCH" replay.yaml --run-dir run
    expect_status 73
    case $what in
    ln*) expect_err "run/curves: is a symbolic link, and what is written there would go elsewhere; remove it" ;;
    *) expect_err "run/curves: is no directory; move it away" ;;
    esac
    tried=$((tried + 1))
done

# A pipe in the place of the log, which nobody reads: the run goes without the file.
rm -rf run && mkdir -p run/logs && chmod 700 run run/logs && mkfifo run/logs/rank-0000.log
run "$LRSEARCH" -q replay.yaml --run-dir run
[ "$status" -eq 0 ] || fail "exit status $status"
expect_err "run/logs/rank-0000.log: cannot be written: No such device or address; going on without a log"
tried=$((tried + 1))
rm -rf run

# Beside the runs: the history and the link.
ln -sf "$victim" history.db
run "$LRSEARCH" -q replay.yaml --run-dir run
unharmed
expect_err "history.db: is a symbolic link; move it away"
rm -rf run history.db

# Data that others may exchange.
chmod 777 cache
run "$LRSEARCH" replay.yaml --run-dir run
expect_status 73
expect_err "cache: others may write to it (mode 0777)"
chmod 700 cache
tried=$((tried + 1))
rm -rf run

# Directories of others.
for mode in 770 777 702; do
    mkdir run && chmod $mode run
    for command in "replay.yaml --run-dir" report "journal repair"; do
        [ ! -e run/plan.resolved.json ] || rm run/*
        [ "$command" = "replay.yaml --run-dir" ] || cp whole/plan.resolved.json whole/journal.jsonl run
        # shellcheck disable=SC2086 # words
        run "$LRSEARCH" $command run
        expect_status 73
        expect_err "run: others may write to it (mode 0$mode), and could exchange files in it; take that from them (chmod go-w run), or choose another --run-dir"
        [ ! -e run/report.html ] && [ ! -e run/lock ] && [ ! -e run/logs ] || fail "was written to"
        tried=$((tried + 1))
    done
    rm -r run
done
if [ "$(id -u)" -eq 0 ]; then
    mkdir -m 755 run && chown 4711 run
    run "$LRSEARCH" replay.yaml --run-dir run
    expect_status 73
    expect_err "run: belongs to another user (uid 4711), who could exchange files in it; choose another --run-dir"
    [ -z "$(ls run)" ] || fail "was written to: $(ls run)"
    tried=$((tried + 1))
fi
echo "$tried tries"
