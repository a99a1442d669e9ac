#!/bin/sh
# ./test.sh in a new Debian 13, which has what debootstrap installs and nothing more: newer
# compilers, Open MPI 5 and newer libraries. Takes the files of the working tree that git does not
# ignore. About half an hour and 5 GB in $TMPDIR; LRSEARCH_DEBIAN_MIRROR names another mirror than
# debootstrap's.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
limit_s=7000
in_chroot=$LRSEARCH_SOURCE_DIR/tests/package/in_chroot.sh
new=$work/debian13

[ "$(id -u)" -eq 0 ] || skip "needs root"
command -v debootstrap >/dev/null 2>&1 || skip "needs debootstrap"
unshare --mount --pid --fork true 2>/dev/null || skip "needs namespaces for mounts and processes"
git -C "$LRSEARCH_SOURCE_DIR" -c safe.directory='*' ls-files -z --cached --others \
    --exclude-standard >files 2>/dev/null ||
    skip "needs a checkout: git tells which files belong to the project"

# A mount that debootstrap leaves when it is killed ends with the namespace.
run unshare --mount --pid --fork --kill-child debootstrap --variant=minbase trixie "$new" \
    ${LRSEARCH_DEBIAN_MIRROR:+"$LRSEARCH_DEBIAN_MIRROR"}
if unreachable=$(grep -h 'Failed getting release file' out err); then
    skip "needs a network: $unreachable"
fi
expect_status 0
run tar -C "$LRSEARCH_SOURCE_DIR" --null -T "$work/files" -c -f "$work/tree.tar"
expect_status 0
run tar -C "$new/root" --one-top-level=lrsearch -xf tree.tar
expect_status 0

run sh "$in_chroot" "$new" sh -c 'cd /root/lrsearch && ./test.sh'
[ "$status" -eq 0 ] || tail -n 400 out
expect_status 0
expect_out "100% tests passed, 0 tests failed out of"
grep -A 99 '^100% tests passed' out # how many, and which were skipped
