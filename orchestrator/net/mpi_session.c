/* MPI_Init and MPI_Finalize run under a time limit, because they wait for ranks that may be dead.
 *
 * Deaths are reported by ULFM (User Level Failure Mitigation, an extension of Open MPI 5). Each
 * rank notes them for itself: the campaign uses point-to-point messages only, so no communicator
 * has to be revoked or shrunk, and no agreement is needed. */
#define _DEFAULT_SOURCE
#include "net/mpi_session.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "net/mpi_group.h"
#ifdef LRSEARCH_HAVE_ULFM
#include <mpi-ext.h>
#endif
#include "net/launch.h"

#define FINALIZE_SECONDS 5u
/* Each rank on an overloaded machine adds .2 to .3 s to the start (128 ranks on 2 cores: 24 s). */
#define START_SECONDS 60u
#define RANKS_A_SECOND 2u
/* Rank 1 waits this much longer than rank 0, later ranks twice as much, so that one rank reports
 * for all, or the next if that one is dead: with run.sh's options mpirun ends the ranks 5 s after
 * SIGTERM. */
#define NEXT_SPEAKER_SECONDS 8u

static const char *library = "none";
static volatile sig_atomic_t status_at_alarm;

/* ---- deaths ---- */

#ifdef LRSEARCH_HAVE_ULFM

static bool deaths_are_reported(void)
{
    int *enabled, found = 0;
    return MPI_Comm_get_attr(MPI_COMM_WORLD, MPIX_FT, &enabled, &found) == MPI_SUCCESS && found &&
           *enabled;
}

bool mpi_is_death(int code)
{
    int class;
    return MPI_Error_class(code, &class) == MPI_SUCCESS &&
           (class == MPIX_ERR_PROC_FAILED || class == MPIX_ERR_PROC_FAILED_PENDING);
}

void mpi_note_deaths(bool *gone)
{
    MPI_Group world, failed;
    int count, rank, acknowledged;
    if (MPIX_Comm_get_failed(MPI_COMM_WORLD, &failed) != MPI_SUCCESS)
        return;
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_size(failed, &count);
    for (int i = 0; i < count; i++)
        if (MPI_Group_translate_ranks(failed, 1, &i, world, &rank) == MPI_SUCCESS && rank >= 0)
            gone[rank] = true;
    /* Only these: deaths reported since must be noted before they are acknowledged. */
    MPIX_Comm_ack_failed(MPI_COMM_WORLD, count, &acknowledged);
    MPI_Group_free(&failed);
    MPI_Group_free(&world);
}

#else

static bool deaths_are_reported(void)
{
    return false;
}

bool mpi_is_death(int code)
{
    (void)code;
    return false;
}

void mpi_note_deaths(bool *gone)
{
    (void)gone;
}

#endif

/* ---- starting ---- */

/* LRSEARCH_START_TIMEOUT, in seconds; 0: no limit. */
static unsigned start_limit_s(void)
{
    const char *told = getenv("LRSEARCH_START_TIMEOUT");
    if (told && strspn(told, "0123456789") == strlen(told) && *told && strlen(told) < 7)
        return (unsigned)strtoul(told, NULL, 10);
    return START_SECONDS + (unsigned)mpi_launched_ranks() / RANKS_A_SECOND;
}

static struct {
    char text[256];
    void (*leave_status)(int status);
    pid_t launcher; /* parent that ends the job on SIGTERM; 0: no signal needed */
} late;

/* The SIGALRM handler. Sleeps 1 s before it ends the launcher, which forwards a rank's output only
 * while it runs. */
static void give_up_start(int signal_number)
{
    (void)signal_number;
    /* Ending the launcher sends SIGTERM to this process too (it arrives in a thread of MPI's);
     * ignored, so that the exit status stays ours. */
    signal(SIGTERM, SIG_IGN);
    ssize_t written = write(STDERR_FILENO, late.text, strlen(late.text));
    (void)written; /* a failure cannot be reported */
    late.leave_status(lr_error_exit_status(LR_EWORKERS));
    sleep(1);
    if (late.launcher > 0)
        kill(late.launcher, SIGTERM);
    _exit(lr_error_exit_status(LR_EWORKERS));
}

/* Limits the start until alarm(0). If a rank dies inside MPI_Init, the others block there for ever,
 * and with recovery mpirun waits too. */
static void bound_start(void (*leave_status)(int status))
{
    int rank = mpi_launched_rank();
    unsigned limit_s = start_limit_s();
    late.leave_status = leave_status;
    late.launcher = getenv("OMPI_COMM_WORLD_RANK") ? getppid() : 0;
    snprintf(late.text, sizeof(late.text),
             "lrsearch: rank %d: MPI did not start within %u s: a rank died or hangs while it "
             "starts; run the same command again, with LRSEARCH_START_TIMEOUT=SECONDS if it needs "
             "more time\n",
             rank, limit_s);
    signal(SIGALRM, give_up_start);
    if (limit_s > 0)
        alarm(limit_s + NEXT_SPEAKER_SECONDS * (unsigned)(rank < 2 ? rank : 2));
}

