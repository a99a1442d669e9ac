/* Whole campaigns in a cluster that fails: whatever happens, they end, each trial has one result,
 * and the answer is that of a run in which nothing happened. usage: test_sim [FIRST-SEED COUNT] */
#include "temp_dir.h"
#include "cmocka_all.h"

#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include "campaign/campaign_apply.h"
#include "campaign/campaign_next.h"
#include "coordinator/coordinator.h"
#include "few_runs.h"
#include "lrsearch/log.h"
#include "lrsearch/memory.h"
#include "lrsearch/rng.h"
#include "sim_world.h"
#include "store/journal.h"
#include "plan/plan_load.h"

enum { SESSIONS_MAX = 400, PLANS = 5, ASYNC = PLANS, SEARCHES, LARGE = SEARCHES, ALL };

static uint64_t first_seed = 1, seed_count = 100; /* test_sim_thousand: 1000 */
static char base[200];

static const char *const searches[ALL] = {
    "search: {lr: [1e-3, 1], horizons: [30k, 60k, 120k], policy: grid}\n",
    ("search: {lr: [1e-3, 1], horizons: [30k, 60k, 120k], min_gain: 1e-5, precision: 1e-6}\n"
     "budget: {trials: 24}\n"),
    "search: {lr: [1e-3, 1], horizons: [30k, 60k, 120k], policy: grid, seeds: 2}\n",
    "search: {lr: [1e-3, 1], horizons: [30k, 60k, 120k], policy: design}\n",
    ("search: {lr: [1e-3, 1], horizons: [30k, 60k, 120k], policy: grid}\n"
     "confirm: {tokens: 240k}\n"),
    [ASYNC] = "search: {lr: [1e-3, 1], horizons: [30k, 60k, 120k], policy: design, mode: async}\n",
    [LARGE] = "search: {lr: [1e-5, 10], horizons: [1600, 3200], policy: grid, seeds: 32, "
              "resolution: 0.5}\n",
};
static struct coordinator_watch watch;

static struct plan *load_plan(int number)
{
    char path[300];
    struct plan_errors errors = {0};
    struct plan *plan = calloc(1, sizeof(*plan));
    const int context = number == LARGE ? 16 : 200;
    assert_non_null(plan);
    snprintf(path, sizeof(path), "%s/plan-%d.yaml", base, number);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "version: 1\nname: sim\nseed: 3\n"
            "model: {d_model: 16, n_layers: 1, n_heads: 1, context: %d, vocab: 64}\n"
            "data: {source: synthetic}\ntraining: {batch_tokens: %d}\n"
            "target: {tokens: 1M}\n"
            "limits: {silence: 60s, checkpoint_every: 3s, max_failures: 1M}\n"
            "on_fail: {retries: 100}\n",
            context, 10 * context); /* 200: in slices that a group can share */
    fputs(searches[number], file);
    fclose(file);
    if (plan_load(plan, path, NULL, 0, &errors))
        fail_msg("%s", errors.lines[0]);
    return plan;
}

static int prepare_nothing(void *context, char products[TRIAL_PRODUCTS], struct event_data *data,
                           struct lr_error *err)
{
    (void)context;
    (void)products;
    (void)data;
    (void)err;
    return 0;
}

/* One start of the program, with this loop. */
static int session_with(const struct loop_ops *loop, const struct plan *plan, const char *run_dir,
                        uint64_t seed, const struct sim_faults *faults, struct lr_error *err)
{
    char path[300];
    static struct answer answer;
    bool workers_lost;
    snprintf(path, sizeof(path), "%s/plan-0.yaml", base);
    struct coordinator_setup setup = {.plan = plan,
                                      .plan_path = path,
                                      .run_dir = run_dir,
                                      .resume = true,
                                      .transport = sim_begin(seed, faults),
                                      .loop = loop,
                                      .grace_s = 20,
                                      .mpi_library = "none",
                                      .blas = "none",
                                      .watch = watch,
                                      .prepare_data = prepare_nothing};
    int rc = coordinator_run(&setup, &answer, &workers_lost, err);
    sim_end();
    return rc;
}

