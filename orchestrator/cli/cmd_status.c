/* lrsearch status: a look at a campaign from another process. --watch looks on: on a terminal it
 * redraws one screen, elsewhere it prints a block when something changed. It only reads. */
#define _DEFAULT_SOURCE /* SIGWINCH, struct winsize */
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "cli/command_line.h"
#include "cli/outcome.h"
#include "cli/status_fill.h"
#include "cli/status_watch.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/status_text.h"

struct status_options {
    bool watch, json;
};

#define LOOK_EVERY_MS 2000
enum { PLOT_LEAST = 6, PLOT_MOST = 24 };

static volatile sig_atomic_t ended;

static void on_end(int signal_number)
{
    ended = signal_number;
}

static void on_resize(int signal_number)
{
    (void)signal_number; /* it ends the wait, and the screen is drawn anew */
}

/* ---- the terminal ---- */

struct screen {
    bool terminal; /* stdout is one that can be redrawn */
    bool keys;     /* stdin is one too, and was changed */
    struct termios before;
    size_t columns, rows;
};

static void measure(struct screen *screen)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    screen->columns = known ? size.ws_col : 80;
    screen->rows = known ? size.ws_row : 24;
}

static void enter(struct screen *screen, bool redraw)
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
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* nobody could see what was stopped */
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
    fflush(stdout);
}

static void leave(struct screen *screen)
{
    if (!screen->terminal)
        return;
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    if (screen->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
    screen->terminal = false;
}

/* Until the next look, or a key that asks for the end. */
static bool wait_for_next(const struct screen *screen)
{
    struct pollfd keyboard = {.fd = screen->keys ? STDIN_FILENO : -1, .events = POLLIN};
    char key = 0;
    if (!ended && poll(&keyboard, 1, LOOK_EVERY_MS) == 1 &&
        (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
        return false; /* also when the terminal is gone */
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

/* Line by line over what stands there: without a moment of an empty screen nothing flickers. */
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

/* The text, free() it, which is open_memstream's and not ours; NULL without memory. */
static char *render(const struct status_view *view, const struct status_layout *layout)
{
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length);
    if (!memory)
        return NULL;
    status_text_print(memory, view, layout);
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

/* Rows for the plot beside a text; 0: too few. */
static size_t plot_room(const struct screen *screen, const struct status_view *view,
                        const char *text)
{
    bool diverged = false, running = false; /* rows of their own */
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

/* The plot has what the rest leaves of the screen; so that it has something, or everything else,
 * the rest becomes brief. */
static int show_screen(const struct screen *screen, const struct status_view *view,
                       struct status_layout *layout)
{
    struct status_layout brief = *layout;
    brief.columns = layout->columns = screen->columns < 140 ? screen->columns : 140;
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

static int show(const struct screen *screen, const struct status_view *view,
                const struct status_options *options, struct lr_error *err)
{
    struct status_layout layout = {
        .columns = 80, .plot_rows = 16, .worker_rows = 16, .unicode = is_utf8()};
    if (options->json)
        return status_print_json(view, err);
    if (screen->terminal)
        return show_screen(screen, view, &layout) ? lr_nomem(err) : 0;
    status_text_print(stdout, view, &layout);
    return 0;
}

/* ---- the command ---- */

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

/* After the last look what it showed is left on the terminal. */
static int look_on(struct status_watch *watch, const struct status_options *options,
                   struct lr_error *err)
{
    const struct status_view *view = NULL;
    struct screen screen;
    int rc = 0;
    catch_signals();
    enter(&screen, !options->json);
    for (bool first = true, on = true; on && !rc; first = false) {
        bool changed = false;
        measure(&screen);
        rc = status_watch_look(watch, &view, &changed, err);
        if (!rc && screen.terminal) {
            rc = show(&screen, view, options, err);
        } else if (!rc && (changed || first)) {
            if (!first && !options->json)
                fputc('\n', stdout);
            rc = show(&screen, view, options, err);
            if (fflush(stdout))
                rc = lr_fail_errno(err, LR_EIO, "cannot write");
        }
        on = !rc && (view->state == STATUS_RUNNING || view->state == STATUS_PREPARING) &&
             wait_for_next(&screen);
    }
    bool redrawn = screen.terminal;
    leave(&screen);
    if (!rc && redrawn)
        rc = show(&screen, view, options, err);
    return rc;
}

static int run(const struct command_line *line)
{
    const struct status_options *options = line->options;
    struct lr_error err = {0};
    struct status_watch *watch;
    const struct status_view *view;
    struct screen screen = {0};
    bool changed;
    int rc = status_watch_create(&watch, line->operands[0], &err);
    if (!rc && options->watch)
        rc = look_on(watch, options, &err);
    else if (!rc && !(rc = status_watch_look(watch, &view, &changed, &err)))
        rc = show(&screen, view, options, &err);
    status_watch_destroy(watch);
    return outcome_error(rc, &err);
}

static const struct option_row rows[] = {
    {"watch", NULL, "look again every 2 s, until the campaign ends (q: leave)",
     OPTION_AT(status_options, watch)},
    OPTION_ROW_JSON(status_options),
};

const struct command cmd_status = {
    .name = "status",
    .operand = "RUN_DIR",
    .help = "where a campaign stands that is running, or was run; --watch looks on",
    .examples = "lrsearch status logs/quickstart --watch",
    .kind = OPERAND_RUN,
    .least_most = {1, 1},
    COMMAND_ROWS(rows),
    .options = &(struct status_options){0},
    .run = run,
};
