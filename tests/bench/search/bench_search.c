/* The policies against the papers' protocol, on published sweeps: what would each have recommended
 * for the longest horizon, from trials on the shorter ones alone, at what cost? Nothing is trained:
 * a trial is looked up in the table (worker/data/sweep.h). */
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "data/sweep_csv.h"
#include "groups.h"
#include "papers.h"
#include "plan/schema.h"
#include "plan/quantity.h"
#include "search/search_answer.h"

#define TRIALS 8192
#define CAMPAIGNS 4096
#define HORIZONS 16
#define LEAST_LRS 3  /* with a loss, for a horizon to be used */
#define FARTHEST 5.1 /* --subsets: the target over the longest horizon */
#define LOST 1.0     /* nats: a recommended LR that diverges, or is worse still, counts so */

struct result {
    double penalty, cost, octaves, slowest_ms;
    bool covered, identified;
};

struct contest {
    const char *policies[8]; /* "papers": the grid policy and papers_lr() */
    size_t policy_count;
    bool verbose, subsets;
    struct result *results[8];
    size_t campaigns, left_out;
};

struct search {
    struct search_space space;
    uint64_t horizons[HORIZONS];
    struct observation seen[TRIALS];
    size_t count, rounds;
    struct answer answer;
};

/* A key of the plan's section `search`, at its default. */
static double setting(const char *name)
{
    double value = NAN;
    quantity_number(plan_key_find(plan_section_find("search"), name)->fallback, &value);
    return value;
}

