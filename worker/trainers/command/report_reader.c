/* Parses JSON lines. Programs write NaN, Infinity, nan or -inf, which JSON lacks, and numbers
 * beyond a double's range count as infinite: both are quoted before the line is parsed.
 *
 * Numbers in a regex's groups may have these forms too. A regex such as 'loss (?<loss>[0-9.]+)'
 * does not take the word nan, though. So in a line that has such words, numbers are first put in
 * their places: if the group loss then takes one of these, the word is the loss. */
#define _POSIX_C_SOURCE 200809L /* strncasecmp */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "trainers/command/report_reader.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "trainers/command/command_output.h"
#include "lrsearch/memory.h"
#include "lrsearch/trial.h"

#define MATCH_LIMIT 1000000u /* steps: a catastrophic regex fails instead of hanging */
#define TOO_LONG "takes %s too long (error %d); simplify it"
#define TOKENS_MOST 9007199254740992.0 /* 2^53: beyond it a double is not exact */

enum {
    SPECIALS = 8,                              /* words of a line that may stand for a loss */
    CHANGED = OUTPUT_LINE + 1 + 12 * SPECIALS, /* a line with numbers in their places */
};

struct report_reader {
    enum report_way way;
    const char *prefix;
    size_t prefix_length;
    pcre2_code *regex;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    int loss, tokens, steps; /* group numbers; below 0: none */
    pcre2_code *diverged;    /* NULL: none */
    pcre2_match_data *diverged_match;
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
    if (!(reader->limits = pcre2_match_context_create(NULL)))
        return lr_nomem(err);
    pcre2_set_match_limit(reader->limits, MATCH_LIMIT);
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
    if (!reader->match)
        return lr_nomem(err);
    return reader->loss < 0
               ? lr_fail(err, LR_EPLAN, "trainer.report: the regex has no group called loss")
               : 0;
}

int report_reader_take_diverged(struct report_reader *reader, const char *regex,
                                struct lr_error *err)
{
    int code;
    PCRE2_SIZE offset;
    reader->diverged =
        pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
    if (!reader->diverged)
        return lr_fail(err, LR_EPLAN, "trainer.diverged: the regex cannot be compiled");
    reader->diverged_match = pcre2_match_data_create_from_pattern(reader->diverged, NULL);
    return reader->diverged_match ? 0 : lr_nomem(err);
}

void report_reader_destroy(struct report_reader *reader)
{
    if (!reader)
        return;
    pcre2_match_data_free(reader->diverged_match);
    pcre2_code_free(reader->diverged);
    pcre2_match_context_free(reader->limits);
    pcre2_match_data_free(reader->match);
    pcre2_code_free(reader->regex);
    lr_free(reader);
}

static bool is_part_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Length of nan, inf or infinity in any case, perhaps with a sign, at `text`; 0: another word, or
 * none. */
static size_t special_length(const char *text)
{
    static const char *const words[] = {"infinity", "inf", "nan"};
    size_t sign = *text == '-' || *text == '+';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i]);
        if (strncasecmp(text + sign, words[i], length) == 0)
            return is_part_of_word(text[sign + length]) ? 0 : sign + length;
    }
    return 0;
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

/* Quotes bare NaN, Infinity, -inf and the like, and numbers beyond a double's range. `out` has room
 * for twice the text, after which there is a NUL. */
