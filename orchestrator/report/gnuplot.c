/* The script is a file, not a pipe, so that it remains if gnuplot is missing. gnuplot is started
 * without a shell, but takes a name that begins with '|' or '<' for a command and one that begins
 * with '-' for an option: all names passed to it begin with '/' or "./". It expands nothing in
 * single quotes; a control character could end them, so names with one are refused and labels get
 * '?' for it. It draws into FIGURE.part, which is renamed when complete. */
#define _POSIX_C_SOURCE 200809L
#include "report/gnuplot.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/printable.h"
#include "report/plain_text.h"

extern char **environ;

static void release(struct gnuplot *gnuplot)
{
    lr_free(gnuplot->path);
    lr_free(gnuplot->script_path);
    memset(gnuplot, 0, sizeof(*gnuplot));
}

void gnuplot_string(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', script);
        fputc((unsigned char)*text < 32 || *text == 127 ? '?' : *text, script);
    }
    fputc('\'', script);
}

/* "/cwd/name" + suffix; a name that begins with '/' stays. Release with lr_free(); NULL: failed. */
static char *absolute(const char *name, const char *suffix, struct lr_error *err)
{
    char cwd[PATH_MAX] = "";
    if (*name != '/' && !getcwd(cwd, sizeof(cwd))) {
        lr_fail_errno(err, LR_ECREATE, "the working directory cannot be told");
        return NULL;
    }
    if (lr_has_controls(cwd) || lr_has_controls(name)) {
        lr_fail(err, LR_ECREATE,
                "%s%s%s: the path holds a control character; rename the file or folder", cwd,
                *cwd ? "/" : "", name);
        return NULL;
    }
    size_t size = strlen(cwd) + strlen(name) + strlen(suffix) + 2;
    char *path = lr_malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s%s", cwd, *cwd ? "/" : "", name, suffix);
    else
        lr_nomem(err);
    return path;
}

int gnuplot_begin(struct gnuplot *gnuplot, const char *path, int width, int height,
                  struct lr_error *err)
{
    memset(gnuplot, 0, sizeof(*gnuplot));
    struct lr_error why = {0};
    gnuplot->path = absolute(path, "", &why);
    gnuplot->script_path = gnuplot->path ? absolute(path, ".gp", &why) : NULL;
    int rc = gnuplot->script_path ? own_place_check(gnuplot->path, err)
                                  : lr_fail(err, why.code, "%s", why.text);
    if (!rc && !(gnuplot->script = own_file_stream(gnuplot->script_path, 0666)))
        rc = lr_fail_errno(err, LR_ECREATE, "%s.gp: cannot create it", path);
    if (rc) {
        release(gnuplot);
        return rc;
    }
    fprintf(
        gnuplot->script,
        "set terminal svg size %d,%d dynamic font 'sans-serif,12' background 'white' noenhanced\n"
        "if (!exists('figure')) figure = %s",
        width, height, *path == '/' ? "" : "'./'.");
    gnuplot_string(gnuplot->script, path);
    fputs("\nset output figure\nset encoding utf8\nset grid lc rgb '#dddddd'\n", gnuplot->script);
    return 0;
}

/* Our environment with a UTF-8 locale: gnuplot prints warnings in the C locale of a batch job.
 * Release with lr_free(), but not its strings. NULL: out of memory. */
static char **utf8_environment(void)
{
    static char locale[] = "LC_ALL=C.UTF-8";
    size_t count = 0, used = 0;
    while (environ[count])
        count++;
    char **words = lr_calloc(count + 2, sizeof(*words));
    for (size_t i = 0; words && i < count; i++)
        if (strncmp(environ[i], "LC_ALL=", sizeof("LC_ALL=") - 1) != 0)
            words[used++] = environ[i];
    if (words)
        words[used] = locale;
    return words;
}

static bool run(const char *assignment, const char *script_path)
{
    char **environment = utf8_environment();
    char *const arguments[] = {"gnuplot", "-e", (char *)(uintptr_t)assignment,
                               (char *)(uintptr_t)script_path, NULL};
    pid_t pid;
    int status;
    bool started =
        environment && !posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environment);
    lr_free(environment);
    if (!started)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Needed because gnuplot exits with 0 on a full disk too. */
static bool is_whole_svg(const char *path)
{
    char end[16] = "";
    FILE *file = fopen(path, "rb");
    bool whole = file && fseek(file, 1 - (long)sizeof(end), SEEK_END) == 0 &&
                 fread(end, 1, sizeof(end) - 1, file) > 0 && strstr(end, "</svg>");
    if (file)
        fclose(file);
    return whole;
}

/* "figure = 'FIGURE.part'"; release with lr_free(). */
static char *assignment_to(const char *part)
{
    char *text = lr_malloc(2 * strlen(part) + sizeof("figure = ''"));
    if (!text)
        return NULL;
    char *to = text + sprintf(text, "figure = '");
    for (; *part; part++) {
        if (*part == '\'')
            *to++ = '\'';
        *to++ = *part;
    }
    memcpy(to, "'", 2);
    return text;
}

