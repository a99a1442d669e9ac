/* The figures of a campaign: every point is there, nothing that is not known is, and nothing that
 * goes wrong stops anybody. SHOW_FIGURES=DIR keeps them for the eyes of who changes them. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include "cells_answer.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "report/figures.h"
#include "report/gnuplot.h"
#include "store/run_dir.h"

static char folder[256], *path_before;
static struct answer answer;
static struct trial trials[ANSWER_BASINS * CELLS_TRIALS_EACH];
static const struct trial *list[ANSWER_BASINS * CELLS_TRIALS_EACH];
static size_t trial_count;

static int set_up(void **state)
{
    (void)state;
    lr_log_level_set(LR_LOG_ERROR);
    path_before = strdup(getenv("PATH"));
    return path_before ? temp_dir_make(folder, sizeof(folder)) : -1;
}

static int tear_down(void **state)
{
    (void)state;
    setenv("PATH", path_before, 1);
    free(path_before);
    temp_dir_remove(folder);
    return 0;
}

static void need_gnuplot(void)
{
    if (system("command -v gnuplot >/dev/null"))
        skip();
}

static const char *under(const char *name)
{
    static char path[4][400];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof(path[0]), "%s/%s", folder, name);
    return out;
}

static bool exists(const char *name)
{
    return access(under(name), F_OK) == 0;
}

static char *read_text(const char *name)
{
    char *text = NULL;
    struct lr_error err = {0};
    if (run_dir_read(folder, name, &text, &err))
        fail_msg("%s", err.text);
    if (!text)
        fail_msg("%s was not written", name);
    return text;
}

/* Draws into the folder; whatever is said on stderr comes back in `said`. */
static void draw(char *said, size_t capacity)
{
    const char *show = getenv("SHOW_FIGURES");
    if (show)
        figures_draw(show, &answer, list, trial_count);
    int before = dup(STDERR_FILENO);
    int file = open(under("said"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(before >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
    figures_draw(folder, &answer, list, trial_count);
    dup2(before, STDERR_FILENO);
    ssize_t length = pread(file, said, capacity - 1, 0);
    assert_true(length >= 0);
    said[length] = '\0';
    close(file);
    close(before);
}

static void draw_silently(void)
{
    char said[1024];
    draw(said, sizeof(said));
    assert_string_equal(said, "");
}

/* Marks of one kind (gnuplot's point type - 1) in an SVG, without the white that lies below
 * some. */
static size_t marks(const char *svg, int kind)
{
    char use[64];
    size_t count = 0;
    snprintf(use, sizeof(use), "<use xlink:href='#gpPt%d' transform='translate", kind);
    for (const char *at = svg; (at = strstr(at, use)); at++) {
        size_t rest = strcspn(at, "\n");
        const char *white = strstr(at, "#FFFFFF");
        count += !(white && (size_t)(white - at) < rest);
    }
    return count;
}

enum { CIRCLE = 6, RING = 5, TRIANGLE = 7, DIAMOND = 12, HOLLOW_DIAMOND = 11 };

static void every_point(void **state)
{
    (void)state;
    struct stat status;
    need_gnuplot();
    cells_answer(&answer);
    answer.basins[5].horizon.at_edge = true;
    answer.basins[6].horizon.flat = true;
    trial_count = cells_trials(&answer, trials, list);
    draw_silently();
    char *svg = read_text("figures/horizon.svg");
    assert_int_equal(marks(svg, CIRCLE), 18 - 2 + 3); /* horizons, legend */
    assert_int_equal(marks(svg, RING), 2);            /* edge, flat */
    assert_int_equal(marks(svg, DIAMOND), 9);         /* cells at the target */
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 1);  /* the answer */
    assert_non_null(strstr(svg, ">vocabulary 4096<"));
    assert_non_null(strstr(svg, ">width 64<"));
    assert_non_null(strstr(svg, ">100k<"));
    assert_non_null(strstr(svg, ">10M<"));
    assert_non_null(strstr(svg, ">1e-3<"));
    lr_free(svg);
    svg = read_text("figures/ratio.svg");
    assert_int_equal(marks(svg, CIRCLE), 9 + 3);
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 1);
    assert_non_null(strstr(svg, "slope 1 (dashed, muP) and 1/2 (dotted, large vocabulary)"));
    lr_free(svg);
    svg = read_text("figures/basins.svg");
    assert_int_equal(marks(svg, CIRCLE) - 2 + marks(svg, TRIANGLE), 9 * 2 * CELLS_TRIALS_EACH);
    assert_int_equal(marks(svg, TRIANGLE), 18 + 9);   /* one diverged; far off at 131k tokens */
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 18); /* vertices */
    lr_free(svg);
    assert_int_equal(stat(under("figures/ratio.svg"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_false(exists("figures/ratio.svg.gp"));
    assert_false(exists("figures/ratio.svg.part"));
}

static void without_axes(void **state)
{
    (void)state;
    need_gnuplot();
    cells_answer(&answer);
    answer.basin_count = 2;
    answer.basins[0].horizon = answer.horizons[0];
    answer.basins[1].horizon = answer.horizons[1];
    trial_count = cells_trials(&answer, trials, list);
    answer.cell_count = answer.basin_count = 0;
    answer.joint.known = false;
    draw_silently();
    char *svg = read_text("figures/horizon.svg");
    assert_int_equal(marks(svg, CIRCLE), 2);
    assert_int_equal(marks(svg, DIAMOND), 0); /* the answer is the cell's */
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 1);
    lr_free(svg);
    svg = read_text("figures/basins.svg");
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 2);
    assert_int_equal(marks(svg, CIRCLE) - 2 + marks(svg, TRIANGLE), 2 * CELLS_TRIALS_EACH);
    lr_free(svg);
    assert_false(exists("figures/ratio.svg"));
}

static void everything_full(void **state)
{
    (void)state;
    need_gnuplot();
    cells_answer_full(&answer);
    trial_count = cells_trials(&answer, trials, list);
    draw_silently();
    char *svg = read_text("figures/basins.svg"); /* 12 panels of 4 horizons */
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 48);
    assert_non_null(strstr(svg, ">Loss against learning rate: 12 of 64 models<"));
    lr_free(svg);
    svg = read_text("figures/horizon.svg"); /* 12 panels of 2 widths and 4 horizons */
    assert_int_equal(marks(svg, CIRCLE), 96 + 2);
    assert_int_equal(marks(svg, HOLLOW_DIAMOND), 1); /* that of the answer is among them */
    assert_non_null(strstr(svg, ">Best learning rate against tokens: 12 of 32 models<"));
    lr_free(svg);
    assert_true(exists("figures/ratio.svg"));
}

