/* One search over many cells against as many searches: what does each cost until the 90 % intervals
 * of the cells' optima are, on average, as narrow as those of the separate searches at their end?
 * usage: bench_cells SURFACES                         3 x 3 cells on made-up surfaces
 *        bench_cells FILE AXIS [COLUMN=NAME ...]      a table; a cell for each value of column
 * AXIS, whose octaves are the axis `batch` */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cell_surface.h"
#include "data/sweep_csv.h"
#include "groups.h"
#include "search/search_answer.h"
#include "search_run.h"

#define TRIALS 8192
#define HORIZONS 16
#define ROUND 4 /* trials: so that costs are seen more finely than by the default of 8 */

static void print_head(void)
{
    printf("%-10s %28s   %37s   %s\n", "", "apart", "shared, at its end", "shared, as narrow");
    printf("%-10s %8s %8s %10s   %8s %8s %8s %10s   %8s %8s\n", "campaign", "runs", "octaves",
           "penalty", "runs", "octaves", "holds", "penalty", "runs", "of apart");
}

/* ---- made-up surfaces ---- */

static double play_surface(uint64_t seed, double *apart_cost)
{
    static struct cell_run run;
    struct cell_surface surface = cell_surface_draw(seed, 0.003);
    struct search_space space = cell_surface_space(&surface);
    struct cell_outcome apart = cell_surface_apart(&surface, &space, apart_cost), shared = {0};
    double least = INFINITY;
    memset(&run, 0, sizeof(run));
    while (cell_surface_round(&run, &surface, &space, &policy_design) > 0) {
        shared = cell_surface_outcome(&run, &surface, &space);
        if (shared.width <= apart.width)
            least = fmin(least, run.cost);
    }
    printf("%-10u %8.2f %8.2f %10.4f   %8.2f %8.2f %7.0f%% %10.4f   %8.2f %7.0f%%\n",
           (unsigned)seed, *apart_cost, apart.width, apart.penalty, run.cost, shared.width,
           100 * shared.holds, shared.penalty, least, 100 * least / *apart_cost);
    fflush(stdout);
    return least;
}

static int play_surfaces(long count)
{
    double least = 0, apart = 0, cost;
    print_head();
    for (long i = 1; i <= count; i++) {
        least += play_surface((uint64_t)i, &cost);
        apart += cost;
    }
    printf("all: %.0f %%\n", 100 * least / apart);
    return 0;
}

/* ---- a table ---- */

struct table {
    struct sweep sweeps[SEARCH_CELLS];
    struct search_cell cells[SEARCH_CELLS];
    size_t count;
    uint64_t horizons[HORIZONS];
    struct search_space space;
};

static struct observation look_up(const struct table *table, const struct proposal *p)
{
    struct observation o = {
        .tokens = p->tokens, .lr = p->lr, .seed = p->seed, .cell = p->cell, .ratios = {1, 1}};
    enum sweep_found found = sweep_at(&table->sweeps[p->cell], p->tokens, p->lr, p->seed, &o.loss);
    o.kind = found == SWEEP_LOSS       ? OBSERVED_LOSS
             : found == SWEEP_DIVERGED ? OBSERVED_DIVERGED
                                       : OBSERVED_NOTHING;
    return o;
}

static size_t horizons_of(const struct sweep *sweep)
{
    size_t count = 0;
    for (uint64_t tokens = 0; (tokens = sweep_next_horizon(sweep, tokens));)
        count++;
    return count;
}

/* Only the cells that have all horizons stay. */
static void drop_partial(struct table *table)
{
    size_t most = 0, kept = 0;
    for (size_t c = 0; c < table->count; c++) {
        size_t own = horizons_of(&table->sweeps[c]);
        most = own > most ? own : most;
    }
    for (size_t c = 0; c < table->count; c++)
        if (horizons_of(&table->sweeps[c]) == most) {
            table->sweeps[kept] = table->sweeps[c];
            table->cells[kept++] = table->cells[c];
        }
    table->count = kept;
}

/* Their horizons and the LRs that all of them have; the last horizon is the target's. */
static void lay_space(struct table *table)
{
    drop_partial(table);
    struct search_space *space = &table->space;
    uint64_t tokens = 0;
    size_t count = 0;
    *space = search_defaults();
    space->lr_low = 0;
    space->lr_high = INFINITY;
    space->round_trials = ROUND;
    space->cells = table->cells;
    space->cell_count = table->count;
    space->group_count = 1;
    space->target = table->cells[table->count / 2];
    while (count < HORIZONS && (tokens = sweep_next_horizon(&table->sweeps[0], tokens))) {
        double low = 0, high = INFINITY, from, to;
        bool all = true;
        for (size_t c = 0; c < table->count; c++) {
            all = all && sweep_range(&table->sweeps[c], tokens, &from, &to) > 2;
            low = fmax(low, from);
            high = fmin(high, to);
        }
        if (!all)
            continue;
        table->horizons[count++] = tokens;
        space->lr_low = fmax(space->lr_low, low);
        space->lr_high = fmin(space->lr_high, high);
    }
    space->horizons = table->horizons;
    space->horizon_count = count > 0 ? count - 1 : 0;
    space->target_tokens = count > 0 ? table->horizons[count - 1] : 0;
}

/* The mean width of the cells' intervals, and how much the table's losses at the cells' answers lie
 * above the least ones. */