static int session(const struct plan *plan, const char *run_dir, uint64_t seed,
                   const struct sim_faults *faults, struct lr_error *err)
{
    return session_with(&sim_loop, plan, run_dir, seed, faults, err);
}

/* The answer without what depends on how it went: time, and what was lost. */
static json_t *answer_of(const char *run_dir)
{
    char path[400];
    json_error_t error;
    snprintf(path, sizeof(path), "%s/result.json", run_dir);
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail_msg("%s: %s", path, error.text);
    json_t *cost = json_object_get(root, "cost");
    json_object_del(cost, "core_seconds");
    json_object_del(cost, "lost_attempts");
    json_object_del(cost, "lost_tokens");
    return root;
}

static json_t *undisturbed(const struct plan *plan, int workers)
{
    char run_dir[300];
    struct lr_error err = {0};
    struct sim_faults none = {.workers = workers, .latency_ms = 3, .slow = 1};
    snprintf(run_dir, sizeof(run_dir), "%s/whole-%d", base, workers);
    sim_forget_checkpoints();
    if (session(plan, run_dir, 1, &none, &err))
        fail_msg("%s", err.text);
    json_t *answer = answer_of(run_dir);
    temp_dir_remove(run_dir);
    return answer;
}

static void assert_same_answer(const json_t *answer, const json_t *expected, const char *when)
{
    if (json_equal(answer, expected))
        return;
    json_dumpf(expected, stderr, JSON_INDENT(1));
    json_dumpf(answer, stderr, JSON_INDENT(1));
    fail_msg("%s: another answer", when);
}

/* ---- what the journal says ---- */

struct tally {
    unsigned accepted[512], attempts[512], lost, failed, canceled, regroups;
    size_t trials;
};

static int count_event(void *context, const struct event *event, struct lr_error *err)
{
    struct tally *tally = context;
    const struct event_ended *ended = &event->as.ended;
    (void)err;
    if (event->kind == EVENT_PLANNED)
        tally->trials++;
    if (event->kind != EVENT_ENDED)
        return 0;
    assert_in_range(ended->trial_id, 1, tally->trials);
    tally->attempts[ended->trial_id]++;
    tally->accepted[ended->trial_id] += ended->result.outcome <= OUTCOME_DIVERGED;
    tally->lost += ended->result.outcome == OUTCOME_LOST;
    tally->failed += ended->result.outcome == OUTCOME_FAILED;
    tally->canceled += ended->result.outcome == OUTCOME_CANCELED;
    return 0;
}

static struct tally tally_of(const char *run_dir)
{
    char path[400];
    struct tally tally = {0};
    struct lr_error err = {0};
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    if (journal_read(path, count_event, &tally, &err))
        fail_msg("%s", err.text);
    for (size_t id = 1; id <= tally.trials; id++)
        assert_int_equal(tally.accepted[id], 1);
    return tally;
}

/* A kill loses what was not synced: up to some hundred bytes, wherever that cuts. */
static void tear_journal(const char *run_dir, uint64_t seed)
{
    char path[400];
    struct stat status;
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    if (stat(path, &status) || status.st_size == 0)
        return;
    uint64_t torn = rng_below(seed, RNG_SIMULATE, 1u << 30, 1500);
    off_t left = (off_t)torn < status.st_size ? status.st_size - (off_t)torn : 0;
    assert_int_equal(truncate(path, left), 0);
}

/* ---- hundreds of clusters ---- */

static double some(uint64_t seed, uint64_t which, double low, double high)
{
    return low + rng_uniform(seed, RNG_SIMULATE, (1u << 29) + which) * (high - low);
}

