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

for document in $documents; do
    awk -v name="$document" '
        length > 100 && !/^\|/ && !/^!\[/ {
            print name ":" NR ": has " length " columns"
        }' "$source/$document" >found
    [ ! -s found ] || wrong "$(cat found)"
done
[ "$(wc -l <"$source/README.md")" -lt 150 ] || wrong "README.md has 150 lines or more"
[ "$(wc -l <"$source/plans/README.md")" -lt 60 ] || wrong "plans/README.md has 60 lines or more"

anchors() # FILE: the anchors of its headings, as GitHub and GitLab make them
{
    awk '/^```/ { fence = !fence }
        /^#+ / && !fence {
            sub(/^#+ /, "")
            $0 = tolower($0)
            gsub(/[^a-z0-9 _-]/, "")
            gsub(/ /, "-")
            print
        }' "$1"
}
links=0
for document in $documents; do
    folder=$(dirname "$source/$document")
    tr '\n' ' ' <"$source/$document" | grep -o '\](\([^)]*\))' | sed 's/^](//; s/)$//' >targets
    while read -r target; do
        links=$((links + 1))
        file=${target%%#*}
        case $target in
        http*) continue ;;
        esac
        path=$source/$document
        [ -z "$file" ] || path=$folder/$file
        if [ ! -e "$path" ]; then
            wrong "$document: links to $target, which does not exist"
        elif [ "$target" != "$file" ] && ! anchors "$path" | grep -qxF "${target#*#}"; then
            wrong "$document: $target: $path has no such heading"
        fi
    done <targets
done
[ "$links" -ge 80 ] || wrong "only $links links were found"
for document in "$source"/docs/*.md; do
    name=$(basename "$document")
    grep -rqF "($name" "$source"/docs/*.md || grep -qF "(docs/$name" "$source/README.md" "$source/CONTRIBUTING.md" ||
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
while read -r phrase; do
    grep -qF -e "$phrase" strings || wrong "docs/reading-the-answer.md: no message says: $phrase"
done <phrases
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
help_examples()
{
    for command in $("$LRSEARCH" --help | sed -n '/^commands/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
        "$LRSEARCH" help "$command" | sed -n "/^example/,\$s/^  /help $command\t/p"
    done
}
code_lines()
{
    for document in $documents; do
        awk -v name="$document" '
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
                print name "\t" line
            }' "$source/$document"
    done
}
{ code_lines && help_examples; } | grep -E '	(exec |build/|srun [^ ]* )*(lrsearch|\./run\.sh|\./test\.sh|plans/[a-z-]*\.sh|tests/[a-z/_]*\.sh|python3 contrib)( |$)' |
    grep -v '	lrsearch: summary' >commands
[ "$(wc -l <commands)" -ge 80 ] || wrong "only $(wc -l <commands) commands were found"

options_of() # COMMAND
{
    { "$LRSEARCH" help "$1" && "$LRSEARCH" --help; } 2>/dev/null </dev/null |
        sed -n 's/^ *\(-., \)\{0,1\} *--\([a-z-]*\).*/\2/p'
}
check_options() # COMMAND WORDS
{
    [ -f "options.$1" ] || options_of "$1" >"options.$1"
    for option in $(echo "$2" | sed "s/\"[^\"]*\"//g; s/'[^']*'//g" | grep -o ' --[a-z][a-z-]*' | sed 's/^ --//'); do
        grep -qxF "$option" "options.$1" || wrong "$document: $words: lrsearch $1 has no --$option"
    done
    for key in $(echo "$2" | grep -o -e "--set '\{0,1\}[a-z_.]*=" | sed "s/--set '\{0,1\}//; s/=//"); do
        grep -qF "| \`${key%.width}\`" plan-tables || wrong "$document: $words: there is no key $key"
    done
}
ran=0
run_command() # WORDS: in this folder, where logs/quickstart is; what the documents call otherwise, too
{
    echo "$1" | sed "s,^lrsearch,\"\$LRSEARCH\",; s,logs/my-plan\>,logs/quickstart,g
        s,logs/nightly-[0-9-]*,logs/quickstart,g; s,logs/\(batches\|a\|b\)\>,logs/quickstart,g
        s,--name nightly,--name quickstart," >command.sh
    rm -rf ./*.db ./*.csv.d ./*.tb
    run sh command.sh
    ran=$((ran + 1))
    case $status in
    0 | 3) ;;
    *) wrong "$document: $1: exit status $status: $(cat err)" ;;
    esac
}
export LRSEARCH
cp "$source/plans/replay.csv" .
while IFS='	' read -r document words; do
    words=${words#exec }
    words=${words#build/}
    case $words in
    ./run.sh*)
        plan=$(echo "$words" | sed -n 's,^\./run\.sh \([^ ]*\.yaml\).*,\1,p')
        case $plan in
        '' | my-plan.yaml) ;;
        *) [ -f "$source/$plan" ] || wrong "$document: $words: there is no $plan" ;;
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
    "$LRSEARCH" help "$command" >/dev/null 2>&1 </dev/null || command=run
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
