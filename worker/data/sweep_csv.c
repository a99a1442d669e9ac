/* Reads and writes tables of losses as CSV. libcsv splits the text into cells; a row is checked
 * when it is complete, conditions first, so that rows that do not meet them may hold anything. The
 * text is passed line by line, because libcsv does not count lines. */
#include "data/sweep_csv.h"

#include <csv.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <xxhash.h>
#include "data/token_file.h"
#include "lrsearch/memory.h"
#include "lrsearch/own_file.h"
#include "lrsearch/trial.h"

enum { LR, TOKENS, LOSS, SEED, OPTIMIZER, DECAY, BATCH, COLUMNS };
/* Columns that are read without being named, if there are such. */
static const char *const usual_names[COLUMNS] = {
    [OPTIMIZER] = "optimizer", [DECAY] = "weight_decay", [BATCH] = "batch_tokens"};
enum { VALUES_TOLD = 12, TEXT_MOST = 64 << 20 };
#define TOKENS_MOST 9007199254740992.0 /* 2^53: beyond it a double is not exact */
#define BATCH_MOST 1e9
#define ABSENT SIZE_MAX

/* ---- cells: texts one after another ---- */

struct cells {
    char *text; /* each ends in NUL */
    size_t used, capacity;
    size_t *begins;
    size_t count, room;
};

static int cells_add(struct cells *cells, const char *text, size_t length)
{
    size_t *begins = lr_grow(cells->begins, cells->count, &cells->room, sizeof(*begins));
    if (!begins)
        return LR_ENOMEM;
    cells->begins = begins;
    if (cells->capacity - cells->used < length + 1) {
        size_t capacity = 2 * cells->capacity + length + 1;
        char *grown = lr_realloc(cells->text, capacity);
        if (!grown)
            return LR_ENOMEM;
        cells->text = grown;
        cells->capacity = capacity;
    }
    memcpy(cells->text + cells->used, text, length);
    cells->text[cells->used + length] = 0;
    cells->begins[cells->count++] = cells->used;
    cells->used += length + 1;
    return 0;
}

static const char *cell(const struct cells *cells, size_t index)
{
    return cells->text + cells->begins[index];
}

static void cells_clear(struct cells *cells)
{
    cells->used = cells->count = 0;
}

static void cells_release(struct cells *cells)
{
    lr_free(cells->text);
    lr_free(cells->begins);
}

static bool cells_have(const struct cells *cells, const char *text)
{
    for (size_t i = 0; i < cells->count; i++)
        if (strcmp(cell(cells, i), text) == 0)
            return true;
    return false;
}

/* "a, b, c", as much as fits. */
static const char *listed(const struct cells *cells, char *out, size_t capacity)
{
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < cells->count && used + 5 < capacity; i++)
        used +=
            (size_t)snprintf(out + used, capacity - used, "%s%s", i ? ", " : "", cell(cells, i));
    if (used + 5 >= capacity)
        memcpy(out + capacity - 4, "...", 4);
    return out;
}

/* ---- state of the reader ---- */

struct condition {
    const struct sweep_where *where;
    size_t column;
    bool met;            /* by a row that met all earlier ones */
    struct cells values; /* of such rows, the first few, for the error */
};

struct kept_row {
    struct sweep_row row;
    double seed;  /* as in the table */
    size_t decay; /* index into the reader's decays */
    size_t index, line;
};

struct reader {
    const struct sweep_request *request;
    struct cells header, cells;
    const char *names[COLUMNS];
    size_t columns[COLUMNS];
    struct condition *conditions;
    struct cells optimizers, decays; /* different values of the kept rows, the first few */
    double batch[2];                 /* smallest and largest of the kept rows; 0: none yet */
    bool batch_unknown;              /* a kept row's batch is no count */
    struct kept_row *rows;
    size_t count, capacity;
    size_t rows_seen, line; /* line where the row begins */
    bool row_ended, header_read;
    struct lr_error err;
};

static bool number_of(const char *text, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == 0;
}

/* The request names the column. */
static int bad_cell(struct reader *r, int which, const char *text, const char *mend)
{
    return lr_fail(&r->err, LR_EDATA, "%s:%zu: column %s: '%s' %s", r->request->path, r->line,
                   r->names[which], text, mend);
}

/* ---- the header ---- */

static size_t column_of(struct reader *r, const char *name, struct cells *missing)
{
    size_t found = ABSENT;
    for (size_t i = 0; i < r->header.count; i++) {
        if (strcmp(cell(&r->header, i), name) != 0)
            continue;
        if (found != ABSENT)
            lr_fail(&r->err, LR_EDATA, "%s:%zu: column %s stands there twice", r->request->path,
                    r->line, name);
        found = i;
    }
    if (found == ABSENT && !cells_have(missing, name) && cells_add(missing, name, strlen(name)))
        lr_nomem(&r->err);
    return found;
}