/* While MPI_Init waits for the slowest rank, Open MPI's ranks wake every 100 us to look: 64 ranks
 * on 2 cores spend a third of the start on that. With this slack they sleep longer. */
#define START_SLACK_NS 20000000ul

/* Variables that make MPI_Init cheaper, for its time only: a command that trains must not inherit
 * them. Those that the user set stay. */
static const struct start_variable {
    const char *name, *value;
    int from_major, to_major; /* of Open MPI */
    bool one_host;            /* only if all ranks are on one host */
} start_variables[] = {
    /* hwloc, in each rank: cores and memory are needed, but not PCI devices (a read of their
     * configuration is slow in virtual machines), disks, and plugins for GPUs and displays. */
    {"HWLOC_COMPONENTS", "-linux:pci,-linux:io", 4, 99, false},
    {"HWLOC_PLUGINS_PATH", "/nonexistent", 4, 99, false},
    /* Networks that are not needed need not be looked for. tcp: where /dev/shm is too small. */
    {"OMPI_MCA_pml", "ob1", 4, 99, true},
    {"OMPI_MCA_btl", "self,vader,tcp", 4, 4, true},
    {"OMPI_MCA_btl", "self,sm,tcp", 5, 99, true},
};
enum { START_VARIABLES = sizeof(start_variables) / sizeof(start_variables[0]) };

static void set_start_variables(bool was_set[START_VARIABLES])
{
    int major = mpi_open_mpi_major();
    bool one_host = mpi_launched_ranks() > 0 && mpi_launched_ranks() == mpi_launched_host_ranks();
    for (size_t i = 0; i < START_VARIABLES; i++) {
        const struct start_variable *variable = &start_variables[i];
        was_set[i] = major >= variable->from_major && major <= variable->to_major &&
                     (one_host || !variable->one_host) && !getenv(variable->name) &&
                     setenv(variable->name, variable->value, 1) == 0;
    }
}

static int initialise(void)
{
    bool was_set[START_VARIABLES];
    int provided;
    set_start_variables(was_set);
    prctl(PR_SET_TIMERSLACK, START_SLACK_NS);
    int rc = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    prctl(PR_SET_TIMERSLACK, 0ul); /* the default */
    for (size_t i = 0; i < START_VARIABLES; i++)
        if (was_set[i])
            unsetenv(start_variables[i].name);
    return rc;
}

int mpi_start(void (*leave_status)(int status), struct lr_error *err)
{
    signal(SIGPIPE, SIG_IGN);         /* a send over TCP to a dead rank would kill the sender */
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* the rank ends with its launcher */
    bound_start(leave_status);
    if (initialise() != MPI_SUCCESS)
        return lr_fail(err, LR_EINTERNAL, "MPI cannot be initialised");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    int rc = mpi_groups_start(err);
    alarm(0);
    signal(SIGALRM, SIG_DFL);
    if (rc)
        return rc;
    library = mpi_loaded_library();
    return 0;
}

const char *mpi_loaded_library(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(text, &length);
    text[strcspn(text, "\n")] = '\0'; /* MPICH goes on with how it was built */
    return text;
}

int mpi_open_mpi_major(void)
{
    static const char name[] = "Open MPI v"; /* "Open MPI v4.1.4, package: ..." */
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;
    MPI_Get_library_version(text, &length);
    return strncmp(text, name, sizeof(name) - 1) == 0 ? atoi(text + sizeof(name) - 1) : 0;
}

const char *mpi_library(void)
{
    return library;
}

static void leave(int signal_number)
{
    (void)signal_number;
    _exit(status_at_alarm);
}

void mpi_finish(bool everyone, int exit_status)
{
    bool reported = deaths_are_reported();
    /* With ULFM a rank that exits with an error status is not reported as dead, and mpirun returns
     * its status instead of rank 0's; a killed rank is reported, without side effects. */
    if (reported && exit_status != 0 && mpi_launched_rank() != 0)
        raise(SIGKILL);
    status_at_alarm = exit_status;
    signal(SIGALRM, leave);
    alarm(FINALIZE_SECONDS);
    MPI_Finalize();
    alarm(0);
    if (everyone)
        return;
    /* If a rank died on another node, Open MPI 4's mpirun (our parent) may never end: send it
     * SIGTERM. Open MPI 5's ends by itself with rank 0's status; a SIGTERM would change that
     * status. */
    if (!reported && mpi_launched_rank() == 0 && getenv("OMPI_COMM_WORLD_RANK"))
        kill(getppid(), SIGTERM);
    _exit(exit_status);
}
