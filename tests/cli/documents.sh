#!/bin/sh
# The documents are true to the tree and the program: lines, links, the tables of the plan's keys,
# the words of the answer, and every command that they show: its command, options, plan and keys
# exist, and what takes no training is run.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
source=$LRSEARCH_SOURCE_DIR
documents="README.md CONTRIBUTING.md plans/README.md logs/README.md $(cd "$source" && echo docs/*.md)"
bad=
wrong() # TEXT: all mistakes are shown, then the test fails
{
    echo "$*"
    bad=1
}

# ---- lines and links ----

(cd "$source" && awk 'length > 100 && !/^\|/ && !/^!\[/ {
    print FILENAME ":" FNR ": has " length " columns"
}' $documents) >found
[ ! -s found ] || wrong "$(cat found)"
[ "$(wc -l <"$source/README.md")" -lt 150 ] || wrong "README.md has 150 lines or more"
[ "$(wc -l <"$source/plans/README.md")" -lt 60 ] || wrong "plans/README.md has 60 lines or more"

# Links: the document, the target.
(cd "$source" && awk '
    function targets(name, text) { # links can be broken over lines
        while (match(text, /\]\([^)]*\)/)) {
            print name "\t" substr(text, RSTART + 2, RLENGTH - 3)
            text = substr(text, RSTART + RLENGTH)
        }
    }
    FNR == 1 { targets(name, text); name = FILENAME; text = "" }
    { text = text $0 " " }
    END { targets(name, text) }' $documents) >links
[ "$(wc -l <links)" -ge 80 ] || wrong "only $(wc -l <links) links were found"
: >headings
while IFS='	' read -r document target; do
    file=${target%%#*}
    case $target in
    http*) continue ;;
    esac
    path=$source/$document
    [ -z "$file" ] || path=${path%/*}/$file
    if [ ! -e "$path" ]; then
        wrong "$document: links to $target, which does not exist"
    elif [ "$target" != "$file" ]; then
        echo "$document	$path	${target#*#}" >>headings
    fi
done <links
# The anchors of a file's headings, as GitHub and GitLab make them.
awk -F '\t' '
    function read_anchors(path, line, fence) {
        while ((getline line <path) > 0)
            if (line ~ /^```/)
                fence = !fence
            else if (line ~ /^#+ / && !fence) {
                sub(/^#+ /, "", line)
                line = tolower(line)
                gsub(/[^a-z0-9 _-]/, "", line)
                gsub(/ /, "-", line)
                anchor[path, line] = 1
            }
    }
    !seen[$2]++ { read_anchors($2) }
    !(($2, $3) in anchor) { print $1 ": links to #" $3 ": " $2 " has no such heading" }' headings >found
[ ! -s found ] || wrong "$(cat found)"
in_docs=$(cat "$source"/docs/*.md)
above=$(cat "$source/README.md" "$source/CONTRIBUTING.md")
for document in "$source"/docs/*.md; do
    name=${document##*/}
    case $in_docs in *"($name"*) continue ;; esac
    case $above in *"(docs/$name"*) continue ;; esac
    wrong "docs/$name: nothing links to it"
done

# ---- the keys of a plan ----

run "$LRSEARCH" docs plan-tables
expect_status 0
cp out plan-tables
grep '^|\|^## [a-zA-Z_ ]*\(: .*\)\?$' plan-tables >wanted
grep -xF -f wanted "$source/docs/plan.md" | uniq >shown
uniq wanted >wanted.uniq
cmp -s wanted.uniq shown || {
    diff wanted.uniq shown
    wrong "docs/plan.md: its tables are not the output of: lrsearch docs plan-tables"
}
[ "$(grep -c '^|' "$source/docs/plan.md")" -eq "$(grep -c '^|' plan-tables)" ] ||
    wrong "docs/plan.md: has rows that lrsearch docs plan-tables does not print"

# ---- the words of the answer ----

# All C sources in one line, adjacent strings joined, as the compiler does.
cat "$source"/orchestrator/*/*.c "$source"/orchestrator/search/laws/*.c | tr '\n' ' ' |
    sed 's/" *PRI[a-z0-9]* *"/d/g; s/" *"//g; s/%%/%/g; s/\\v/ /g' >strings
# In italics, parts between "..." and " / "; what stands in brackets or begins a word is left out.
sed -n '/^## Warnings/,/^## lrsearch status/p' "$source/docs/reading-the-answer.md" |
    sed -n 's/^| \(\*.*\*\)[^*]* | .*/\1/p' | grep -o '\*[^*]*\*' | tr -d '*' |
    sed 's/\.\.\./\n/g; s, / ,\n,g; s/ (lower)//; s/ n of m /\n/g; s/[:,;]/\n/g' |
    sed 's/^ *//; s/ *$//' | awk 'length >= 12' | sort -u >phrases
