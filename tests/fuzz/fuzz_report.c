/* Any bytes as what a command prints, through the cutting into lines and each way to report. The
 * first byte: the way, and how many bytes come at a time. With a NUL in the input, what stands
 * before it is the prefix or regex. There is no allocation to fail: jansson and PCRE2 have their
 * own. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>
#include "trainers/command/command_output.h"
#include "trainers/command/report_reader.h"
#include "fuzz_input.h"

#define REGEX "loss[ =:]+(?<loss>[^ ]+)(?: tokens (?<tokens>[0-9.e+]+))?"
#define COUNT_MOST 9007199254740992u
enum { LINES_MOST = 32 }; /* of a regex, which may take long for each */

struct listener {
    struct report_reader *reader; /* NULL: only listens */
    enum report_way way;
    uint64_t hash; /* of all lines so far */
    size_t lines;
    bool failed; /* as in a trial, which ends then */
};

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static const char *number(char text[64], double value)
{
    if (isinf(value))
        snprintf(text, 64, "%sInfinity", value < 0 ? "-" : "");
    else if (isnan(value))
        snprintf(text, 64, "NaN");
    else
        snprintf(text, 64, "%.17g", value);
    return text;
}

/* Written in its plainest form, a report says the same. */
static void write_again(const struct report *report)
{
    char line[512], loss[64], se[64], tokens[64] = "", begun[64] = "";
    struct report again;
    struct report_reader *reader;
    if (report->has_tokens)
        snprintf(tokens, sizeof(tokens), ", \"tokens\": %" PRIu64, report->tokens);
    if (report->has_begun)
        snprintf(begun, sizeof(begun), ", \"begun_tokens\": %" PRIu64, report->begun_tokens);
    int length = snprintf(line, sizeof(line), "{\"loss\": %s, \"loss_se\": %s, \"final\": %s%s%s}",
                          number(loss, report->loss), number(se, report->loss_se),
                          report->final ? "true" : "false", tokens, begun);
    DEMAND(report_reader_create(&reader, REPORT_FD, "", NULL) == 0);
    DEMAND(report_reader_read(reader, line, (size_t)length, false, &again, NULL) == 0);
    DEMAND(again.known);
    DEMAND(same(again.loss, report->loss) && same(again.loss_se, report->loss_se));
    DEMAND(again.has_tokens == report->has_tokens && again.tokens == report->tokens);
    DEMAND(again.has_begun == report->has_begun && again.begun_tokens == report->begun_tokens);
    DEMAND(again.final == report->final);
    report_reader_destroy(reader);
}

static void on_line(void *context, const char *line, size_t length, bool cut)
{
    struct listener *listener = context;
    struct report report;
    struct lr_error err = {0};
    DEMAND(length > 0 && length <= OUTPUT_LINE && line[length] == '\0');
    DEMAND(!memchr(line, '\n', length) && !memchr(line, '\r', length));
    DEMAND(!cut || length == OUTPUT_LINE);
    listener->hash = XXH3_64bits_withSeed(line, length, listener->hash + cut);
    listener->lines++;
    if (!listener->reader || listener->failed ||
        (listener->way == REPORT_REGEX && listener->lines > LINES_MOST))
        return;
    int rc = report_reader_read(listener->reader, line, length, cut, &report, &err);
    DEMAND(rc == 0 || (rc == LR_EDATA && err.text[0]));
    DEMAND(rc != 0 || report.known || listener->way != REPORT_FD);
    DEMAND(rc == 0 || !report.known);
    listener->failed = rc < 0;
    if (!report.known)
        return;
    DEMAND(report.tokens <= COUNT_MOST && report.begun_tokens <= COUNT_MOST);
    DEMAND(report.has_tokens || report.tokens == 0);
    DEMAND(report.has_tokens || report.final || listener->way == REPORT_REGEX);
    DEMAND(!isfinite(report.loss) || isnan(report.loss_se) ||
           (report.loss_se >= 0 && isfinite(report.loss_se)));
    if (listener->way != REPORT_REGEX)
        write_again(&report);
}

static void push(struct listener *listener, const char *bytes, size_t size, size_t step)
{
    static struct output_lines lines;
    lines = (struct output_lines){.line = on_line, .context = listener};
    for (size_t at = 0; at < size; at += step)
        output_lines_push(&lines, bytes + at, size - at < step ? size - at : step);
    output_lines_end(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const patterns[] = {"", "@report ", REGEX};
    struct listener whole = {.reader = NULL}, pieces = {.reader = NULL};
    struct lr_error err = {0};
    if (size < 1)
        return 0;
    pieces.way = (enum report_way)(data[0] % 3);
    size_t step = 1 + data[0] / 3u;
    char *copy = fuzz_copy(data + 1, size - 1), *bytes = copy;
    char *nul = memchr(copy, 0, --size);
    const char *pattern = nul ? copy : patterns[pieces.way];
    if (nul) {
        bytes = nul + 1;
        size -= (size_t)(bytes - copy);
    }
    push(&whole, bytes, size, size + 1);
    int rc = report_reader_create(&pieces.reader, pieces.way, pattern, &err);
    DEMAND(rc == 0 || (pieces.way == REPORT_REGEX && rc == LR_EPLAN && err.text[0]));
    if (rc) {
        report_reader_destroy(pieces.reader);
        pieces.reader = NULL;
    }
    push(&pieces, bytes, size, step);
    DEMAND(whole.hash == pieces.hash && whole.lines == pieces.lines);
    report_reader_destroy(pieces.reader);
    fuzz_copy_free(copy);
    return 0;
}
