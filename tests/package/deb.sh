#!/bin/sh
# The .deb: built by cpack from the build that is tested, with what belongs into it, and nothing
# that lintian calls an error. debian.sh installs one.
. "${LRSEARCH_SOURCE_DIR:?}/tests/cli/cli_lib.sh"
command -v dpkg-shlibdeps >/dev/null 2>&1 || skip "needs dpkg-dev"
limit_s=900

run sh -c 'cd "$0" && cpack -G DEB -B "$1"' "$(dirname "$LRSEARCH")" "$work"
expect_status 0
set -- "$work"/lrsearch_*.deb
[ -f "$1" ] || fail "no package was made"
deb=$1

run dpkg-deb -f "$deb"
for text in "Package: lrsearch" "openmpi-bin" "libopenmpi3" "libyaml-0-2" "libsqlite3-0" "libpcre2-8-0" "Recommends: gnuplot-nox"; do
    expect_out "$text"
done
run dpkg-deb -x "$deb" tree
expect_status 0
expect_file tree/usr/bin/lrsearch tree/usr/share/man/man1/lrsearch.1.gz \
    tree/usr/share/man/man5/lrsearch-plan.5.gz tree/usr/share/doc/lrsearch/copyright \
    tree/usr/share/doc/lrsearch/README.md tree/usr/share/doc/lrsearch/docs/your-script.md \
    tree/usr/share/doc/lrsearch/docs/ask-tell.md tree/usr/share/doc/lrsearch/plans/README.md tree/usr/share/lrsearch/contrib/optuna_bridge.py \
    tree/usr/share/lrsearch/contrib/lrsearch.py \
    tree/usr/share/lrsearch/plan.schema.json \
    tree/usr/share/bash-completion/completions/lrsearch tree/usr/share/zsh/vendor-completions/_lrsearch
[ -z "$(find tree -name '*.o' -o -name '*.a' -o -name '*.log' -o -name '*.pyc')" ] ||
    fail "left-overs are packed"
grep -rq "$work\|$LRSEARCH_SOURCE_DIR" tree/usr/share/lrsearch/plans && fail "a path of this machine"
for plan in "$LRSEARCH_SOURCE_DIR"/plans/*.yaml "$LRSEARCH_SOURCE_DIR"/plans/recipes/*.yaml; do
    expect_file "tree/usr/share/lrsearch/${plan#"$LRSEARCH_SOURCE_DIR"/}"
done
run tree/usr/bin/lrsearch --version
expect_status 0
# All that stands beside a plan is there too: these train nothing, or next to nothing.
for name in simulate replay command-shell; do
    run tree/usr/bin/lrsearch "tree/usr/share/lrsearch/plans/$name.yaml" --run-dir "run-$name" -q
    expect_status 0
done
if command -v lintian >/dev/null 2>&1; then
    run lintian --fail-on error --allow-root "$deb"
    expect_status 0
fi
