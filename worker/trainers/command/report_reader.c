/* Parses JSON lines. Python's json writes NaN and Infinity, which JSON lacks, and numbers beyond a
 * double's range count as infinite: both are quoted before the line is parsed. Numbers in a regex's
 * groups may have these forms too. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "trainers/command/report_reader.h"

#include <jansson.h>
#include <math.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include "trainers/command/command_output.h"
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"

#define MATCH_LIMIT 1000000u           /* steps: a catastrophic regex fails instead of hanging */
#define TOKENS_MOST 9007199254740992.0 /* 2^53: beyond it a double is not exact */

struct report_reader {
    enum report_way way;
    const char *prefix;
    size_t prefix_length;
    pcre2_code *regex;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    int loss, tokens, steps; /* group numbers; below 0: none */
};

int report_reader_create(struct report_reader **out, enum report_way way, const char *pattern,
                         struct lr_error *err)
{
    int code;
    PCRE2_SIZE offset;
    struct report_reader *reader = lr_calloc(1, sizeof(*reader));
    *out = reader;
    if (!reader)
        return lr_nomem(err);
    reader->way = way;
    reader->prefix = way == REPORT_PREFIX ? pattern : "";
    reader->prefix_length = strlen(reader->prefix);
    if (way != REPORT_REGEX)
        return 0;
    reader->regex =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
    if (!reader->regex)
        return lr_fail(err, LR_EPLAN, "trainer.report: the regex cannot be compiled");
    reader->loss = pcre2_substring_number_from_name(reader->regex, (PCRE2_SPTR) "loss");
    reader->tokens = pcre2_substring_number_from_name(reader->regex, (PCRE2_SPTR) "tokens");
    reader->steps = pcre2_substring_number_from_name(reader->regex, (PCRE2_SPTR) "steps");
    reader->match = pcre2_match_data_create_from_pattern(reader->regex, NULL);
    reader->limits = pcre2_match_context_create(NULL);
    if (!reader->match || !reader->limits)
        return lr_nomem(err);
    pcre2_set_match_limit(reader->limits, MATCH_LIMIT);
    return reader->loss < 0
               ? lr_fail(err, LR_EPLAN, "trainer.report: the regex has no group called loss")
               : 0;
}

void report_reader_destroy(struct report_reader *reader)
{
    if (!reader)
        return;
    pcre2_match_context_free(reader->limits);
    pcre2_match_data_free(reader->match);
    pcre2_code_free(reader->regex);
    lr_free(reader);
}

/* Reads a number, or nan, inf, infinity in any case and with a sign; nothing may follow it. */
static bool read_number(const char *text, double *out)
{
    char *end;
    if (strspn(text, "+-.0123456789nNiI") == 0 || strpbrk(text, "xX("))
        return false;
    *out = strtod(text, &end);
    return *end == '\0';
}

static bool is_count(double number)
{
    return number >= 0 && number <= TOKENS_MOST && !(floor(number) < number);
}

/* Refuses finite losses and errors above TRIAL_LOSS_MOST. */
static int check_size(const struct report *report, struct lr_error *err)
{
    if (isfinite(report->loss) && fabs(report->loss) > TRIAL_LOSS_MOST)
        return lr_fail(err, LR_EDATA, "has the loss %.6g, and no loss is beyond 1e30",
                       report->loss);
    if (isfinite(report->loss) && report->loss_se > TRIAL_LOSS_MOST)
        return lr_fail(err, LR_EDATA, "\"loss_se\" %.6g is beyond 1e30", report->loss_se);
    return 0;
}

/* ---- JSON ---- */

/* Length of the number at `text`; 0: none. */
static size_t number_length(const char *text)
{
    return strspn(text, "-0123456789") > 0 ? strspn(text, "+-.0123456789eE") : 0;
}

/* Whether the number is beyond a double's range, such as 1e400. */
static bool overflows(const char *text, size_t length)
{
    char *end;
    return isinf(strtod(text, &end)) && (size_t)(end - text) == length;
}

/* Quotes bare NaN, Infinity, -Infinity and numbers beyond a double's range. `out` has room for
 * three times the line. */
static size_t quote_specials(char *out, const char *line, size_t length)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
    size_t used = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        size_t word = 0;
        for (size_t w = 0; !quoted && !word && w < 3; w++)
            if (strncmp(line + i, words[w], strlen(words[w])) == 0)
                word = strlen(words[w]);
        size_t number = quoted || word ? 0 : number_length(line + i);
        if (number && !overflows(line + i, number)) {
            memcpy(out + used, line + i, number);
            used += number;
            i += number - 1;
            continue;
        }
        word = word ? word : number;
        if (word) {
            out[used++] = '"';
            memcpy(out + used, line + i, word);
            used += word;
            out[used++] = '"';
            i += word - 1;
            continue;
        }
        if (quoted && line[i] == '\\' && i + 1 < length)
            out[used++] = line[i++];
        else if (line[i] == '"')
            quoted = !quoted;
        out[used++] = line[i];
    }
    return used;
}

