/* Each line is read as numbers with the words before them: "val loss 2.31" is the number 2.31 of
 * the key "val loss". Numbers whose key speaks of a loss are candidates, grouped by key and, where
 * the key does not tell, by a word such as "validation" earlier in the line. A number that counts
 * steps or tokens belongs to a group if it never falls. The regex of the best group is made from
 * one of its lines and tried on all of them: it must find this group's lines and no others. */
#define _POSIX_C_SOURCE 200809L
#include "estimate/output_look.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "lrsearch/memory.h"
#include "trainers/command/report_reader.h"

enum {
    BYTES_MOST = 4 << 20, /* of lines that are kept, with LINE_COST for each */
    LINE_COST = 64,
    SAID_MOST = 200, /* bytes before a number in which "loss" is looked for */
    TRIED_MOST = 8,  /* groups for which a regex is made */
    NUMBERS = 24,    /* of a line that are looked at */
    WORDS = 6,       /* of a key */
    GROUPS = 64,
    SERIES = 32,
    KEY = 96
};

/* ---- lines ---- */

int output_look_add(struct output_look *look, double seconds, enum command_stream stream,
                    const char *line, size_t length, struct lr_error *err)
{
    look->seen++;
    if (look->bytes + length + LINE_COST > BYTES_MOST)
        return 0;
    struct output_line *larger =
        lr_grow(look->lines, look->count, &look->capacity, sizeof(*look->lines));
    char *text = lr_malloc(length + 1);
    if (larger)
        look->lines = larger;
    if (!larger || !text) {
        lr_free(text);
        return lr_nomem(err);
    }
    for (size_t i = 0; i < length; i++)
        text[i] = line[i] ? line[i] : '?';
    text[length] = '\0';
    look->lines[look->count++] = (struct output_line){text, length, seconds, stream};
    look->bytes += length + LINE_COST;
    return 0;
}

void output_look_release(struct output_look *look)
{
    for (size_t i = 0; i < look->count; i++)
        lr_free((char *)(uintptr_t)look->lines[i].text);
    lr_free(look->lines);
    *look = (struct output_look){0};
}

/* ---- words ---- */

struct span {
    size_t at, end;
};

static bool in_list(const char *text, size_t length, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == length && strncasecmp(text, *list, length) == 0)
            return true;
    return false;
}

/* Whether a part of the word ("eval", "loss" of eval_loss) is in the list. */
static bool has_part(const char *text, struct span word, const char *const *list)
{
    for (size_t at = word.at; at < word.end;) {
        size_t end = at;
        while (end < word.end && isalpha((unsigned char)text[end]))
            end++;
        if (end > at && in_list(text + at, end - at, list))
            return true;
        at = end + 1;
    }
    return false;
}

static const char *const val_words[] = {"val",  "valid", "validation", "eval", "evaluation",
                                        "test", "dev",   "heldout",    NULL};
static const char *const train_words[] = {"train", "training", "trn", NULL};
static const char *const loss_words[] = {"loss",         "losses",           "nll",     "xent",
                                         "crossentropy", "crossentropyloss", "valloss", "trainloss",
                                         "evalloss",     "lossval",          NULL};
static const char *const odd_words[] = {"aux",  "z",      "zloss",  "kl",    "router", "balance",
                                        "best", "moe",    "min",    "delta", "diff",   "scale",
                                        "ppl",  "scaler", "weight", "grad",  "std",    NULL};
static const char *const plain_words[] = {"lm",       "avg",     "average", "mean",  "total",
                                          "final",    "value",   "ce",      "epoch", "smooth",
                                          "smoothed", "running", NULL};
static const char *const step_words[] = {"step",       "steps",  "iter",    "iters", "iteration",
                                         "iterations", "update", "updates", NULL};
static const char *const token_words[] = {"token", "tokens", "tok", "toks", NULL};
static const char *const rate_words[] = {"per",  "sec", "s",   "second", "rate", "throughput",
                                         "time", "ms",  "avg", "batch",  NULL};

/* ---- numbers ---- */

