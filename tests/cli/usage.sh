#!/bin/sh
# The command line itself: what needs no plan, and every way to get it wrong.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"

run "$LRSEARCH" --version
expect_status 0
expect_out "lrsearch 0."
run "$LRSEARCH" --help
expect_status 0
for word in run check --run-dir --resume --set --json --quiet --verbose --version "exit status"; do
    expect_out "$word"
done
[ ! -s "$work/err" ] || fail "--help writes to stderr"

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
usage_error "-x" tiny.yaml -x
usage_error "--run-dir" tiny.yaml --run-dir
usage_error "--resume=maybe" tiny.yaml --resume=maybe
usage_error "KEY=VALUE" tiny.yaml --set seed
usage_error "KEY=VALUE" tiny.yaml --set =3
usage_error "other.yaml" tiny.yaml other.yaml
[ ! -e logs ] || fail "a usage error must leave nothing behind"