[ "$(wc -l <phrases)" -ge 40 ] || wrong "only $(wc -l <phrases) phrases of warnings were found"
awk 'NR == FNR { strings = strings $0; next }
    !index(strings, $0) { print "docs/reading-the-answer.md: no message says: " $0 }' strings phrases >found
[ ! -s found ] || wrong "$(cat found)"
# Every label of the summary and every state is explained.
for label in $(sed -n 's/.*wrap_print(out, "\([A-Z][a-z]*\) .*/\1/p' "$source/orchestrator/report/summary.c" |
    sort -u); do
    case $label in
    Peak | No | The | Not | Best | Width) continue ;; # sentences; Width: of predict
    esac
    grep -qF "\`$label\`" "$source/docs/reading-the-answer.md" ||
        grep -q "^## $label" "$source/docs/reading-the-answer.md" ||
        wrong "docs/reading-the-answer.md does not explain: $label"
done

# ---- a run to look at ----

cat >simulate.yaml <<'END'
version: 1
name: quickstart
trainer: {kind: simulate}
simulate: {noise: 0.01}
model: {d_model: 64, n_layers: 2, vocab: 256}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END
run "$LRSEARCH" simulate.yaml -q
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
cp out answer
# README's session has the form of an answer.
sed -n '/^    Peak learning rate/,/^    Campaign/s/^    //p' "$source/README.md" >session
[ "$(wc -l <session)" -ge 25 ] || wrong "README.md: its session was not found"
for line in "  tokens  lowest loss seen   fitted optimum (90 %)      runs  diverged" \
    "  losses in nats per token, validation" "Measured" \
    "Extrapolated (in brackets: 90 % intervals)"; do
    grep -qxF -e "$line" session || wrong "README.md: its session lacks: $line"
    grep -qxF -e "$line" answer || wrong "the answer lacks a line of README's session: $line"
done
labels() # FILE: the first words of the lines that begin a part
{
    sed -n 's/^\([A-Z][a-z]*\).*/\1/p' "$1" | grep -v '^\(Peak\|No\|A\|Warnings\|Lost\|Reused\)$'
}
labels session >labels.session
labels answer >labels.answer
cmp -s labels.session labels.answer || {
    diff labels.session labels.answer
    wrong "README.md: its session has other parts than an answer, or another order"
}

# ---- the commands ----

# Code blocks of documents, a command a line: continued lines joined, comments (behind two blanks)
# cut. And the examples in the help of each command. (man_pages.sh has those of the man pages.)
"$LRSEARCH" --help >help || fail "no help"
for command in $(sed -n '/^commands/,/^$/s/^  \([a-z-]*\) .*/\1/p' help); do
    "$LRSEARCH" help "$command" >"help.$command" 2>/dev/null </dev/null || fail "no help for $command"