static size_t usual_column(const struct reader *r, const char *name)
{
    for (size_t i = 0; name && i < r->header.count; i++)
        if (strcmp(cell(&r->header, i), name) == 0)
            return i;
    return ABSENT;
}

static void read_header(struct reader *r)
{
    const struct sweep_request *request = r->request;
    struct cells missing = {0};
    for (int i = 0; i < COLUMNS; i++)
        r->columns[i] =
            r->names[i] ? column_of(r, r->names[i], &missing) : usual_column(r, usual_names[i]);
    for (size_t i = 0; i < request->where_count; i++)
        r->conditions[i].column = column_of(r, request->where[i].column, &missing);
    if (missing.count) {
        char wanted[256], there[512];
        lr_fail(&r->err, LR_EDATA, "%s:%zu: no column %s; there are: %s", request->path, r->line,
                listed(&missing, wanted, sizeof(wanted)), listed(&r->header, there, sizeof(there)));
    }
    cells_release(&missing);
    r->header_read = true;
}

/* ---- rows ---- */

static bool is_same(const char *text, const char *value)
{
    double a, b;
    return strcmp(text, value) == 0 || (number_of(text, &a) && number_of(value, &b) && a == b);
}

static bool is_asked_for(struct reader *r)
{
    for (size_t i = 0; i < r->request->where_count; i++) {
        struct condition *condition = &r->conditions[i];
        const char *text = cell(&r->cells, condition->column);
        if (condition->values.count <= VALUES_TOLD && !cells_have(&condition->values, text) &&
            cells_add(&condition->values, text, strlen(text)))
            lr_nomem(&r->err);
        if (!is_same(text, condition->where->value))
            return false;
        condition->met = true;
    }
    return true;
}

static int parse_loss(struct reader *r, const char *text, double *loss)
{
    bool absent = !*text || strcasecmp(text, "NA") == 0;
    if (!absent && !number_of(text, loss))
        return bad_cell(r, LOSS, text, "is no loss; leave it empty where the run diverged");
    if (absent || !isfinite(*loss)) /* 1e400 too */
        *loss = NAN;
    if (fabs(*loss) > TRIAL_LOSS_MOST)
        return bad_cell(r, LOSS, text, "is no loss: none is beyond 1e30");
    return 0;
}

/* Index of the value in `values`, numbers compared as numbers; all beyond the first few get the
 * last index. */
static size_t value_index(struct reader *r, struct cells *values, const char *text)
{
    text = *text ? text : "(empty)";
    for (size_t i = 0; i < values->count; i++)
        if (is_same(text, cell(values, i)))
            return i;
    if (values->count <= VALUES_TOLD && cells_add(values, text, strlen(text)))
        lr_nomem(&r->err);
    return values->count ? values->count - 1 : 0;
}

static int parse_batch(struct reader *r, const char *text)
{
    double batch;
    if (number_of(text, &batch) && batch >= 1 && batch <= BATCH_MOST) {
        r->batch[0] = r->batch[0] > 0 ? fmin(r->batch[0], batch) : batch;
        r->batch[1] = fmax(r->batch[1], batch);
        return 0;
    }
    r->batch_unknown = true;
    return r->names[BATCH] ? bad_cell(r, BATCH, text, "is no batch: the tokens of a step") : 0;
}

static int parse_setting(struct reader *r, struct kept_row *out)
{
    if (r->columns[OPTIMIZER] != ABSENT)
        value_index(r, &r->optimizers, cell(&r->cells, r->columns[OPTIMIZER]));
    if (r->columns[DECAY] != ABSENT)
        out->decay = value_index(r, &r->decays, cell(&r->cells, r->columns[DECAY]));
    if (r->err.code)
        return r->err.code;
    return r->columns[BATCH] != ABSENT ? parse_batch(r, cell(&r->cells, r->columns[BATCH])) : 0;
}

