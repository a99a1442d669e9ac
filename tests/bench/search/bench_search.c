/* The policies against the papers' protocol, on published sweeps: what would each have recommended
 * for the longest horizon, from trials on the shorter ones alone, at what cost? Nothing is trained:
 * a trial is looked up in the table (sweep_campaigns.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "papers.h"
#include "search/search_answer.h"
#include "sweep_campaigns.h"

#define CAMPAIGNS 4096

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

/* ---- campaigns ---- */

static struct result try_policy(struct search_run *run, const char *name, const struct sweep *sweep)
{
    bool papers = strcmp(name, "papers") == 0;
    uint64_t target = run->space.target_tokens;
    int rc = search_run(run, policy_find(papers ? "grid" : name), sweep_observe, sweep);
    if (rc) {
        fprintf(stderr, "policy %s fails: %d\n", name, rc);
        exit(70);
    }
    struct result result = {.cost = run->cost, .slowest_ms = run->slowest_ms};
    const struct target_answer *answer = &run->answer.target;
    double least, optimum = sweep_optimum(sweep, target, &least);
    double lr = papers ? papers_lr(&run->space, run->seen, run->count) : answer->lr;
    result.penalty = sweep_penalty(sweep, target, lr, least);
    result.covered = !papers && answer->ci90[0] <= optimum && optimum <= answer->ci90[1];
    result.octaves = papers ? NAN : log2(answer->ci90[1] / answer->ci90[0]);
    result.identified = !papers && run->answer.status == ANSWER_IDENTIFIED;
    return result;
}

static void contest_campaign(void *context, const struct sweep_campaign *campaign)
{
    static struct search_run run;
    struct contest *contest = context;
    if (contest->campaigns == CAMPAIGNS || !sweep_space(&run, campaign)) {
        contest->left_out++;
        return;
    }
    for (size_t p = 0; p < contest->policy_count; p++) {
        struct result result = try_policy(&run, contest->policies[p], campaign->sweep);
        contest->results[p][contest->campaigns] = result;
        if (contest->verbose)
            printf("%-40s %zu horizons  %-7s %3zu trials %2zu rounds %5.2f target runs  LR %.3g  "
                   "penalty %.4f%s\n",
                   campaign->name, campaign->count - 1, contest->policies[p], run.count, run.rounds,
                   result.cost, run.answer.target.lr, result.penalty,
                   isnan(result.octaves) || result.covered ? "" : "  missed");
    }
    contest->campaigns++;
}

/* ---- the table ---- */

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
    qsort(penalties, count, sizeof(*penalties), compare_values);
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
    static struct search_run run;
    static struct proposal round[POLICY_ROUND_MAX];
    size_t asked;
    for (size_t horizons = 3; horizons <= 8; horizons += 5) {
        double decision[5], answer[5];
        run.space = search_defaults();
        run.space.seeds = 32;
        run.space.lr_low = 1e-3;
        run.space.lr_high = 6.4e-2;
        run.space.horizons = run.horizons;
        run.space.horizon_count = horizons;
        run.space.target_tokens = UINT64_C(1) << 36;
        run.count = 1000;
        for (size_t i = 0; i < run.count; i++) {
            double x = (double)(i / horizons % 13) * 0.5 - 3, noise = 0.01 * sin(1e3 * (double)i);
            run.horizons[i % horizons] = UINT64_C(1000000) << i % horizons;
            run.seen[i] = (struct observation){
                .tokens = run.horizons[i % horizons],
                .lr = 8e-3 * exp2(x),
                .seed = (uint32_t)(i / horizons / 13),
                .loss = 3 + 0.02 * x * x + noise,
                .ratios = {1, 1},
            };
        }
        for (int i = 0; i < 5; i++) {
            double begin = clock_ms();
            search_next(&policy_design, &run.space, run.seen, run.count, round, &asked);
            decision[i] = clock_ms() - begin;
            begin = clock_ms();
            search_answer(&run.answer, &run.space, run.seen, run.count, NULL);
            answer[i] = clock_ms() - begin;
        }
        qsort(decision, 5, sizeof(*decision), compare_values);
        qsort(answer, 5, sizeof(*answer), compare_values);
        printf("1000 trials, %zu horizons: the next round takes %.1f ms, the answer %.1f ms "
               "(medians of 5)\n",
               horizons, decision[2], answer[2]);
    }
}

int main(int argc, char **argv)
{
    static const char *const usual[] = {"papers", "grid", "design"};
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
        for (; contest.policy_count < 3; contest.policy_count++)
            contest.policies[contest.policy_count] = usual[contest.policy_count];
    for (size_t p = 0; p < contest.policy_count; p++) {
        const char *name = contest.policies[p];
        contest.results[p] = calloc(CAMPAIGNS, sizeof(struct result));
        if (!contest.results[p] || (strcmp(name, "papers") != 0 && !policy_find(name))) {
            fprintf(stderr, "no policy is called %s\n", name);
            return 2;
        }
    }
    sweep_campaigns(folder, list ? list : "", contest.subsets, contest_campaign, &contest);
    print_contest(&contest);
    for (size_t p = 0; p < contest.policy_count; p++)
        free(contest.results[p]);
    return 0;
}
