/* The audit for a person: the verdict first, then what it rests on. */
#include <math.h>
#include <string.h>
#include "report/audit.h"
#include "report/summary.h"
#include "report/transfer_text.h"
#include "report/wrap.h"

struct texts { /* one buffer for each number in a sentence */
    char a[32], b[32], c[32], d[32], e[32], f[32];
};

#define COUNT(buffer, value) format_count(buffer, sizeof(buffer), value)
#define LR(buffer, value) format_lr(buffer, sizeof(buffer), 2, value)

/* How the recipe's LR stands to the best one. */
static void stands(char text[96], const struct verdict *verdict)
{
    double off = verdict->factor > 1 ? verdict->factor : 1 / verdict->factor;
    bool high = verdict->factor > 1;
    if (verdict->factor90[0] <= 1 && verdict->factor90[1] >= 1)
        snprintf(text, 96, "cannot be told from the best (%.3g times %s it)", off,
                 high ? "above" : "below");
    else
        snprintf(text, 96, "is about %.3g times too %s", off, high ? "high" : "low");
}

/* "with a batch of 524k tokens, assumed as in Bjorck 2024, ": where the recipe's is not known. */
static void assumes(char text[128], const struct verdict *verdict)
{
    struct texts t;
    text[0] = '\0';
    if (!verdict->batch_assumed)
        return;
    if (verdict->batch_tokens > 0)
        snprintf(text, 128, "with a batch of %s tokens, assumed as in %s, ",
                 COUNT(t.a, verdict->batch_tokens), verdict->by);
    else
        snprintf(text, 128, "with the batch of %s, which is not known here, ", verdict->by);
}

/* What the recipe's own batch would change. */
static void changes(char text[256], const struct audit *audit, const struct verdict *verdict)
{
    const struct verdict *other = &audit->at_best_batch;
    struct texts t;
    char how[96];
    text[0] = '\0';
    if (!verdict->batch_assumed || verdict->batch_tokens == 0)
        return;
    if (verdict != &audit->published || !other->known) {
        snprintf(text, 256, "; a larger batch raises the best: give --batch");
        return;
    }
    stands(how, other);
    snprintf(text, 256,
             "; with a batch of %s tokens, which Step Law recommends, the best is %s and the "
             "recipe's %s: give --batch",
             COUNT(t.a, other->batch_tokens), LR(t.b, other->lr), how);
}

static void print_headline(FILE *out, const struct audit *audit)
{
    const struct verdict *verdict = audit_headline(audit);
    const struct recipe *recipe = &audit->recipe;
    struct texts t;
    char how[96], batch[128], other[256];
    COUNT(t.a, recipe->params);
    COUNT(t.b, recipe->tokens);
    if (!verdict) {
        wrap_print(out, "",
                   "no law applies to a learning rate of %s for %s parameters and %s tokens",
                   LR(t.c, recipe->lr), t.a, t.b);
        return;
    }
    stands(how, verdict);
    assumes(batch, verdict);
    changes(other, audit, verdict);
    wrap_print(out, "",
               "%sa learning rate of %s for %s parameters and %s tokens %s: by %s the best is %s "
               "(90\v%% interval %s\v..\v%s)%s",
               batch, LR(t.c, recipe->lr), t.a, t.b, how, verdict->by, LR(t.d, verdict->lr),
               LR(t.e, verdict->ci90[0]), LR(t.f, verdict->ci90[1]), other);
}

static void print_cost(FILE *out, const struct verdict *verdict, const char *basin)
{
    const struct loss_penalty *penalty = &verdict->penalty;
    if (isfinite(penalty->nats))
        wrap_print(out, "cost      ",
                   "about %.2g nats of loss (90\v%% interval %.2g\v..\v%.2g), by %s of %.2g nats "
                   "per octave^2, steeper above the best",
                   penalty->nats, penalty->ci90[0], penalty->ci90[1], basin, verdict->curvature);
}

static void print_use(FILE *out, const struct verdict *verdict)
{
    struct texts t;
    wrap_print(out, "use       ",
               "%s; %.3g times what the recipe has (90\v%% interval %.2g\v..\v%.2g)",
               LR(t.a, verdict->lr), 1 / verdict->factor, 1 / verdict->factor90[1],
               1 / verdict->factor90[0]);
}

static void print_laws(FILE *out, const struct audit *audit)
{
    char row[64], range[PUBLISHED_WHY];
    struct texts t;
    fputs("\npublished laws, what they say for this recipe\n", out);
    for (int i = 0; i < PUBLISHED_LAWS; i++) {
        const struct published_law *law = &published_laws[i];
        const struct published *said = &audit->laws[i];
        snprintf(row, sizeof(row), "  %-14s %-8s ", law->name,
                 said->applies ? LR(t.a, said->lr) : LR(t.a, said->own_lr));
        published_range(law, range);
        wrap_print(out, row, "%s, %s%s%s; %s%s", law->formula, law->source, *range ? ", " : "",
                   range, said->applies ? "applies" : "does not apply: ", said->why);
    }
}

static void print_runs(FILE *out, const struct audit *audit)
{
    struct texts t;
    const struct verdict *runs = &audit->runs;
    if (!audit->has_runs)
        return;
    if (!runs->known) {
        wrap_print(out, "runs      ", "%s gives no learning rate here: %s", audit->name,
                   audit->runs_reason);
    } else {
        char how[96];
        stands(how, runs);
        wrap_print(out, "runs      ",
                   "%s says %s (90\v%% interval %s\v..\v%s), by which the recipe %s", audit->name,
                   LR(t.a, runs->lr), LR(t.b, runs->ci90[0]), LR(t.c, runs->ci90[1]), how);
        if (audit_headline(audit) != runs)
            print_cost(out, runs, "the basin of these runs,");
    }
    double times = audit->recipe.tokens / (double)audit->runs_longest;
    char size[96] = "";
    if (audit->runs_params > 0)
        snprintf(size, sizeof(size), "; the recipe's model has %.3g times the parameters, %s",
                 audit->recipe.params / audit->runs_params, COUNT(t.b, audit->runs_params));
    wrap_print(out, "reach     ", "%.3g times as many tokens as the longest horizon, %s%s", times,
               COUNT(t.a, (double)audit->runs_longest), size);
    transfer_text_print(out, audit->answer);
}

void audit_print(FILE *out, const struct audit *audit)
{
    const struct verdict *verdict = audit_headline(audit);
    const struct answer *doubts = audit->answer;
    print_headline(out, audit);
    if (verdict) {
        fputc('\n', out);
        print_cost(out, verdict,
                   verdict == &audit->published ? "a published basin" : "the basin of the runs");
        print_use(out, verdict);
    }
    print_laws(out, audit);
    if (audit->has_runs)
        fputc('\n', out);
    print_runs(out, audit);
    for (size_t i = 0; i < doubts->warning_count; i++)
        wrap_print(out, i == 0 ? "doubts    - " : "          - ", "%s", doubts->warnings[i]);
}
