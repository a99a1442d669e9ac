#!/bin/sh
# Runs lrsearch on this machine, from a bare Debian 12 on: installs what is missing, builds, gets the
# quick start's text, and starts mpirun with the options that root, many ranks on few cores and
# a dying worker need.
set -u
unset CDPATH # with it, cd may print where it went
root=$(cd "$(dirname "$0")" && pwd) || exit 70
# shellcheck source=.ci/setup.sh
. "$root/.ci/setup.sh"

usage()
{
    cat <<'END'
usage: ./run.sh [PLAN [NP]] [-- LRSEARCH-OPTION...]

PLAN  a plan (default: plans/quickstart.yaml); plans/README.md explains the keys
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
for word in "$plan" "$@"; do
    [ "$word" != : ] || die 2 "':': mpirun would take it for the end of a command; a file of that name is ./:"
done
[ -f "$plan" ] || die 65 "$plan: there is no such plan"

need_packages build
build "$root/build" -DCMAKE_BUILD_TYPE=Release
lrsearch=$root/build/lrsearch

# ---- the quick start's text: a dictionary with quotations, 40 MB of English ----

text=$root/build/text/gcide.dict.dz
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
        mv "$download/files/usr/share/dictd/gcide.dict.dz" "$text" && rm -rf "$download"
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

# ---- start ----

if [ -z "$np" ]; then
    np=${SLURM_NTASKS:-$(($(nproc) + 1))}
fi
if [ "$np" -eq 1 ]; then
    exec "$lrsearch" "$plan" "$@"
fi

exit_file=$(mktemp) || die 73 "cannot make a temporary file"
trap 'rm -f "$exit_file"' EXIT
export LRSEARCH_EXIT_FILE="$exit_file"

mpi=$(mpirun --version 2>&1 </dev/null)
case $mpi in
*"Open MPI"* | *OpenRTE*)
    if [ "$(id -u)" -eq 0 ]; then
        export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    fi
    export OMPI_MCA_mpi_yield_when_idle=1
    # How long the ranks have between SIGTERM and SIGKILL to write down where they are (Open MPI 5:
    # always 250 ms).
    export OMPI_MCA_odls_base_sigkill_timeout=5
    # --bind-to none: the default pins each rank to a core. Recovery: a dead worker must not end the
    # campaign. Asynchronous finalize: nor may it keep the others from ending.
    options="--oversubscribe --bind-to none --mca async_mpi_finalize 1"
    case $mpi in
    *"Open MPI) 4."* | *"Open MPI) 3."*) options="$options --enable-recovery" ;;
    *) options="$options --with-ft ulfm" ;;
    esac
    ;;
*) options= ;; # MPICH and its kin need none, and know none of these
esac

# mpirun hands stderr on through a pipe: this is where it ends.
if [ -t 2 ]; then
    LRSEARCH_TERMINAL=$(tty <&2) && export LRSEARCH_TERMINAL
fi

# In a session of its own, so that Ctrl-C reaches this script alone. mpirun answers SIGINT by killing
# the ranks; SIGUSR1 it hands on to them, and the coordinator then writes down where it stands.
interrupted=
# shellcheck disable=SC2317 # called by the trap
stop()
{
    if [ -z "$interrupted" ]; then
        interrupted=1
        say "stopping (once more: at once)"
        kill -USR1 "$mpirun_pid" 2>/dev/null
    else
        kill -TERM "$mpirun_pid" 2>/dev/null
    fi
}
trap stop INT TERM HUP
# shellcheck disable=SC2086 # a list of words
setsid mpirun $options -np "$np" "$lrsearch" "$plan" "$@" </dev/null &
mpirun_pid=$!
while :; do
    wait "$mpirun_pid"
    mpirun_status=$?
    kill -0 "$mpirun_pid" 2>/dev/null || break
done

# With recovery mpirun returns 0 whatever happened: rank 0 left its own status in a file.
status=$(cat "$exit_file")
if [ -n "$status" ]; then
    exit "$status"
fi
if [ -n "$interrupted" ] || [ "$mpirun_status" -eq 0 ] || [ "$mpirun_status" -gt 128 ]; then
    say "the coordinator was stopped before it was done; the same command goes on from there"
    exit 75
fi
die 70 "mpirun could not start the ranks (its status: $mpirun_status)"
