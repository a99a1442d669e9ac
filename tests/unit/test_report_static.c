/* A page of a build without D3: static figures and a plain table, nothing that runs. The symbols
 * below stand for those that such a build embeds. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "cells_answer.h"
#include "count_case.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/html.h"
#include "report/report.h"
#include "store/run_dir.h"

const unsigned char page_d3[] = {0};
const size_t page_d3_size = 0;

static char folder[256];
static struct answer answer;
static struct trial trials[ANSWER_BASINS * CELLS_TRIALS_EACH];
static const struct trial *list[ANSWER_BASINS * CELLS_TRIALS_EACH];
static struct report_input input;

static void write_file(const char *name, const char *text)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    if (temp_dir_make(folder, sizeof(folder)))
        return -1;
    cells_answer(&answer);
    input = (struct report_input){.run_dir = folder,
                                  .name = "a<b",
                                  .state = STATUS_FINISHED,
                                  .answer = &answer,
                                  .trials = list,
                                  .count = cells_trials(&answer, trials, list)};
    write_file("journal.jsonl", "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(folder);
    return 0;
}

static char *page(void)
{
    char *text = NULL;
    struct lr_error err = {0};
    if (report_write(&input, &err) || run_dir_read(folder, "report.html", &text, &err))
        fail_msg("%s", err.text);
    assert_non_null(text);
    return text;
}

static void table_and_reason(void **state)
{
    (void)state;
    trials[0].state = TRIAL_FAILED;
    strcpy(trials[0].result.message, "<i>broken");
    answer.target.ci90[0] = 8e-4;
    answer.target.ci90[1] = 2e-3;
    char *text = page();
    assert_int_equal(count_of(text, "<script"), 0);
    assert_int_equal(count_of(text, "built without D3"), 1);
    assert_int_equal(count_of(text, "<tr>"), input.count + 1); /* with its head */
    assert_int_equal(count_of(text, "<td>&lt;i&gt;broken"), 1);
    assert_int_equal(count_of(text, "<img"), 0);
    assert_int_equal(count_of(text, "<data id=\"lr\""), 1);
    assert_int_equal(count_of(text, " <small>(90&nbsp;% interval 8.0e-4 to 2.0e-3)</small>"), 1);
    assert_int_equal(count_of(text, "a&lt;b"), 2); /* title, header */
    lr_free(text);
}

/* Every remainder of a length by three. */
static void figures_are_inside(void **state)
{
    static const struct {
        const char *svg, *base64;
    } cases[] = {{"<svg>", "PHN2Zz4="}, {"<svg/>", "PHN2Zy8+"}, {"<svg />", "PHN2ZyAvPg=="}};
    (void)state;
    char figures[400];
    snprintf(figures, sizeof(figures), "%s/figures", folder);
    assert_int_equal(mkdir(figures, 0700), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[100];
        write_file("figures/basins.svg", cases[i].svg);
        char *text = page();
        snprintf(expected, sizeof(expected), "src=\"data:image/svg+xml;base64,%s\"",
                 cases[i].base64);
        assert_int_equal(count_of(text, expected), 1);
        assert_int_equal(count_of(text, "<img"), 1);
        lr_free(text);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {CASE(table_and_reason), CASE(figures_are_inside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