static int parse_row(struct reader *r, struct kept_row *out)
{
    double tokens;
    const char *text = cell(&r->cells, r->columns[LR]);
    memset(out, 0, sizeof(*out));
    out->index = r->rows_seen;
    out->line = r->line;
    if (!number_of(text, &out->row.lr) || !(out->row.lr > 0) || isinf(out->row.lr))
        return bad_cell(r, LR, text, "is no learning rate: it must be a positive number");
    text = cell(&r->cells, r->columns[TOKENS]);
    if (!number_of(text, &tokens) || !(tokens >= 1) || !(tokens <= TOKENS_MOST) ||
        tokens != floor(tokens))
        return bad_cell(r, TOKENS, text, "is no number of tokens: it must be a positive count");
    out->row.tokens = (uint64_t)tokens;
    if (r->columns[SEED] != ABSENT) {
        text = cell(&r->cells, r->columns[SEED]);
        if (!number_of(text, &out->seed) || isnan(out->seed))
            return bad_cell(r, SEED, text, "is no number");
    }
    int rc = parse_setting(r, out);
    return rc ? rc : parse_loss(r, cell(&r->cells, r->columns[LOSS]), &out->row.loss);
}

static void read_row(struct reader *r)
{
    r->rows_seen++;
    if (r->cells.count != r->header.count) {
        lr_fail(&r->err, LR_EDATA, "%s:%zu: the row has %zu cells, the header %zu",
                r->request->path, r->line, r->cells.count, r->header.count);
        return;
    }
    if (!is_asked_for(r))
        return;
    struct kept_row *rows = lr_grow(r->rows, r->count, &r->capacity, sizeof(*rows));
    if (!rows) {
        lr_nomem(&r->err);
        return;
    }
    r->rows = rows;
    if (!parse_row(r, &r->rows[r->count]))
        r->count++;
}

/* ---- callbacks of libcsv ---- */

static void on_cell(void *text, size_t length, void *context)
{
    struct reader *r = context;
    r->row_ended = false;
    if (length && memchr(text, 0, length))
        lr_fail(&r->err, LR_EDATA,
                "%s:%zu: a cell has a NUL byte; save the table as UTF-8, not UTF-16",
                r->request->path, r->line);
    if (!r->err.code &&
        cells_add(r->header_read ? &r->cells : &r->header, length ? text : "", length))
        lr_nomem(&r->err);
}

static void on_row(int end, void *context)
{
    struct reader *r = context;
    (void)end;
    if (!r->err.code)
        (r->header_read ? read_row : read_header)(r);
    cells_clear(&r->cells);
    r->row_ended = true;
}

static bool is_blank(const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", text[length - 1]))
        length--;
    return length == 0;
}

static int csv_failed(struct reader *r, struct csv_parser *parser)
{
    if (csv_error(parser) != CSV_EPARSE)
        return lr_nomem(&r->err);
    return lr_fail(&r->err, LR_EDATA,
                   "%s:%zu: a quote stands where none can, or is not closed (a quote within a "
                   "quoted cell is written twice)",
                   r->request->path, r->line);
}

static int parse_lines(struct reader *r, struct csv_parser *parser, const char *text, size_t size)
{
    size_t line = 1;
    r->row_ended = true;
    for (size_t at = 0, length; at < size && !r->err.code; at += length, line++) {
        const char *end = memchr(text + at, '\n', size - at);
        length = end ? (size_t)(end - (text + at)) + 1 : size - at;
        if (r->row_ended)
            r->line = line;
        r->row_ended = r->row_ended && is_blank(text + at, length);
        if (csv_parse(parser, text + at, length, on_cell, on_row, r) != length)
            return csv_failed(r, parser);
    }
    if (!r->err.code && csv_fini(parser, on_cell, on_row, r))
        return csv_failed(r, parser);
    return r->err.code;
}

static int parse_text(struct reader *r, const char *text, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf"; /* UTF-8's byte order mark, as spreadsheets write */
    struct csv_parser parser;
    csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_realloc_func(&parser, lr_realloc);
    csv_set_free_func(&parser, lr_free);
    bool marked = size >= 3 && memcmp(text, mark, 3) == 0;
    int rc = parse_lines(r, &parser, text + (marked ? 3 : 0), size - (marked ? 3 : 0));
    csv_free(&parser);
    return rc;
}

/* ---- the whole ---- */

/* Total order, since there is no NaN. */
static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

static int by_tokens_lr_seed(const void *left, const void *right)
{
    const struct kept_row *a = left, *b = right;
    int by = compare((double)a->row.tokens, (double)b->row.tokens);
    if (!by)
        by = compare(a->row.lr, b->row.lr);
    if (!by)
        by = compare(a->seed, b->seed);
    return by ? by : compare((double)a->index, (double)b->index);
}

/* Gives rows of the same tokens the lowest of learning rates that differ only by rounding; in
 * sorted rows they are adjacent. */
static void unite_learning_rates(struct kept_row *rows, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (rows[i].row.tokens == rows[i - 1].row.tokens &&
            rows[i].row.lr - rows[i - 1].row.lr <= SWEEP_SAME_LR * rows[i - 1].row.lr)
            rows[i].row.lr = rows[i - 1].row.lr;
    qsort(rows, count, sizeof(*rows), by_tokens_lr_seed);
}