/* Every kind of fault in about half of the worlds, in all combinations. */
static struct sim_faults faults_of(uint64_t seed, int start)
{
    struct sim_faults faults = {.workers = 1 + (int)some(seed, 0, 0, 9),
                                .latency_ms = (uint32_t)some(seed, 1, 1, 50),
                                .slow = 1};
    uint64_t kinds = rng_u64(seed, RNG_SIMULATE, 1u << 28);
    if (kinds & 1)
        faults.lose = some(seed, 2, 0, .3);
    if (kinds & 2)
        faults.repeat = some(seed, 3, 0, .3);
    if (kinds & 4)
        faults.latency_ms = (uint32_t)some(seed, 4, 50, 5000);
    if (kinds & 8)
        faults.fail = some(seed, 5, 0, .3);
    if (kinds & 16)
        faults.kill_s = some(seed, 6, 100, 2000);
    if (kinds & 32)
        faults.pause_s = some(seed, 7, 100, 1000);
    if (kinds & 64)
        faults.slow = some(seed, 8, 1, 20);
    if (kinds & 128) { /* the coordinator, ever later, so that it comes to an end */
        static const int signals[] = {0, 0, SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
        faults.end_s = some(seed, 9 + (uint64_t)start, 1, 60) * (1 + .2 * start);
        faults.end_signal = signals[(kinds >> 16) % 6];
    }
    faults.deaths_seen = kinds & 256;
    if (kinds & 1024) { /* slow enough that groups pay */
        faults.flops = 1e4;
        faults.link_latency_s = 1e-5;
        faults.link_bytes_per_s = 1e9;
    }
    if (kinds & 512)
        faults.job_ms = (uint32_t)some(seed, 8999, 0, 20000);
    return faults;
}

static void one_world(uint64_t seed, const struct plan *plan, const json_t *expected,
                      struct tally *sum)
{
    char run_dir[300];
    struct lr_error err;
    int rc, start = 0;
    snprintf(run_dir, sizeof(run_dir), "%s/world-%llu", base, (unsigned long long)seed);
    sim_forget_checkpoints();
    do {
        struct sim_faults faults = faults_of(seed, start);
        memset(&err, 0, sizeof(err));
        rc = session_with(faults.job_ms ? &sim_loop_threads : &sim_loop, plan, run_dir,
                          seed + ((uint64_t)start << 32), &faults, &err);
        sum->regroups += sim_account().regroups;
        if (rc == SIM_KILLED)
            tear_journal(run_dir, seed + ((uint64_t)start << 32));
        else if (rc && rc != LR_ECANCELED && rc != LR_EWORKERS)
            fail_msg("seed %llu, start %d: %s", (unsigned long long)seed, start, err.text);
    } while (rc && ++start < SESSIONS_MAX);
    if (rc)
        fail_msg("seed %llu: %d starts were not enough", (unsigned long long)seed, start);
    json_t *answer = answer_of(run_dir);
    assert_same_answer(answer, expected, run_dir);
    json_decref(answer);
    struct tally tally = tally_of(run_dir);
    sum->lost += tally.lost;
    sum->failed += tally.failed;
    sum->canceled += tally.canceled;
    temp_dir_remove(run_dir);
}

static void every_campaign_ends_with_the_same_answer(void **state)
{
    (void)state;
    struct tally sum = {0};
    struct plan *plans[PLANS];
    json_t *expected[PLANS];
    for (int i = 0; i < PLANS; i++) {
        plans[i] = load_plan(i);
        expected[i] = undisturbed(plans[i], 1);
        json_t *again = undisturbed(plans[i], 7);
        assert_true(json_equal(expected[i], again));
        json_decref(again);
    }
    for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
        int number = seed % 16 == 0 ? 3 : seed % 8 == 1 ? 4 : (int)(seed % 3); /* design is slow */
        one_world(seed, plans[number], expected[number], &sum);
    }
    printf("%llu worlds: %u attempts lost, %u failed, %u stopped; groups grew %u times\n",
           (unsigned long long)seed_count, sum.lost, sum.failed, sum.canceled, sum.regroups);
    assert_true(seed_count < 50 ||
                (sum.lost > seed_count && sum.failed > seed_count && sum.regroups > seed_count));
    for (int i = 0; i < PLANS; i++) {
        json_decref(expected[i]);
        free(plans[i]);
    }
}

/* ---- decisions on a thread of their own ---- */

static char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

/* Reads a journal and drops the lines of SESSION, which have the time of the start. */
static char *read_campaign(const char *run_dir)
{
    char path[400];
    size_t size;
    snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
    char *text = read_whole(path, &size), *kept = text;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        bool is_session = strstr(line, "\"event\":\"session\"") != NULL;
        *end = '\n';
        if (is_session)
            continue;
        memmove(kept, line, (size_t)(end + 1 - line));
        kept += end + 1 - line;
    }
    *kept = '\0';
    return text;
}

