/* Any bytes as Optuna's journal file: no crash, no leak, and what comes of it is a table that
 * sweep_read_text() takes: it may miss a column in it, or refuse a value, but finds the rows whole
 * and the quotes in order. No allocation is made to fail: jansson 2.14 copies past its own buffer
 * when that buffer cannot grow within a string. */
#include <stdio.h>
#include <string.h>
#include "data/sweep.h"
#include "export/optuna_table.h"
#include "fuzz_input.h"

static bool starts_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

static void check_table(const struct csv *csv)
{
    static const char begin[] = "study,number,value";
    const struct sweep_request request = {
        .path = "table", .lr = "lr", .tokens = "tokens", .loss = "value"};
    struct sweep sweep;
    struct lr_error err = {0};
    DEMAND(csv->used > sizeof(begin) - 1 && memcmp(csv->bytes, begin, sizeof(begin) - 1) == 0);
    int rc = sweep_read_text(&sweep, &request, csv->bytes, csv->used, &err);
    const char *what = rc ? strstr(err.text, ": ") : ""; /* behind "table:LINE" */
    if (!what || starts_with(what, ": a quote stands") || starts_with(what, ": the row has")) {
        fprintf(stderr, "%s\n%.*s", err.text, (int)csv->used, csv->bytes);
        DEMAND(false);
    }
    sweep_release(&sweep);
}

static int make_table(struct csv *csv, const char *text, size_t size)
{
    struct lr_error err = {0};
    size_t studies = 0;
    memset(csv, 0, sizeof(*csv));
    int rc = optuna_table(csv, &studies, "journal.log", text, size, &err);
    DEMAND(rc == 0 || (err.code == rc && err.text[0]));
    DEMAND(rc == 0 || rc == LR_EDATA);
    DEMAND(rc || studies <= size);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv csv;
    char *text = fuzz_copy(data, size);
    if (make_table(&csv, text, size) == 0)
        check_table(&csv);
    csv_release(&csv);
    fuzz_copy_free(text);
    return 0;
}