static bool draw(const struct gnuplot *gnuplot, mode_t mode)
{
    size_t length = strlen(gnuplot->path);
    char *part = lr_malloc(length + sizeof(".part"));
    if (!part)
        return false;
    memcpy(part, gnuplot->path, length);
    memcpy(part + length, ".part", sizeof(".part"));
    char *assignment = assignment_to(part);
    int file = own_file_create(part, mode);
    bool drawn = file >= 0 && assignment && run(assignment, gnuplot->script_path) &&
                 is_whole_svg(part) && rename(part, gnuplot->path) == 0;
    if (file >= 0) {
        close(file);
        if (!drawn)
            unlink(part);
    }
    lr_free(assignment);
    lr_free(part);
    return drawn;
}

int gnuplot_end(struct gnuplot *gnuplot, bool *drawn, struct lr_error *err)
{
    int rc = 0;
    struct stat status;
    assert(gnuplot->script); /* gnuplot_begin() opened it */
    bool bad = ferror(gnuplot->script) != 0 || fstat(fileno(gnuplot->script), &status);
    *drawn = false;
    if (fclose(gnuplot->script) || bad)
        rc = lr_fail_errno(err, LR_EIO, "%s: cannot write it", gnuplot->script_path);
    else
        *drawn = draw(gnuplot, status.st_mode & 0777);
    if (rc || *drawn)
        unlink(gnuplot->script_path);
    release(gnuplot);
    return rc;
}

int gnuplot_end_or_warn(struct gnuplot *gnuplot, const char *path, struct lr_error *err)
{
    bool drawn;
    int rc = gnuplot_end(gnuplot, &drawn, err);
    if (!rc && !drawn)
        lr_log(LR_LOG_WARNING,
               "%s is not drawn: gnuplot is missing or failed; its script is %s.gp, to be drawn by "
               "gnuplot anywhere",
               path, path);
    return rc;
}

/* ---- log axes ---- */

bool range_takes(double value)
{
    return value > 1e-60 && value < 1e60;
}

struct range range_empty(void)
{
    return (struct range){INFINITY, 0};
}

bool range_is_empty(const struct range *range)
{
    return !(range->low <= range->high);
}

void range_add(struct range *range, double value)
{
    if (!range_takes(value))
        return;
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

void range_widen(struct range *range, double factor)
{
    range->low /= factor;
    range->high *= factor;
}

double range_clamp(const struct range *range, double value)
{
    return !(value >= range->low) ? range->low : fmin(value, range->high);
}

/* Whether `tenths` / 10 of a power of ten gets a label, where each power has room for `room`. */
static bool is_labelled(int tenths, double room)
{
    static const struct {
        double room; /* for all of them */
        int tenths[8];
    } sets[] = {{11, {10, 15, 20, 30, 40, 50, 70}},
                {7, {10, 20, 30, 50, 70}},
                {3.3, {10, 20, 50}},
                {2.05, {10, 30}},
                {0, {10}}};
    size_t set = 0;
    while (room < sets[set].room)
        set++;
    for (int i = 0; i < 8; i++)
        if (sets[set].tenths[i] == tenths)
            return true;
    return room >= 22;
}

void gnuplot_log_axis(FILE *script, char axis, const struct range *range, double labels,
                      char format)
{
    double room = labels / log10(range->high / range->low);
    int step = room < 1 ? (int)ceil(1 / room) : 1, last = (int)ceil(log10(range->high));
    const char *separator = "";
    fprintf(script, "set logscale %c 10\nset %crange [%.10g:%.10g]\nset %ctics (", axis, axis,
            range->low, range->high, axis);
    for (int power = (int)floor(log10(range->low)); power <= last; power++)
        for (int tenths = 10; tenths < 100; tenths += tenths < 20 ? 5 : 10) {
            char label[64] = "";
            double value = tenths / 10.0 * pow(10, power);
            bool shown = power % step == 0 && is_labelled(tenths, room);
            if (value < range->low * (1 - 1e-9) || value > range->high * (1 + 1e-9) ||
                (!shown && (step > 1 || tenths == 15)))
                continue;
            if (shown && format == 'g')
                snprintf(label, sizeof(label), "%.4g", value);
            else if (shown && format == 'c')
                format_count(label, sizeof(label), value);
            else if (shown)
                format_lr(label, sizeof(label), tenths % 10 ? 2 : 1, value);
            fprintf(script, "%s'%s' %.10g %d", separator, label, value, !shown);
            separator = ", ";
        }
    fputs(")\n", script);
}

void gnuplot_row(FILE *script, const struct range *range, double x, double y, double at,
                 const double ci90[2])
{
    fprintf(script, "%.10g %.10g", x, y);
    for (int i = 0; i < 2; i++)
        fprintf(script, " %.10g", isnan(ci90[i]) ? at : range_clamp(range, ci90[i]));
}
