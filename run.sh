#!/bin/sh
# Runs lrsearch on this machine, from a bare Debian 12 on: installs what is missing, builds, gets
# the quick start's text, and starts the ranks (lrsearch run -n). Inside a Slurm job it installs and
# builds nothing where a build is there.
set -u
unset CDPATH # with it, cd may print where it went
root=$(cd "$(dirname "$0")" && pwd) || exit 70
# shellcheck source=.ci/setup.sh
. "$root/.ci/setup.sh"

usage()
{
    cat <<'END'
usage: ./run.sh [PLAN [NP]] [-- LRSEARCH-OPTION...]

PLAN  a plan (default: plans/quickstart.yaml); docs/plan.md explains the keys
NP    ranks: one coordinates, the others train. Default: cores + 1, or SLURM_NTASKS inside a
      Slurm allocation. 1: no mpirun, one process does both.

The exit status is that of lrsearch (./build/lrsearch --help lists them).
END
}

plan=$root/plans/quickstart.yaml
np=
operands=0
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    --)
        shift
        break
        ;;
    -*) die 2 "$1: unknown option; options of lrsearch come after --, as in: ./run.sh PLAN -- -v" ;;
    *)
        operands=$((operands + 1))
        case $operands in
        1) plan=$1 ;;
        2) np=$1 ;;
        *) die 2 "'$1': at most a plan and a number of ranks are expected" ;;
        esac
        shift
        ;;
    esac
done
case $np in
'') ;;
*[!0-9]* | 0*) die 2 "NP '$np': must be a number of ranks, 1 or more" ;;
esac
[ -f "$plan" ] || die 65 "$plan: there is no such plan"

lrsearch=$root/build/lrsearch
if [ -z "${SLURM_JOB_ID:-}" ] || [ ! -x "$lrsearch" ]; then
    need_packages build
    build "$root/build" -DCMAKE_BUILD_TYPE=Release
fi

# ---- the quick start's text: a dictionary with quotations, 40 MB of English ----

text=$root/build/text/gcide.dict.dz
# Debian's releases differ in one line, the date of the conversion. A byte more or less there shifts
# all that follows, so the date becomes that of Debian 12.
date_line='[A-Z][a-z][a-z] [A-Z][a-z][a-z]  *[0-9]* [0-9:]* 20[0-9][0-9]'
download_text()
{
    command -v apt-get >/dev/null 2>&1 || return 1
    download=$root/build/text/download
    setup_log=$root/build/text/download.log
    rm -rf "$download"
    mkdir -p "$download" || return 1
    say "getting the text of the quick start (apt-get download dict-gcide, 15 MB)"
    (
        cd "$download" || exit 1
        # Downloading needs no root, and root need not hand over to a user who may not write here.
        fetch="apt-get -q -o APT::Sandbox::User=root download dict-gcide"
        if ! have_apt_lists || ! $fetch; then
            apt_update && $fetch
        fi
    ) >"$setup_log" 2>&1 &&
        dpkg-deb -x "$download"/dict-gcide_*.deb "$download/files" >>"$setup_log" 2>&1 &&
        gzip -dc "$download/files/usr/share/dictd/gcide.dict.dz" >"$download/text" &&
        LC_ALL=C sed "1,40s/^ *$date_line\$/             Tue Feb 15 10:31:36 2022/" \
            "$download/text" >"$download/same" &&
        gzip -nc "$download/same" >"$download/gz" && mv "$download/gz" "$text" && rm -rf "$download"
}

plan_path=$(cd "$(dirname "$plan")" && pwd)/$(basename "$plan")
if grep -q 'build/text/gcide\.dict\.dz' "$plan" && [ ! -f "$text" ] && ! download_text; then
    if [ "$plan_path" = "$root/plans/quickstart.yaml" ]; then
        say "no text (log: build/text/download.log): using the built-in synthetic source instead"
        set -- --set data.source=synthetic --run-dir logs/quickstart-synthetic "$@"
    else
        say "$plan names build/text/gcide.dict.dz, which could not be downloaded"
    fi
fi

exec "$lrsearch" run "$plan" -n "${np:-auto}" "$@"
