/* Follows a file by its name, since programs replace files. Only sizes and times are looked at
 * until they change; then what is new is read.
 *
 * The first byte tells the format. { or [: JSON lines if the first line is a whole value, else one
 * document, which is read anew whenever it changes. Any other: CSV.
 *
 * A file counts as grown if its first and last bytes up to where it was read are the same as then,
 * and is read from its start otherwise. What was there before the attempt is told in the same way:
 * report_file_open() remembers where it ended. */
#define _GNU_SOURCE /* strverscmp */
#include "trainers/command/report_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include "trainers/command/report_rows.h"
#include "lrsearch/memory.h"

enum {
    PIECE = 1 << 20,        /* bytes read at once */
    MOST = 8 << 20,         /* of a line or a JSON document, whose tree takes several times that */
    ENDS = 4096,            /* bytes compared at either end */
    MATCHES_MOST = 1024,    /* files that a pattern may match */
    PATHS = 6 * TRIAL_PATH, /* cwd with every character quoted, and the name */
    TRIES = 10,             /* a line may be half there, as on NFS */
};
#define BOM "\xef\xbb\xbf"

enum format { FORMAT_UNKNOWN, FORMAT_LINES, FORMAT_DOCUMENT, FORMAT_CSV };

struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct old_file { /* there before the attempt */
    struct stamp stamp;
    uint64_t hash; /* of its ends */
};

struct report_file {
    char name[TRIAL_PATH], path[PATHS];
    bool pattern;
    struct old_file *old;
    size_t old_count, old_capacity;

    bool followed;      /* what follows is set */
    struct stamp stamp; /* at the last look */
    enum format format;
    off_t at;      /* read up to here */
    uint64_t hash; /* of the ends of what was read */
    off_t skip;    /* lines that begin before it are older than the attempt */
    off_t end;     /* of the file when the command had ended; -1: it runs */
    size_t line;   /* lines read */
    int tries;     /* of a line that cannot be read */
    bool again;    /* more is there */

    struct report_rows rows;
    char *text;
    size_t capacity;
};

/* ---- which file ---- */

static struct stamp stamp_of(const struct stat *status)
{
    return (struct stamp){status->st_dev, status->st_ino, status->st_size, status->st_mtim};
}

static bool same_file(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode;
}

static bool same_time(const struct stamp *a, const struct stamp *b)
{
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return same_file(a, b) && a->size == b->size && same_time(a, b);
}

static bool is_newer(const struct stamp *a, const char *a_path, const struct stamp *b,
                     const char *b_path)
{
    if (a->changed.tv_sec != b->changed.tv_sec)
        return a->changed.tv_sec > b->changed.tv_sec;
    if (a->changed.tv_nsec != b->changed.tv_nsec)
        return a->changed.tv_nsec > b->changed.tv_nsec;
    return strverscmp(a_path, b_path) > 0; /* checkpoint-1000 after checkpoint-500 */
}

static bool is_old(const struct report_file *file, const struct stamp *stamp)
{
    for (size_t i = 0; i < file->old_count; i++)
        if (same_stamp(&file->old[i].stamp, stamp))
            return true;
    return false;
}