/* Nothing is drawn of nothing, and no folder is left. */
static void nothing_known(void **state)
{
    (void)state;
    cells_answer_unknown(&answer);
    trial_count = 0;
    draw_silently();
    assert_false(exists("figures"));
    answer = (struct answer){.status = ANSWER_INTERRUPTED};
    draw_silently();
    assert_false(exists("figures"));
}

/* One number alone is known, or one alone is not, or all are as odd as can be. */
static void odd_numbers(void **state)
{
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY, 0, -1, 1e-300, 1e300};
    need_gnuplot();
    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        double x = values[v];
        cells_answer(&answer);
        trial_count = cells_trials(&answer, trials, list);
        for (size_t i = 0; i < trial_count; i++)
            if (i % 3 == 0)
                trials[i].result.val_loss = x;
        for (size_t b = 0; b < answer.basin_count; b += 2) {
            struct horizon_answer *horizon = &answer.basins[b].horizon;
            horizon->ci90[b / 2 % 2] = horizon->curvature = x;
            if (b % 3 == 0)
                horizon->lr_opt = x;
            if (b % 4 == 0)
                horizon->loss_min = x;
        }
        for (size_t c = 0; c < answer.cell_count; c++) {
            struct cell_answer *cell = &answer.cells[c];
            double *numbers[] = {&cell->lr,
                                 &cell->ci90[0],
                                 &cell->beta,
                                 &cell->beta_ci90[1],
                                 &cell->ratio[0],
                                 &cell->ratio_ci90[0][0],
                                 &cell->ratio_ci90[0][1]};
            *numbers[c % 7] = x;
        }
        answer.exponents[1].value = answer.joint.ln_c = answer.joint.beta = x;
        answer.target.ratio[0] = answer.target.ci90[1] = x;
        draw_silently();
        assert_true(exists("figures/horizon.svg"));
        assert_true(exists("figures/basins.svg"));
        setenv("PATH", folder, 1); /* the scripts */
        draw_silently();
        setenv("PATH", path_before, 1);
        static const char *const scripts[] = {"figures/horizon.svg.gp", "figures/basins.svg.gp",
                                              "figures/ratio.svg.gp"};
        for (size_t i = 0; i < 3; i++) {
            char *script = read_text(scripts[i]);
            assert_null(strstr(script, "nan")); /* gnuplot's own word is NaN */
            assert_null(strstr(script, "inf"));
            lr_free(script);
            unlink(under(scripts[i]));
        }
    }
}

