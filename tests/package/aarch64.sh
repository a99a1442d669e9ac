#!/bin/sh
# aarch64: cross-compiled with Debian's gcc against Debian's arm64 libraries, which apt downloads
# and which are unpacked beside the build, not installed. The unit tests, a campaign of simulated
# trainings and one of real trainings run under qemu-user. The kernels are the plain C ones. The
# tests with the label "numbers" are left out: they take a minute on x86-64, and ten times as long
# in qemu. Needs no root. The build and what was downloaded stay.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
limit_s=7000
for program in aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ qemu-aarch64 apt-get; do
    command -v "$program" >/dev/null 2>&1 ||
        skip "needs $program (g++-aarch64-linux-gnu, qemu-user) on a Debian"
done
build=$LRSEARCH_SOURCE_DIR/build-aarch64
apt=$build/apt
system=$build/system # the arm64 files, as on such a machine
libraries=$system/usr/lib/aarch64-linux-gnu

# ---- the arm64 libraries ----

# apt with lists and a state of its own, in which nothing is installed.
arm64_apt() # WORD...
{
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$apt/state" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root "$@"
}

# Of all that the -dev packages depend on: libraries and headers, no programs.
names_of_libraries()
{
    # shellcheck disable=SC2046 # words
    arm64_apt -s --no-install-recommends install libc6-dev $(sed -n \
        's/^\(\(lib\|zlib\)[a-z0-9.+-]*-dev\) .*build .*/\1/p' "$LRSEARCH_SOURCE_DIR/packages.txt") |
        sed -n 's/^Inst \(\(lib\|zlib1g\|linux-libc\)[^ ]*\) .*/\1/p' | grep -v perl
}

unpack_libraries()
{
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
    : >"$apt/status"
    arm64_apt update >out 2>&1 || fail "apt-get update: $(cat out)"
    [ -n "$(find "$apt/state/lists" -name '*arm64_Packages*')" ] ||
        skip "needs a network: $(tail -n 1 out)"
    names_of_libraries >names
    expect_file names
    cd "$apt/debs" || fail "no $apt/debs"
    # shellcheck disable=SC2046 # words
    arm64_apt download $(sed 's/$/:arm64/' "$work/names") >"$work/out" 2>&1 ||
        fail "apt-get download: $(cat "$work/out")"
    cd "$work" || fail "no $work"
    rm -rf "$system"
    mkdir -p "$system"
    for deb in "$apt"/debs/*.deb; do
        dpkg-deb -x "$deb" "$system" || fail "$deb cannot be unpacked"
    done
    # What the packages' scripts would have linked.
    ln -s openblas-pthread/libopenblas.so openblas-pthread/libopenblas.so.0 "$libraries/"
    ln -s ../openblas-pthread/pkgconfig/openblas.pc "$libraries/pkgconfig/"
    : >"$system/complete"
}

[ -e "$system/complete" ] || unpack_libraries

# ---- the build ----

export PKG_CONFIG_SYSROOT_DIR="$system"
export PKG_CONFIG_LIBDIR="$libraries/pkgconfig:$system/usr/share/pkgconfig"
run cmake --preset release -S "$LRSEARCH_SOURCE_DIR" -B "$build" \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_SYSROOT="$system" \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
    -DCMAKE_FIND_ROOT_PATH="$system" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
    -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
    -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-aarch64;-L;$system" \
    -DMPI_SKIP_COMPILER_WRAPPER=ON -DMPI_C_LIB_NAMES=mpi \
    -DMPI_C_HEADER_DIR="$libraries/openmpi/include" \
    -DMPI_mpi_LIBRARY="$libraries/openmpi/lib/libmpi.so"
expect_status 0
run cmake --build "$build" --parallel "$(nproc)"
expect_status 0
run aarch64-linux-gnu-readelf -h "$build/lrsearch"
expect_out AArch64

# ---- the tests ----

export LRSEARCH_FEW_RUNS=1
run ctest --test-dir "$build" -R '^test_' -LE 'long|numbers' -j "$(nproc)" --output-on-failure
[ "$status" -eq 0 ] || tail -n 400 out
expect_status 0
grep '^100% tests passed' out

# A search of simulated trainings has the same bytes: no product and sum are contracted there. One
# that trains has not, because its kernels are others.
plan=$LRSEARCH_SOURCE_DIR/plans/simulate.yaml
run "$LRSEARCH" "$plan" --run-dir here -q
answered=$status
run qemu-aarch64 -L "$system" "$build/lrsearch" "$plan" --run-dir there -q
expect_status "$answered"
expect_same_result here/result.json there/result.json
tiny_plan tiny.yaml
run qemu-aarch64 -L "$system" "$build/lrsearch" tiny.yaml --run-dir trained -q
[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || fail "exit status $status"
expect_file trained/result.json