static struct search_space defaults(void)
{
    return (struct search_space){
        .seeds = 1,
        .seed = 1,
        .resolution = setting("resolution"),
        .bootstrap = (uint32_t)setting("bootstrap"),
        .prior_beta = setting("prior_beta"),
        .prior_beta_sd = setting("prior_beta_sd"),
        .min_gain = setting("min_gain"),
        .round_trials = (uint32_t)setting("round_trials"),
        .ratios = {{1, 1}, {1, 1}},
    };
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

/* ---- one search ---- */

static struct observation look_up(const struct sweep *sweep, const struct proposal *proposal)
{
    struct observation o = {
        .tokens = proposal->tokens, .lr = proposal->lr, .seed = proposal->seed, .ratios = {1, 1}};
    enum sweep_found found =
        sweep_at(sweep, proposal->tokens, proposal->lr, proposal->seed, &o.loss);
    o.kind = found == SWEEP_LOSS       ? OBSERVED_LOSS
             : found == SWEEP_DIVERGED ? OBSERVED_DIVERGED
                                       : OBSERVED_NOTHING;
    return o;
}

static void run_search(struct search *search, const struct policy *policy,
                       const struct sweep *sweep, struct result *result)
{
    static struct proposal round[POLICY_ROUND_MAX];
    search->count = search->rounds = 0;
    for (;;) {
        double begin = now_ms();
        int asked = search_next(policy, &search->space, search->seen, search->count, round);
        result->slowest_ms = fmax(result->slowest_ms, now_ms() - begin);
        if (asked <= 0 || search->count + (size_t)asked > TRIALS)
            break;
        search->rounds++;
        for (int i = 0; i < asked; i++) {
            search->seen[search->count++] = look_up(sweep, &round[i]);
            result->cost += (double)round[i].tokens / (double)search->space.target_tokens;
        }
    }
    search_answer(&search->answer, &search->space, search->seen, search->count, NULL);
}

/* The target's own optimum, along its interpolated losses. */
static double true_optimum(const struct sweep *sweep, uint64_t tokens, double *least)
{
    double low, high, best = NAN, loss;
    sweep_range(sweep, tokens, &low, &high);
    *least = INFINITY;
    for (int i = 0; i <= 1000; i++) {
        double lr = i == 1000 ? high : low * pow(high / low, i / 1000.0);
        if (sweep_at(sweep, tokens, lr, 0, &loss) == SWEEP_LOSS && loss < *least) {
            *least = loss;
            best = lr;
        }
    }
    return best;
}

static double loss_penalty(const struct sweep *sweep, uint64_t tokens, double lr, double least)
{
    double low, high, loss;
    sweep_range(sweep, tokens, &low, &high);
    if (sweep_at(sweep, tokens, fmax(low, fmin(lr, high)), 0, &loss) != SWEEP_LOSS)
        return LOST;
    return fmin(loss - least, LOST);
}

static struct result try_policy(struct search *search, const char *name, const struct sweep *sweep)
{
    bool papers = strcmp(name, "papers") == 0;
    struct result result = {0};
    uint64_t target = search->space.target_tokens;
    run_search(search, policy_find(papers ? "grid" : name), sweep, &result);
    const struct target_answer *answer = &search->answer.target;
    double least, optimum = true_optimum(sweep, target, &least);
    double lr = papers ? papers_lr(&search->space, search->seen, search->count) : answer->lr;
    result.penalty = loss_penalty(sweep, target, lr, least);
    result.covered = !papers && answer->ci90[0] <= optimum && optimum <= answer->ci90[1];
    result.octaves = papers ? NAN : log2(answer->ci90[1] / answer->ci90[0]);
    result.identified = !papers && search->answer.status == ANSWER_IDENTIFIED;
    return result;
}

/* ---- campaigns ---- */

static bool lay_space(struct search *search, const struct sweep *sweep, const uint64_t *horizons,
                      size_t count)
{
    struct search_space *space = &search->space;
    *space = defaults();
    space->lr_low = 0;
    space->lr_high = INFINITY;
    for (size_t h = 0; h + 1 < count; h++) {
        double low, high;
        sweep_range(sweep, horizons[h], &low, &high);
        space->lr_low = fmax(space->lr_low, low);
        space->lr_high = fmin(space->lr_high, high);
        search->horizons[h] = horizons[h];
    }
    space->horizons = search->horizons;
    space->horizon_count = count - 1;
    space->target_tokens = horizons[count - 1];
    return space->lr_low < space->lr_high;
}

static void contest_campaign(struct contest *contest, const char *name, const struct sweep *sweep,
                             const uint64_t *horizons, size_t count)
{
    static struct search search;
    if (count < 2 || contest->campaigns == CAMPAIGNS ||
        !lay_space(&search, sweep, horizons, count)) {
        contest->left_out++;
        return;
    }
    for (size_t p = 0; p < contest->policy_count; p++) {
        struct result result = try_policy(&search, contest->policies[p], sweep);
        contest->results[p][contest->campaigns] = result;
        if (contest->verbose)
            printf("%-40s %zu horizons  %-7s %3zu trials %2zu rounds %5.2f target runs  LR %.3g  "
                   "penalty %.4f%s\n",
                   name, count - 1, contest->policies[p], search.count, search.rounds, result.cost,
                   search.answer.target.lr, result.penalty,
                   isnan(result.octaves) || result.covered ? "" : "  missed");
    }
    contest->campaigns++;
}

static void contest_table(struct contest *contest, const char *name, const struct sweep *sweep)
{
    uint64_t all[HORIZONS], some[HORIZONS], tokens = 0;
    size_t count = 0;
    while ((tokens = sweep_next_horizon(sweep, tokens)) && count < HORIZONS) {
        size_t losses = 0;
        for (size_t i = 0; i < sweep->count; i++)
            losses += sweep->rows[i].tokens == tokens && isfinite(sweep->rows[i].loss) &&
                      sweep->rows[i].seed == 0;
        if (losses >= LEAST_LRS)
            all[count++] = tokens;
    }
    if (!contest->subsets) {
        contest_campaign(contest, name, sweep, all, count);
        return;
    }
    for (unsigned mask = 1; mask < 1u << count; mask++) {
        size_t chosen = 0;
        for (size_t h = 0; h < count; h++)
            if (mask >> h & 1)
                some[chosen++] = all[h];
        if (chosen >= 2 && (double)some[chosen - 1] <= FARTHEST * (double)some[chosen - 2])
            contest_campaign(contest, name, sweep, some, chosen);
    }
}

static void contest_group(struct contest *contest, const struct group *group, const char *path)
{
    struct group_key *keys;
    long count = group_keys(group, path, &keys);
    for (long k = 0; k < count; k++) {
        struct sweep_where where[2 * GROUP_COLUMNS];
        struct sweep_request request = {.path = path,
                                        .lr = group->lr,
                                        .tokens = group->tokens,
                                        .loss = group->loss,
                                        .where = where};
        struct sweep sweep;
        struct lr_error err = {0};
        char name[2 * GROUP_TEXT];
        int length = snprintf(name, sizeof(name), "%.24s", group->file);
        for (size_t i = 0; i < group->by_count; i++) {
            where[request.where_count++] = (struct sweep_where){group->by[i], keys[k].value[i]};
            length +=
                snprintf(name + length, sizeof(name) - (size_t)length, " %.40s", keys[k].value[i]);
        }
        for (size_t i = 0; i < group->where_count; i++)
            where[request.where_count++] =
                (struct sweep_where){group->where[i].column, group->where[i].value};
        if (sweep_read(&sweep, &request, &err) == 0)
            contest_table(contest, name, &sweep);
        else
            fprintf(stderr, "%s\n", err.text);
        sweep_release(&sweep);
    }
    free(keys);
}

static bool find_group(struct group *group, const char *list, const char *file)
{
    char line[1024];
    FILE *in = fopen(list, "r");
    bool found = false;
    while (in && !found && fgets(line, sizeof(line), in))
        found = line[0] != '#' && line[0] != '\n' && group_parse(group, line) &&
                strcmp(group->file, file) == 0;
    if (in)
        fclose(in);
    return found;
}

static void contest_folder(struct contest *contest, const char *folder, const char *list)
{
    char pattern[1024];
    glob_t files;
    snprintf(pattern, sizeof(pattern), "%s/*.csv", folder);
    if (glob(pattern, 0, NULL, &files))
        return;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *file = strrchr(files.gl_pathv[i], '/') + 1;
        struct group group;
        struct sweep sweep;
        struct lr_error err = {0};
        if (find_group(&group, list, file)) {
            contest_group(contest, &group, files.gl_pathv[i]);
            continue;
        }
        const struct sweep_request plain = {
            files.gl_pathv[i], "lr", "tokens", "loss", NULL, NULL, 0};
        if (sweep_read(&sweep, &plain, &err) == 0)
            contest_table(contest, file, &sweep);
        else
            fprintf(stderr, "left out, not in %s: %s\n", list, err.text);
        sweep_release(&sweep);
    }
    globfree(&files);
}

