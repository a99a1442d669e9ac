#!/bin/sh
# usage: check_format.sh [ROOT]
#
# Every C and C++ source stands as clang-format writes it with ROOT/.clang-format. Its versions differ
# in a few lines (14 and 19 in 5 of 559 files), so only the one that the first line of .clang-format
# names can tell. Exit 1 when a file differs; 77 (skipped) where there is no such version. Scripts and
# style of the page have 100 columns, and no text in backquotes spans lines: orchestrator/report/
# CMakeLists.txt takes their leading blanks away.
set -u
root=${1:-$(dirname "$0")/..}
cd "$root" || exit 1
page=$(find orchestrator/report/page -type f 2>/dev/null)
# shellcheck disable=SC2086 # names are words
[ -z "$page" ] || awk '
    length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns"; bad = 1 }
    FILENAME ~ /[.]js$/ && gsub(/`/, "") % 2 { print FILENAME ":" FNR ": a text in backquotes spans lines"; bad = 1 }
    END { exit bad }' $page || exit 1
version=$(sed -n '1s/^# clang-format \([0-9][0-9]*\).*/\1/p' .clang-format)
if [ -z "$version" ]; then
    echo ".clang-format: its first line must name the version, as in: # clang-format 14"
    exit 1
fi
tool=
for name in "clang-format-$version" clang-format; do
    case $("$name" --version 2>/dev/null) in
    *"version $version."*) tool=$name ;;
    esac
done
if [ -z "$tool" ]; then
    echo "skipped: there is no clang-format $version here, and other versions differ in a few lines"
    exit 77
fi
folders=
for folder in include common orchestrator worker tests; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
# shellcheck disable=SC2086 # folders are words
if find $folders -type f \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) \
    -exec "$tool" --dry-run -Werror {} +; then
    exit 0
fi
echo "this mends them: $tool -i FILE..."
exit 1