struct number {
    struct span span, key; /* key: empty when no word stands before it */
    double value;
    bool whole;
    bool loss;            /* its key speaks of a loss */
    enum counted counted; /* its key speaks of a count */
};

/* The length of "ESC [ ... letter", which colours text; 0: none. */
static size_t colour_length(const char *text)
{
    if (text[0] != '\033' || text[1] != '[')
        return 0;
    size_t length = 2 + strspn(text + 2, "0123456789;");
    return isalpha((unsigned char)text[length]) ? length + 1 : 0;
}

/* The length of a number, or of nan and inf, at `text`; 0: none. */
static size_t number_length(const char *text, bool *whole)
{
    static const char *const specials[] = {"nan", "infinity", "inf"};
    const char *at = text + (*text == '-' || *text == '+');
    *whole = false;
    for (size_t i = 0; i < 3; i++)
        if (strncasecmp(at, specials[i], strlen(specials[i])) == 0 &&
            !isalnum((unsigned char)at[strlen(specials[i])]))
            return (size_t)(at - text) + strlen(specials[i]);
    size_t digits = strspn(at, "0123456789");
    if (digits == 0)
        return 0;
    *whole = at == text;
    at += digits;
    if (*at == '.') {
        size_t more = strspn(at + 1, "0123456789");
        *whole = *whole && more == 0;
        at += more > 0 ? more + 1 : 0;
    }
    size_t sign = (*at == 'e' || *at == 'E') && strchr("+-", at[1]) && at[1] ? 2 : 1;
    if ((*at == 'e' || *at == 'E') && isdigit((unsigned char)at[sign])) {
        at += sign + strspn(at + sign, "0123456789");
        *whole = false;
    }
    return (size_t)(at - text);
}

static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_/.-", c));
}

static bool has_letter(const char *text, struct span word)
{
    for (size_t i = word.at; i < word.end; i++)
        if (isalpha((unsigned char)text[i]))
            return true;
    return false;
}

/* Where the colour that ends at `end` begins; `end`: none ends there. */
static size_t before_colour(const char *text, size_t end)
{
    size_t at = end;
    if (end == 0 || !isalpha((unsigned char)text[end - 1]))
        return end;
    at--;
    while (at > 0 && strchr("0123456789;", text[at - 1]))
        at--;
    return at >= 2 && text[at - 1] == '[' && text[at - 2] == '\033' ? at - 2 : end;
}

/* Finds the words before a number, the last first. Returns how many. */
static size_t words_before(struct span words[WORDS], const char *text, size_t at)
{
    size_t count = 0, colour;
    for (;;) { /* what separates a key from its number */
        if ((colour = before_colour(text, at)) < at)
            at = colour;
        else if (at > 0 && strchr(" \t:=\"'|#", text[at - 1]))
            at--;
        else
            break;
    }
    while (count < WORDS) {
        struct span word = {at, at};
        while (word.at > 0 && is_word_byte(text[word.at - 1]) &&
               before_colour(text, word.at) == word.at)
            word.at--;
        if (!has_letter(text, word))
            break;
        words[count++] = word;
        at = word.at;
        while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
            at--;
        if (at == word.at)
            break;
    }
    return count;
}

/* Keys of losses: "val loss", "lm loss value", "loss/val", and "val" when the line said "loss"
 * before. *key: from the first word that describes it. */
static bool is_loss_key(struct span *key, const char *text, const struct span *words, size_t count)
{
    size_t loss = 0;
    while (loss < count && !has_part(text, words[loss], loss_words))
        loss++;
    if (loss == count) {
        *key = count > 0 ? words[0] : (struct span){0, 0};
        if (!in_list(text + key->at, key->end - key->at, val_words))
            return false;
        for (size_t i = key->at > SAID_MOST ? key->at - SAID_MOST : 0; i + 4 <= key->at; i++)
            if (strncasecmp(text + i, "loss", 4) == 0)
                return true;
        return false;
    }
    for (size_t i = 0; i < loss; i++) /* behind it: "value", "val", but not "scale" or "at step" */
        if (!has_part(text, words[i], plain_words) && !has_part(text, words[i], val_words) &&
            !has_part(text, words[i], train_words))
            return false;
    static const char *const no_loss[] = {"scale", "scaler", "ppl", "weight", NULL};
    if (has_part(text, words[loss], no_loss))
        return false;
    size_t first = loss;
    while (first + 1 < count && (has_part(text, words[first + 1], plain_words) ||
                                 has_part(text, words[first + 1], val_words) ||
                                 has_part(text, words[first + 1], train_words) ||
                                 has_part(text, words[first + 1], odd_words)))
        first++;
    *key = (struct span){words[first].at, words[0].end};
    return true;
}