done
help_examples()
{
    awk 'FNR == 1 { inside = 0; command = substr(FILENAME, 6) }
        /^example/ { inside = 1 }
        inside && sub(/^  /, "") { print "help " command "\t" $0 }' help.*
}
code_lines()
{
    # shellcheck disable=SC2086 # words
    (cd "$source" && awk '
        FNR == 1 { fence = 0; begun = "" }
        /^```/ { fence = !fence; next }
        fence || /^    / {
            line = $0
            sub(/^ */, "", line)
            if (begun != "")
                line = begun " " line
            begun = ""
            if (line ~ /\\$/) {
                begun = substr(line, 1, length(line) - 1)
                next
            }
            sub(/  .*/, "", line)
            print FILENAME "\t" line
        }' $documents)
}
{ code_lines && help_examples; } | grep -E '	(exec |build/|srun [^ ]* )*(lrsearch|\./run\.sh|\./test\.sh|plans/[a-z-]*\.sh|tests/[a-z/_]*\.sh|python3 contrib)( |$)' |
    grep -v '	lrsearch: summary' >commands
[ "$(wc -l <commands)" -ge 80 ] || wrong "only $(wc -l <commands) commands were found"

check_options() # COMMAND WORDS: later, with those of all commands
{
    echo "$document: $words	$1	$2" >>used
}
ran=0
run_command() # WORDS: in this folder, where logs/quickstart is; what the documents call otherwise, too
{
    echo "$1" | sed "s,^lrsearch,\"\$LRSEARCH\",; s,logs/my-plan\>,logs/quickstart,g
        s,logs/nightly-[0-9-]*,logs/quickstart,g; s,logs/\(batches\|a\|b\)\>,logs/quickstart,g
        s,--name nightly,--name quickstart," >command.sh
    ran=$((ran + 1))
    ! grep -qxF -f command.sh ran_before || return 0 # another document shows it, too
    cat command.sh >>ran_before
    rm -rf ./*.db ./*.csv.d ./*.tb
    run sh command.sh
    case $status in
    0 | 3) ;;
    *) wrong "$document: $1: exit status $status: $(cat err)" ;;
    esac
}
export LRSEARCH
: >ran_before
: >used
cp "$source/plans/replay.csv" .
while IFS='	' read -r document words; do
    words=${words#exec }
    words=${words#build/}
    case $words in
    ./run.sh*)
        plan=${words#./run.sh }
        plan=${plan%% *}
        case $plan in
        my-plan.yaml) ;;
        *.yaml) [ -f "$source/$plan" ] || wrong "$document: $words: there is no $plan" ;;
        esac
        case $words in
        *' -- '*) check_options run " ${words#* -- }" ;;
        esac
        continue
        ;;
    ./test.sh*) continue ;;
    plans/*.sh* | tests/*.sh*)
        [ -x "$source/${words%% *}" ] || wrong "$document: there is no ${words%% *}"
        continue
        ;;
    python3*) continue ;;
    esac
    set -f
    # shellcheck disable=SC2086 # the words of the command
    set -- ${words#*lrsearch}
    set +f
    command=${1:-run}
    [ -f "help.$command" ] || command=run
    case ${1:-} in
    *.yaml | -* | '' | PLAN) ;;
    *) [ "$command" != run ] || [ "$1" = run ] || wrong "$document: $words: there is no command $1" ;;
    esac
    check_options "$command" " $words"
    case $words in
    *RUN_DIR* | *PLAN* | *...* | *'--batch auto'* | *--watch* | *--table* | *logs/mine*) ;;
    'lrsearch predict '* | 'lrsearch fit logs'* | 'lrsearch report '* | 'lrsearch status '* | 'lrsearch audit '* | \
        'lrsearch history'* | 'lrsearch compare '* | 'lrsearch schema'* | 'lrsearch export '*)
        run_command "$words"
        ;;
    esac
done <commands
for file in help help.*; do
    sed -n "s/^ *\\(-., \\)\\{0,1\\} *--\\([a-z-]*\\).*/${file#help}	\\2/p" "$file"
done >options
awk -F '\t' '
    function has_options(shown, command, words) {
        gsub(/"[^"]*"/, "", words)
        gsub(/'"'[^']*'"'/, "", words)
        while (match(words, / --[a-z][a-z-]*/)) {
            option = substr(words, RSTART + 3, RLENGTH - 3)
            words = substr(words, RSTART + RLENGTH)
            options++
            if (!(("", option) in has) && !(("." command, option) in has))
                print shown ": lrsearch " command " has no --" option
        }
    }
    function has_keys(shown, words) {
        while (match(words, /--set '"'?"'[a-z_.]*=/)) {
            key = substr(words, RSTART + 6, RLENGTH - 7)
            words = substr(words, RSTART + RLENGTH)
            sub(/^'"'"'/, "", key)
            sub(/\.width$/, "", key)
            keys++
            if (!index(tables, "| `" key "`"))
                print shown ": there is no key " key
        }
    }
    FILENAME == "options" { has[$1, $2] = 1; next }
    FILENAME == "plan-tables" { tables = tables $0 "\n"; next }
    { has_options($1, $2, $3); has_keys($1, $3) }
    END {
        if (options < 60 || keys < 5)
            print "only " options " options and " keys " keys were found"
    }' options plan-tables used >found
[ ! -s found ] || wrong "$(cat found)"
[ "$ran" -ge 12 ] || wrong "only $ran commands were run"

# README's plan for a script of one's own, and what it says of it.
{
    echo "version: 1"
    echo "name: mine"
    awk '/^    trainer:/ { inside = 1 } inside && !/^    / { exit } inside { print substr($0, 5) }' "$source/README.md"
} >mine.yaml
run "$LRSEARCH" check mine.yaml --json # without the simulation of its cost
[ "$status" -eq 0 ] || wrong "README.md: its plan is refused: $(cat err)"

[ -z "$bad" ] || fail "documents"
