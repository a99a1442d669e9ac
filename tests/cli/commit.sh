#!/bin/sh
# cmake/commit.cmake: which commit a program names.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v git >/dev/null 2>&1 || skip "needs git"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_CONFIG_GLOBAL=/dev/null
umask 022

expect_commit() # COMMIT FOLDER
{
    run cmake -DSOURCE="$work/$2" -DOUTPUT="$work/commit.c" -P "$2/cmake/commit.cmake"
    expect_status 0
    [ ! -s err ] || fail "commit.cmake warns"
    grep -qxF "    return \"$1\";" commit.c || fail "$2: $(grep return commit.c) instead of $1"
}
record() # FOLDER: all of its files
{
    git -C "$1" add . && git -C "$1" commit -qm change || fail "cannot commit"
    head=$(git -C "$1" rev-parse HEAD)
}

mkdir -p tree/cmake plain/tree
for file in commit git dist; do
    cp "$LRSEARCH_SOURCE_DIR/cmake/$file.cmake" tree/cmake
done
printf '$Format:%%H$\n' >tree/cmake/commit.txt
cp "$LRSEARCH_SOURCE_DIR/.gitattributes" tree
echo 1 >tree/file
cp -r tree/. plain/tree

git init -q tree
record tree
expect_commit "$head" tree
touch -d 2020-01-01 commit.c
expect_commit "$head" tree
[ "$(date -r commit.c +%Y)" = 2020 ] || fail "the file is written again with the same commit"
git -C tree tag -a -m release v9.9.9
expect_commit "$head" tree
echo 2 >tree/file
expect_commit "$head-dirty" tree
record tree
expect_commit "$head" tree
: >tree/untracked
expect_commit "$head" tree
rm tree/untracked

# In a worktree .git is a file.
git -C tree worktree add -q ../beside 2>/dev/null || fail "no worktree"
expect_commit "$head" beside

# What git says of another repository does not count: around it, in place of a broken .git, or of a
# hook's.
git init -q plain
record plain
expect_commit unknown plain/tree
mkdir plain/tree/.git
expect_commit unknown plain/tree
head=$(git -C tree rev-parse HEAD)
export GIT_DIR="$work/plain/.git"
expect_commit "$head" tree
unset GIT_DIR

# A tarball names its commit, in another repository and without git too.
run cmake -DSOURCE="$work/tree" -DNAME=x-1 -DOUTPUT="$work/plain/x.tar.gz" -P tree/cmake/dist.cmake
expect_status 0
grep -q uncommitted out err && fail "it speaks of uncommitted changes"
tar -C plain -xzf plain/x.tar.gz || fail "no tarball"
expect_commit "$head" plain/x-1
echo 3 >tree/file
run cmake -DSOURCE="$work/tree" -DNAME=x-1 -DOUTPUT="$work/other.tar.gz" -P tree/cmake/dist.cmake
expect_status 0
grep -q "uncommitted changes are not in the tarball" out err || fail "it is silent on changes"
cmp -s other.tar.gz plain/x.tar.gz || fail "two tarballs of one commit differ"
# The same bytes for a user whose git is set otherwise, and with the variables of another's hook.
printf '[core]\n\tautocrlf = true\n[tar]\n\tumask = 077\n' >settings
run env GIT_CONFIG_GLOBAL="$work/settings" GIT_DIR="$work/plain/.git" \
    cmake -DSOURCE="$work/tree" -DNAME=x-1 -DOUTPUT="$work/other.tar.gz" -P tree/cmake/dist.cmake
expect_status 0
cmp -s other.tar.gz plain/x.tar.gz || fail "the user's git changes the tarball"
cp -r tree/cmake plain/tree # whose .git is broken, in a repository that has a commit
run cmake -DSOURCE="$work/plain/tree" -DNAME=x-1 -DOUTPUT="$work/no.tar.gz" -P tree/cmake/dist.cmake
[ "$status" -ne 0 ] && [ ! -s no.tar.gz ] || fail "a tarball of the repository around it is made"
run cmake -DSOURCE="$work/plain/x-1" -DNAME=x-1 -DOUTPUT="$work/no.tar.gz" -P tree/cmake/dist.cmake
[ "$status" -ne 0 ] || fail "a tarball is made without a checkout"
cat err >>out
expect_said "a tarball is made of a commit, and this is no checkout"
