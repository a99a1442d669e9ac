#!/bin/sh
# A finding of a sanitizer in a worker fails the test, although the campaign goes on without that
# worker: cli_lib.sh must see both kinds, and nothing where there is nothing.
set -u
export LRSEARCH=true
script=$(mktemp) || exit 1
trap 'rm -f "$script"' EXIT
cat >"$script" <<'END'
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
run sh -c "$COMMAND"
expect_status 0
END

expect() # STATUS TEXT SHELL-COMMAND, which stands for mpirun
{
    said=$(COMMAND=$3 sh "$script" 2>&1)
    status=$?
    [ "$status" -eq "$1" ] || { echo "FAILED: exit status $status instead of $1: $3: $said" && exit 1; }
    case $said in
    *"$2"*) ;;
    *) echo "FAILED: does not say: $2: $said" && exit 1 ;;
    esac
}

expect 0 "" "true"
expect 1 "FAILED: the sanitizers report:" \
    'echo "ERROR: AddressSanitizer: heap-use-after-free" >"${ASAN_OPTIONS##*log_path=}.7"'
expect 1 "FAILED: UBSan found something" 'echo "x.c:1:2: runtime error: signed integer overflow" >&2'
