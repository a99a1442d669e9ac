#!/bin/sh
# Commands that misbehave, each at the first attempt of a trial: half lines for ever, one endless
# line, a line that is written in pieces, descriptors that are closed early or held by others,
# signals that are ignored, a command that stops itself, bytes that are no text. The campaign bears
# each, in bounded memory, and ends with the result of a command that does as it should; nothing is
# left behind, and no terminal sequence of a program reaches a terminal or a browser.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

cat >train.sh <<'END'
#!/bin/sh
awk -v lr="$LRSEARCH_LR" -v d="$LRSEARCH_TOKENS" 'BEGIN {
    t = log(lr / (8e-3 * (d / 1e6) ^ -.3)) / log(2)
    printf "{\"tokens\": %d, \"loss\": %.17g, \"final\": true}\n", d, 2 + .02 * t * t
}' >&"$LRSEARCH_REPORT_FD"
END
cat >bad.sh <<'END'
#!/bin/sh
echo $$ >>pids
case $LRSEARCH_TRIAL.$LRSEARCH_ATTEMPT in
1.1) while :; do printf x && sleep 0.2; done ;; # never silent, never a line
2.1) head -c 20000000 /dev/zero | tr '\0' x && exit 3 ;;
3.1) exec 3>&- >&- 2>&- && exec sleep 60 ;;
4.1)
    trap '' TERM INT HUP
    while :; do echo going on && sleep 0.1; done ;;
5.1)
    trap 'echo saved >saved && exit 1' TERM
    kill -STOP $$ ;;
6.1)
    printf '\033[31mred\033[0m\033]0;owned\007 \302\233 \342\200\256rtl \377\376 </pre><script>alert(1)</script>\n'
    exit 4 ;;
7.1)
    setsid sh -c 'echo $$ >>pids; exec sleep 60' & # it holds on to all descriptors
    exit 5 ;;
8.1) head -c 4000 /dev/zero | tr '\0' '[' >&3 && echo >&3 && exec sleep 60 ;;
9.1) # in pieces, and the last without a newline
    ./train.sh 3>whole
    for part in 1-7 8-20 21-; do tr -d '\n' <whole | cut -b "$part" | tr -d '\n' >&3 && sleep 0.1; done
    exit 0 ;;
*) exec ./train.sh ;;
esac
END
chmod +x train.sh bad.sh
cat >good.yaml <<'END'
version: 1
name: good
trainer: {kind: command, argv: [./train.sh]}
search: {lr: [1e-3, 2.56e-1], horizons: [1M, 2M, 4M], policy: grid}
target: {tokens: 64M}
END
run "$LRSEARCH" good.yaml
expect_status 0
trials=$(json logs/good/result.json cost trials)
[ "$trials" -ge 9 ] || fail "only $trials trainings: not every way to misbehave is met"

sed 's/good/bad/; s/train.sh\]/bad.sh], kill_grace: 1s/' good.yaml >bad.yaml
echo 'limits: {silence: 2s, trial_time: 4s}' >>bad.yaml
run "$LRSEARCH" bad.yaml
expect_status 0
expect_same_answer logs/good/result.json logs/bad/result.json
expect_err "trial 1, attempt 1: lost: "
expect_err "its trial ran longer than limits.trial_time"
expect_err "trial 2, attempt 1: failed: exit status 3; its last line: xxxx"
expect_err "trial 3, attempt 1: failed: it said nothing for 2 s (limits.silence)"
expect_err "trial 4, attempt 1: lost: "
expect_err "trial 5, attempt 1: failed: it said nothing for 2 s (limits.silence)"
expect_file saved # it was awake for its SIGTERM
expect_err "trial 6, attempt 1: failed: exit status 4; its last line: ?[31mred?[0m?]0;owned? ?? ???rtl ??"
expect_err "trial 7, attempt 1: failed: exit status 5; it printed nothing"
expect_err "trial 8, attempt 1: failed: a report is no JSON: "
expect_no_err "trial 9, attempt 1"
[ "$(grep -c '"outcome":' logs/bad/journal.jsonl)" -ge "$((trials + 8))" ] || fail "attempts are missing in the journal"
for file in err logs/bad/report.html logs/bad/journal.jsonl logs/bad/faults.csv logs/bad/logs/*; do
    ! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" "$file" || fail "$file has control characters"
done
! grep -qi '<script>alert' logs/bad/report.html || fail "the report runs what a program printed"
grep -q "$(printf '\033')" logs/bad/output/trial-0006.1.txt || fail "the output is not as it was printed"
[ "$(wc -c <logs/bad/output/trial-0002.1.txt)" -lt 10000 ] || fail "an endless line was kept whole"
run "$LRSEARCH" status logs/bad
expect_status 0
! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" out || fail "status shows control characters"

# What has left its process group is its own affair: ended here.
while read -r child; do
    kill -KILL "$child" 2>/dev/null || :
done <pids
