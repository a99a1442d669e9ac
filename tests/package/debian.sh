#!/bin/sh
# usage: debian.sh SUITE [test]: a new Debian 12 (bookworm) or 13 (trixie), which has what
# debootstrap installs and nothing more. Two of them:
#
#   builder   the files of the working tree that git does not ignore; ./run.sh of a few trainings,
#             cpack -G DEB, and with "test" the whole ./test.sh
#   user      the .deb, which apt installs with what it depends on and recommends; an ordinary user
#             then runs the tutorial's first plan, and reads the manual, the schema and completion
#
# Debian 13 has newer compilers, Open MPI 5 and newer libraries, so ./test.sh runs there. On Debian
# 12 it would repeat what CI does. Packages that were downloaded are kept in the build folder. Needs
# 6 GB in $TMPDIR. LRSEARCH_DEBIAN_MIRROR names another mirror than debootstrap's;
# LRSEARCH_DEB=FILE: a package from elsewhere, without the builder.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
limit_s=7000
suite=$1
in_chroot=$LRSEARCH_SOURCE_DIR/tests/package/in_chroot.sh
kept=$(dirname "$LRSEARCH")/debs/$suite
builder=$work/builder
user=$work/user

[ "$(id -u)" -eq 0 ] || skip "needs root"
command -v debootstrap >/dev/null 2>&1 || skip "needs debootstrap"
unshare --mount --pid --fork true 2>/dev/null || skip "needs namespaces for mounts and processes"
git -C "$LRSEARCH_SOURCE_DIR" -c safe.directory='*' ls-files -z --cached --others \
    --exclude-standard >files 2>/dev/null ||
    skip "needs a checkout: git tells which files belong to the project"

in_builder() # COMMAND...
{
    run sh "$in_chroot" "$builder" "$@"
    keep_packages "$builder"
    [ "$status" -eq 0 ] || tail -n 400 out
    expect_status 0
}

keep_packages() # CHROOT
{
    cp -n "$1"/var/cache/apt/archives/*.deb "$kept/"
}

# ---- the two systems ----

mkdir -p "$kept" || fail "cannot make $kept"
# A mount that debootstrap leaves when it is killed ends with the namespace.
run unshare --mount --pid --fork --kill-child debootstrap --variant=minbase --cache-dir="$kept" \
    "$suite" "$user" ${LRSEARCH_DEBIAN_MIRROR:+"$LRSEARCH_DEBIAN_MIRROR"}
if unreachable=$(grep -h 'Failed getting release file' out err); then
    skip "needs a network: $unreachable"
fi
expect_status 0
cp "$kept"/*.deb "$user/var/cache/apt/archives/"

# ---- the builder ----

make_package()
{
    run cp -a "$user" "$builder"
    expect_status 0
    run tar -C "$LRSEARCH_SOURCE_DIR" --null -T "$work/files" -c -f "$work/tree.tar"
    expect_status 0
    run tar -C "$builder/root" --one-top-level=lrsearch -xf tree.tar
    expect_status 0
    # Few trainings: the budget ends (status 4) before the answer. Without the programs of the
    # tests, which ./test.sh builds.
    in_builder sh -c 'cd /root/lrsearch && export build_target="lrsearch docs" &&
        { ./run.sh plans/quickstart.yaml 3 -- --set budget.trials=4; [ $? -eq 4 ]; }'
    expect_file "$builder/root/lrsearch/build/text/gcide.dict.dz" \
        "$builder/root/lrsearch/logs/quickstart/result.json"
    in_builder apt-get install -q -y --no-install-recommends file # which cpack calls
    in_builder sh -c 'cd /root/lrsearch/build && cmake -DBUILD_TESTING=OFF . && cpack -G DEB'
    set -- "$builder"/root/lrsearch/build/lrsearch_*.deb
    [ -f "$1" ] || fail "no package was made"
    package=$1
}

package=${LRSEARCH_DEB:-}
[ -n "$package" ] || make_package
cp "$package" "$user/root/lrsearch.deb" || fail "cannot write to $user"

# ---- the user ----

cat >"$user/root/install.sh" <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y install /root/lrsearch.deb dict-gcide man-db bash-completion </dev/null
useradd --create-home --shell /bin/bash ada
END
cat >"$user/first_plan.sh" <<'END'
set -eu
cd
[ "$(id -un)" = ada ]
lrsearch --version
plans=/usr/share/lrsearch/plans
[ ! -w $plans ] && [ ! -w $plans/quickstart.yaml ] && [ ! -w /usr/bin/lrsearch ]
lrsearch run $plans/quickstart.yaml -n 3 -q || [ $? -eq 3 ]
grep -q '"schema_version"' logs/quickstart/result.json
lrsearch report logs/quickstart >/dev/null && [ -s logs/quickstart/report.html ]
ls -l logs/quickstart
cp -r $plans . && lrsearch plans/command-shell.yaml -q --run-dir logs/shell # a copy of one's own
lrsearch history | grep ' shell '
man lrsearch | grep -q 'EXIT STATUS'
man 5 lrsearch-plan | grep -q search.horizons
lrsearch schema | cmp - /usr/share/lrsearch/plan.schema.json
bash -c '. /usr/share/bash-completion/bash_completion
    _comp_load lrsearch || __load_completion lrsearch # of Debian 13, of 12
    COMP_WORDS=(lrsearch hist) COMP_CWORD=1; _lrsearch; [ "$COMPREPLY" = history ]
    COMP_WORDS=(lrsearch che) COMP_CWORD=1; _lrsearch; [ "$COMPREPLY" = check ]'
echo "all is well"
END
run sh "$in_chroot" "$user" sh /root/install.sh
keep_packages "$user"
expect_status 0
run sh "$in_chroot" "$user" su - ada -c 'sh /first_plan.sh'
expect_status 0
expect_out "all is well"
cat out

# ---- ./test.sh ----

[ "${2:-}" = test ] && [ -d "$builder" ] || exit 0
in_builder sh -c 'cd /root/lrsearch && ./test.sh'
expect_out "100% tests passed, 0 tests failed out of"
grep -A 99 '^100% tests passed' out # how many, and which were skipped
