/* The script goes to a file and not down a pipe: it is what is left where gnuplot is missing. The
 * program is started without a shell, so that file names mean nothing but themselves. It draws into
 * FIGURE.part, which is renamed when it is whole. */
#define _POSIX_C_SOURCE 200809L
#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lrsearch/memory.h"

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
        fputc(*text, script);
    }
    fputc('\'', script);
}

int gnuplot_begin(struct gnuplot *gnuplot, const char *path, int width, int height,
                  struct lr_error *err)
{
    size_t length = strlen(path);
    memset(gnuplot, 0, sizeof(*gnuplot));
    gnuplot->path = lr_malloc(length + 1);
    gnuplot->script_path = lr_malloc(length + sizeof(".gp"));
    if (!gnuplot->path || !gnuplot->script_path) {
        release(gnuplot);
        return lr_fail(err, LR_ENOMEM, "out of memory");
    }
    memcpy(gnuplot->path, path, length + 1);
    memcpy(gnuplot->script_path, path, length);
    memcpy(gnuplot->script_path + length, ".gp", sizeof(".gp"));
    gnuplot->script = fopen(gnuplot->script_path, "w");
    if (!gnuplot->script) {
        int rc = lr_fail_errno(err, LR_ECREATE, "%s: cannot create it", gnuplot->script_path);
        release(gnuplot);
        return rc;
    }
    fprintf(gnuplot->script,
            "set terminal svg size %d,%d dynamic font 'sans-serif,12' background 'white'\n"
            "if (!exists('figure')) figure = ",
            width, height);
    gnuplot_string(gnuplot->script, path);
    fputs("\nset output figure\nset encoding utf8\nset grid lc rgb '#dddddd'\n", gnuplot->script);
    return 0;
}

/* Our environment with a UTF-8 locale: in the C locale of a batch job gnuplot complains. lr_free()
 * it; the words are not its own. NULL: no memory. */
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

/* gnuplot ends with 0 on a full disk, too. */
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

/* "figure = 'FIGURE.part'", lr_free() it. */
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
    int file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
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