static enum counted counted_by(const char *text, const struct span *words, size_t count)
{
    if (count == 0 || has_part(text, words[0], rate_words) ||
        (count > 1 && has_part(text, words[1], rate_words)))
        return COUNTED_NOTHING;
    return has_part(text, words[0], token_words)  ? COUNTED_TOKENS
           : has_part(text, words[0], step_words) ? COUNTED_STEPS
                                                  : COUNTED_NOTHING;
}

static size_t numbers_of(struct number numbers[NUMBERS], const char *text)
{
    size_t count = 0;
    for (size_t at = 0, skip; text[at] && count < NUMBERS; at += skip) {
        struct span words[WORDS];
        struct number number = {0};
        if ((skip = colour_length(text + at)))
            continue;
        skip = number_length(text + at, &number.whole);
        bool begins = at == 0 || before_colour(text, at) < at ||
                      !(isalnum((unsigned char)text[at - 1]) || strchr("_.,", text[at - 1]) ||
                        (text[at - 1] == '-' && isdigit((unsigned char)text[at])));
        char after = text[at + skip];
        if (!skip || !begins) {
            skip = skip ? skip : 1;
            continue;
        }
        bool ends = !isalnum((unsigned char)after) && after != '_' && after != '%' &&
                    !(after == ',' && isdigit((unsigned char)text[at + skip + 1]));
        if (!ends)
            continue;
        number.span = (struct span){at, at + skip};
        number.value = strtod(text + at, NULL);
        size_t found = words_before(words, text, at);
        number.loss = is_loss_key(&number.key, text, words, found);
        if (!number.loss && number.whole) {
            number.counted = counted_by(text, words, found);
            number.key = found > 0 ? words[0] : number.key;
        }
        if (number.loss || number.counted)
            numbers[count++] = number;
    }
    return count;
}

/* ---- groups ---- */

struct group { /* losses of one key */
    char key[KEY];
    enum command_stream stream;
    bool validation, odd, counts[COUNTED_TOKENS + 1];
    struct span word; /* tells validation, outside the key; empty: none needed */
    size_t matches, example, fractions, latest; /* latest: index of its last line */
    double first, last;
    struct { /* by enum counted */
        size_t matches;
        bool falls;
        uint64_t first, last, interval;
    } counters[COUNTED_TOKENS + 1];
};

struct groups {
    struct group list[GROUPS];
    size_t count;
};

/* The first word of the line before `end` that tells of a validation. */
static struct span val_word(const char *text, size_t end)
{
    for (size_t at = 0; at < end;) {
        struct span word = {at, at};
        while (word.end < end && isalpha((unsigned char)text[word.end]))
            word.end++;
        if (word.end > word.at && in_list(text + at, word.end - at, val_words))
            return word;
        at = word.end + 1;
    }
    return (struct span){0, 0};
}

