/* Log lines: one write(2) each, so that lines of several ranks on one terminal do not mix. What is
 * buffered for stdout, which may be the same file, goes first. Repeated lines are recognised by
 * their text without digits: "trial 17: lost" and "trial 18: lost" count as the same. */
#define _DEFAULT_SOURCE /* struct winsize */
#include "lrsearch/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "log_file.h"
#include "lrsearch/printable.h"

#define MINUTE_MS 60000u
#define TIMES_A_MINUTE 10u
#define TEXT_ROOM 2048
#define KINDS 32 /* distinct texts tracked at a time */

struct kind {
    char key[160];  /* the text without digits; "": free */
    char last[512]; /* the last suppressed line */
    enum lr_log_level level;
    uint64_t since_ms;
    unsigned shown, held;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum lr_log_level most_detailed_level = LR_LOG_INFO;
static int own_rank = 0;
static unsigned times_a_minute = TIMES_A_MINUTE;
static uint64_t (*test_clock)(void);
static struct kind kinds[KINDS];
static char transient[512]; /* "": none is shown */

static const char *const words[] = {"error: ", "warning: ", "", ""};

static uint64_t utc_ms(void)
{
    struct timespec now;
    if (test_clock)
        return test_clock();
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void lr_log_level_set(enum lr_log_level most_detailed)
{
    most_detailed_level = most_detailed;
}

void lr_log_rank_set(int rank)
{
    own_rank = rank;
}

void lr_log_clock_set(uint64_t (*clock)(void))
{
    test_clock = clock;
}

void lr_log_files(const char *run_dir, const char *host, int ranks, uint64_t campaign_bytes)
{
    unsigned workers = ranks > 1 ? (unsigned)ranks - 1 : 1;
    pthread_mutex_lock(&mutex);
    log_file_set(run_dir, host, own_rank, ranks, campaign_bytes);
    times_a_minute = own_rank == 0 || workers == 1 ? TIMES_A_MINUTE
                     : workers < TIMES_A_MINUTE    ? TIMES_A_MINUTE / workers
                                                   : 1;
    pthread_mutex_unlock(&mutex);
}

/* ---- the terminal ---- */

static void write_terminal(const char *bytes, size_t length)
{
    ssize_t written = write(STDERR_FILENO, bytes, length);
    (void)written; /* a failure cannot be reported anywhere */
}

bool lr_log_is_terminal(void)
{
    const char *term = getenv("TERM"), *told = getenv("LRSEARCH_TERMINAL");
    return term && *term && strcmp(term, "dumb") != 0 &&
           (isatty(STDERR_FILENO) == 1 || (told && *told));
}

int lr_log_columns(void)
{
    struct winsize size = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size)) {
        const char *path = getenv("LRSEARCH_TERMINAL");
        int terminal = path ? open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;
        if (terminal >= 0) {
            ioctl(terminal, TIOCGWINSZ, &size);
            close(terminal);
        }
    }
    return size.ws_col > 0 ? size.ws_col : 80;
}

/* If the window became narrower, the terminal has wrapped the line into several rows. */
static void erase_transient(void)
{
    char codes[32];
    int rows = transient[0] ? ((int)strlen(transient) - 1) / lr_log_columns() : 0;
    if (!transient[0])
        return;
    int length = rows > 0 ? snprintf(codes, sizeof(codes), "\r\033[%dA\033[J", rows)
                          : snprintf(codes, sizeof(codes), "\r\033[K");
    write_terminal(codes, (size_t)length);
}

void lr_log_transient(const char *line)
{
    fflush(stdout);
    pthread_mutex_lock(&mutex);
    erase_transient();
    lr_printable_copy(transient, sizeof(transient), line ? line : "");
    write_terminal(transient, strlen(transient));
    pthread_mutex_unlock(&mutex);
}

