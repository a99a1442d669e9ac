#!/bin/sh
# CMakePresets.json: CMake reads it, what it sets are options of the project, and test.sh builds
# each preset that it names where the preset says.
set -u
source=${LRSEARCH_SOURCE_DIR:?}
failures=0

fail()
{
    echo "$*"
    failures=$((failures + 1))
}

cd "$source" || exit 1
listed=$(cmake --list-presets 2>&1) || fail "cmake --list-presets: $listed"
for preset in release debug asan tsan clang fuzz; do
    case $listed in
    *"\"$preset\""*) ;;
    *) fail "no preset $preset: $listed" ;;
    esac
done
case $listed in
*'"base"'* | *'"llvm"'*) fail "a part of others is shown as a preset: $listed" ;;
esac
for name in $(grep -o '"LRSEARCH_[A-Z_]*"' CMakePresets.json | tr -d '"' | sort -u); do
    grep -Eq "^ *(option\($name |set\($name .* CACHE )" CMakeLists.txt tests/CMakeLists.txt ||
        fail "$name: no option of the project has this name"
done
for used in $(sed -n 's/.*build "$root\/\([a-z-]*\)" --preset \([a-z]*\).*/\1:\2/p' test.sh); do
    awk -v preset="\"name\": \"${used#*:}\"" -v folder="/${used%%:*}\"" '
        index($0, "\"name\":") { inside = index($0, preset) }
        inside && index($0, "binaryDir") && index($0, folder) { found = 1 }
        END { exit !found }' CMakePresets.json || fail "test.sh: $used: the preset builds elsewhere"
    checked=1
done
[ -n "${checked:-}" ] || fail "test.sh uses no preset"
exit "$((failures > 0))"
