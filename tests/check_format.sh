#!/bin/sh
# usage: check_format.sh [ROOT]
#
# Every C and C++ source stands as clang-format writes it with ROOT/.clang-format. Its versions
# differ in a few lines (14 and 19 in 5 of 559 files), so only the one that the first line of
# .clang-format names can tell. Exit 1 when a file differs; 77 (skipped) where there is no such
# version. Comments, and lines of C without a string, have at most 100 columns: clang-format must
# not reflow comments, so it lets long ones pass. The page's scripts and style have 100 columns too,
# and no text in backquotes spans lines: orchestrator/report/CMakeLists.txt takes their leading
# blanks away.
set -u
root=${1:-$(dirname "$0")/..}
cd "$root" || exit 1
page=$(find orchestrator/report/page -type f 2>/dev/null)
# shellcheck disable=SC2086 # names are words
[ -z "$page" ] || awk '
    length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns"; bad = 1 }
    FILENAME ~ /[.]js$/ && gsub(/`/, "") % 2 { print FILENAME ":" FNR ": a text in backquotes spans lines"; bad = 1 }
    END { exit bad }' $page || exit 1

present() # FOLDER...: those that exist
{
    for folder in "$@"; do
        [ ! -d "$folder" ] || echo "$folder"
    done
}
too_long() # PATTERN: the lines of more than 100 columns that match it, of the files named on stdin
{
    LC_ALL=C.UTF-8 xargs grep -nHE '^.{101,}' | grep -E "^[^:]*:[0-9]*:$1" |
        sed 's/^\([^:]*:[0-9]*\):.*/\1: more than 100 columns/'
}
folders=$(present include common orchestrator worker tests)
# shellcheck disable=SC2046,SC2086 # folders are words
long=$(
    find $folders -type f \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) |
        too_long '([[:space:]]*(/?\*|//)|[^"]*$)'
    find ./*.txt ./*.sh $folders $(present plans contrib cmake) -type f \( -name '*.sh' -o -name '*.py' \
        -o -name '*.yaml' -o -name '*.sbatch' -o -name '*.cmake' -o -name CMakeLists.txt \) 2>/dev/null |
        too_long '[[:space:]]*#'
)
if [ -n "$long" ]; then
    echo "$long"
    exit 1
fi
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
# shellcheck disable=SC2086 # folders are words
if find $folders -type f \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) \
    -exec "$tool" --dry-run -Werror {} +; then
    exit 0
fi
echo "this mends them: $tool -i FILE..."
exit 1