static void say(enum lr_log_level level, const char *text)
{
    char line[TEXT_ROOM + 64];
    /* a worker's line may land on rank 0's transient line */
    const char *clear = own_rank != 0 && lr_log_is_terminal() ? "\r\033[K" : "";
    int used = own_rank == 0 ? snprintf(line, sizeof(line), "lrsearch: %s%s", words[level], text)
                             : snprintf(line, sizeof(line), "%slrsearch[%d]: %s%s", clear, own_rank,
                                        words[level], text);
    size_t length = used < (int)sizeof(line) - 1 ? (size_t)used : sizeof(line) - 2;
    line[length++] = '\n';
    erase_transient();
    write_terminal(line, length);
    write_terminal(transient, strlen(transient));
}

/* ---- repeated lines ---- */

static void tell_held(struct kind *kind)
{
    char text[TEXT_ROOM];
    if (kind->held > 0) {
        snprintf(text, sizeof(text), "%s ... %u times more", kind->last, kind->held);
        say(kind->level, text);
    }
    kind->held = kind->shown = 0;
}

static void tell_old(uint64_t now_ms)
{
    for (size_t i = 0; i < KINDS; i++) /* also when the clock was set back */
        if (kinds[i].key[0] && now_ms - kinds[i].since_ms >= MINUTE_MS) {
            tell_held(&kinds[i]);
            kinds[i].key[0] = '\0';
        }
}

static struct kind *kind_of(enum lr_log_level level, const char *text, uint64_t now_ms)
{
    char key[sizeof(kinds[0].key)];
    size_t used = 0;
    for (; *text && used + 1 < sizeof(key); text++)
        if (!isdigit((unsigned char)*text))
            key[used++] = *text;
    key[used] = '\0';
    struct kind *oldest = &kinds[0];
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].key[0] && kinds[i].level == level && strcmp(kinds[i].key, key) == 0)
            return &kinds[i];
        if (!kinds[i].key[0] || (oldest->key[0] && kinds[i].since_ms < oldest->since_ms))
            oldest = &kinds[i];
    }
    tell_held(oldest);
    *oldest = (struct kind){.level = level, .since_ms = now_ms};
    memcpy(oldest->key, key, used + 1);
    return oldest;
}

static void say_unless_often(enum lr_log_level level, const char *text, uint64_t now_ms)
{
    struct kind *kind =
        level == LR_LOG_WARNING || level == LR_LOG_INFO ? kind_of(level, text, now_ms) : NULL;
    if (!kind || kind->shown < times_a_minute) {
        say(level, text);
        if (kind)
            kind->shown++;
        return;
    }
    kind->held++;
    snprintf(kind->last, sizeof(kind->last), "%.*s", (int)sizeof(kind->last) - 1, text);
}

void lr_log_flush(bool all)
{
    pthread_mutex_lock(&mutex);
    tell_old(utc_ms());
    for (size_t i = 0; i < KINDS && all; i++)
        tell_held(&kinds[i]);
    pthread_mutex_unlock(&mutex);
}

/* ---- */

static void write_file(enum lr_log_level level, const char *text, uint64_t now_ms)
{
    static const char *const levels[] = {"error: ", "warning: ", "info: ", "debug: "};
    char line[TEXT_ROOM + 16], warning[TEXT_ROOM];
    const char *path = "";
    snprintf(line, sizeof(line), "%s%s", levels[level], text);
    if (log_file_write(now_ms, line, &path) == 0 || own_rank != 0)
        return;
    snprintf(warning, sizeof(warning), "%s: cannot be written: %s; going on without a log", path,
             strerror(errno));
    say(LR_LOG_WARNING, warning);
}

void lr_log(enum lr_log_level level, const char *format, ...)
{
    char text[TEXT_ROOM];
    va_list args;
    pthread_mutex_lock(&mutex);
    bool wanted = level <= most_detailed_level || log_file_wanted();
    pthread_mutex_unlock(&mutex);
    if (!wanted)
        return;
    fflush(stdout); /* without the mutex: another thread may be printing for long */
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    lr_printable(text, "");
    pthread_mutex_lock(&mutex);
    uint64_t now_ms = utc_ms();
    tell_old(now_ms);
    if (level <= most_detailed_level)
        say_unless_often(level, text, now_ms);
    write_file(level, text, now_ms);
    pthread_mutex_unlock(&mutex);
}
