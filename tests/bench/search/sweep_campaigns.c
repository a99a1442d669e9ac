#include "sweep_campaigns.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "data/sweep_csv.h"
#include "groups.h"

#define LEAST_LRS 3  /* with a loss, for a horizon to be used */
#define FARTHEST 5.1 /* subsets: the target over the longest horizon */

/* ---- one campaign ---- */

struct observation sweep_observe(const void *sweep, const struct proposal *proposal)
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

double sweep_optimum(const struct sweep *sweep, uint64_t tokens, double *least)
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

double sweep_penalty(const struct sweep *sweep, uint64_t tokens, double lr, double least)
{
    double low, high, loss;
    sweep_range(sweep, tokens, &low, &high);
    if (sweep_at(sweep, tokens, fmax(low, fmin(lr, high)), 0, &loss) != SWEEP_LOSS)
        return SWEEP_LOST;
    return fmin(loss - least, SWEEP_LOST);
}

double sweep_twice(const struct sweep *sweep, uint64_t tokens, double lr, double least)
{
    double low, high;
    sweep_range(sweep, tokens, &low, &high);
    if (!(lr / 2 >= low * (1 - 1e-9) && 2 * lr <= high * (1 + 1e-9)))
        return NAN;
    return (sweep_penalty(sweep, tokens, lr / 2, least) +
            sweep_penalty(sweep, tokens, 2 * lr, least)) /
           2;
}

bool sweep_space(struct search_run *run, const struct sweep_campaign *campaign)
{
    struct search_space *space = &run->space;
    if (campaign->count < 2)
        return false;
    *space = search_defaults();
    space->lr_low = 0;
    space->lr_high = INFINITY;
    for (size_t h = 0; h + 1 < campaign->count; h++) {
        double low, high;
        sweep_range(campaign->sweep, campaign->horizons[h], &low, &high);
        space->lr_low = fmax(space->lr_low, low);
        space->lr_high = fmin(space->lr_high, high);
        run->horizons[h] = campaign->horizons[h];
    }
    space->horizons = run->horizons;
    space->horizon_count = campaign->count - 1;
    space->target_tokens = campaign->horizons[campaign->count - 1];
    return space->lr_low < space->lr_high;
}

/* ---- all of a folder ---- */

struct walk {
    const char *file;
    bool subsets;
    void (*visit)(void *context, const struct sweep_campaign *campaign);
    void *context;
};

static void visit_table(const struct walk *walk, const char *name, const struct sweep *sweep)
{
    uint64_t all[RUN_HORIZONS], some[RUN_HORIZONS], tokens = 0;
    struct sweep_campaign campaign = {walk->file, name, sweep, all, 0};
    while ((tokens = sweep_next_horizon(sweep, tokens)) && campaign.count < RUN_HORIZONS) {
        size_t losses = 0;
        for (size_t i = 0; i < sweep->count; i++)
            losses += sweep->rows[i].tokens == tokens && isfinite(sweep->rows[i].loss) &&
                      sweep->rows[i].seed == 0;
        if (losses >= LEAST_LRS)
            all[campaign.count++] = tokens;
    }
    if (!walk->subsets) {
        walk->visit(walk->context, &campaign);
        return;
    }
    size_t count = campaign.count;
    campaign.horizons = some;
    for (unsigned mask = 1; mask < 1u << count; mask++) {
        size_t chosen = 0;
        for (size_t h = 0; h < count; h++)
            if (mask >> h & 1)
                some[chosen++] = all[h];
        campaign.count = chosen;
        if (chosen >= 2 && (double)some[chosen - 1] <= FARTHEST * (double)some[chosen - 2])
            walk->visit(walk->context, &campaign);
    }
}

static void visit_group(const struct walk *walk, const struct group *group, const char *path)
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
            visit_table(walk, name, &sweep);
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

void sweep_campaigns(const char *folder, const char *list, bool subsets,
                     void (*visit)(void *context, const struct sweep_campaign *campaign),
                     void *context)
{
    char pattern[1024];
    glob_t files;
    snprintf(pattern, sizeof(pattern), "%s/*.csv", folder);
    if (glob(pattern, 0, NULL, &files))
        return;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        const char *file = strrchr(files.gl_pathv[i], '/') + 1;
        struct walk walk = {file, subsets, visit, context};
        struct group group;
        struct sweep sweep;
        struct lr_error err = {0};
        if (find_group(&group, list, file)) {
            visit_group(&walk, &group, files.gl_pathv[i]);
            continue;
        }
        const struct sweep_request plain = {
            .path = files.gl_pathv[i], .lr = "lr", .tokens = "tokens", .loss = "loss"};
        if (sweep_read(&sweep, &plain, &err) == 0)
            visit_table(&walk, file, &sweep);
        else
            fprintf(stderr, "left out, not in %s: %s\n", list, err.text);
        sweep_release(&sweep);
    }
    globfree(&files);
}