static void threads_leave_the_journal_as_it_is(void **state)
{
    (void)state;
    char run_dir[300];
    struct lr_error err = {0};
    struct sim_faults faults = {
        .workers = 4, .latency_ms = 20, .slow = 3, .fail = .1, .lose = .05, .kill_s = 500};
    for (int number = 0; number < SEARCHES; number++) {
        struct plan *plan = load_plan(number);
        char *journals[2];
        for (int threads = 0; threads < 2; threads++) {
            snprintf(run_dir, sizeof(run_dir), "%s/threads-%d", base, threads);
            sim_forget_checkpoints();
            int rc = session_with(threads ? &sim_loop_threads : &sim_loop, plan, run_dir, 7,
                                  &faults, &err);
            if (rc && rc != LR_EWORKERS) /* the same end of all workers is the same journal, too */
                fail_msg("%s", err.text);
            memset(&err, 0, sizeof(err));
            journals[threads] = read_campaign(run_dir);
            temp_dir_remove(run_dir);
        }
        assert_string_equal(journals[0], journals[1]);
        free(journals[0]);
        free(journals[1]);
        free(plan);
    }
}

/* ---- large rounds ---- */

enum { PORTION = 256 }; /* events that one turn of the loop records */

static struct loop_job in_flight;
static struct loop_ops counting;
static unsigned recorded, most_recorded, turns; /* of PLANNED: in this turn; most; turns with any */

static void count_planned(void *context, const struct campaign *campaign, const struct event *event)
{
    (void)context;
    (void)campaign;
    turns += event->kind == EVENT_PLANNED && recorded == 0;
    recorded += event->kind == EVENT_PLANNED;
    most_recorded = recorded > most_recorded ? recorded : most_recorded;
}

static int begin_turn(void *context, uint64_t now_ms, struct lr_error *err)
{
    recorded = 0;
    return in_flight.done(context, now_ms, err);
}

static void work_counting(const struct loop_job *job)
{
    in_flight = *job;
    sim_loop_threads.work(&(struct loop_job){job->context, job->run, begin_turn});
}

/* ... whether or not a signal or a kill comes between the portions. */
static void a_large_round_is_recorded_in_portions(void **state)
{
    static const int signals[] = {0, SIGTERM, SIGUSR1};
    (void)state;
    char run_dir[300], *whole = NULL;
    struct plan *plan = load_plan(LARGE);
    counting = sim_loop_threads;
    counting.work = work_counting;
    watch.event = count_planned;
    for (int number = 0; number < (few_runs() ? 1 + 3 : 1 + 3 * 4); number++) {
        int rc, start = 0;
        snprintf(run_dir, sizeof(run_dir), "%s/large-%d", base, number);
        sim_forget_checkpoints();
        most_recorded = turns = 0;
        do {
            struct lr_error err = {0};
            struct sim_faults faults = {.workers = 3, .latency_ms = 1, .slow = 1, .job_ms = 1000};
            if (number > 0 && start == 0) {
                faults.end_s = .3 + .3 * (number / 3);
                faults.end_signal = signals[number % 3];
            }
            rc = session_with(&counting, plan, run_dir, 1, &faults, &err);
            if (rc && rc != SIM_KILLED && rc != LR_ECANCELED)
                fail_msg("%s", err.text);
        } while (rc && ++start < 3);
        assert_int_equal(rc, 0);
        assert_int_equal(start, number > 0);
        json_t *answer = answer_of(run_dir);
        char *text = json_dumps(answer, JSON_SORT_KEYS);
        json_decref(answer);
        if (number > 0) {
            assert_string_equal(text, whole);
            free(text);
        } else {
            whole = text;
            assert_true(turns > 3);
            assert_in_range(most_recorded, PORTION - 1, PORTION); /* with the event of the round */
        }
        temp_dir_remove(run_dir);
    }
    memset(&watch, 0, sizeof(watch));
    free(whole);
    free(plan);
}

