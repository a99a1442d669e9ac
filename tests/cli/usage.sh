#!/bin/sh
# The command line itself: what needs no plan, and every way to get it wrong.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

version=$(sed -n 's/^project(lrsearch VERSION \([0-9.]*\).*/\1/p' "$LRSEARCH_SOURCE_DIR/CMakeLists.txt")
for command in --version version "check --version"; do
    run "$LRSEARCH" $command
    expect_status 0
    [ "$(head -n 1 out)" = "lrsearch $version" ] || fail "$command: the first line is not the version"
done
instructions=plain
for flag in avx2 avx512f; do
    grep -qw $flag /proc/cpuinfo && instructions=${flag%f}
done
for line in "commit: ([0-9a-f]{40}(-dirty)?|unknown)" "compiler: .*[0-9]+\.[0-9]+.*" \
    "MPI: (Open MPI v|MPICH).*[0-9]+\.[0-9]+.*" "matrix products: own $instructions,.* bf16 .*; OpenBLAS .*core .*" \
    "CPU: .+" "system: Linux .+"; do
    grep -Eqx "$line" out || fail "--version has no line: $line"
done
for library in libyaml libuv jansson xxhash zlib SQLite PCRE2 libcsv sentencepiece; do
    grep -Eq "^libraries: .*$library [0-9]+\.[0-9]+" out || fail "--version does not name $library"
done
run "$LRSEARCH" --help
expect_status 0
for word in "run PLAN" "check PLAN" "help [COMMAND]" version --quiet --verbose --version "exit status"; do
    expect_out "$word"
done
! grep -qe --run-dir out || fail "--help tells the options of one command"
[ ! -s "$work/err" ] || fail "--help writes to stderr"
cp out general
run "$LRSEARCH" help
cmp -s general out || fail "help and --help differ"

# A command's help is about this command alone, wherever it is asked for.
run "$LRSEARCH" help check
expect_status 0
expect_out "usage: lrsearch check PLAN [OPTION]..."
for option in --ranks --set --json --quiet --help; do
    expect_out "$option"
done
! grep -qe "--run-dir\|--widths\|coord-check" out || fail "help check tells of other commands"
cp out check
for words in "check --help" "--help check" "-h check no.yaml" "check --ranks none --help"; do
    run "$LRSEARCH" $words
    expect_status 0
    cmp -s check out || fail "$words: another help than help check"
done
run "$LRSEARCH" plan.yaml --help
expect_out "usage: lrsearch run PLAN"

# Of the ranks that mpirun starts one tells it.
for words in --help --version help version "help check" "check --help"; do
    run env OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 "$LRSEARCH" $words
    expect_status 0
    expect_out_empty
    run env OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 "$LRSEARCH" $words
    expect_status 0
    [ -s out ] || fail "$words: rank 0 says nothing"
done

usage_error() # TEXT ARGUMENT...: exit status 2, the text on stderr, nothing on stdout
{
    text=$1
    shift
    run "$LRSEARCH" "$@"
    expect_status 2
    expect_err "$text"
    expect_out_empty
    expect_err_lines 1
}
tiny_plan tiny.yaml
usage_error "name a plan"
usage_error "name a plan" check
usage_error "--frobnicate" tiny.yaml --frobnicate
usage_error "-x: unknown option" tiny.yaml -x
usage_error "-x: unknown option" -xq tiny.yaml
usage_error "-x: unknown option" -qx tiny.yaml
usage_error "--json=1: the option takes no value" tiny.yaml --json=1
usage_error "--run-dir" tiny.yaml --run-dir
usage_error "--resume maybe: must be auto or never" tiny.yaml --resume=maybe
usage_error "one plan is expected" tiny.yaml other.yaml
usage_error "version: takes no 'x'" version x
usage_error "chekc: is no command; did you mean check?" help chekc
usage_error "help: one command is expected" help check run

# An option of other commands: whose it is.
usage_error "--widths: has no meaning for lrsearch run; it is an option of coord-check" --widths 8 tiny.yaml
usage_error "--lr: has no meaning for lrsearch check; it is an option of train, coord-check, audit and plan" \
    check tiny.yaml --lr 1

# A mistyped command is no plan, whatever follows; a plan may have any name.
usage_error "chekc: is no command, and no plan of that name exists; did you mean check?" chekc tiny.yaml
usage_error "did you mean status?" --set seed=1 statsu
usage_error "did you mean check?" chekc --help
usage_error "frobnicate: is no command, and no plan of that name exists (see lrsearch --help)" frobnicate
run "$LRSEARCH" missing.yaml
expect_status 65
expect_err "missing.yaml: cannot open the plan"
run "$LRSEARCH" run missing
expect_status 65
run "$LRSEARCH" ./chekc
expect_status 65
echo "version: 2" >chekc
echo "version: 2" >check
for words in chekc "run chekc" ./chekc "run check" ./check "check check"; do
    run "$LRSEARCH" $words
    expect_status 65
    expect_err "version"
done
usage_error "KEY=VALUE" tiny.yaml --set seed
usage_error "KEY=VALUE" tiny.yaml --set =3
usage_error "other.yaml" tiny.yaml other.yaml
[ ! -e logs ] || fail "a usage error must leave nothing behind"
