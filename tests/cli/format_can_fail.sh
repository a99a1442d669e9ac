#!/bin/sh
# check_format.sh must name a badly formatted file, wherever it lies, and must not let another
# version of clang-format than the project's decide; check_tidy.sh must name a mistake.
set -u
source=${LRSEARCH_SOURCE_DIR:?}
check=$source/tests/check_format.sh
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failures=0

fail()
{
    echo "$*"
    failures=$((failures + 1))
}

expect() # STATUS WORDS: of check_format.sh over the tree
{
    said=$(sh "$check" "$tree" 2>&1)
    status=$?
    [ "$status" -eq "$1" ] || fail "exit status $status instead of $1: $said"
    case $said in
    *"$2"*) ;;
    *) fail "must say '$2', said: $said" ;;
    esac
}

mkdir -p "$tree/orchestrator/report" "$tree/tests/fuzz"
printf 'int x;\n' >"$tree/orchestrator/report/good.c"
sed '1s/.*/# clang-format 9999/' "$source/.clang-format" >"$tree/.clang-format"
expect 77 "skipped: there is no clang-format 9999 here"
sed '1d' "$source/.clang-format" >"$tree/.clang-format"
expect 1 "its first line must name the version"
cp "$source/.clang-format" "$tree/.clang-format"
if sh "$check" "$tree" >/dev/null 2>&1; then
    expect 0 ""
    for bad in orchestrator/report/bad.c orchestrator/report/bad.h tests/fuzz/bad.cc; do
        printf 'int  x;\n' >"$tree/$bad"
        expect 1 "$bad:1:4: error"
        rm "$tree/$bad"
    done
fi

# A comment, code, and a comment of a script; but a string may be as long as it is.
{
    printf 'const char *a = "%0101d";\n' 0
    printf '/* %094d */\n' 0
} >"$tree/orchestrator/report/long.c"
expect_no() # WORDS: check_format.sh over the tree does not say them
{
    said=$(sh "$check" "$tree" 2>&1)
    case $said in
    *"$1"*) fail "must not say '$1', said: $said" ;;
    esac
}
expect_no "100 columns"
for line in "/* %0101d */" "    /* \"%0101d\" */" " * %0101d" "int x%0101d;"; do
    # shellcheck disable=SC2059 # the line is the format
    printf "$line\n" 0 >"$tree/orchestrator/report/long.c"
    expect 1 "orchestrator/report/long.c:1: more than 100 columns"
done
rm "$tree/orchestrator/report/long.c"
for script in tests/long.sh tests/CMakeLists.txt CMakeLists.txt; do
    printf 'true\n    # %0101d\n' 0 >"$tree/$script"
    expect 1 "$script:2: more than 100 columns"
    rm "$tree/$script"
done

mkdir "$tree/orchestrator/report/page"
printf 'const a = `two\nlines`;\n' >"$tree/orchestrator/report/page/a.js"
expect 1 "page/a.js:1: a text in backquotes spans lines"
printf '/* %0101d */\n' 0 >"$tree/orchestrator/report/page/a.js"
expect 1 "page/a.js:1: 107 columns"
rm -r "$tree/orchestrator/report/page"

if command -v clang-tidy >/dev/null 2>&1; then
    cp "$source/.clang-tidy" "$tree/.clang-tidy"
    printf 'int f(int x);\nint f(int x)\n{\n    if (x > 1);\n    return x == x;\n}\n' >"$tree/bad.c"
    printf '[{"directory": "%s", "command": "cc -c bad.c", "file": "%s/bad.c"}]\n' "$tree" "$tree" \
        >"$tree/compile_commands.json"
    said=$(sh "$source/tests/check_tidy.sh" "$tree" "$tree/bad.c" 2>&1)
    status=$?
    [ "$status" -eq 1 ] || fail "check_tidy.sh: exit status $status instead of 1: $said"
    for words in bugprone-suspicious-semicolon misc-redundant-expression; do
        case $said in
        *"$words"*) ;;
        *) fail "check_tidy.sh must say $words, said: $said" ;;
        esac
    done
fi
exit "$((failures > 0))"