static struct cell_outcome judge(const struct table *table, const double *lrs, double (*ci90)[2])
{
    struct cell_outcome outcome = {0};
    uint64_t target = table->space.target_tokens;
    for (size_t c = 0; c < table->count; c++) {
        double low, high, least = INFINITY, optimum = NAN, loss;
        sweep_range(&table->sweeps[c], target, &low, &high);
        for (int i = 0; i <= 400; i++) {
            double lr = low * pow(high / low, i / 400.0);
            if (sweep_at(&table->sweeps[c], target, lr, 0, &loss) == SWEEP_LOSS && loss < least) {
                least = loss;
                optimum = lr;
            }
        }
        double share = 1.0 / (double)table->count;
        double lr = fmax(low, fmin(lrs[c], high));
        if (sweep_at(&table->sweeps[c], target, lr, 0, &loss) != SWEEP_LOSS)
            loss = least + 1; /* as compare_policies.sh counts a divergence */
        outcome.penalty += share * fmin(loss - least, 1);
        outcome.width += share * log2(ci90[c][1] / ci90[c][0]);
        outcome.holds += share * (ci90[c][0] <= optimum && optimum <= ci90[c][1]);
    }
    return outcome;
}

static double search(const struct table *table, const struct search_space *space,
                     struct observation *seen, size_t *count, uint32_t cell, double cost)
{
    static struct proposal round[POLICY_ROUND_MAX];
    size_t asked;
    if (search_next(&policy_design, space, seen, *count, round, &asked))
        exit(70);
    for (size_t i = 0; i < asked; i++) {
        round[i].cell += cell;
        seen[*count] = look_up(table, &round[i]);
        seen[(*count)++].cell -= cell;
        cost += (double)round[i].tokens / (double)space->target_tokens;
    }
    return asked > 0 ? cost : -1;
}

static int play_table(struct table *table)
{
    static struct observation seen[TRIALS];
    static double lrs[SEARCH_CELLS], ci90[SEARCH_CELLS][2];
    static struct answer answer;
    double apart_cost = 0, cost = 0, next, least = INFINITY;
    size_t count;
    lay_space(table);
    for (uint32_t c = 0; c < table->count; c++) {
        struct search_space own = cell_space(&table->space, c);
        count = 0;
        for (cost = 0; (next = search(table, &own, seen, &count, c, cost)) >= 0;)
            cost = next;
        apart_cost += cost;
        if (search_answer(&answer, &own, seen, count, NULL))
            return 70;
        lrs[c] = answer.target.lr;
        memcpy(ci90[c], answer.target.ci90, sizeof(ci90[c]));
    }
    struct cell_outcome apart = judge(table, lrs, ci90), shared = {0};
    count = 0;
    for (cost = 0; (next = search(table, &table->space, seen, &count, 0, cost)) >= 0;) {
        cost = next;
        if (search_answer(&answer, &table->space, seen, count, NULL))
            return 70;
        for (size_t c = 0; c < table->count; c++) {
            lrs[c] = answer.cells[c].lr;
            memcpy(ci90[c], answer.cells[c].ci90, sizeof(ci90[c]));
        }
        shared = judge(table, lrs, ci90);
        if (shared.width <= apart.width)
            least = fmin(least, cost);
    }
    print_head();
    printf("%zu cells    %8.2f %8.2f %10.4f   %8.2f %8.2f %7.0f%% %10.4f   %8.2f %7.0f%%\n",
           table->count, apart_cost, apart.width, apart.penalty, cost, shared.width,
           100 * shared.holds, shared.penalty, least, 100 * least / apart_cost);
    printf("apart the intervals hold in %.0f %%\n", 100 * apart.holds);
    return 0;
}

static int read_table(struct table *table, const char *path, const char *axis, char **columns,
                      int column_count)
{
    struct group group = {.by_count = 1};
    struct group_key *keys;
    struct sweep_request request = {.path = path, .lr = "lr", .tokens = "tokens", .loss = "loss"};
    snprintf(group.by[0], sizeof(group.by[0]), "%s", axis);
    for (int i = 0; i < column_count; i++) {
        char *name = strchr(columns[i], '=');
        if (!name)
            return 2;
        if (strncmp(columns[i], "lr=", 3) == 0)
            request.lr = name + 1;
        else if (strncmp(columns[i], "tokens=", 7) == 0)
            request.tokens = name + 1;
        else if (strncmp(columns[i], "loss=", 5) == 0)
            request.loss = name + 1;
    }
    long count = group_keys(&group, path, &keys);
    for (long k = 0; k < count && table->count < SEARCH_CELLS; k++) {
        struct sweep_where where = {axis, keys[k].value[0]};
        struct lr_error err = {0};
        request.where = &where;
        request.where_count = 1;
        if (sweep_read(&table->sweeps[table->count], &request, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 65;
        }
        double octaves = log2(atof(keys[k].value[0]) / atof(keys[0].value[0]));
        table->cells[table->count++] =
            (struct search_cell){.axes = {[AXIS_BATCH] = octaves}, .cost = 1};
    }
    free(keys);
    return count > 1 ? 0 : 65;
}

int main(int argc, char **argv)
{
    static struct table table;
    if (argc == 2 && atol(argv[1]) > 0)
        return play_surfaces(atol(argv[1]));
    if (argc < 3)
        return 2;
    int rc = read_table(&table, argv[1], argv[2], argv + 3, argc - 3);
    return rc ? rc : play_table(&table);
}
