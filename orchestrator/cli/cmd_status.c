/* lrsearch status: shows a campaign by reading its files; the process that runs it is not
 * contacted. --watch repeats this: on a terminal it redraws one screen, elsewhere it prints a block
 * after a change. Reading the journal of a large campaign takes a second, so a watch continues
 * where it stopped, and starts again if that part of the journal is gone (a repair, another
 * campaign). */
#define _DEFAULT_SOURCE /* SIGWINCH, struct winsize */
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "cli/status_fill.h"
#include "history/run_reader.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "net/peer.h"
#include "report/status.h"
#include "store/run_lock.h"

struct status_options {
    bool watch, json;
};

#define LOOK_EVERY_MS 2000
enum { PLOT_LEAST = 6, PLOT_MOST = 24 };

/* ---- reading ---- */

struct watch { /* state of all looks so far */
    const char *run_dir;
    struct plan *plan;
    uint64_t plan_hash;
    bool planned; /* the plan is read */
    struct run_follow follow;
    struct status_fill fill;
    bool fitted;          /* the answer covers all events */
    bool changed;         /* since the last look */
    struct timespec beat; /* the lock's time at the last look */
    time_t beat_seen;     /* when that time was first seen */
};

static int on_event(void *context, const struct campaign *campaign, const struct event *event,
                    struct lr_error *err)
{
    struct watch *watch = context;
    bool small = event->kind == EVENT_CLOCK || event->kind == EVENT_CURVE;
    watch->changed = watch->changed || !small;
    watch->fitted = watch->fitted && small;
    return status_fill_event(&watch->fill, campaign, event, err);
}

/* Whether the lock's owner is alive. On this host: its process exists. On another: the lock was
 * touched within RUN_LOCK_SILENCE_MS, after which another start would break it; by both hosts'
 * clocks at first, then by changes seen here. */
static bool owner_lives(struct watch *watch, const struct run_lock_view *lock)
{
    struct msg_hello self = peer_self();
    struct msg_hello owner = {.pid = lock->owner.pid, .host_id = lock->owner.host_id};
    if (lock->known && owner.host_id == self.host_id)
        return peer_alive(&owner);
    time_t now = time(NULL);
    bool beaten = watch->beat_seen > 0 && (lock->changed.tv_sec != watch->beat.tv_sec ||
                                           lock->changed.tv_nsec != watch->beat.tv_nsec);
    if (beaten || watch->beat_seen == 0)
        watch->beat_seen = beaten ? now : lock->changed.tv_sec;
    watch->beat = lock->changed;
    return difftime(now, watch->beat_seen) * 1000 < RUN_LOCK_SILENCE_MS;
}

static int look_at_lock(struct watch *watch, bool *held, struct lr_error *err)
{
    struct status_view *view = &watch->fill.view;
    struct run_lock_view lock;
    int rc;
    view->owner_host[0] = '\0';
    *held = false;
    if ((rc = run_lock_view(&lock, watch->run_dir, err)))
        return rc;
    *held = lock.there && owner_lives(watch, &lock);
    if (lock.known) {
        memcpy(view->owner_host, lock.owner.host, sizeof(view->owner_host));
        memcpy(view->owner_since, lock.since, sizeof(view->owner_since));
        view->owner_pid = lock.owner.pid;
    }
    return 0;
}

static void forget_campaign(struct watch *watch)
{
    campaign_destroy(watch->follow.campaign);
    watch->follow = (struct run_follow){.seen = on_event, .context = watch};
    status_fill_forget(&watch->fill);
    watch->planned = watch->fitted = false;
    watch->changed = true;
}

/* Reads the plan once, creates the campaign, and applies what the journal gained since the last
 * time. */
