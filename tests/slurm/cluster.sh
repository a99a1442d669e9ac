#!/bin/sh
# usage: cluster.sh up FOLDER [NODES [CPUS]] | down FOLDER | kill FOLDER NODE | boot FOLDER NODE
#
# A Slurm cluster of virtual nodes n1, n2, ... on this machine, without systemd: slurmctld, one
# slurmd a node, and a munged of its own, all with their files in FOLDER and on ports of their own.
# `up` prints FOLDER/slurm.conf, for SLURM_CONF; exit status 77 where the machine cannot have one.
# Needs root: the nodes are namespaces, because ranks of two nodes must not share a host name,
# /dev/shm or PMIx's files. `down` ends the processes whose pids are in FOLDER; `kill` all of a
# node, as if its power failed, and `boot` starts it again.
set -u
action=${1:?} folder=${2:?}
conf=$folder/slurm.conf

cannot()
{
    echo "$*" >&2
    exit 77
}

end_process() # PID-FILE
{
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null
    tries=50
    while kill -0 "$pid" 2>/dev/null && [ $tries -gt 0 ]; do
        sleep 0.1
        tries=$((tries - 1))
    done
    kill -KILL "$pid" 2>/dev/null
}

first_free_port() # COUNT: the first of COUNT neighbouring ports on which nobody listens
{
    port=$((20000 + $$ % 12000))
    while [ $port -lt 32000 ]; do
        taken=
        for offset in $(seq 0 $(($1 - 1))); do
            # the local address of /proc/net/tcp, in state 0A: listening
            if grep -qi "^ *[0-9]*: [0-9A-F]*:$(printf %04X $((port + offset))) [^ ]* 0A" /proc/net/tcp; then
                taken=1
            fi
        done
        [ -n "$taken" ] || break
        port=$((port + $1))
    done
    echo $port
}

write_conf()
{
    first=$(first_free_port $((nodes + 1)))
    last=$((first + nodes))
    ports=$((first + 1))
    [ "$nodes" -eq 1 ] || ports="[$((first + 1))-$last]"
    host=$(hostname -s)
    cat >"$conf" <<END
ClusterName=virtual
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$first
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,batch_sched_delay=0
ReturnToService=2
SlurmdTimeout=20
KillWait=5
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
GresTypes=gpu
NodeName=n[1-$nodes] NodeHostname=$host NodeAddr=127.0.0.1 Port=$ports CPUs=$cpus Gres=gpu:4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 State=UP
END
    echo "PMIxCliTmpDirBase=$folder/pmix" >"$folder/mpi.conf"
    for gpu in 0 1 2 3; do # made up: Slurm counts them, and numbers them by these files
        : >"$folder/gpu$gpu"
    done
    echo "Name=gpu File=$folder/gpu[0-3]" >"$folder/gres.conf"
}

start_node() # NAME
{
    # shellcheck disable=SC2016 # for the inner shell
    unshare -m -u -- sh -c 'hostname "$1" && mount --make-rprivate / && mount -t tmpfs tmpfs /dev/shm &&
        mount -t tmpfs tmpfs "$2/pmix" && exec slurmd -f "$2/slurm.conf" -N "$1"' sh "$1" "$folder" \
        >"$folder/slurmd.$1.out" 2>&1
}

up() # NODES CPUS
{
    nodes=$1 cpus=$2
    [ "$(id -u)" -eq 0 ] || cannot "virtual nodes need root"
    for program in slurmctld slurmd srun sbatch munged mungekey unshare; do
        command -v $program >/dev/null 2>&1 || cannot "there is no $program"
    done
    unshare -m -u -- true 2>/dev/null || cannot "no namespaces here"
    mkdir -p "$folder/state" "$folder/spool" "$folder/pmix" || exit 1
    chmod 755 "$folder"
    mungekey --create --keyfile="$folder/munge.key" || exit 1
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" \
        --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" --seed-file="$folder/munge.seed" \
        >"$folder/munged.out" 2>&1 || cannot "munged does not start: $(cat "$folder/munged.out")"
    write_conf
    export SLURM_CONF="$conf"
    slurmctld -f "$conf" -c >"$folder/slurmctld.out" 2>&1 ||
        cannot "slurmctld does not start: $(cat "$folder/slurmctld.out")"
    for n in $(seq "$nodes"); do
        start_node "n$n" || cannot "slurmd does not start: $(cat "$folder/slurmd.n$n.out")"
    done
    tries=150
    until [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = "$nodes" ]; do
        [ $tries -gt 0 ] || cannot "the nodes do not become idle: $(sinfo 2>&1)"
        sleep 0.2
        tries=$((tries - 1))
    done
    echo "$conf"
}

kill_node() # NAME: the processes of its namespace
{
    space=$(readlink "/proc/$(cat "$folder/slurmd.$1.pid")/ns/uts") || exit 1
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/ns/uts" 2>/dev/null)" = "$space" ]; then
            kill -KILL "${process#/proc/}" 2>/dev/null
        fi
    done
}

down()
{
    if SLURM_CONF=$conf scancel -u root >/dev/null 2>&1; then
        sleep 1
    fi
    for file in "$folder"/slurmd.*.pid "$folder/slurmctld.pid" "$folder/munged.pid"; do
        end_process "$file"
    done
}

PATH=$PATH:/usr/sbin:/sbin
case $action in
up) up "${3:-2}" "${4:-32}" ;;
down) down ;;
kill) kill_node "${3:?}" ;;
boot) start_node "${3:?}" ;;
*) exit 2 ;;
esac
