#!/bin/sh
# run.sh and test.sh with stand-ins for apt, cmake and lrsearch: what they call, say and return.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
unset LRSEARCH_SKIP_PACKAGES

mkdir -p tree/plans bin
cp -r "$LRSEARCH_SOURCE_DIR/run.sh" "$LRSEARCH_SOURCE_DIR/test.sh" "$LRSEARCH_SOURCE_DIR/.ci" \
    "$LRSEARCH_SOURCE_DIR/packages.txt" tree/
echo 'version: 1' >tree/plans/plain.yaml
echo 'data: {text: [../build/text/gcide.dict.dz]}' >tree/plans/quickstart.yaml

stub() # NAME SCRIPT: a program in bin/ that writes its call to $work/calls
{
    printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n%s\n' "$1" "$work" "$2" >"bin/$1"
    chmod +x "bin/$1"
}
# Everything the scripts use, and nothing else: what is not here is "not installed".
for tool in sh env dirname basename cat sed tail head grep mktemp mkdir mv rm tr id nproc sleep cp gzip; do
    ln -s "$(command -v $tool)" bin/$tool
done
stub dpkg-query 'case " $MISSING " in *" $4 "*) exit 1 ;; esac; echo installed'
stub apt-get 'case "$*" in
*download*) [ -z "$OFFLINE" ] || exit 100; : >dict-gcide_0.48_all.deb ;;
*install*) [ -z "$OFFLINE" ] || exit 100 ;;
esac'
stub dpkg-deb 'mkdir -p "$3/usr/share/dictd"; gzip -c dictionary >"$3/usr/share/dictd/gcide.dict.dz"'
stub ctest 'exit 8'
stub sudo 'exec "$@"'
stub cmake 'case "$1" in
--build) [ -z "$BROKEN" ] || { echo "FAILED: wrong.c"; exit 1; } ;;
*) while [ $# -gt 0 ]; do
       [ "$1" != -S ] || source=$2
       [ "$1" != -B ] || folder=$2
       shift
   done
   printf "CMAKE_CACHEFILE_DIR:INTERNAL=%s\nCMAKE_HOME_DIRECTORY:INTERNAL=%s\n" "$folder" "$source" >cache
   [ ! -f "$folder/CMakeCache.txt" ] || [ "$(cat "$folder/CMakeCache.txt")" = "$(cat cache)" ] || exit 1
   cp cache "$folder/CMakeCache.txt"
   cp "$LRSEARCH_STUB" "$folder/lrsearch" ;;
esac'
stub ninja ''
stub lrsearch 'exit "${STATUS:-3}"'
mv bin/lrsearch lrsearch.stub

start_with() # VARIABLE=VALUE... -- COMMAND...: with only bin/ in PATH
{
    settings=
    while [ "$1" != -- ]; do
        settings="$settings $1"
        shift
    done
    shift
    : >calls
    # shellcheck disable=SC2086 # words
    run env -i PATH="$work/bin" LRSEARCH_STUB="$work/lrsearch.stub" TMPDIR="$work" $settings "$@"
}
called()
{
    grep -qF -e "$1" calls || fail "not called: $1; calls: $(cat calls)"
}
not_called()
{
    ! grep -qF -e "$1" calls || fail "called: $1; calls: $(cat calls)"
}

# Missing packages are named and installed, without recommended ones; nothing else is.
start_with STATUS=0 MISSING=cmake -- tree/run.sh tree/plans/plain.yaml
expect_status 0
expect_err "missing packages: cmake"
called "install --no-install-recommends cmake"
called "lrsearch run tree/plans/plain.yaml -n auto"

# All there: apt is not called.
start_with STATUS=0 -- tree/run.sh tree/plans/plain.yaml 5 -- -q --json
expect_status 0
not_called apt-get
called "lrsearch run tree/plans/plain.yaml -n 5 -q --json"

# From here on few packages, as each is asked for by itself.
cp tree/packages.txt packages.txt
sed -n '/^\(cmake\|ninja-build\|clang\) /p' packages.txt >tree/packages.txt
[ "$(wc -l <tree/packages.txt)" -eq 3 ] || fail "packages.txt lacks cmake, ninja-build or clang"

# The status of lrsearch.
start_with STATUS=65 -- tree/run.sh tree/plans/plain.yaml
expect_status 65
start_with -- tree/run.sh tree/plans/plain.yaml 1
expect_status 3
called "-n 1"

# Inside a Slurm job nothing is installed or built where a build is there.
start_with STATUS=0 SLURM_JOB_ID=1 MISSING=cmake -- tree/run.sh tree/plans/plain.yaml
expect_status 0
not_called apt-get
not_called cmake
called "lrsearch run tree/plans/plain.yaml -n auto"
mv tree/build/lrsearch kept
start_with STATUS=0 SLURM_JOB_ID=1 -- tree/run.sh tree/plans/plain.yaml
expect_status 0
called cmake
rm kept

# Names that a shell could take for something else.
for name in 'a b;touch PWNED' '$(touch PWNED)' '`touch PWNED`' '|touch PWNED' "a'b\"c" '-x'; do
    cp tree/plans/plain.yaml "./$name"
    start_with STATUS=0 CDPATH=.:tree -- tree/run.sh "./$name" 2 -- --set "$name"
    expect_status 0
    called "lrsearch run ./$name -n 2 --set $name"
    [ -z "$(find . -name PWNED)" ] || fail "$name was run as a command"
    rm "./$name"
done
# Wrong use
start_with -- tree/run.sh tree/plans/plain.yaml none
expect_status 2
start_with -- tree/run.sh --frob
expect_status 2
start_with -- tree/run.sh tree/plans/missing.yaml
expect_status 65
expect_err "missing.yaml"
[ ! -s calls ] || fail "a missing plan must not install or build anything"

# The quick start's text: fetched once, the same bytes from each Debian, whose packages differ in a
# line; without a network, the synthetic source, elsewhere.
start_with STATUS=0 OFFLINE=1 -- tree/run.sh
expect_status 0
expect_err "synthetic"
called "data.source=synthetic"
called "--run-dir logs/quickstart-synthetic"
header="00-database-info
   This file was converted from the original database on:
             "
echo "${header}Tue Feb 15 10:31:36 2022
Wed Jan 1 06:29:01 2025, said the text." >debian12
for date in "Wed Jan 1 06:29:01 2025" "Tue Feb 15 10:31:36 2022"; do
    sed "3s/[A-Z].*/$date/" debian12 >dictionary
    rm -rf tree/build/text
    start_with STATUS=0 -- tree/run.sh
    called "download dict-gcide"
    not_called "synthetic"
    gzip -dc tree/build/text/gcide.dict.dz | cmp - debian12 || fail "another text from $date"
done
start_with STATUS=0 OFFLINE=1 -- tree/run.sh
expect_status 0
not_called "apt-get"
not_called "synthetic"

# A checkout that was moved or copied is configured again; nothing else in its folder is lost. By
# another name it is the same checkout.
cp -r tree copied
mkdir tree/build/CMakeFiles copied/build/CMakeFiles
start_with STATUS=0 OFFLINE=1 -- copied/run.sh
expect_status 0
expect_err "build/ was built in $work/tree/build: configuring it again"
expect_err "building in build/"
[ ! -e copied/build/CMakeFiles ] || fail "CMakeFiles/ of the other folder is kept"
expect_file copied/build/text/gcide.dict.dz tree/build/CMakeCache.txt
not_called "apt-get"
[ -d tree/build/CMakeFiles ] || fail "the original lost its files"
start_with STATUS=0 -- copied/run.sh
expect_status 0
expect_no_err "configuring it again"
mv copied moved
start_with STATUS=0 -- moved/run.sh
expect_status 0
expect_err "build/ was built in $work/copied/build: configuring it again"
ln -s build moved/linked
sed -i "s,moved/build,moved/linked," moved/build/CMakeCache.txt
cp moved/build/CMakeCache.txt before
start_with -- moved/run.sh
expect_no_err "configuring it again"
cmp -s before moved/build/CMakeCache.txt || fail "the same folder by another name is configured again"

# A broken build is shown and ends it.
start_with BROKEN=1 -- tree/run.sh tree/plans/plain.yaml
expect_status 70
expect_err "FAILED: wrong.c"
not_called "lrsearch run"

# Not Debian: the list, and nothing is tried.
cp packages.txt tree/packages.txt
rm bin/dpkg-query
start_with -- tree/run.sh tree/plans/plain.yaml
expect_status 70
expect_err "not a Debian system"
for package in cmake libopenmpi-dev libyaml-dev; do
    expect_err "  $package"
done
expect_no_err "clang"
[ ! -s calls ] || fail "tried something on an unknown system"
start_with STATUS=0 LRSEARCH_SKIP_PACKAGES=1 -- tree/run.sh tree/plans/plain.yaml
expect_status 0

# test.sh: CTest's status is its own.
start_with LRSEARCH_SKIP_PACKAGES=1 -- tree/test.sh
expect_status 8
called "ctest --output-on-failure"
called "--preset release"
called "--preset asan"
called "--preset clang"
start_with LRSEARCH_SKIP_PACKAGES=1 BROKEN=1 -- tree/test.sh
expect_status 70
not_called ctest
