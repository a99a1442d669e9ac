#!/bin/sh
# usage: check_tidy.sh BUILD [FILE...]
#
# clang-tidy with the checks of .clang-tidy over the sources in BUILD/compile_commands.json, a build
# by clang (gcc's options are not all known to it); of the tests only the FILEs that are named. Exit
# 1 when it finds something; 77 (skipped) without clang-tidy or BUILD.
set -u
build=${1:?usage: check_tidy.sh BUILD [FILE...]}
shift
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
commands=$build/compile_commands.json
if ! command -v clang-tidy >/dev/null 2>&1; then
    echo "skipped: clang-tidy is not installed"
    exit 77
fi
if [ ! -f "$commands" ]; then
    echo "skipped: there is no $commands (test.sh makes it)"
    exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
    sed -n 's|^ *"file": *"\(.*\)",*$|\1|p' "$commands" |
        grep -E "^$root/(common|orchestrator|worker)/" | sort -u >"$work/files"
else
    printf '%s\n' "$@" >"$work/files"
fi
if [ ! -s "$work/files" ]; then
    echo "$commands: names no source of $root"
    exit 1
fi
if tr '\n' '\0' <"$work/files" |
    xargs -0 -n 8 clang-tidy -p "$build" --quiet >"$work/out" 2>"$work/err"; then
    echo "$(wc -l <"$work/files") files: nothing found"
    exit 0
fi
cat "$work/out"
grep -v -E 'warnings?( and [0-9]+ errors?)? (generated|treated as)' "$work/err" # what it does not show is counted there
exit 1
