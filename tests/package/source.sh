#!/bin/sh
# The tarball of a release: the same bytes for the same commit, and where there is no git it
# configures, builds and installs a program that names the commit.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
limit_s=3000
build=$(dirname "$LRSEARCH")
version=$(sed -n 's/^project(lrsearch VERSION \([0-9.]*\).*/\1/p' "$LRSEARCH_SOURCE_DIR/CMakeLists.txt")
name=lrsearch-$version

commit=$(git -C "$LRSEARCH_SOURCE_DIR" -c safe.directory='*' rev-parse HEAD 2>/dev/null) &&
    [ -e "$LRSEARCH_SOURCE_DIR/.git" ] || skip "needs a checkout: the tarball is made of a commit"

for copy in one two; do
    rm -f "$build/$name.tar.gz"
    run cmake --build "$build" --target dist
    expect_status 0
    expect_file "$build/$name.tar.gz"
    mv "$build/$name.tar.gz" "$copy.tar.gz"
done
cmp one.tar.gz two.tar.gz || fail "two tarballs of one commit differ"

# A git that would tell another commit, in a folder that lies in another repository.
mkdir bin empty .git
printf '#!/bin/sh\necho "$*" >>"%s/asked"\nexit 128\n' "$work" >bin/git
chmod +x bin/git
PATH=$work/bin:$PATH
run tar -C empty -xzf one.tar.gz
expect_status 0
[ "$(ls empty)" = "$name" ] || fail "the tarball is not one folder"
[ ! -e "empty/$name/.ci" ] || fail "the tarball has the set-up of the tests' machine"
tree=empty/$name
run cmake -S "$tree" -B "$tree/build" -DBUILD_TESTING=OFF
expect_status 0
run cmake --build "$tree/build" --parallel "$(nproc)"
expect_status 0
run cmake --install "$tree/build" --prefix "$work/prefix"
expect_status 0
[ ! -e asked ] || fail "the build asks git: $(cat asked)"
run prefix/bin/lrsearch --version
expect_status 0
[ "$(head -n 1 out)" = "lrsearch $version" ] || fail "the first line is not the version"
grep -qx "commit: $commit" out || fail "it does not name the commit $commit"
run cmake --build "$tree/build" --target dist
[ "$status" -ne 0 ] || fail "a tarball is made where there is no git"
cat err >>out
expect_said "a tarball is made of a commit, and this is no checkout"