static struct group *group_of(struct groups *groups, const struct output_line *line,
                              const struct number *number, size_t index)
{
    char key[KEY];
    bool train = has_part(line->text, number->key, train_words);
    struct span word = val_word(line->text, number->key.end);
    bool in_key = has_part(line->text, number->key, val_words);
    bool outside = !train && !in_key && word.end > 0;
    snprintf(key, sizeof(key), "%d%.*s>%.*s", (int)line->stream,
             outside ? (int)(word.end - word.at) : 0, line->text + word.at,
             (int)(number->key.end - number->key.at), line->text + number->key.at);
    for (size_t i = 0; i < groups->count; i++)
        if (strcmp(groups->list[i].key, key) == 0)
            return &groups->list[i];
    if (groups->count == GROUPS)
        return NULL;
    struct group *group = &groups->list[groups->count++];
    *group = (struct group){.stream = line->stream,
                            .validation = !train && (in_key || outside),
                            .odd = has_part(line->text, number->key, odd_words),
                            .example = index,
                            .first = number->value};
    if (outside)
        group->word = word;
    memcpy(group->key, key, sizeof(key));
    return group;
}

static const struct number *find_count(const struct number *numbers, size_t count,
                                       enum counted counted)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i].counted == counted)
            return &numbers[i];
    return NULL;
}

static void count_line(struct group *group, const struct number *numbers, size_t count)
{
    for (int kind = COUNTED_STEPS; kind <= COUNTED_TOKENS; kind++) {
        const struct number *number = find_count(numbers, count, (enum counted)kind);
        if (!number)
            continue;
        uint64_t value = (uint64_t)fmin(number->value, 9e15);
        if (group->counters[kind].matches++ == 0) {
            group->counters[kind].first = group->counters[kind].last = value;
            continue;
        }
        uint64_t last = group->counters[kind].last, by = value - last;
        group->counters[kind].falls |= value < last;
        group->counters[kind].last = value;
        if (value > last &&
            (!group->counters[kind].interval || by < group->counters[kind].interval))
            group->counters[kind].interval = by;
    }
}

static void find_groups(struct groups *groups, const struct output_look *look)
{
    struct number numbers[NUMBERS];
    groups->count = 0;
    for (size_t i = 0; i < look->count; i++) {
        const struct output_line *line = &look->lines[i];
        size_t count = line->stream == COMMAND_REPORT ? 0 : numbers_of(numbers, line->text);
        for (size_t n = 0; n < count; n++) {
            struct group *group = numbers[n].loss ? group_of(groups, line, &numbers[n], i) : NULL;
            if (!group || (group->matches > 0 && group->latest == i))
                continue;
            group->latest = i;
            group->matches++;
            group->fractions += !numbers[n].whole;
            group->last = numbers[n].value;
            count_line(group, numbers, count);
        }
    }
    for (size_t i = 0; i < groups->count; i++)
        for (int kind = COUNTED_STEPS; kind <= COUNTED_TOKENS; kind++) {
            struct group *group = &groups->list[i];
            group->counts[kind] = group->counters[kind].matches == group->matches &&
                                  !group->counters[kind].falls &&
                                  (group->matches == 1 || group->counters[kind].interval > 0);
        }
}

/* Higher is better; 0: no loss. */
static double score_of(const struct group *group)
{
    if (group->fractions == 0)
        return 0;
    return (group->odd ? 0 : 1000) + (group->validation ? 400 : 0) +
           (group->stream != COMMAND_ERR ? 200 : 0) +
           (group->counts[COUNTED_TOKENS] || group->counts[COUNTED_STEPS] ? 50 : 0) +
           fmin((double)group->matches, 40) + 1;
}

/* ---- the regex ---- */

struct regex {
    char text[512];
    size_t used;
    bool full;
};

static void put(struct regex *regex, const char *text)
{
    size_t length = strlen(text);
    regex->full = regex->full || regex->used + length >= sizeof(regex->text);
    if (regex->full)
        return;
    memcpy(regex->text + regex->used, text, length + 1);
    regex->used += length;
}

/* The text itself, with any amount of space where it has some; `least`: at least one. */
static void put_literal(struct regex *regex, const char *text, struct span span, bool least)
{
    for (size_t i = span.at; i < span.end; i++) {
        char piece[8] = {text[i], '\0'};
        if (text[i] == ' ' || text[i] == '\t') {
            while (i + 1 < span.end && (text[i + 1] == ' ' || text[i + 1] == '\t'))
                i++;
            put(regex, least ? "\\s+" : "\\s*");
            continue;
        }
        if (text[i] < ' ' || text[i] > '~')
            snprintf(piece, sizeof(piece), "\\x%02x", (unsigned)(unsigned char)text[i]);
        else if (strchr("\\^$.[]|()?*+{}#", text[i]))
            snprintf(piece, sizeof(piece), "\\%c", text[i]);
        put(regex, piece);
    }
}