static void one_of_each(void **state)
{
    (void)state;
    need_gnuplot();
    cells_answer(&answer);
    answer.cell_count = answer.basin_count = 1;
    answer.nearest = 0;
    answer.target.tokens = answer.basins[0].horizon.tokens;
    trial_count = cells_trials(&answer, trials, list);
    draw_silently();
    assert_true(exists("figures/horizon.svg"));
    assert_false(exists("figures/ratio.svg"));
    trial_count = 1; /* a single training that diverged */
    trials[0] = trials[CELLS_TRIALS_EACH - 1];
    answer.basins[0].horizon.lr_opt = answer.basins[0].horizon.loss_min = NAN;
    draw_silently();
}

/* ---- what goes wrong ---- */

/* Rows of the turn-th block of this name, counted from 0. */
static size_t rows(const char *script, const char *block, int turn)
{
    char begin[64];
    snprintf(begin, sizeof(begin), "\n$%s << END\n", block);
    const char *at = script;
    for (; turn >= 0; turn--) {
        at = strstr(at, begin);
        if (!at)
            fail_msg("no block %s", block);
        at += strlen(begin);
    }
    size_t count = 0;
    while (strncmp(at, "END\n", 4) != 0) {
        at = strchr(at, '\n') + 1;
        count++;
    }
    return count;
}