static int read_on(struct watch *watch, struct lr_error *err)
{
    int rc;
    if (!watch->planned &&
        (rc = run_plan_read(watch->plan, &watch->plan_hash, watch->run_dir, err)))
        return rc;
    watch->planned = true;
    if (!watch->follow.campaign &&
        (rc = campaign_create(&watch->follow.campaign, watch->plan, err)))
        return rc;
    return run_follow(&watch->follow, watch->plan_hash, watch->run_dir, err);
}

static bool has_campaign(const struct watch *watch)
{
    const struct campaign *campaign = watch->follow.campaign;
    return campaign && campaign_opening(campaign)->name[0];
}

/* Reads new events and fills the view. *changed: by more than the clock and losses of running
 * trials. Looks at the lock before the journal: an owner that ends in between has written
 * everything, and one that is already gone writes no more. LR_EDATA: not a run directory, or it
 * holds no campaign. */
static int look_at_campaign(struct watch *watch, bool *changed, struct lr_error *err)
{
    struct status_view *view = &watch->fill.view;
    enum status_state before = view->state;
    struct lr_error why = {0};
    bool held;
    int rc = look_at_lock(watch, &held, err);
    if (rc)
        return rc;
    bool again = watch->follow.place.lines > 0;
    rc = read_on(watch, &why);
    if (rc && again && rc != LR_ENOMEM) {
        memset(&why, 0, sizeof(why));
        forget_campaign(watch);
        rc = read_on(watch, &why);
    }
    bool none = !has_campaign(watch);
    /* Plan and journal are written once the data are ready. */
    if (held && none && (rc == LR_EDATA || rc == LR_EIO || !rc)) {
        forget_campaign(watch);
        view->state = STATUS_PREPARING;
    } else if (rc) {
        return lr_fail(err, rc, "%s", why.text);
    } else if (none) {
        return lr_fail(err, LR_EDATA,
                       "%s/journal.jsonl: holds no campaign yet, and nobody is at it; give the "
                       "run's command again",
                       watch->run_dir);
    } else {
        bool finished = campaign_finished(watch->follow.campaign);
        bool asked = campaign_clock_ms(watch->follow.campaign) > 0;
        view->state = held       ? STATUS_RUNNING
                      : finished ? STATUS_FINISHED
                      : asked    ? STATUS_ASKED
                                 : STATUS_INTERRUPTED;
        if ((rc = status_fill_view(&watch->fill, watch->follow.campaign, !watch->fitted, err)))
            return rc;
        watch->fitted = true;
    }
    *changed = watch->changed || view->state != before;
    watch->changed = false;
    return 0;
}

/* ---- signals ---- */

static volatile sig_atomic_t ended;

static void on_end(int signal_number)
{
    ended = signal_number;
}

static void on_resize(int signal_number)
{
    (void)signal_number; /* interrupts poll(); the screen is then redrawn */
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction end = {.sa_handler = on_end}, resize = {.sa_handler = on_resize};
    sigemptyset(&end.sa_mask);
    sigemptyset(&resize.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &end, NULL);
    sigaction(SIGWINCH, &resize, NULL);
}

/* ---- the terminal ---- */

struct screen {
    bool terminal; /* stdout is a terminal that can be redrawn */
    bool keys;     /* stdin is a terminal, and its mode was changed */
    struct termios before;
    size_t columns, rows;
};

/* COLUMNS, as a program like watch(1) passes it on; 0: not given. */
static size_t columns_told(void)
{
    const char *told = getenv("COLUMNS");
    unsigned long columns = told ? strtoul(told, NULL, 10) : 0;
    return columns <= SHRT_MAX ? columns : 0;
}

/* A screen that is redrawn has the terminal's present size, whatever COLUMNS says; other output has
 * COLUMNS if it is given, else the terminal's width, and none but a terminal has 80. */
static void measure_screen(struct screen *screen)
{
    struct winsize size;
    size_t told = columns_told();
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    screen->columns = known && (screen->terminal || !told) ? size.ws_col : told ? told : 80;
    screen->rows = known ? size.ws_row : 24;
}

