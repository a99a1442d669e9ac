/* Cells and rows. Text with a comma, quote or line break is quoted, its quotes doubled. */
#include "store/csv.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/memory.h"

static void add_bytes(struct csv *csv, const char *bytes, size_t size)
{
    while (!csv->failed && csv->capacity - csv->used < size) {
        char *larger = lr_grow(csv->bytes, csv->capacity, &csv->capacity, 1);
        csv->failed = !larger;
        if (larger)
            csv->bytes = larger;
    }
    if (csv->failed || size == 0)
        return;
    memcpy(csv->bytes + csv->used, bytes, size);
    csv->used += size;
}

static void begin_cell(struct csv *csv)
{
    if (csv->in_row)
        add_bytes(csv, ",", 1);
    csv->in_row = true;
}

void csv_text(struct csv *csv, const char *text)
{
    begin_cell(csv);
    if (!strpbrk(text, ",\"\r\n")) {
        add_bytes(csv, text, strlen(text));
        return;
    }
    add_bytes(csv, "\"", 1);
    for (; *text; text++)
        add_bytes(csv, *text == '"' ? "\"\"" : text, *text == '"' ? 2 : 1);
    add_bytes(csv, "\"", 1);
}

void csv_count(struct csv *csv, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    begin_cell(csv);
    add_bytes(csv, text, strlen(text));
}

void csv_double(struct csv *csv, double value)
{
    char text[40];
    if (isnan(value)) { /* printf may print -nan */
        csv_text(csv, "nan");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    csv_text(csv, text);
}

void csv_end_row(struct csv *csv)
{
    assert(csv->in_row); /* RFC 4180 has no empty rows */
    add_bytes(csv, "\n", 1);
    csv->in_row = false;
}

void csv_row(struct csv *csv, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        csv_text(csv, texts[i]);
    csv_end_row(csv);
}

void csv_release(struct csv *csv)
{
    lr_free(csv->bytes);
    memset(csv, 0, sizeof(*csv));
}