static int none_left(struct reader *r)
{
    char values[512], conditions[300] = "";
    if (!r->header_read)
        return lr_fail(&r->err, LR_EDATA, "%s: has no header", r->request->path);
    if (r->rows_seen == 0)
        return lr_fail(&r->err, LR_EDATA, "%s: has a header, but no rows", r->request->path);
    size_t i = 0, used = 0;
    while (r->conditions[i].met)
        i++;
    for (size_t k = 0; k <= i && used < sizeof(conditions); k++)
        used += (size_t)snprintf(conditions + used, sizeof(conditions) - used, "%s%s is %s",
                                 k ? " and " : "", r->conditions[k].where->column,
                                 r->conditions[k].where->value);
    bool more = r->conditions[i].values.count > VALUES_TOLD;
    r->conditions[i].values.count -= more ? 1 : 0;
    return lr_fail(&r->err, LR_EDATA, "%s: no row is left where %s; column %s has: %s%s",
                   r->request->path, conditions, r->conditions[i].where->column,
                   listed(&r->conditions[i].values, values, sizeof(values)), more ? ", ..." : "");
}

static int several_optimizers(struct reader *r)
{
    char values[512];
    const char *name = r->names[OPTIMIZER] ? r->names[OPTIMIZER] : usual_names[OPTIMIZER];
    bool more = r->optimizers.count > VALUES_TOLD;
    r->optimizers.count -= more ? 1 : 0;
    return lr_fail(
        &r->err, LR_EDATA,
        "%s: column %s has several optimizers: %s%s; say by a condition (where) which of "
        "them counts",
        r->request->path, name, listed(&r->optimizers, values, sizeof(values)),
        more ? ", ..." : "");
}

/* Finds the first horizon with several weight decays; rows are sorted. */
static void find_decays(const struct reader *r, struct sweep *sweep)
{
    size_t first = 0, used = 0;
    bool listed_before[VALUES_TOLD + 1] = {false};
    for (size_t i = 1; i < r->count && !sweep->mixed_tokens; i++) {
        if (r->rows[i].row.tokens != r->rows[first].row.tokens)
            first = i;
        else if (r->rows[i].decay != r->rows[first].decay)
            sweep->mixed_tokens = r->rows[first].row.tokens;
    }
    for (size_t i = first; sweep->mixed_tokens && i < r->count && used < SWEEP_VALUES; i++) {
        size_t decay = r->rows[i].decay;
        if (r->rows[i].row.tokens != sweep->mixed_tokens || listed_before[decay])
            continue;
        listed_before[decay] = true;
        used += (size_t)snprintf(sweep->decays + used, SWEEP_VALUES - used, "%s%s",
                                 used ? ", " : "", cell(&r->decays, decay));
    }
}

/* What the settings' columns say of the kept rows, which are sorted. */
static void fill_settings(const struct reader *r, struct sweep *sweep)
{
    if (r->optimizers.count > 0)
        snprintf(sweep->optimizer, sizeof(sweep->optimizer), "%s", cell(&r->optimizers, 0));
    if (r->decays.count > 1)
        find_decays(r, sweep);
    for (int i = 0; i < 2 && !r->batch_unknown; i++)
        sweep->batch_tokens[i] = (uint64_t)r->batch[i];
}

/* Fills the table with the kept rows, sorted. */
static int sort_rows(struct reader *r, struct sweep *sweep)
{
    if (r->count == 0)
        return none_left(r);
    if (r->optimizers.count > 1)
        return several_optimizers(r);
    qsort(r->rows, r->count, sizeof(*r->rows), by_tokens_lr_seed);
    unite_learning_rates(r->rows, r->count);
    sweep->rows = lr_calloc(r->count, sizeof(*sweep->rows));
    if (!sweep->rows)
        return lr_nomem(&r->err);
    for (size_t i = 0; i < r->count; i++) {
        const struct kept_row *row = &r->rows[i], *before = i ? row - 1 : NULL;
        bool same =
            before && before->row.tokens == row->row.tokens && before->row.lr == row->row.lr;
        if (same && r->columns[SEED] != ABSENT && before->seed == row->seed)
            return lr_fail(&r->err, LR_EDATA,
                           "%s: lines %zu and %zu are of the same tokens, learning rate and seed: "
                           "say by a condition (where) which of them counts",
                           r->request->path, before->line, row->line);
        sweep->rows[i] = row->row;
        sweep->rows[i].seed = same ? sweep->rows[i - 1].seed + 1 : 0;
    }
    sweep->count = r->count;
    fill_settings(r, sweep);
    return 0;
}

