/* One fsync makes all results of a turn durable, and nothing that follows from a result is sent
 * before. fsync() is this program's own, which counts and syncs nothing. */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdlib.h>
#include "coordinator/coordinator.h"
#include "lrsearch/log.h"
#include "null_cluster.h"
#include "plan/plan_load.h"

static struct {
    size_t results, planned; /* recorded */
    size_t unsynced;         /* results and planned trials recorded since the last fsync */
    size_t syncs, assigned;
} seen;

int fsync(int fd)
{
    (void)fd;
    seen.unsynced = 0;
    seen.syncs++;
    return 0;
}

static void on_event(void *context, const struct campaign *campaign, const struct event *event)
{
    (void)context;
    (void)campaign;
    seen.results += event->kind == EVENT_ENDED;
    seen.planned += event->kind == EVENT_PLANNED;
    seen.unsynced += event->kind == EVENT_ENDED || event->kind == EVENT_PLANNED;
}

static void on_sent(const struct message *message)
{
    if (message->tag != MSG_ASSIGN)
        return;
    assert_int_equal(seen.unsynced, 0);
    seen.assigned++;
}

static struct plan *load_plan(const char *path)
{
    struct plan_errors errors = {0};
    struct plan *plan = calloc(1, sizeof(*plan));
    FILE *file = fopen(path, "w");
    assert_true(plan && file);
    fputs("version: 1\nname: group\ntrainer: {kind: simulate}\nsimulate: {lr: 8e-3}\n"
          "search: {lr: [1e-3, 1e-1], horizons: [10k, 20k, 40k], policy: grid, seeds: 20}\n"
          "target: {tokens: 1M}\n",
          file);
    fclose(file);
    if (plan_load(plan, path, NULL, 0, &errors))
        fail_msg("%s", errors.lines[0]);
    return plan;
}

static void results_are_durable_before_what_follows(void **state)
{
    (void)state;
    static struct answer answer;
    enum { WORKERS = 32 };
    char base[200], run_dir[250], plan_path[250];
    struct lr_error err = {0};
    bool workers_lost;
    assert_int_equal(temp_dir_make(base, sizeof(base)), 0);
    snprintf(run_dir, sizeof(run_dir), "%s/run", base);
    snprintf(plan_path, sizeof(plan_path), "%s/plan.yaml", base);
    struct plan *plan = load_plan(plan_path);
    struct coordinator_setup setup = {.plan = plan,
                                      .plan_path = plan_path,
                                      .run_dir = run_dir,
                                      .transport = null_cluster(WORKERS, on_sent),
                                      .loop = &null_loop,
                                      .mpi_library = "none",
                                      .blas = "none",
                                      .prepare_data = null_prepare,
                                      .watch.event = on_event};
    lr_log_level_set(LR_LOG_WARNING);
    if (coordinator_run(&setup, &answer, &workers_lost, &err))
        fail_msg("%s", err.text);
    assert_int_equal(seen.results, 480);
    assert_int_equal(seen.planned, 480);
    assert_int_equal(seen.assigned, 480);
    /* a turn for every 32 results, and some files; syncs by the clock come once a second */
    assert_in_range(seen.syncs, seen.results / WORKERS, seen.results / 4);
    null_cluster_end();
    temp_dir_remove(base);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_durable_before_what_follows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