/* A word is whole, unless a colour's letter stands before it. before: what may not. */
static void put_key(struct regex *regex, const char *text, struct span key, const char *before)
{
    if (key.at < key.end && (isalnum((unsigned char)text[key.at]) || text[key.at] == '_') &&
        before_colour(text, key.at) == key.at) {
        put(regex, "\\b");
        put(regex, before);
    }
    put_literal(regex, text, key, true);
}

static void put_number(struct regex *regex, const char *text, const struct number *number,
                       const char *before)
{
    const struct span between = {number->key.end, number->span.at};
    put_key(regex, text, number->key, before);
    put_literal(regex, text, between, /* only space: at least some */
                strspn(text + between.at, " \t") >= between.end - between.at);
    put(regex, number->loss ? "(?<loss>[-+]?(?:\\d+\\.?\\d*(?:e[-+]?\\d+)?|nan|inf))"
               : number->counted == COUNTED_TOKENS ? "(?<tokens>\\d+)"
                                                   : "(?<steps>\\d+)");
}

/* Puts word, count and loss of the group's example in the order of the line. */
static bool make_regex(struct regex *regex, const struct output_line *line,
                       const struct group *group, enum counted counted, bool from_start)
{
    struct number numbers[NUMBERS];
    size_t count = numbers_of(numbers, line->text);
    const struct number *loss = NULL,
                        *number = counted ? find_count(numbers, count, counted) : NULL;
    for (size_t i = 0; i < count && !loss; i++)
        if (numbers[i].loss && strlen(group->key) >= numbers[i].key.end - numbers[i].key.at &&
            strncmp(strchr(group->key, '>') + 1, line->text + numbers[i].key.at,
                    numbers[i].key.end - numbers[i].key.at) == 0 &&
            !strchr(group->key, '>')[1 + numbers[i].key.end - numbers[i].key.at])
            loss = &numbers[i];
    *regex = (struct regex){0};
    if (!loss || (counted && !number))
        return false;
    put(regex, from_start ? "(?i)^" : "(?i)");
    if (from_start) { /* what is before the first number of the two, without numbers of its own */
        size_t end = number && number->key.at < loss->key.at ? number->key.at : loss->key.at;
        for (size_t at = 0; at < end; at++)
            if (isdigit((unsigned char)line->text[at]))
                end = at;
        put_literal(regex, line->text, (struct span){0, end}, true);
        put(regex, ".*?");
    }
    bool word = group->word.end > 0 && !from_start;
    if (word && !(number && number->key.at < group->word.at)) {
        put_key(regex, line->text, group->word, "");
        put(regex, "\\b.*?");
        word = false;
    }
    if (number && number->span.at < loss->span.at) {
        put_number(regex, line->text, number, "");
        put(regex, ".*?");
    }
    if (word) {
        put_key(regex, line->text, group->word, "");
        put(regex, "\\b.*?");
    }
    /* a summary at the end, which this run may not have reached, has no count */
    put_number(regex, line->text, loss, number || group->odd ? "" : "(?<!best )");
    if (number && number->span.at > loss->span.at) {
        put(regex, ".*?");
        put_number(regex, line->text, number, "");
    }
    return !regex->full;
}

/* Reads all lines of the stream in that way. Returns false unless just `matches` lines are reports,
 * the first and the last with these losses. */
