#!/bin/sh
# What lrsearch(1) and lrsearch-plan(5) say is true of the program: the examples run as they stand,
# except that made-up losses take the place of the training; the plan is accepted; commands,
# options, keys, files and suffixes that the text names exist. A mistake in the text is found, too.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

run "$LRSEARCH" docs man
cp out man
run "$LRSEARCH" docs plan-man
cp out plan-man
run "$LRSEARCH" docs plan-tables
sed -n 's/^| `\([^`]*\)` .*/\1/p' out | sort >keys
sed -n 's/^\([a-z_]*\)\..*/\1/p' keys | sort -u >sections
[ "$(wc -l <keys)" -ge 100 ] && [ "$(wc -l <sections)" -ge 10 ] || fail "plan-tables has too few keys"
run "$LRSEARCH" --help
sed -n '/^commands/,/^$/s/^  \([a-z-]*\) .*/\1/p' out >commands
for command in $(cat commands); do
    "$LRSEARCH" help "$command" </dev/null
done | sed -n 's/^ *\(-., \)\{0,1\} *--\([a-z-]*\).*/\2/p' | sort -u >options
[ "$(wc -l <commands)" -ge 13 ] && [ "$(wc -l <options)" -ge 40 ] || fail "the help has too few options"

limit_s=250 # plan init and check simulate campaigns
mkdir bin corpus
printf '#!/bin/sh\nexec "%s" "$@"\n' "$LRSEARCH" >bin/lrsearch
chmod +x bin/lrsearch
make_story story
gzip -c story >book.txt.gz
for part in a b; do # little text makes a short plan
    head -c 40000 story | gzip -c >corpus/$part.txt.gz
done
cat >simulate.yaml <<'END'
version: 1
name: simulate
trainer: {kind: simulate}
model: {d_model: 64, n_layers: 2, vocab: 256}
search: {lr: [5e-4, 1e-1], horizons: [1M, 2M, 4M]}
target: {tokens: 64M}
END

plain() # roff to text: characters and fonts
{
    sed 's/\\f[BIR]//g; s/\\-/-/g; s/\\&//g; s/\\(ha/^/g; s/\\(ti/~/g; s/\\(ga/`/g; s/\\(aq/'\''/g
        s/\\e/\\/g'
}
examples() # PAGE
{
    sed -n '/^\.EX/,/^\.EE/{/^\.E[XE]/!p;}' "$1" | plain
}
run_words() # WORDS: as a shell reads them
{
    echo "$1" >words.sh
    PATH=$work/bin:$PATH run sh words.sh
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || echo "$1: exit status $status: $(cat err)"
}
: >worked
run_example() # WORDS: not once more when they have worked, because some simulate campaigns
{
    grep -qxF -e "$1" worked || run_words "$1"
    [ "$status" -ne 0 ] || echo "$1" >>worked
}
# The campaign that mpirun would train, with its name, by made-up losses.
train_in_place_of() # PLAN
{
    run_words "lrsearch check $1 --json"
    name=$(sed -n 's/^name: //p' "$1")
    [ -e "logs/$name" ] || run_words "lrsearch simulate.yaml -q --set name=$name"
}
# The mistakes of the pages, a line each. A subshell, so that fail() only ends it.
mistakes() ( # MAN PLAN-MAN
    examples "$1" | sed 's/   *.*//' >of-man
    [ "$(wc -l <of-man)" -ge 4 ] || echo "lrsearch(1): too few examples"
    while read -r words; do
        case $words in
        mpirun*" lrsearch "*) train_in_place_of "${words##* }" ;;
        "lrsearch plan init "*) run_example "$words --time 9h -q" ;; # enough time on the slowest machine
        *) run_example "$words" ;;
        esac
    done <of-man
    for file in $(sed -n '/^\.SH FILES/,/^\.SH EX/p' "$1" | grep -o '\\fI[a-z./]*' | sed 's/^...//'); do
        [ -s "logs/my/$file" ] || echo "lrsearch(1): FILES: a run has no $file"
    done
    sed 's/^\.BR "\(.*\)".*/\\fB\1\\fR/' "$1" "$2" | grep -o '\\fBlrsearch [a-z-]*' | sed 's/.* //' |
        grep -vxF -f commands | sed 's/^/there is no command /'
    plain <"$1" | cat - of-man | grep -o -e '--[a-z][a-z-]*' | sed 's/^--//' | sort -u |
        grep -vxF -f options | sed 's/^/there is no option --/'
    cat "$1" "$2" | plain | grep -owE "($(paste -s -d '|' sections))\.[a-z_]+" | sort -u |
        grep -vxF -f keys | sed 's/^/there is no key /'

    examples "$2" >of-plan-man.yaml
    run_words "lrsearch check of-plan-man.yaml --json"
    counts=$(plain <"$2" | sed -n 's/^Counts may end in \(.*\) (powers of 1000) or \(.*\) (of.*/\1 \2/p')
    times=$(plain <"$2" | tr '\n' ' ' | sed -n 's/.* Durations end in \([a-z, ]*\)\. .*/\1/p')
    [ -n "$counts" ] && [ -n "$times" ] || echo "lrsearch-plan(5): has no suffixes"
    for suffix in $(echo "$counts" | tr -d ,); do
        run_words "lrsearch check simulate.yaml --json --set target.tokens=9$suffix --set search.horizons=[2]"
    done
    for suffix in $(echo "$times" | tr -d , | sed 's/ or / /'); do
        run_words "lrsearch check simulate.yaml --json --set budget.wall=9$suffix"
    done
)

mistakes man plan-man >found
[ ! -s found ] || fail "$(cat found)"

# ---- mistakes are found ----

planted() # PAGE SED-SCRIPT EXPECTED
{
    sed "$2" "$1" >"$1.wrong"
    ! cmp -s "$1" "$1.wrong" || fail "$2 changes nothing in $1"
    case $1 in
    man) mistakes man.wrong plan-man >found ;;
    *) mistakes man plan-man.wrong >found ;;
    esac
    grep -qF -e "$3" found || fail "$2 in $1 is not found, only: $(cat found)"
}
planted man '/^lrsearch predict/s/tokens/token/' "no option --token"
planted man '/^lrsearch check/s/check/chek/' "lrsearch chek my.yaml: exit status 2"
planted man 's/result\.json/results.json/' "a run has no results.json"
planted man 's/output\.dir/output.folder/' "there is no key output.folder"
planted plan-man '/^data: {text/s/tokenizer/tokeniser/' "lrsearch check of-plan-man.yaml --json: exit status 65"
planted plan-man 's/lrsearch schema/lrsearch scheme/' "there is no command scheme"
planted plan-man 's/Ki, Mi, Gi/Ki, Mi, Gi, Xi/' "target.tokens=9Xi"