/* Replays a journal; at each decision it asks the campaign what follows. */
struct replay {
    struct campaign *campaign;
    struct next_events next;
    size_t told; /* of next.events */
    unsigned decisions;
    bool fails; /* trials fail and wait for their next attempt */
};

static size_t waiting_trials(const struct campaign *campaign)
{
    size_t count = 0;
    for (uint32_t id = 1; id <= campaign_trial_count(campaign); id++)
        count += trial_state_is_waiting(campaign_trial(campaign, id)->state);
    return count;
}

static int replay_event(void *context, const struct event *event, struct lr_error *err)
{
    struct replay *replay = context;
    int rc;
    bool decides = event->kind == EVENT_ROUND || event->kind == EVENT_FINISHED;
    if (decides) {
        assert_int_equal(replay->told, replay->next.count); /* the last one is whole */
        if (!replay->fails) /* what one decision plans starts before the next one begins */
            assert_int_equal(waiting_trials(replay->campaign), 0);
        if ((rc = campaign_next(replay->campaign, NULL, &replay->next, err)))
            return rc;
        replay->told = 0;
        replay->decisions++;
    }
    if (decides || event->kind == EVENT_PLANNED) {
        assert_true(replay->told < replay->next.count);
        const struct event *expected = &replay->next.events[replay->told++];
        const struct event_planned *a = &event->as.planned, *b = &expected->as.planned;
        assert_int_equal(event->kind, expected->kind);
        if (event->kind == EVENT_ROUND)
            assert_int_equal(event->as.round.trials, expected->as.round.trials);
        else if (event->kind == EVENT_FINISHED)
            assert_string_equal(event->as.finished.status, expected->as.finished.status);
        else
            assert_true(a->trial_id == b->trial_id && a->spec.lr == b->spec.lr &&
                        a->spec.seed == b->spec.seed &&
                        a->spec.horizon_tokens == b->spec.horizon_tokens);
    }
    return campaign_apply(replay->campaign, event, err);
}

/* Results arrive while a decision is made; the journal still has before it what it knew. */
static void every_decision_follows_from_the_journal(void **state)
{
    (void)state;
    char run_dir[300], path[400];
    unsigned beside = 0, decisions = 0;
    struct plan *plan = load_plan(ASYNC);
    for (uint64_t seed = 1; seed <= 8; seed += few_runs() ? 4 : 1) {
        struct lr_error err = {0};
        struct replay replay = {0};
        struct sim_faults faults = {.workers = 5, .latency_ms = 50, .slow = 4, .job_ms = 20000};
        replay.fails = seed > 4;
        if (replay.fails)
            faults.fail = .2;
        snprintf(run_dir, sizeof(run_dir), "%s/replayed-%llu", base, (unsigned long long)seed);
        sim_forget_checkpoints();
        if (session_with(&sim_loop_threads, plan, run_dir, seed, &faults, &err))
            fail_msg("%s", err.text);
        beside += sim_results_beside_jobs();
        snprintf(path, sizeof(path), "%s/journal.jsonl", run_dir);
        assert_int_equal(campaign_create(&replay.campaign, plan, &err), 0);
        if (journal_read(path, replay_event, &replay, &err))
            fail_msg("%s", err.text);
        assert_int_equal(replay.told, replay.next.count);
        assert_true(campaign_finished(replay.campaign));
        decisions += replay.decisions;
        next_events_release(&replay.next);
        campaign_destroy(replay.campaign);
        tally_of(run_dir);
        temp_dir_remove(run_dir);
    }
    assert_true(beside > (few_runs() ? 5 : 20)); /* else nothing was tested */
    assert_true(decisions > (few_runs() ? 5 : 20));
    free(plan);
}

/* ---- the coordinator dies after every line ---- */