static size_t times(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void no_gnuplot(void **state)
{
    (void)state;
    char said[1024];
    struct stat status;
    setenv("PATH", folder, 1);
    cells_answer(&answer);
    trial_count = cells_trials(&answer, trials, list);
    draw_silently();
    lr_log_level_set(LR_LOG_INFO);
    draw(said, sizeof(said));
    lr_log_level_set(LR_LOG_ERROR);
    assert_non_null(strstr(said, "the figures are not drawn: gnuplot is missing or failed; their "
                                 "scripts are "));
    assert_non_null(strstr(said, "/figures/*.svg.gp, to be drawn by gnuplot anywhere\n"));
    assert_false(exists("figures/horizon.svg"));
    assert_false(exists("figures/horizon.svg.part"));
    char *script = read_text("figures/horizon.svg.gp");
    for (int panel = 0; panel < 3; panel++) /* 3 widths: 2 horizons and the target; the answer */
        assert_int_equal(rows(script, "points", panel), 9 + (panel == 2));
    assert_int_equal(times(script, " ** -0."), 9); /* laws */
    assert_int_equal(
        times(script, " with points pt 7 ps 0.9 lc palette cb 0.500 title 'width 128'"), 1);
    lr_free(script);
    script = read_text("figures/ratio.svg.gp");
    assert_int_equal(times(script, " ** 0.55 with lines"), 1); /* as fitted at vocabulary 4096 */
    assert_int_equal(times(script, " ** 0.5 with lines dt"), 1);
    lr_free(script);
    script = read_text("figures/basins.svg.gp");
    assert_int_equal(times(script, "parabola(log(x"), 18);
    for (int panel = 0; panel < 9; panel++) /* and the optima */
        assert_int_equal(rows(script, "points", panel), 2 * CELLS_TRIALS_EACH + 2);
    lr_free(script);
    assert_int_equal(stat(under("figures/basins.svg.gp"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void no_folder(void **state)
{
    (void)state;
    char said[1024];
    int file = open(under("figures"), O_WRONLY | O_CREAT, 0600); /* in its place */
    assert_true(file >= 0);
    close(file);
    cells_answer(&answer);
    trial_count = cells_trials(&answer, trials, list);
    lr_log_level_set(LR_LOG_WARNING);
    draw(said, sizeof(said));
    assert_non_null(strstr(said, "the figures could not be drawn: "));
    assert_non_null(strstr(said, "/figures: is no directory; move it away"));
}

/* The next number fails, until none does. */
static void without_memory(void **state)
{
    (void)state;
    setenv("PATH", folder, 1);
    cells_answer(&answer);
    trial_count = cells_trials(&answer, trials, list);
    for (long n = 0; n < 20; n++) {
        lr_memory_fail_after(n);
        figures_draw(folder, &answer, list, trial_count);
        lr_memory_fail_after(-1);
    }
    assert_true(exists("figures/basins.svg.gp"));
}

/* Nothing in a name is a command of gnuplot. */
static void hostile_name(void **state)
{
    (void)state;
    char said[1024], saved[sizeof(folder)];
    need_gnuplot();
    cells_answer(&answer);
    trial_count = cells_trials(&answer, trials, list);
    memcpy(saved, folder, sizeof(saved));
    strncat(folder, "/a'b`touch PWNED`\\n$x @p \"; !touch PWNED",
            sizeof(folder) - strlen(folder) - 1);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chdir(folder), 0);
    draw(said, sizeof(said));
    bool drawn = exists("figures/basins.svg"), owned = access("PWNED", F_OK) == 0;
    memcpy(folder, saved, sizeof(saved));
    assert_int_equal(chdir("/"), 0);
    assert_string_equal(said, "");
    assert_true(drawn);
    assert_false(owned);
}

/* ---- axes ---- */

static void ranges(void **state)
{
    (void)state;
    struct range range = range_empty();
    range_add(&range, NAN);
    range_add(&range, 0);
    range_add(&range, INFINITY);
    assert_true(range_is_empty(&range));
    range_add(&range, 3);
    assert_false(range_is_empty(&range));
    range_widen(&range, 3);
    assert_true(range.low == 1 && range.high == 9);
    assert_true(range_clamp(&range, NAN) == 1);
    assert_true(range_clamp(&range, 1e300) == 9);
}

/* The labels of a log axis: at least one, and no more than have room. */
static void log_axis(void **state)
{
    (void)state;
    for (double factor = 1.5; factor < 1e9; factor *= 1.3)
        for (double low = 1.01e-5; low < 1e-4; low *= 1.17) {
            char *text = NULL;
            size_t length = 0, count = 0;
            FILE *script = open_memstream(&text, &length);
            const struct range range = {low, low * factor};
            assert_non_null(script);
            gnuplot_log_axis(script, 'x', &range, 8, 'l');
            fclose(script);
            for (const char *at = text; (at = strstr(at, " 0,")); at++)
                count++;
            count += strstr(text, " 0)") != NULL;
            if (count < 1 || count > 10)
                fail_msg("%zu labels: %s", count, text);
            free(text);
        }
    char *text = NULL;
    size_t length = 0;
    FILE *script = open_memstream(&text, &length);
    assert_non_null(script);
    gnuplot_log_axis(script, 'y', &(struct range){1e-3, 6e-2}, 3, 'l');
    gnuplot_log_axis(script, 'x', &(struct range){0.4, 6}, 9, 'g');
    fclose(script);
    assert_non_null(strstr(text, "set logscale y 10\nset yrange [0.001:0.06]\nset ytics ('1e-3' "
                                 "0.001 0, '' 0.002 1, "));
    assert_non_null(strstr(text, "('' 0.4 1, '0.5' 0.5 0, "));
    free(text);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_point),   IN_FOLDER(without_axes),  IN_FOLDER(everything_full),
        IN_FOLDER(nothing_known), IN_FOLDER(odd_numbers),   IN_FOLDER(one_of_each),
        IN_FOLDER(no_gnuplot),    IN_FOLDER(no_folder),     IN_FOLDER(without_memory),
        IN_FOLDER(hostile_name),  cmocka_unit_test(ranges), cmocka_unit_test(log_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