static void enter_screen(struct screen *screen, bool redraw)
{
    const char *term = getenv("TERM");
    memset(screen, 0, sizeof(*screen));
    screen->terminal =
        redraw && isatty(STDOUT_FILENO) == 1 && term && *term && strcmp(term, "dumb") != 0;
    if (!screen->terminal)
        return;
    screen->keys = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (screen->keys) {
        struct termios raw = screen->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* Ctrl-Z would leave the alternate screen on */
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    fputs("\033[?1049h\033[?25l", stdout); /* alternate screen, hidden cursor */
    fflush(stdout);
}

static void leave_screen(struct screen *screen)
{
    if (!screen->terminal)
        return;
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    if (screen->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
    screen->terminal = false;
}

/* Waits for the next look; false: the watch ends (q, a signal, end of input). */
static bool wait_for_next(const struct screen *screen)
{
    struct pollfd keyboard = {.fd = screen->keys ? STDIN_FILENO : -1, .events = POLLIN};
    char key = 0;
    if (!ended && poll(&keyboard, 1, LOOK_EVERY_MS) == 1 &&
        (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
        return false; /* a read of 0 bytes: the terminal is gone */
    return !ended;
}

/* ---- the text ---- */

static bool is_utf8(void)
{
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Bytes of a line's first `columns` characters. */
static size_t fitting(const char *line, size_t length, size_t columns)
{
    size_t at = 0;
    for (size_t seen = 0; at < length; at++) {
        bool begins = ((unsigned char)line[at] & 0xc0) != 0x80;
        if (begins && seen == columns)
            break;
        seen += begins;
    }
    return at;
}

/* Overwrites the screen line by line; clearing it first would flicker. */
static void draw(const struct screen *screen, const char *text)
{
    fputs("\033[H", stdout);
    size_t row = 0;
    for (const char *line = text; *line && row + 1 < screen->rows; row++) {
        size_t length = strcspn(line, "\n");
        fwrite(line, 1, fitting(line, length, screen->columns), stdout);
        fputs("\033[K\n", stdout);
        line += length + (line[length] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* The text, to be freed with free() because open_memstream() allocates it; NULL without memory. */
static char *render(const struct status_view *view, const struct status_layout *layout)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return NULL;
    status_print_text(memory, view, layout);
    if (fclose(memory) == 0)
        return text;
    free(text);
    return NULL;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* Rows left for the plot below the text; 0: too few. */
static size_t plot_room(const struct screen *screen, const struct status_view *view,
                        const char *text)
{
    bool diverged = false, running = false; /* each takes a row of the plot */
    for (size_t i = 0; i < view->point_count; i++) {
        diverged = diverged || view->points[i].outcome == BASIN_DIVERGED;
        running = running || view->points[i].outcome == BASIN_RUNNING;
    }
    /* an empty line, a title, and the interval */
    size_t used = count_lines(text) + 3 + diverged + running;
    if (used + PLOT_LEAST >= screen->rows)
        return 0;
    size_t room = screen->rows - 1 - used;
    return room < PLOT_MOST ? room : PLOT_MOST;
}

/* The plot gets the rows that the text leaves. Shows the full text if the plot fits with it, or
 * with neither text and the full one fits the screen; else the brief one. */
static int show_screen(const struct screen *screen, const struct status_view *view,
                       struct status_layout *layout)
{
    struct status_layout brief = *layout;
    brief.columns = layout->columns = screen->columns;
    brief.plot_rows = layout->plot_rows = 0;
    layout->worker_rows = screen->rows / 4;
    brief.worker_rows = 0;
    brief.brief = true;
    char *text = render(view, layout), *shorter = render(view, &brief);
    if (text && shorter) {
        layout->plot_rows = plot_room(screen, view, text);
        brief.plot_rows = plot_room(screen, view, shorter);
        bool full =
            layout->plot_rows > 0 || (brief.plot_rows == 0 && count_lines(text) < screen->rows);
        free(text);
        text = render(view, full ? layout : &brief);
    }
    if (text && shorter)
        draw(screen, text);
    int rc = text && shorter ? 0 : LR_ENOMEM;
    free(text);
    free(shorter);
    return rc;
}

static int show_view(const struct screen *screen, const struct status_view *view,
                     const struct status_options *options, struct lr_error *err)
{
    struct status_layout layout = {
        .columns = screen->columns, .plot_rows = 16, .worker_rows = 16, .unicode = is_utf8()};
    if (options->json)
        return status_print_json(view, err);
    if (screen->terminal)
        return show_screen(screen, view, &layout) ? lr_nomem(err) : 0;
    status_print_text(stdout, view, &layout);
    return 0;
}

/* ---- the command ---- */

/* Leaves the last view on the terminal. */
static int watch_campaign(struct watch *watch, const struct status_options *options,
                          struct lr_error *err)
{
    const struct status_view *view = &watch->fill.view;
    struct screen screen;
    int rc = 0;
    catch_signals();
    enter_screen(&screen, !options->json);
    for (bool first = true;; first = false) {
        bool changed = false;
        measure_screen(&screen);
        if ((rc = look_at_campaign(watch, &changed, err)))
            break;
        bool shown = screen.terminal || changed || first;
        if (shown && !screen.terminal && !first && !options->json)
            fputc('\n', stdout);
        if (shown && (rc = show_view(&screen, view, options, err)))
            break;
        if (shown && !screen.terminal && fflush(stdout)) {
            rc = lr_fail_errno(err, LR_EIO, "cannot write");
            break;
        }
        bool runs = view->state != STATUS_INTERRUPTED && view->state != STATUS_FINISHED;
        if (!runs || !wait_for_next(&screen))
            break;
    }
    bool redrawn = screen.terminal;
    leave_screen(&screen);
    measure_screen(&screen);
    if (!rc && redrawn)
        rc = show_view(&screen, view, options, err);
    return rc;
}

static int show_campaign(struct watch *watch, const struct status_options *options,
                         struct lr_error *err)
{
    struct screen screen = {0};
    bool changed;
    int rc;
    if (!(watch->plan = lr_calloc(1, sizeof(*watch->plan))))
        return lr_nomem(err);
    if (strlen(watch->run_dir) >= sizeof(watch->fill.view.run_dir))
        return lr_fail(err, LR_EDATA, "%s: the path is too long", watch->run_dir);
    strcpy(watch->fill.view.run_dir, watch->run_dir);
    forget_campaign(watch);
    if (options->watch)
        return watch_campaign(watch, options, err);
    if ((rc = look_at_campaign(watch, &changed, err)))
        return rc;
    measure_screen(&screen);
    return show_view(&screen, &watch->fill.view, options, err);
}

static int run(const struct command_line *line)
{
    struct lr_error err = {0};
    struct watch *watch = lr_calloc(1, sizeof(*watch));
    int rc = watch ? 0 : lr_nomem(&err);
    if (rc)
        goto out;
    watch->run_dir = line->operands[0];
    rc = show_campaign(watch, line->options, &err);
    campaign_destroy(watch->follow.campaign);
    status_fill_release(&watch->fill);
    lr_free(watch->plan);
    lr_free(watch);

out:
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {
    {"watch", NULL, "look again every 2 s, until the campaign ends (q: leave)",
     OPTION_AT(status_options, watch)},
    OPTION_ROW_JSON(status_options),
};

const struct command cmd_status = {
    .name = "status",
    .operand = "[RUN_DIR]",
    .help = "where a campaign stands that is running, or was run; --watch looks on",
    .examples = "lrsearch status logs/quickstart --watch",
    .operand_help = LATEST_HELP,
    .kind = OPERAND_RUN,
    .latest = true,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct status_options){0},
    .run = run,
};
