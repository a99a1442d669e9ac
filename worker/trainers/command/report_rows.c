/* Rows of JSON and CSV. jansson and libcsv parse them. */
#include "trainers/command/report_rows.h"

#include <csv.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 64 };

void report_rows_restart(struct report_rows *rows)
{
    rows->first = true;
    rows->loss_column = rows->count_column = -1;
    rows->last_count = NAN;
}

static int take_row(struct report_rows *rows, double loss, struct lr_error *err)
{
    struct report report;
    rows->found = true;
    int rc = report_from_numbers(&report, loss, rows->last_count * rows->tokens_each, err);
    if (!rc)
        rows->take(rows->context, &report);
    return rc;
}

static void add_name(struct report_rows *rows, const char *name, size_t length)
{
    size_t used = strlen(rows->names);
    snprintf(rows->names + used, REPORT_NAMES - used, "%s%.*s", used ? ", " : "",
             (int)(length < REPORT_NAMES ? length : REPORT_NAMES), name);
}

/* ---- JSON ---- */

/* Where the tokens or steps of a row are: under `name` in `from`. */
struct count_place {
    const json_t *from;
    const char *name;
};

/* The member whose name is the first `length` bytes of `name`. */
static json_t *member(const json_t *object, const char *name, size_t length)
{
    char key[TRIAL_PATH];
    snprintf(key, sizeof(key), "%.*s", (int)length, name);
    return json_object_get(object, key);
}

/* Looks a name up: first as it stands, then as a path of names between slashes. */
static const json_t *look_up(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    for (const char *slash = name; !value && (slash = strchr(slash, '/')); slash++) {
        const json_t *inner = member(object, name, (size_t)(slash - name));
        value = json_is_object(inner) ? look_up(inner, slash + 1) : NULL;
    }
    return value;
}

static int take_count(struct report_rows *rows, const struct count_place *place,
                      struct lr_error *err)
{
    const json_t *value = rows->count ? look_up(place->from, place->name) : NULL;
    if (!value || json_is_null(value) || json_is_array(value))
        return 0;
    if (!json_is_number(value))
        return lr_fail(err, LR_EDATA, "has no number %s", rows->count);
    rows->last_count = json_number_value(value);
    return 0;
}

static int take_loss(struct report_rows *rows, const json_t *value, struct lr_error *err)
{
    double loss;
    if (json_is_null(value)) /* not evaluated */
        return 0;
    if (!report_json_number(value, &loss))
        return lr_fail(err, LR_EDATA, "has no number %s", rows->loss);
    return take_row(rows, loss, err);
}

static void note_names(struct report_rows *rows, const json_t *row)
{
    const char *key;
    json_t *value;
    rows->names[0] = '\0';
    json_object_foreach((json_t *)(uintptr_t)row, key, value) add_name(rows, key, strlen(key));
}

/* Takes the rows under `name` in `value`: the elements of an array on the way are rows. */
static int take_rows(struct report_rows *rows, const json_t *value, const char *name,
                     struct count_place place, struct lr_error *err)
{
    const char *slash = name;
    json_t *inner;
    size_t i;
    int rc = 0;
    if (json_is_array(value)) {
        bool own = place.from == value; /* each element has its own count */
        json_array_foreach((json_t *)(uintptr_t)value, i, inner)
        {
            if (own)
                place.from = inner;
            if ((rc = take_rows(rows, inner, name, place, err)))
                return rc;
        }
        return 0;
    }
    if ((rc = take_count(rows, &place, err)))
        return rc;
    if ((inner = json_object_get(value, name))) {
        if (rows->count && isnan(rows->last_count))
            note_names(rows, value);
        return take_loss(rows, inner, err);
    }
    while ((slash = strchr(slash, '/'))) {
        size_t length = (size_t)(++slash - name);
        inner = member(value, name, length - 1);
        if (!json_is_object(inner) && !json_is_array(inner))
            continue;
        if (place.from == value && rows->count && strncmp(place.name, name, length) == 0 &&
            !json_object_get(value, place.name))
            place = (struct count_place){inner, place.name + length};
        return take_rows(rows, inner, slash, place, err);
    }
    if (!rows->found)
        note_names(rows, value);
    return 0;
}

int report_rows_json(struct report_rows *rows, const char *text, size_t length,
                     struct lr_error *err)
{
    json_t *root = report_json(text, length, JSON_ALLOW_NUL, err);
    if (!root)
        return LR_EDATA;
    int rc = take_rows(rows, root, rows->loss, (struct count_place){root, rows->count}, err);
    json_decref(root);
    return rc;
}

/* ---- CSV ---- */

struct row {
    struct report_rows *rows;
    ssize_t column, loss_column, count_column; /* the two: it is a header */
    char loss[CELL], count[CELL];
};

static bool is_name(const char *text, size_t length, const char *name)
{
    return name && length == strlen(name) && memcmp(text, name, length) == 0;
}

/* Copies a cell that may hold a number. */
static void copy_cell(char out[CELL], const char *text, size_t length)
{
    bool plain = length < CELL && !memchr(text, '\0', length);
    snprintf(out, CELL, "%.*s", plain ? (int)length : 1, plain ? text : "?");
}

static void on_cell(void *bytes, size_t length, void *context)
{
    struct row *row = context;
    struct report_rows *rows = row->rows;
    const char *text = length ? bytes : "";
    ssize_t column = row->column++;
    if (is_name(text, length, rows->loss) && (rows->loss_column < 0 || rows->loss_column == column))
        row->loss_column = column;
    if (is_name(text, length, rows->count))
        row->count_column = column;
    if (column == rows->loss_column)
        copy_cell(row->loss, text, length);
    if (column == rows->count_column)
        copy_cell(row->count, text, length);
    if (rows->first)
        add_name(rows, text, length);
}

static int take_cells(struct report_rows *rows, const struct row *row, bool counts,
                      struct lr_error *err)
{
    double loss, count;
    if (row->loss_column >= 0) {
        rows->loss_column = row->loss_column;
        rows->count_column = row->count_column;
        return 0;
    }
    if (!counts)
        return 0;
    if (row->count[0] && !report_text_number(row->count, &count))
        return lr_fail(err, LR_EDATA, "has no number %s", rows->count);
    if (row->count[0])
        rows->last_count = count;
    if (!row->loss[0])
        return 0;
    if (!report_text_number(row->loss, &loss))
        return lr_fail(err, LR_EDATA, "has no number %s", rows->loss);
    return take_row(rows, loss, err);
}

int report_rows_csv(struct report_rows *rows, const char *text, size_t length, bool counts,
                    struct lr_error *err)
{
    struct row row = {.rows = rows, .loss_column = -1, .count_column = -1};
    struct csv_parser parser;
    if (csv_init(&parser, 0))
        return lr_nomem(err);
    if (rows->first)
        rows->names[0] = '\0';
    bool whole = csv_parse(&parser, text, length, on_cell, NULL, &row) == length &&
                 csv_fini(&parser, on_cell, NULL, &row) == 0;
    csv_free(&parser);
    rows->first = false;
    return whole ? take_cells(rows, &row, counts, err) : lr_nomem(err);
}
