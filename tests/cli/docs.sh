#!/bin/sh
# Man pages and completions are made from the tables: every command, option, exit status and key of
# a plan is in them, and bash completes with what it gets.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

for name in man plan-man plan-tables bash zsh; do
    run "$LRSEARCH" docs $name
    expect_status 0
    [ ! -s err ] || fail "docs $name writes to stderr"
    cp out "$name"
done
run "$LRSEARCH" --help
cp out help
run "$LRSEARCH" schema
expect_status 0
cp out schema.json

# ---- nothing is left out ----

has() # FILE FIXED TEXT
{
    grep -qF -e "$2" "$1" || fail "$1 does not have: $2"
}
has_all() # FILE TEXTS: each line of TEXTS is in some line of FILE
{
    missing=$(awk 'NR == FNR { text = text $0 "\n"; next } !index(text, $0) { print; exit }' "$1" "$2")
    [ -z "$missing" ] || fail "$1 does not have: $missing"
}
in_man() # <OPTIONS: as a man page has them, in bold
{
    sed 's/-/\\-/g; s/.*/\\fB\\-\\-&\\fR/'
}
commands=$(sed -n '/^commands/,/^$/s/^  \([a-z-]*\) .*/\1/p' help)
general=$(sed -n '/^options of/,/^$/s/^  .* --\([a-z-]*\) .*/\1/p' help)
statuses=$(sed -n '/^exit status:/,$s/^ *\([0-9]*\)  .*/\1/p' help | tr '\n' ' ')
[ "$(echo "$commands" | wc -w)" -ge 13 ] || fail "--help lists too few commands"
[ "$(echo "$general" | wc -w)" -eq 4 ] || fail "--help lists other general options"
[ "$(echo "$statuses" | wc -w)" -ge 12 ] || fail "--help lists too few exit statuses"
# Each option of each command, where the command is: test_commands counts the rows of the tables.
count=0
# shellcheck disable=SC2086 # words
printf '%s\n' $general >general
in_man <general >general.man
has_all man general.man
for command in $commands; do
    case $command in
    *-*) roff=$(echo "$command" | sed 's/-/\\\\-/g') ;;
    *) roff=$command ;;
    esac
    run "$LRSEARCH" help "$command"
    expect_status 0
    sed -n '/^options:/,/^$/s/^  .* --\([a-z-]*\) .*/\1/p' out >options
    sed -n "/^\.SS \\\\fB$roff\\\\fR/,/^\.S[SH] [^\\\\]/p" man | awk 'NR > 1 && /^\.S[SH]/ {exit} 1' >of.man
    sed -n "/^    $command)\$/,/;;/p" bash >of.bash
    sed -n "/^    ($command)\$/,/;;/p" zsh >of.zsh
    [ -s of.man ] && [ -s of.bash ] && [ -s of.zsh ] || fail "$command is missing in man, bash or zsh"
    has zsh "'$command:"
    sed 's/^/--/' options general >wanted
    has_all of.bash wanted
    has_all of.zsh wanted
    in_man <options >wanted
    has_all of.man wanted
    count=$((count + $(wc -l <options)))
done
[ "$count" -ge 60 ] || fail "only $count options"
for code in $statuses; do
    echo ".B $code"
done >wanted
has_all man wanted
is_one_of() # WORD WORDS
{
    case " $2 " in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}
explained=$(awk '/^\|/ { sub(/ \| .*/, ""); sub(/^\| /, ""); gsub(/, /, " "); printf "%s ", $0 }' \
    "$LRSEARCH_SOURCE_DIR/docs/results.md")
for code in $statuses; do
    is_one_of "$code" "$explained" ||
        fail "docs/results.md does not explain exit status $code"
