/* Proposes commands. Each word is quoted for the shell, and each LR is written with as many digits
 * as read back to it: a fork takes over only trials of exactly the same LR. */
#include "report/next_steps.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/printable.h"
#include "report/plain_text.h"
#include "store/provenance.h"

enum { WORD = 2048, FORK = 64 }; /* FORK: as --fork takes it */

/* A text that does not fit becomes full, so that one check at the end finds it. */
static void __attribute__((format(printf, 2, 3)))
append(char text[NEXT_STEP_TEXT], const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, NEXT_STEP_TEXT - used, format, args);
    va_end(args);
}

static void append_word(char text[NEXT_STEP_TEXT], const char *word)
{
    char quoted[NEXT_STEP_TEXT];
    lr_shell_word(quoted, sizeof(quoted), word);
    append(text, " %*s", *quoted ? 0 : NEXT_STEP_TEXT, quoted);
}

/* The last part of a path, without slashes at its end. */
static void last_part(char out[FORK], const char *path)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    snprintf(out, FORK, "%.*s", (int)(end - begin < FORK ? end - begin : 0), path + begin);
}

/* "quickstart-wider"; "wider" if --fork would refuse that. */
static void fork_name(char out[FORK], const char *run_dir, const char *what)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    char base[FORK];
    last_part(base, run_dir);
    bool usable = *base && *base != '.' && strspn(base, letters) == strlen(base) &&
                  strlen(base) + strlen(what) + 1 < FORK;
    snprintf(out, FORK, "%s%s%s", usable ? base : "", usable ? "-" : "", what);
}

/* ---- numbers that read back ---- */

static void exact_number(char out[48], double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, 48, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return;
    }
}

/* "512Ki", "2M", "1234": the shortest of a plan's ways to write it. */
static void exact_count(char out[48], uint64_t count)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } units[] = {{UINT64_C(1) << 30, "Gi"},
                 {UINT64_C(1) << 20, "Mi"},
                 {UINT64_C(1) << 10, "Ki"},
                 {1000000000000, "T"},
                 {1000000000, "B"},
                 {1000000, "M"},
                 {1000, "k"}};
    snprintf(out, 48, "%" PRIu64, count);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        char text[48];
        if (count == 0 || count % units[i].unit != 0)
            continue;
        snprintf(text, sizeof(text), "%" PRIu64 "%s", count / units[i].unit, units[i].name);
        if (strlen(text) < strlen(out))
            snprintf(out, 48, "%s", text);
    }
}

/* ---- the fork ---- */

static void horizons_option(char out[WORD], const struct answer *answer)
{
    char count[48];
    size_t used = (size_t)snprintf(out, WORD, "search.horizons=[");
    bool added = false;
    for (size_t i = 0; i <= answer->horizon_count && used < WORD; i++) {
        uint64_t tokens = i < answer->horizon_count ? answer->horizons[i].tokens : UINT64_MAX;
        if (!added && answer->advice.tokens <= tokens) {
            exact_count(count, answer->advice.tokens);
            used += (size_t)snprintf(out + used, WORD - used, "%s%s", i > 0 ? ", " : "", count);
            added = true;
        }
        if (i == answer->horizon_count || tokens == answer->advice.tokens)
            continue;
        exact_count(count, tokens);
        used +=
            (size_t)snprintf(out + used, WORD - used, "%s%s", i > 0 || added ? ", " : "", count);
    }
    if (used < WORD)
        snprintf(out + used, WORD - used, "]");
}