static int open_file(const char *path)
{
    return open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* Opens and closes the folder of a path. NFS remembers for a while that a file was not there; this
 * makes it ask again. */
static void ask_again(const char *path)
{
    char folder[PATHS];
    const char *end = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", end ? (int)(end - path) + 1 : 0, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
}

/* Stats a path that may be followed. 1: it may; 0: nothing is there. */
static int look_at(const struct report_file *file, const char *path, struct stamp *stamp,
                   struct lr_error *err)
{
    struct stat status;
    int fd = -1;
    ask_again(path);
    int rc = stat(path, &status);
    if (rc == 0 && S_ISREG(status.st_mode)) { /* and nothing that opening may change */
        rc = fd = open_file(path);
        rc = rc < 0 ? rc : fstat(fd, &status); /* as it is now, on NFS too */
    }
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    if (rc < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0
                                                   : lr_fail_errno(err, LR_EIO, "%s", file->name);
    if (!S_ISREG(status.st_mode))
        return lr_fail(err, LR_EDATA, "%s is %s, and no regular file", file->name,
                       S_ISDIR(status.st_mode)    ? "a folder"
                       : S_ISFIFO(status.st_mode) ? "a pipe"
                                                  : "a device or a socket");
    *stamp = stamp_of(&status);
    return 1;
}

/* Calls `each` for every regular file that matches. */
static int for_matches(struct report_file *file,
                       int (*each)(struct report_file *file, const char *path,
                                   const struct stamp *stamp, void *context, struct lr_error *err),
                       void *context, struct lr_error *err)
{
    glob_t found;
    int rc = glob(file->path, GLOB_NOSORT, NULL, &found);
    if (rc)
        return rc == GLOB_NOSPACE ? lr_nomem(err) : 0;
    if (found.gl_pathc > MATCHES_MOST)
        rc = lr_fail(err, LR_EDATA, "%s matches more than %d files", file->name, MATCHES_MOST);
    for (size_t i = 0; !rc && i < found.gl_pathc; i++) {
        struct stamp stamp;
        if (look_at(file, found.gl_pathv[i], &stamp, NULL) > 0)
            rc = each(file, found.gl_pathv[i], &stamp, context, err);
    }
    globfree(&found);
    return rc;
}

struct choice {
    char path[PATHS];
    struct stamp stamp;
    bool made;
};

static int choose_newest(struct report_file *file, const char *path, const struct stamp *stamp,
                         void *context, struct lr_error *err)
{
    struct choice *choice = context;
    (void)err;
    bool before = file->followed && !same_file(&file->stamp, stamp) &&
                  is_newer(&file->stamp, "", stamp, ""); /* the newer one was removed */
    if (before || is_old(file, stamp) || strlen(path) >= PATHS ||
        (choice->made && !is_newer(stamp, path, &choice->stamp, choice->path)))
        return 0;
    memcpy(choice->path, path, strlen(path) + 1);
    choice->stamp = *stamp;
    choice->made = true;
    return 0;
}

/* The file to read now, if there is one that the attempt has written. */
static int choose(struct report_file *file, struct choice *choice, struct lr_error *err)
{
    choice->made = false;
    if (file->pattern)
        return for_matches(file, choose_newest, choice, err);
    int there = look_at(file, file->path, &choice->stamp, err);
    if (there < 0)
        return there;
    memcpy(choice->path, file->path, sizeof(choice->path));
    choice->made = there && !is_old(file, &choice->stamp);
    return 0;
}

/* ---- what was there before ---- */

/* Hashes the first and the last bytes of what stands before `at`. */
static uint64_t hash_ends(int fd, off_t at)
{
    char bytes[2 * ENDS];
    size_t length = at < ENDS ? (size_t)at : ENDS;
    ssize_t first = pread(fd, bytes, length, 0);
    first = first < 0 ? 0 : first;
    ssize_t last = pread(fd, bytes + first, length, at - (off_t)length);
    return XXH3_64bits(bytes, (size_t)(first + (last < 0 ? 0 : last)));
}

static int add_old(struct report_file *file, const char *path, const struct stamp *stamp,
                   void *context, struct lr_error *err)
{
    (void)context;
    void *larger = lr_grow(file->old, file->old_count, &file->old_capacity, sizeof(*file->old));
    if (!larger)
        return lr_nomem(err);
    file->old = larger;
    int fd = open_file(path);
    file->old[file->old_count++] =
        (struct old_file){*stamp, fd < 0 ? 0 : hash_ends(fd, stamp->size)};
    if (fd >= 0)
        close(fd);
    return 0;
}

bool report_file_is_pattern(const char *name)
{
    int depth = 0;
    for (; *name; name++) {
        depth += (*name == '{') - (*name == '}');
        if (depth == 0 && strchr("*?[", *name))
            return true;
    }
    return false;
}

/* Puts the working directory before a relative name. In a pattern, *, ? and [ of the directory are
 * plain; a last part x without these becomes [x], so that its folder is listed, as in ask_again().
 * LR_EFAILURES: it is too long. */
static int set_path(struct report_file *file, const char *cwd, struct lr_error *err)
{
    const char *last = strrchr(file->name, '/');
    last = last ? last + 1 : file->name;
    bool list = file->pattern && isalnum((unsigned char)*last) && !strpbrk(last, "*?[\\");
    size_t used = 0;
    for (const char *c = file->name[0] == '/' ? "" : cwd; *c && used + 2 < PATHS; c++) {
        if (file->pattern && strchr("*?[\\", *c))
            file->path[used++] = '\\';
        file->path[used++] = *c;
    }
    int length = snprintf(file->path + used, PATHS - used, list ? "%s%.*s[%c]%s" : "%s%.*s%c%s",
                          file->name[0] == '/' ? "" : "/", (int)(last - file->name), file->name,
                          *last, *last ? last + 1 : "");
    return (size_t)length < PATHS - used
               ? 0
               : lr_fail(err, LR_EFAILURES, "%s: its path is too long", file->name);
}

int report_file_open(struct report_file **out, const struct report_file_request *request,
                     struct lr_error *err)
{
    const struct command_setup *setup = request->setup;
    struct stamp stamp;
    int rc;
    struct report_file *file = *out = lr_calloc(1, sizeof(*file));
    if (!file)
        return lr_nomem(err);
    file->rows.loss = setup->report_loss;
    file->rows.count = setup->report_tokens ? setup->report_tokens : setup->report_steps;
    file->rows.tokens_each = setup->report_tokens ? 1 : request->trial->spec->batch_tokens;
    file->rows.context = request->context;
    file->rows.take = request->take;
    file->end = -1;
    file->pattern = report_file_is_pattern(setup->report_file);
    if ((rc = placeholder_expand(file->name, sizeof(file->name), setup->report_file, request->trial,
                                 err)) ||
        (rc = set_path(file, request->cwd, err)))
        goto out;
    if (file->pattern)
        rc = for_matches(file, add_old, NULL, err);
    else if ((rc = look_at(file, file->path, &stamp, err)) > 0)
        rc = add_old(file, file->path, &stamp, NULL, err);

out:
    if (rc) {
        lr_prefix(err, "trainer.report");
        report_file_close(file);
        *out = NULL;
    }
    return rc;
}

void report_file_close(struct report_file *file)
{
    if (!file)
        return;
    lr_free(file->old);
    lr_free(file->text);
    lr_free(file);
}

/* ---- reading ---- */

static void begin(struct report_file *file, int fd, const struct stamp *stamp)
{
    file->followed = true;
    file->at = file->skip = 0;
    file->line = 0;
    file->tries = 0;
    for (size_t i = 0; i < file->old_count; i++) {
        const struct old_file *old = &file->old[i];
        if (same_file(&old->stamp, stamp) && old->stamp.size < stamp->size &&
            hash_ends(fd, old->stamp.size) == old->hash)
            file->skip = old->stamp.size;
    }
}

/* Whether the file is the one that was read, perhaps longer. */
static bool has_grown(const struct report_file *file, int fd, const struct stamp *stamp)
{
    return file->followed && same_file(&file->stamp, stamp) && stamp->size >= file->at &&
           (stamp->size != file->stamp.size || same_time(&file->stamp, stamp)) &&
           hash_ends(fd, file->at) == file->hash;
}

/* Appends to the text what the file has up to `length` bytes after `at`. Returns how many bytes it
 * has there now, fewer at the file's end. */
static ssize_t fill(struct report_file *file, int fd, size_t have, size_t length,
                    struct lr_error *err)
{
    if (length > file->capacity || !file->text) {
        char *larger = lr_realloc(file->text, length + 1);
        if (!larger)
            return lr_nomem(err);
        file->text = larger;
        file->capacity = length;
    }
    while (have < length) {
        ssize_t count = pread(fd, file->text + have, length - have, file->at + (off_t)have);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return lr_fail_errno(err, LR_EIO, "%s", file->name);
        if (count == 0)
            break;
        have += (size_t)count;
    }
    file->text[have] = '\0';
    return (ssize_t)have;
}

static size_t line_length(const char *text, size_t length)
{
    const char *end = memchr(text, '\n', length);
    return end ? (size_t)(end - text) + 1 : 0;
}

/* Finds the format by the file's first bytes. whole: nothing follows them. */
static enum format find_format(const char *text, size_t length, bool whole)
{
    size_t i = length >= 3 && memcmp(text, BOM, 3) == 0 ? 3 : 0;
    while (i < length && strchr(" \t\r\n", text[i]))
        i++;
    if (i == length)
        return FORMAT_UNKNOWN;
    if (text[i] != '{' && text[i] != '[')
        return FORMAT_CSV;
    size_t first = line_length(text + i, length - i);
    json_t *value = report_json(text + i, first ? first : length - i, JSON_ALLOW_NUL, NULL);
    json_decref(value);
    if (!first)
        return value || whole ? FORMAT_DOCUMENT : FORMAT_UNKNOWN;
    return value ? FORMAT_LINES : FORMAT_DOCUMENT;
}

static bool is_blank(const char *text, size_t length)
{
    return strspn(text, " \t\r\n") >= length;
}

static int take_line(struct report_file *file, const char *text, size_t length,
                     struct lr_error *err)
{
    bool counts = file->at >= file->skip;
    size_t mark = file->at == 0 && length >= 3 && memcmp(text, BOM, 3) == 0 ? 3 : 0;
    if (is_blank(text + mark, length - mark))
        return 0;
    if (file->format == FORMAT_CSV)
        return report_rows_csv(&file->rows, text + mark, length - mark, counts, err);
    return counts ? report_rows_json(&file->rows, text + mark, length - mark, err) : 0;
}

/* Takes the complete lines of the text, and a last one without \n if `whole`. */
static int take_lines(struct report_file *file, size_t length, bool whole, bool final,
                      struct lr_error *err)
{
    for (size_t i = 0, size; i < length; i += size) {
        struct lr_error why = {0};
        size = line_length(file->text + i, length - i);
        if (!size && !whole)
            break;
        size = size ? size : length - i;
        int rc = take_line(file, file->text + i, size, &why);
        if (rc && (final || ++file->tries > TRIES))
            return lr_fail(err, rc, "%s, line %zu %s", file->name, file->line + 1, why.text);
        if (rc) {
            file->again = false;
            break;
        }
        file->tries = 0;
        file->line++;
        file->at += (off_t)size;
    }
    return 0;
}

static int take_document(struct report_file *file, size_t length, bool final, struct lr_error *err)
{
    struct lr_error why = {0};
    int rc = report_rows_json(&file->rows, file->text, length, &why);
    return rc && final ? lr_fail(err, rc, "%s %s", file->name, why.text) : 0;
}

static int read_on(struct report_file *file, int fd, off_t end, bool final, struct lr_error *err)
{
    off_t rest = end > file->at ? end - file->at : 0;
    ssize_t have = 0;
    bool whole, by_line;
    for (off_t most = PIECE;; most = MOST) {
        whole = rest <= most;
        have = fill(file, fd, (size_t)have, (size_t)(whole ? rest : most), err);
        if (have < 0)
            return (int)have;
        if (file->at == 0)
            file->format = find_format(file->text, (size_t)have, final && whole);
        by_line = file->format == FORMAT_LINES || file->format == FORMAT_CSV;
        if (whole || (by_line && line_length(file->text, (size_t)have)))
            break;
        if (most == MOST)
            return lr_fail(err, LR_EDATA, "%s has a line or a JSON document of more than %d MiB",
                           file->name, MOST >> 20);
    }
    if (file->at == 0)
        report_rows_restart(&file->rows);
    file->again = !whole;
    if (file->format == FORMAT_DOCUMENT)
        return take_document(file, (size_t)have, final, err);
    return by_line ? take_lines(file, (size_t)have, final && whole, final, err) : 0;
}

int report_file_read(struct report_file *file, bool final, struct lr_error *err)
{
    struct choice choice;
    struct stat status;
    int rc = choose(file, &choice, err);
    if (rc || !choice.made)
        return rc;
    bool news = !file->followed || !same_stamp(&file->stamp, &choice.stamp);
    if (!news && !file->again && !file->tries && !final)
        return 0;
    int fd = open_file(choice.path);
    if (fd < 0)
        return errno == ENOENT ? 0 : lr_fail_errno(err, LR_EIO, "%s", file->name);
    if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
        rc = lr_fail(err, LR_EDATA, "%s is no regular file", file->name);
        goto out;
    }
    struct stamp stamp = stamp_of(&status);
    if (!has_grown(file, fd, &stamp))
        begin(file, fd, &stamp);
    if (final && file->end < 0)
        file->end = stamp.size; /* a process that left the group may write on for ever */
    rc = read_on(file, fd, final ? file->end : stamp.size, final, err);
    file->stamp = stamp;
    file->hash = hash_ends(fd, file->at);

out:
    close(fd);
    return rc ? rc : (news ? REPORT_FILE_NEWS : 0) | (file->again ? REPORT_FILE_MORE : 0);
}

bool report_file_is_whole(const struct report_file *file)
{
    return file->rows.found && (!file->rows.count || !isnan(file->rows.last_count));
}

const char *report_file_why(const struct report_file *file, char *out, size_t capacity)
{
    if (!file->followed)
        snprintf(out, capacity, "%s %s", file->name,
                 file->old_count ? "is from before this attempt, which wrote nothing to it"
                                 : "was not written");
    else
        snprintf(out, capacity, "%s has no %s%s%s", file->name,
                 file->rows.found ? file->rows.count : file->rows.loss,
                 file->rows.names[0] ? "; it has " : "", file->rows.names);
    return out;
}