/* ---- the table ---- */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_policy(const struct contest *contest, size_t p, double cost_of_first)
{
    static double penalties[CAMPAIGNS];
    size_t count = contest->campaigns;
    double mean = 0, cost = 0, covered = 0, octaves = 0, identified = 0, slowest = 0;
    for (size_t i = 0; i < count; i++) {
        const struct result *result = &contest->results[p][i];
        penalties[i] = result->penalty;
        mean += result->penalty / (double)count;
        cost += result->cost / (double)count;
        covered += 100.0 * result->covered / (double)count;
        octaves += result->octaves / (double)count;
        identified += 100.0 * result->identified / (double)count;
        slowest = fmax(slowest, result->slowest_ms);
    }
    qsort(penalties, count, sizeof(*penalties), by_value);
    printf("%-7s %8.5f %8.5f %8.5f", contest->policies[p], mean, penalties[count / 2],
           penalties[(size_t)(0.9 * (double)count)]);
    if (isnan(octaves))
        printf("        -        -          -");
    else
        printf(" %7.0f%% %8.2f %9.0f%%", covered, octaves, identified);
    printf(" %8.2f %7.0f%% %8.1f\n", cost, 100 * cost / cost_of_first, slowest);
}

static void print_contest(const struct contest *contest)
{
    double first = 0;
    printf("%zu campaigns (%zu left out: too few horizons or losses)\n", contest->campaigns,
           contest->left_out);
    if (contest->campaigns == 0)
        return;
    for (size_t i = 0; i < contest->campaigns; i++)
        first += contest->results[0][i].cost / (double)contest->campaigns;
    printf("%-7s %26s %8s %8s %10s %8s %8s %8s\n%-7s %8s %8s %8s %8s %8s %10s %8s %8s %8s\n", "",
           "loss penalty, nats", "90 % CI", "width", "", "target", "tokens", "slowest", "policy",
           "mean", "median", "p90", "holds", "octaves", "identified", "runs", "of 1st", "ms");
    for (size_t p = 0; p < contest->policy_count; p++)
        print_policy(contest, p, first);
}