static void write_whole(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void killed_after_every_line(void **state)
{
    (void)state;
    char whole[300], again[300], path[400];
    struct plan *plan = load_plan(1);
    struct lr_error err = {0};
    struct sim_faults faults = {.workers = 3, .latency_ms = 20, .slow = 3, .fail = .1};
    json_t *expected = undisturbed(plan, 2);
    snprintf(whole, sizeof(whole), "%s/whole", base);
    snprintf(again, sizeof(again), "%s/again", base);
    sim_forget_checkpoints();
    assert_int_equal(session(plan, whole, 5, &faults, &err), 0);
    size_t size, lines = 0;
    const size_t every = few_runs() ? 25 : 1; /* a start repeats all decisions so far */
    snprintf(path, sizeof(path), "%s/journal.jsonl", whole);
    char *journal = read_whole(path, &size);
    for (char *end = journal; (end = strchr(end, '\n')) != NULL; end++, lines++) {
        if (lines % every)
            continue;
        sim_forget_checkpoints();
        assert_int_equal(mkdir(again, 0700), 0);
        snprintf(path, sizeof(path), "%s/journal.jsonl", again);
        write_whole(path, journal, (size_t)(end + 1 - journal));
        if (session(plan, again, 1000 + lines, &faults, &err))
            fail_msg("after line %zu: %s", lines + 1, err.text);
        json_t *answer = answer_of(again);
        snprintf(path, sizeof(path), "killed after line %zu", lines + 1);
        assert_same_answer(answer, expected, path);
        json_decref(answer);
        tally_of(again);
        temp_dir_remove(again);
    }
    assert_true(lines > 100);
    json_decref(expected);
    free(journal);
    free(plan);
}

/* ---- a journal that was written by a start with more ranks than there can be ---- */

struct forged {
    struct journal *journal;
    bool failed; /* the copy ends with the first attempt that failed */
};

static int copy_with_rank(void *context, const struct event *event, struct lr_error *err)
{
    struct forged *forged = context;
    struct event copy = *event;
    if (forged->failed)
        return 0;
    if (event->kind == EVENT_STARTED)
        copy.as.started.rank = UINT32_MAX;
    forged->failed = event->kind == EVENT_ENDED && event->as.ended.result.outcome == OUTCOME_FAILED;
    return journal_append(forged->journal, &copy, err);
}

static int ignore_event(void *context, const struct event *event, struct lr_error *err)
{
    (void)context;
    (void)event;
    (void)err;
    return 0;
}

static void goes_on_after_a_failure_on_any_rank(void **state)
{
    (void)state;
    char whole[300], again[300], path[400];
    struct plan *plan = load_plan(1);
    struct lr_error err = {0};
    struct sim_faults faults = {.workers = 3, .latency_ms = 20, .slow = 3, .fail = .5};
    struct forged forged = {0};
    snprintf(whole, sizeof(whole), "%s/ranks", base);
    snprintf(again, sizeof(again), "%s/forged", base);
    sim_forget_checkpoints();
    session(plan, whole, 5, &faults, &err); /* may end with too many failures */
    assert_int_equal(mkdir(again, 0700), 0);
    snprintf(path, sizeof(path), "%s/journal.jsonl", again);
    assert_int_equal(journal_open(&forged.journal, path, ignore_event, NULL, &err), 0);
    snprintf(path, sizeof(path), "%s/journal.jsonl", whole);
    assert_int_equal(journal_read(path, copy_with_rank, &forged, &err), 0);
    journal_close(forged.journal);
    assert_true(forged.failed);
    sim_forget_checkpoints();
    faults.fail = 0;
    if (session(plan, again, 6, &faults, &err))
        fail_msg("%s", err.text);
    temp_dir_remove(again);
    free(plan);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_leave_the_journal_as_it_is),
        cmocka_unit_test(a_large_round_is_recorded_in_portions),
        cmocka_unit_test(every_decision_follows_from_the_journal),
        cmocka_unit_test(every_campaign_ends_with_the_same_answer),
        cmocka_unit_test(killed_after_every_line),
        cmocka_unit_test(goes_on_after_a_failure_on_any_rank),
    };
    if (few_runs())
        seed_count = 5;
#ifdef __SANITIZE_THREAD__
    seed_count = 6; /* it is slow, and the tests of threads are the ones before */
#endif
    if (argc == 3) {
        first_seed = strtoull(argv[1], NULL, 10);
        seed_count = strtoull(argv[2], NULL, 10);
    }
    lr_log_level_set(LR_LOG_ERROR);
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); /* fsync on a disk would be all that is measured here */
    if (temp_dir_make(base, sizeof(base)))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temp_dir_remove(base);
    return failed;
}