static void reader_release(struct reader *r)
{
    for (size_t i = 0; r->conditions && i < r->request->where_count; i++)
        cells_release(&r->conditions[i].values);
    lr_free(r->conditions);
    cells_release(&r->header);
    cells_release(&r->cells);
    cells_release(&r->optimizers);
    cells_release(&r->decays);
    lr_free(r->rows);
}

int sweep_read_text(struct sweep *sweep, const struct sweep_request *request, const char *text,
                    size_t size, struct lr_error *err)
{
    memset(sweep, 0, sizeof(*sweep));
    struct reader r = {.request = request,
                       .names = {request->lr, request->tokens, request->loss, request->seed,
                                 request->optimizer, request->weight_decay, request->batch_tokens}};
    int rc = 0;
    r.conditions = lr_calloc(request->where_count + 1, sizeof(*r.conditions));
    if (!r.conditions) {
        rc = lr_nomem(&r.err);
        goto out;
    }
    for (size_t i = 0; i < request->where_count; i++)
        r.conditions[i].where = &request->where[i];
    if ((rc = parse_text(&r, text, size)))
        goto out;
    rc = sort_rows(&r, sweep);

out:
    reader_release(&r);
    if (rc) {
        sweep_release(sweep);
        lr_fail(err, rc, "%s", r.err.text);
    }
    return rc;
}

int sweep_read(struct sweep *sweep, const struct sweep_request *request, struct lr_error *err)
{
    struct token_file file; /* any mapped bytes */
    memset(sweep, 0, sizeof(*sweep));
    int rc = token_file_map(&file, request->path, err);
    if (rc)
        return rc;
    rc = file.size > TEXT_MOST
             ? lr_fail(err, LR_EDATA, "%s: is too large for a table of losses", request->path)
             : sweep_read_text(sweep, request, (const char *)file.map, file.size, err);
    token_file_close(&file);
    return rc;
}

int sweep_read_written(struct sweep *sweep, const char *path, uint64_t hash, struct lr_error *err)
{
    const struct sweep_request request = {
        .path = path, .lr = "lr", .tokens = "tokens", .loss = "loss", .seed = "seed"};
    struct token_file file;
    memset(sweep, 0, sizeof(*sweep));
    int rc = token_file_map(&file, path, err);
    if (rc)
        return rc;
    rc = XXH3_64bits(file.map, file.size) != hash
             ? lr_fail(err, LR_EDATA, "%s: is not the table that the campaign began with", path)
             : sweep_read_text(sweep, &request, (const char *)file.map, file.size, err);
    token_file_close(&file);
    return rc;
}

/* ---- writing ---- */

static int write_row(FILE *file, XXH3_state_t *state, const char *line)
{
    size_t length = strlen(line);
    XXH3_64bits_update(state, line, length);
    return fwrite(line, length, 1, file) == 1 ? 0 : -1;
}

static int write_rows(const struct sweep *sweep, FILE *file, XXH3_state_t *state)
{
    if (write_row(file, state, "tokens,lr,loss,seed\n"))
        return -1;
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        char line[128], loss[32] = "nan";
        if (!isnan(row->loss))
            snprintf(loss, sizeof(loss), "%.17g", row->loss);
        snprintf(line, sizeof(line), "%llu,%.17g,%s,%u\n", (unsigned long long)row->tokens, row->lr,
                 loss, row->seed);
        if (write_row(file, state, line))
            return -1;
    }
    return 0;
}

int sweep_write(const struct sweep *sweep, const char *folder, char path[TRIAL_PATH],
                uint64_t *hash, struct lr_error *err)
{
    char temporary[TRIAL_PATH + 32];
    if (strlen(folder) + sizeof("/sweep-0123456789abcdef.csv") > TRIAL_PATH)
        return lr_fail(err, LR_ECREATE, "%s: the path is too long", folder);
    snprintf(temporary, sizeof(temporary), "%s/sweep.%ld", folder, (long)getpid());
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return lr_nomem(err);
    XXH3_64bits_reset(state);
    FILE *file = own_file_stream(temporary, 0666);
    int rc = file ? 0 : lr_fail_errno(err, LR_ECREATE, "%s", temporary);
    if (rc)
        goto out;
    bool written = write_rows(sweep, file, state) == 0;
    *hash = XXH3_64bits_digest(state);
    snprintf(path, TRIAL_PATH, "%s/sweep-%016llx.csv", folder, (unsigned long long)*hash);
    rc = own_stream_publish(file, written, temporary, path, err);

out:
    XXH3_freeState(state);
    return rc;
}