static bool try_pattern(const struct output_look *look, enum command_stream stream,
                        enum report_way way, const char *pattern, struct output_losses *out)
{
    struct report_reader *reader;
    struct report report;
    struct lr_error err = {0};
    bool good = !report_reader_create(&reader, way, pattern, &err);
    out->matches = 0;
    for (size_t i = 0; i < look->count && good; i++) {
        const struct output_line *line = &look->lines[i];
        if (line->stream != stream)
            continue;
        good = !report_reader_read(reader, line->text, line->length, false, &report, &err);
        if (!good || !report.known)
            continue;
        uint64_t count = report.has_steps ? report.steps : report.tokens;
        if (out->matches++ == 0) {
            out->first = report.loss;
            out->example = i;
            out->first_count = count;
        } else if (count > out->last_count) {
            uint64_t by = count - out->last_count;
            out->interval = out->interval && out->interval < by ? out->interval : by;
        }
        out->last = report.loss;
        out->last_count = count;
        out->counted = report.has_steps    ? COUNTED_STEPS
                       : report.has_tokens ? COUNTED_TOKENS
                                           : out->counted;
    }
    report_reader_destroy(reader);
    return good && out->matches > 0;
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || !(a < b || a > b);
}

static bool try_group(struct output_losses *out, const struct output_look *look,
                      const struct group *group)
{
    for (int variant = 0; variant < 4; variant++) {
        enum counted counted = variant >= 2                    ? COUNTED_NOTHING
                               : group->counts[COUNTED_TOKENS] ? COUNTED_TOKENS
                               : group->counts[COUNTED_STEPS]  ? COUNTED_STEPS
                                                               : COUNTED_NOTHING;
        struct regex regex;
        *out = (struct output_losses){.way = REPORT_REGEX,
                                      .validation = group->validation,
                                      .on_err = group->stream == COMMAND_ERR};
        if (!make_regex(&regex, &look->lines[group->example], group, counted, variant % 2) ||
            !try_pattern(look, group->stream, REPORT_REGEX, regex.text, out) ||
            out->matches != group->matches || !same(out->first, group->first) ||
            !same(out->last, group->last) || out->counted != counted)
            continue;
        memcpy(out->pattern, regex.text, sizeof(out->pattern));
        out->found = true;
        return true;
    }
    return false;
}

/* nan and inf in lines that the report does not read: of training losses, and "Loss is nan,
 * stopping". NULL: a line of this run has them, as "best loss: inf" at the start. */
static const char *find_diverged(const struct output_look *look)
{
    static const char regex[] = "(?i)\\bloss\\W{1,4}(?:(?:is|was|became) )?(?:nan|inf)\\b";
    struct report_reader *reader;
    struct lr_error err = {0};
    bool diverged = report_reader_create(&reader, REPORT_FD, "", &err) ||
                    report_reader_take_diverged(reader, regex, &err);
    for (size_t i = 0; i < look->count && !diverged; i++)
        if (report_reader_diverged(reader, look->lines[i].text, look->lines[i].length, &diverged,
                                   &err))
            diverged = true;
    report_reader_destroy(reader);
    return diverged ? NULL : regex;
}

/* ---- reports as lrsearch wants them ---- */

/* JSON lines on the report descriptor, or behind a prefix. */
static bool find_protocol(struct output_losses *out, const struct output_look *look)
{
    for (size_t i = 0; i < look->count; i++) {
        const struct output_line *line = &look->lines[i];
        const char *brace = strchr(line->text, '{');
        size_t length = brace ? (size_t)(brace - line->text) : 0;
        bool fd = line->stream == COMMAND_REPORT;
        if (!fd && (line->stream != COMMAND_OUT || length == 0 || length >= 64))
            continue;
        *out = (struct output_losses){.way = fd ? REPORT_FD : REPORT_PREFIX, .validation = true};
        if (!fd)
            memcpy(out->pattern, line->text, length);
        if (try_pattern(look, line->stream, out->way, out->pattern, out)) {
            out->found = true;
            return true;
        }
        if (fd)
            return false;
    }
    return false;
}

