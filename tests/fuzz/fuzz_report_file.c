/* Any bytes as the file with a command's losses. The first byte: how many bytes are written at a
 * time, while the file is followed. What is taken in the end is what one look at the whole file
 * takes. There is no allocation to fail: jansson and libcsv have their own. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "trainers/command/report_file.h"
#include "fuzz_input.h"

struct taken {
    struct report last;
    size_t rows;
};

static void take(void *context, const struct report *report)
{
    struct taken *taken = context;
    DEMAND(report->known && !report->final && !report->has_begun && isnan(report->loss_se));
    DEMAND(report->has_tokens || report->tokens == 0);
    DEMAND(!isfinite(report->loss) || fabs(report->loss) <= TRIAL_LOSS_MOST);
    taken->last = *report;
    taken->rows++;
}

static int look(struct report_file *file, bool final)
{
    struct lr_error err = {0};
    int rc = report_file_read(file, final, &err);
    DEMAND(rc >= 0 || ((rc == LR_EDATA || rc == LR_EIO) && err.text[0]));
    DEMAND(rc < 0 || !(rc & REPORT_FILE_MORE)); /* inputs are short */
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_file place;
    static struct command_setup setup = {.report_loss = "loss", .report_steps = "a/step"};
    static const struct trial_spec spec = {.batch_tokens = 3};
    static const struct placeholder_trial trial = {.spec = &spec};
    struct taken whole = {.rows = 0}, pieces = {.rows = 0};
    struct report_file_request request = {&setup, &trial, "/", &whole, take};
    struct report_file *file;
    char why[256];
    if (!place.path[0])
        place = memory_file_create("losses");
    if (size < 1)
        return 0;
    setup.report_file = place.path;
    setup.report_loss = data[0] & 1 ? "a/loss" : "loss";
    size_t step = 1 + data[0] / 2u;
    memory_file_fill(&place, "", 0);
    DEMAND(report_file_open(&file, &request, NULL) == 0);
    memory_file_fill(&place, data + 1, size - 1);
    int rc = look(file, true);
    bool is_whole = report_file_is_whole(file);
    report_file_why(file, why, sizeof(why));
    report_file_close(file);

    request.context = &pieces;
    memory_file_fill(&place, "", 0);
    DEMAND(report_file_open(&file, &request, NULL) == 0);
    int while_it_grew = 0;
    for (size_t at = step; at < size - 1 && while_it_grew >= 0; at += step) {
        memory_file_fill(&place, data + 1, at);
        while_it_grew = look(file, false);
    }
    memory_file_fill(&place, data + 1, size - 1);
    int again = while_it_grew < 0 ? while_it_grew : look(file, true);
    DEMAND((rc < 0) == (again < 0));
    if (rc >= 0) {
        DEMAND(is_whole == report_file_is_whole(file));
        DEMAND((whole.rows > 0) == (pieces.rows > 0) && whole.rows <= pieces.rows);
        DEMAND(whole.last.tokens == pieces.last.tokens);
        DEMAND(memcmp(&whole.last.loss, &pieces.last.loss, sizeof(double)) == 0);
    }
    report_file_close(file);
    return 0;
}