static size_t quote_specials(char *out, const char *line, size_t length)
{
    size_t used = 0;
    bool quoted = false;
    for (size_t i = 0; i < length; i++) {
        size_t word = quoted ? 0 : special_length(line + i);
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

struct json_t *report_json(const char *text, size_t length, size_t flags, struct lr_error *err)
{
    json_error_t where;
    char *strict = lr_malloc(2 * length + 1); /* NaN, the shortest, grows from 3 to 5 */
    if (!strict) {
        lr_nomem(err);
        return NULL;
    }
    json_t *root = json_loadb(strict, quote_specials(strict, text, length),
                              flags | JSON_DECODE_INT_AS_REAL, &where);
    if (!root)
        lr_fail(err, LR_EDATA, "is no JSON: %s", where.text);
    lr_free(strict);
    return root;
}

static int read_json(const char *line, size_t length, struct report *report, struct lr_error *err)
{
    json_t *root = report_json(line, length, JSON_REJECT_DUPLICATES, err);
    int rc = root ? report_from_json(report, root, err) : LR_EDATA;
    json_decref(root);
    report->known = !rc;
    return rc;
}

/* ---- numbers of a file ---- */

bool report_text_number(const char *text, double *out)
{
    return read_number(text, out);
}

bool report_json_number(const struct json_t *value, double *out)
{
    return number_of(value, out);
}

int report_from_numbers(struct report *report, double loss, double tokens, struct lr_error *err)
{
    *report = (struct report){.loss = loss, .loss_se = NAN, .has_tokens = !isnan(tokens)};
    if (report->has_tokens && !is_count(tokens))
        return lr_fail(err, LR_EDATA, "has %g tokens, which is no whole number", tokens);
    report->tokens = report->has_tokens ? (uint64_t)tokens : 0;
    int rc = check_size(report, err);
    report->known = !rc;
    return rc;
}

/* ---- regex ---- */

/* \S+ takes what stands behind a number, too: "3.5," and "nan)". */
static bool group_number(const struct report_reader *reader, int group, double *out)
{
    char text[64];
    PCRE2_SIZE size = sizeof(text);
    if (pcre2_substring_copy_bynumber(reader->match, (uint32_t)group, (PCRE2_UCHAR *)text, &size))
        return false;
    while (size > 0 && strchr(",;:)]}", text[size - 1]))
        text[--size] = '\0';
    return read_number(text, out);
}

/* ---- words in the place of a loss ---- */

struct place {
    size_t at, length;
};

/* Finds the words nan, inf and infinity of a line; "nancy", "x.inf", "inf.py", "nan-safe" and
 * "nan/inf" are none. */
static size_t find_specials(const char *line, size_t length, struct place found[SPECIALS])
{
    size_t count = 0;
    for (size_t i = 0; i < length && count < SPECIALS; i++) {
        char before = i > 0 ? line[i - 1] : ' ';
        size_t word = is_part_of_word(before) || before == '.' ? 0 : special_length(line + i);
        const char *after = line + i + word;
        if (word == 0 || (*after && strchr(".-/", *after) && is_part_of_word(after[1])))
            continue;
        found[count++] = (struct place){i, word};
        i += word - 1;
    }
    return count;
}

/* Copies the line with `number` in place of the words; `numbers` receives where. Returns the
 * length. */
static size_t put_numbers(char *out, const char *line, size_t length, const struct place *words,
                          size_t count, const char *number, struct place *numbers)
{
    size_t used = 0, at = 0, digits = strlen(number);
    for (size_t i = 0; i < count; i++) {
        memcpy(out + used, line + at, words[i].at - at);
        used += words[i].at - at;
        memcpy(out + used, number, digits);
        numbers[i] = (struct place){used, digits};
        used += digits;
        at = words[i].at + words[i].length;
    }
    memcpy(out + used, line + at, length - at);
    return used + length - at;
}

/* Matches the line with numbers in place of `count` words. Returns which of them the group loss
 * took; `count`: none, or no match. */
static size_t match_numbers(struct report_reader *reader, char *changed, const char *line,
                            size_t length, const struct place *words, size_t count,
                            const char *number)
{
    struct place numbers[SPECIALS];
    PCRE2_SIZE from, to;
    length = put_numbers(changed, line, length, words, count, number, numbers);
    if (pcre2_match(reader->regex, (PCRE2_SPTR)changed, length, 0, 0, reader->match,
                    reader->limits) < 0)
        return count;
    PCRE2_SIZE *ends = pcre2_get_ovector_pointer(reader->match);
    from = ends[2 * reader->loss];
    to = ends[2 * reader->loss + 1];
    for (size_t i = 0; i < count; i++)
        if (from >= numbers[i].at && from < to && to <= numbers[i].at + numbers[i].length)
            return i;
    return count;
}

/* Whether a word of the line is its loss; then sets *loss, and the match is that of `changed`, the
 * line with numbers in place of words. */
static bool read_special(struct report_reader *reader, const char *line, size_t length,
                         char changed[CHANGED], double *loss)
{
    /* as losses are printed: a regex may ask for so many decimals, or for none */
    static const char *const numbers[] = {"0.0000", "0",          "0.000000", "0.000",
                                          "0.00",   "0.00000000", "0.000e+00"};
    struct place words[SPECIALS];
    size_t count = find_specials(line, length, words);
    for (size_t n = 0; count > 0 && n < sizeof(numbers) / sizeof(numbers[0]); n++) {
        size_t loss_at = match_numbers(reader, changed, line, length, words, count, numbers[n]);
        /* one by one: another such word may be part of the regex */
        for (size_t i = 0; loss_at == count && count > 1 && i < count; i++)
            if (match_numbers(reader, changed, line, length, &words[i], 1, numbers[n]) == 0)
                loss_at = i;
        if (loss_at < count) {
            *loss = strtod(line + words[loss_at].at, NULL);
            return true;
        }
    }
    return false;
}

/* ---- lines ---- */

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
    char changed[CHANGED];
    if (!read_special(reader, line, length, changed, &report->loss)) {
        int found = pcre2_match(reader->regex, (PCRE2_SPTR)line, length, 0, 0, reader->match,
                                reader->limits);
        if (found == PCRE2_ERROR_NOMATCH)
            return 0;
        if (found < 0)
            return lr_fail(err, LR_EDATA, TOO_LONG, "the regex", found);
        if (!group_number(reader, reader->loss, &report->loss))
            return lr_fail(err, LR_EDATA, "fits the regex, but its group loss is no number");
    }
    int rc;
    if ((rc = group_count(reader, reader->tokens, "tokens", &report->has_tokens, &report->tokens,
                          err)) ||
        (rc = group_count(reader, reader->steps, "steps", &report->has_steps, &report->steps, err)))
        return rc;
    rc = check_size(report, err);
    report->known = !rc;
    return rc;
}

int report_reader_diverged(struct report_reader *reader, const char *line, size_t length,
                           bool *diverged, struct lr_error *err)
{
    *diverged = false;
    if (!reader->diverged)
        return 0;
    int found = pcre2_match(reader->diverged, (PCRE2_SPTR)line, length, 0, 0,
                            reader->diverged_match, reader->limits);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
        return lr_fail(err, LR_EDATA, TOO_LONG, "the regex of trainer.diverged", found);
    *diverged = found >= 0;
    return 0;
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