/* ---- decisions with 1,000 finished trials ---- */

static void time_decisions(void)
{
    static struct search search;
    static struct proposal round[POLICY_ROUND_MAX];
    for (size_t horizons = 3; horizons <= 8; horizons += 5) {
        double decision[5], answer[5];
        search.space = defaults();
        search.space.seeds = 32;
        search.space.lr_low = 1e-3;
        search.space.lr_high = 6.4e-2;
        search.space.horizons = search.horizons;
        search.space.horizon_count = horizons;
        search.space.target_tokens = UINT64_C(1) << 36;
        search.count = 1000;
        for (size_t i = 0; i < search.count; i++) {
            double x = (double)(i / horizons % 13) * 0.5 - 3, noise = 0.01 * sin(1e3 * (double)i);
            search.horizons[i % horizons] = UINT64_C(1000000) << i % horizons;
            search.seen[i] = (struct observation){
                .tokens = search.horizons[i % horizons],
                .lr = 8e-3 * exp2(x),
                .seed = (uint32_t)(i / horizons / 13),
                .loss = 3 + 0.02 * x * x + noise,
                .ratios = {1, 1},
            };
        }
        for (int i = 0; i < 5; i++) {
            double begin = now_ms();
            search_next(policy_find("design"), &search.space, search.seen, search.count, round);
            decision[i] = now_ms() - begin;
            begin = now_ms();
            search_answer(&search.answer, &search.space, search.seen, search.count, NULL);
            answer[i] = now_ms() - begin;
        }
        qsort(decision, 5, sizeof(*decision), by_value);
        qsort(answer, 5, sizeof(*answer), by_value);
        printf("1000 trials, %zu horizons: the next round takes %.1f ms, the answer %.1f ms "
               "(medians of 5)\n",
               horizons, decision[2], answer[2]);
    }
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"papers", "grid", "narrow", "design"};
    struct contest contest = {0};
    const char *folder = NULL, *list = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--verbose") == 0)
            contest.verbose = true;
        else if (strcmp(argv[i], "--subsets") == 0)
            contest.subsets = true;
        else if (strcmp(argv[i], "--decision") == 0)
            time_decisions();
        else if (strcmp(argv[i], "--policy") == 0 && i + 1 < argc && contest.policy_count < 8)
            contest.policies[contest.policy_count++] = argv[++i];
        else if (!folder)
            folder = argv[i];
        else
            list = argv[i];
    }
    if (!folder)
        return 0;
    if (contest.policy_count == 0)
        for (; contest.policy_count < 4; contest.policy_count++)
            contest.policies[contest.policy_count] = usual[contest.policy_count];
    for (size_t p = 0; p < contest.policy_count; p++) {
        const char *name = contest.policies[p];
        contest.results[p] = calloc(CAMPAIGNS, sizeof(struct result));
        if (!contest.results[p] || (strcmp(name, "papers") != 0 && !policy_find(name))) {
            fprintf(stderr, "no policy is called %s\n", name);
            return 2;
        }
    }
    contest_folder(&contest, folder, list ? list : "");
    print_contest(&contest);
    for (size_t p = 0; p < contest.policy_count; p++)
        free(contest.results[p]);
    return 0;
}