done
for code in $(sed -n 's/^ *X(LR_E[A-Z]*, -[0-9]*, \([0-9]*\),.*/\1/p
                      s/^ *LR_EXIT_[A-Z_]* = \([0-9]*\),.*/\1/p' \
    "$LRSEARCH_SOURCE_DIR/include/lrsearch/error.h"); do
    is_one_of "$code" "$statuses" || fail "--help does not explain exit status $code"
done
# Two levels of the schema's keys: "search": {... "properties": {"lr": {.
sed -n 's/^        "\([a-z_0-9]*\)": {$/\1/p' schema.json | grep -vx 'properties\|not' >keys
[ "$(wc -l <keys)" -ge 100 ] || fail "the schema has too few keys"
sed 's/$/\\fR/' keys >wanted
has_all plan-man wanted

if command -v mandoc >/dev/null 2>&1; then
    for page in man plan-man; do
        run mandoc -T lint -W warning "$page"
        expect_status 0
    done
fi
if command -v zsh >/dev/null 2>&1; then
    run zsh -n zsh
    expect_status 0
fi

# ---- completion ----

cat >complete.bash <<'EOF'
. ./bash
COMP_WORDS=(lrsearch "$@") COMP_CWORD=$#
_lrsearch
printf '%s\n' "${COMPREPLY[@]}"
EOF
mkdir folder
: >"my plan.yaml"
: >other.txt
completes() # EXPECTED WORD...: what bash offers for the last word, sorted, one blank between
{
    wanted=$1
    shift
    run bash complete.bash "$@"
    expect_status 0
    [ ! -s err ] || fail "completion of '$*' writes to stderr"
    found=$(sort out | tr '\n' ' ')
    [ "$found" = "$wanted " ] || fail "completion of '$*': $found"
}
completes "check" che
completes "auto never" --resume ""
completes "never" --resume = n
completes "--threads" bench train --thr
completes "folder my plan.yaml" check ""
completes "folder" fit f
completes "repair" journal ""
completes "folder" journal repair f
completes "csv" import ""
completes "folder" compare folder f
completes "folder" history f
completes "other.txt" tokenize oth
completes "" train plan.yaml --lr ""
completes "search.seeds=" --set search.see
completes "wsd" predict folder --schedule w
completes "folder" predict folder --resume f
completes "check" help che
run bash complete.bash check --
grep -qx -e --ranks out || fail "check --: does not offer --ranks"
! grep -qx -e --widths out || fail "check --: offers an option of another command"

# zsh itself, on a terminal of its own.
cat >complete.zsh <<'EOF'
zmodload zsh/zpty
zpty shell "TERM=dumb PS1= zsh -f -i"
type() { zpty -w "$@"; }
seen() { # TEXT: what the shell prints holds it within a minute
    local all= part=
    repeat 600; do
        while zpty -r -t shell part; do all+=$part; done
        [[ $all = *$1* ]] && return
        sleep 0.1
    done
    print -r -- "not seen: $1; but: $all"
    exit 1
}
type shell "fpath=($PWD/functions \$fpath); autoload -Uz compinit; compinit -u -d $PWD/dump"
type shell "unsetopt zle_bracketed_paste beep; LISTMAX=1000; print rea''dy"
seen ready
while (( $# )); do
    type -n shell "lrsearch $1"$'\t'
    seen "$2"
    type -n shell $'\C-u'
    shift 2
done
EOF
mkdir functions
cp zsh functions/_lrsearch
if zsh -c 'zmodload zsh/zpty' 2>/dev/null; then
    run zsh -f complete.zsh "comp" "are " "import " csv "export --format " tensorboard \
        "check --set trainer.a" "rgv=" "fit fo" "lder/" \
        "export folder -o oth" er.txt "check my" plan.yaml "history --reb" uild
    expect_status 0
fi

# ---- bad input ----

refused() # TEXT ARGUMENT...
{
    text=$1
    shift
    run "$LRSEARCH" "$@"
    expect_status 2
    expect_err "$text"
    expect_out_empty
}
refused "docs: name one of man|plan-man|plan-tables|bash|zsh" docs
refused "docs: name one of man|plan-man|plan-tables|bash|zsh" docs fish
refused "docs: name one of man|plan-man|plan-tables|bash|zsh" docs man zsh
refused "schema: takes no 'x'" schema x
refused "--time: has no meaning for lrsearch schema" schema --time 1m
