#!/bin/sh
# Builds with warnings as errors, with gcc and with clang, and runs the tests: as built for use,
# and the unit tests once more under AddressSanitizer and UBSan. One CTest run, whose summary comes
# last.
set -u
root=$(cd "$(dirname "$0")" && pwd) || exit 70
# shellcheck source=.ci/setup.sh
. "$root/.ci/setup.sh"

usage()
{
    cat <<'END'
usage: ./test.sh [--all] [--sanitize] [-- CTEST-OPTION...]

            the tests of CI, and the unit tests under the sanitizers
--sanitize  the command line and MPI tests under the sanitizers too
--all       that, and the long tests: 64 ranks, what has threads under ThreadSanitizer, the quick
            start and the unit tests under valgrind, a minute of each fuzz target, clang-tidy, MPICH,
            aarch64 in qemu (needs a network), the .deb in a new Debian 12 and 13, and ./test.sh in
            the latter (needs root and a network)
END
}

all=
sanitize=
while [ $# -gt 0 ]; do
    case $1 in
    --all)
        all=1
        sanitize=1
        ;;
    --sanitize) sanitize=1 ;;
    -h | --help)
        usage
        exit 0
        ;;
    --)
        shift
        break
        ;;
    *) die 2 "$1: unknown option (see ./test.sh --help)" ;;
    esac
    shift
done

if [ -n "$all" ]; then
    need_packages build test all
else
    need_packages build test
fi

build "$root/build-test" --preset release -DLRSEARCH_TEST_VALGRIND="${all:-0}"
build "$root/build-asan" --preset asan
build "$root/build-clang" --preset clang
more=
if [ -n "$all" ]; then
    build_target=threaded_tests build "$root/build-tsan" --preset tsan
    build_target=fuzz build "$root/build-fuzz" --preset fuzz
    more="\"$root/build-tsan\" \"$root/build-fuzz/tests/fuzz\""
fi

# All folders in one CTest run.
mkdir -p "$root/build-test/both"
cat >"$root/build-test/both/CTestTestfile.cmake" 2>/dev/null <<END || die 73 "cannot write $root/build-test/both"
subdirs("$root/build-test" "$root/build-asan" $more)
END
skip='^$'
[ -n "$sanitize" ] || skip='sanitized-program'
[ -n "$all" ] || skip="$skip|long"
cd "$root/build-test/both" || exit 70
# One more than cores: some tests wait.
exec ctest --output-on-failure -j $(($(nproc) + 1)) -LE "$skip" "$@"