/* The option that the advice asks for, and the fork's name. NULL: none. */
static const char *advice_option(char out[WORD], const struct answer *answer)
{
    const struct advice_answer *advice = &answer->advice;
    char low[48], high[48];
    switch (advice->kind) {
    case ADVICE_NONE:
        break;
    case ADVICE_RANGE:
        exact_number(low, advice->lr[0]);
        exact_number(high, advice->lr[1]);
        snprintf(out, WORD, "search.lr=[%s, %s]", low, high);
        return advice->lr[0] > 0 && advice->lr[0] < advice->lr[1] && isfinite(advice->lr[1])
                   ? "wider"
                   : NULL;
    case ADVICE_HORIZON:
        horizons_option(out, answer);
        return advice->tokens > 0 && answer->horizon_count < ANSWER_HORIZONS ? "longer" : NULL;
    case ADVICE_SEEDS:
        snprintf(out, WORD, "search.seeds=%" PRIu32, advice->seeds);
        return advice->seeds > 0 ? "seeds" : NULL;
    case ADVICE_MIN_GAIN:
        exact_number(low, advice->min_gain);
        snprintf(out, WORD, "search.min_gain=%s", low);
        return advice->min_gain > 0 ? "closer" : NULL;
    case ADVICE_RATIO:
        exact_number(low, advice->range[0]);
        exact_number(high, advice->range[1]);
        snprintf(out, WORD, "%s.%s=[%s, %s]", advice->ratio == RATIO_DECAY ? "search" : "model",
                 answer_ratio_name(advice->ratio), low, high);
        return advice->range[0] > 0 && advice->range[0] < advice->range[1] &&
                       isfinite(advice->range[1])
                   ? "wider"
                   : NULL;
    }
    return NULL;
}

static void begin_run(char text[NEXT_STEP_TEXT], const char *run_dir)
{
    char command[PROVENANCE_COMMAND];
    provenance_command(command, sizeof(command), run_dir);
    if (strncmp(command, "lrsearch ask ", 13) == 0) { /* it names the directory */
        append(text, "%s", command);
        return;
    }
    append(text, "%s --run-dir", *command ? command : "lrsearch PLAN");
    append_word(text, run_dir);
}

/* Keeps the command that was written behind the last one, if it is whole. */
static void keep_command(struct next_steps *steps)
{
    if (strlen(steps->commands[steps->count]) < NEXT_STEP_TEXT - 1)
        steps->count++;
    else
        steps->commands[steps->count][0] = '\0';
}

void next_steps_fill(struct next_steps *steps, const char *run_dir, const struct answer *answer)
{
    char option[WORD], name[FORK];
    memset(steps, 0, sizeof(*steps));
    append(steps->commands[0], "lrsearch report");
    append_word(steps->commands[0], run_dir);
    keep_command(steps);
    char *text = steps->commands[steps->count];
    const char *what = advice_option(option, answer);
    if (answer->status == ANSWER_INTERRUPTED) {
        begin_run(text, run_dir);
    } else if (what) {
        fork_name(name, run_dir, what);
        begin_run(text, run_dir);
        append(text, " --fork %s --set", name);
        append_word(text, option);
    } else {
        return;
    }
    keep_command(steps);
}

/* ---- printing ---- */

/* The end of the part that begins at `text`: a word, with its value if it is an option. */
static size_t part_length(const char *text)
{
    bool quoted = false;
    size_t words = strncmp(text, "--", 2) == 0 ? 2 : 1, i = 0;
    for (; text[i]; i++) {
        if (text[i] == '\\' && !quoted && text[i + 1])
            i++;
        else if (text[i] == '\'')
            quoted = !quoted;
        else if (text[i] == ' ' && !quoted && --words == 0)
            break;
    }
    return i;
}

void next_step_print(FILE *out, const char *lead, const char *command)
{
    char text[NEXT_STEP_TEXT];
    int indent = (int)strlen(lead), column = indent;
    snprintf(text, sizeof(text), "%s", command);
    lr_printable(text, "");
    fputs(lead, out);
    for (const char *at = text; *at;) {
        size_t length = part_length(at);
        const char *next = at + length + (at[length] == ' ');
        int room = WRAP_COLUMNS - (*next ? 2 : 0); /* for a backslash */
        if (at > text && column + 1 + (int)length > room) {
            fprintf(out, " \\\n%*s", indent + 2, "");
            column = indent + 2;
        } else if (at > text) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int)length, at);
        column += (int)length;
        at = next;
    }
    fputc('\n', out);
}