static bool number_of(const json_t *value, double *out)
{
    if (json_is_string(value))
        return read_number(json_string_value(value), out) && !isfinite(*out);
    *out = json_number_value(value);
    return json_is_number(value);
}

static int count_of(const json_t *root, const char *key, bool *is_there, uint64_t *out,
                    struct lr_error *err)
{
    const json_t *value = json_object_get(root, key);
    double count = json_number_value(value);
    *is_there = value != NULL;
    if (value && !(json_is_number(value) && is_count(count)))
        return lr_fail(err, LR_EDATA, "\"%s\" is no whole number", key);
    *out = (uint64_t)count;
    return 0;
}

static int report_from_json(struct report *report, const json_t *root, struct lr_error *err)
{
    const json_t *se = json_object_get(root, "loss_se"), *final = json_object_get(root, "final");
    if (!json_is_object(root))
        return lr_fail(err, LR_EDATA, "is no JSON object");
    if (!number_of(json_object_get(root, "loss"), &report->loss))
        return lr_fail(err, LR_EDATA, "has no number \"loss\"");
    int rc;
    if ((rc = count_of(root, "tokens", &report->has_tokens, &report->tokens, err)))
        return rc;
    if ((rc = count_of(root, "begun_tokens", &report->has_begun, &report->begun_tokens, err)))
        return rc;
    if (se && !number_of(se, &report->loss_se))
        return lr_fail(err, LR_EDATA, "\"loss_se\" is no number");
    if (isfinite(report->loss) && (report->loss_se < 0 || isinf(report->loss_se)))
        return lr_fail(err, LR_EDATA, "\"loss_se\" is negative or infinite");
    if ((rc = check_size(report, err)))
        return rc;
    if (final && !json_is_boolean(final))
        return lr_fail(err, LR_EDATA, "\"final\" is neither true nor false");
    report->final = json_is_true(final);
    if (!report->has_tokens && !report->final)
        return lr_fail(err, LR_EDATA, "has no \"tokens\", which all but the final one need");
    return 0;
}

static int read_json(const char *line, size_t length, struct report *report, struct lr_error *err)
{
    char strict[3 * OUTPUT_LINE + 1];
    json_error_t where;
    length = quote_specials(strict, line, length);
    json_t *root =
        json_loadb(strict, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &where);
    int rc = root ? report_from_json(report, root, err)
                  : lr_fail(err, LR_EDATA, "is no JSON: %s", where.text);
    json_decref(root);
    report->known = !rc;
    return rc;
}

/* ---- regex ---- */

static bool group_number(const struct report_reader *reader, int group, double *out)
{
    char text[64];
    PCRE2_SIZE size = sizeof(text);
    return pcre2_substring_copy_bynumber(reader->match, (uint32_t)group, (PCRE2_UCHAR *)text,
                                         &size) == 0 &&
           read_number(text, out);
}

/* The number in a group that counts; *is_there: the group is there and has matched one. */
static int group_count(const struct report_reader *reader, int group, const char *name,
                       bool *is_there, uint64_t *out, struct lr_error *err)
{
    double count;
    *is_there = group >= 0 && group_number(reader, group, &count);
    if (!*is_there)
        return 0;
    if (!is_count(count))
        return lr_fail(err, LR_EDATA, "fits the regex, but its group %s is no whole number", name);
    *out = (uint64_t)count;
    return 0;
}

static int read_regex(struct report_reader *reader, const char *line, size_t length,
                      struct report *report, struct lr_error *err)
{
    int found =
        pcre2_match(reader->regex, (PCRE2_SPTR)line, length, 0, 0, reader->match, reader->limits);
    if (found == PCRE2_ERROR_NOMATCH)
        return 0;
    if (found < 0)
        return lr_fail(err, LR_EDATA, "takes the regex too long (error %d); simplify it", found);
    if (!group_number(reader, reader->loss, &report->loss))
        return lr_fail(err, LR_EDATA, "fits the regex, but its group loss is no number");
    int rc;
    if ((rc = group_count(reader, reader->tokens, "tokens", &report->has_tokens, &report->tokens,
                          err)) ||
        (rc = group_count(reader, reader->steps, "steps", &report->has_steps, &report->steps, err)))
        return rc;
    rc = check_size(report, err);
    report->known = !rc;
    return rc;
}

int report_reader_read(struct report_reader *reader, const char *line, size_t length, bool cut,
                       struct report *report, struct lr_error *err)
{
    memset(report, 0, sizeof(*report));
    report->loss_se = NAN;
    if (reader->way == REPORT_REGEX)
        return read_regex(reader, line, length, report, err);
    if (length < reader->prefix_length || memcmp(line, reader->prefix, reader->prefix_length) != 0)
        return 0;
    if (cut)
        return lr_fail(err, LR_EDATA, "is longer than %d bytes", OUTPUT_LINE);
    return read_json(line + reader->prefix_length, length - reader->prefix_length, report, err);
}