int output_look_losses(struct output_losses *out, const struct output_look *look,
                       struct lr_error *err)
{
    struct groups *groups = lr_malloc(sizeof(*groups));
    *out = (struct output_losses){0};
    if (!groups)
        return lr_nomem(err);
    if (find_protocol(out, look))
        goto out;
    *out = (struct output_losses){0};
    find_groups(groups, look);
    for (int tried = 0; tried < TRIED_MOST; tried++) { /* the best, then the next best */
        struct group *best = NULL;
        for (size_t i = 0; i < groups->count; i++)
            if (score_of(&groups->list[i]) > (best ? score_of(best) : 0))
                best = &groups->list[i];
        if (!best || try_group(out, look, best))
            break;
        best->fractions = 0; /* not this one */
        *out = (struct output_losses){0};
    }
    out->diverged = out->found ? find_diverged(look) : NULL;
out:
    lr_free(groups);
    return 0;
}

/* ---- the pace ---- */

struct series { /* of a count */
    char key[KEY];
    enum counted counted;
    bool falls;
    size_t lines;
    double first, last, first_s, last_s;
};

static void add_count(struct series *series, size_t *count, const struct output_line *line,
                      const struct number *number)
{
    char key[KEY];
    size_t i = 0;
    snprintf(key, sizeof(key), "%.*s", (int)(number->key.end - number->key.at),
             line->text + number->key.at);
    while (i < *count && (series[i].counted != number->counted || strcmp(series[i].key, key) != 0))
        i++;
    if (i == SERIES)
        return;
    struct series *at = &series[i];
    if (i == *count) {
        *at = (struct series){.counted = number->counted,
                              .first = number->value,
                              .last = number->value,
                              .first_s = line->seconds};
        memcpy(at->key, key, sizeof(key));
        ++*count;
    }
    at->lines++;
    at->falls = at->falls || number->value < at->last;
    at->last = number->value;
    at->last_s = line->seconds;
}

static const struct series *longest_series(const struct series *series, size_t count,
                                           enum counted counted)
{
    const struct series *best = NULL;
    for (size_t i = 0; i < count; i++)
        if (series[i].counted == counted && !series[i].falls && series[i].last > series[i].first &&
            (!best || series[i].lines > best->lines))
            best = &series[i];
    return best;
}

/* "tokens per iteration will be: 491,520", "batch_tokens=65536"; 0: neither. */
static double printed_batch(const char *line)
{
    static const char *const before[] = {"tokens per iter", "tokens per step", "tokens per batch",
                                         "tokens/step",     "tokens/iter",     "tokens per update",
                                         "batch_tokens",    "batch tokens",    "tokens_per_step"};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        for (const char *at = line; *at; at++) {
            if (strncasecmp(at, before[i], strlen(before[i])) != 0)
                continue;
            double value = 0;
            at += strlen(before[i]);
            size_t gap = strcspn(at, "0123456789");
            if (gap > 20)
                break;
            for (at += gap; isdigit((unsigned char)*at) || *at == ',' || *at == '_'; at++)
                value = isdigit((unsigned char)*at) ? 10 * value + (*at - '0') : value;
            return value < 1e9 ? value : 0;
        }
    return 0;
}

void output_look_pace(struct output_pace *out, const struct output_look *look)
{
    struct series series[SERIES];
    struct number numbers[NUMBERS];
    size_t count = 0;
    *out = (struct output_pace){0};
    for (size_t i = 0; i < look->count; i++) {
        const struct output_line *line = &look->lines[i];
        size_t found = numbers_of(numbers, line->text);
        for (size_t n = 0; n < found; n++)
            if (numbers[n].counted)
                add_count(series, &count, line, &numbers[n]);
        if (!(out->batch_tokens > 0))
            out->batch_tokens = printed_batch(line->text);
    }
    const struct series *steps = longest_series(series, count, COUNTED_STEPS),
                        *tokens = longest_series(series, count, COUNTED_TOKENS),
                        *best = tokens ? tokens : steps;
    if (!best)
        return;
    if (tokens && steps && !(out->batch_tokens > 0))
        out->batch_tokens = round((tokens->last - tokens->first) / (steps->last - steps->first));
    double took = best->last_s - best->first_s;
    out->counted = best->counted;
    out->per_s = (best->last - best->first) / fmax(took, 1e-3);
    out->startup_s = fmax(best->first_s - best->first / out->per_s, 0);
}
