/* lrsearch status: shows a campaign by reading its files (campaign_look.h). --watch repeats this:
 * on a terminal it redraws one screen, elsewhere it prints a block after a change. */
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
#include <unistd.h>
#include "cli/campaign_look.h"
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/status.h"

struct status_options {
    bool watch, json;
};

#define LOOK_EVERY_MS 2000
enum { PLOT_LEAST = 6, PLOT_MOST = 24 };

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
static int watch_campaign(struct campaign_look *look, const struct status_options *options,
                          struct lr_error *err)
{
    const struct status_view *view = &look->fill.view;
    struct screen screen;
    int rc = 0;
    catch_signals();
    enter_screen(&screen, !options->json);
    for (bool first = true;; first = false) {
        bool changed = false;
        measure_screen(&screen);
        if ((rc = campaign_look(look, &changed, err)))
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

static int show_campaign(struct campaign_look *look, const struct status_options *options,
                         struct lr_error *err)
{
    struct screen screen = {0};
    bool changed;
    int rc;
    if (options->watch)
        return watch_campaign(look, options, err);
    if ((rc = campaign_look(look, &changed, err)))
        return rc;
    measure_screen(&screen);
    return show_view(&screen, &look->fill.view, options, err);
}

static int run(const struct command_line *line)
{
    struct lr_error err = {0};
    struct campaign_look *look;
    int rc = campaign_look_create(&look, line->operands[0], &err);
    if (!rc)
        rc = show_campaign(look, line->options, &err);
    campaign_look_destroy(look);
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
    .help = "state of a running or finished campaign; --watch keeps looking",
    .examples = "lrsearch status logs/quickstart --watch",
    .operand_help = LATEST_HELP,
    .kind = OPERAND_RUN,
    .latest = true,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct status_options){0},
    .run = run,
};
