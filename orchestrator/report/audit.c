/* Prints an audit: the verdict first, then its basis. */
#include "report/audit.h"

#include <math.h>
#include "report/summary.h"
#include "store/json_value.h"

const struct verdict *audit_headline(const struct audit *audit)
{
    if (audit->published.known)
        return &audit->published;
    return audit->runs.known && audit->runs_apply ? &audit->runs : NULL;
}

/* ---- plain text ---- */

/* Compares the recipe's LR to the best one. */
static void describe_factor(char text[96], const struct verdict *verdict)
{
    double off = verdict->factor > 1 ? verdict->factor : 1 / verdict->factor;
    bool high = verdict->factor > 1;
    if (verdict->factor90[0] <= 1 && verdict->factor90[1] >= 1)
        snprintf(text, 96, "cannot be told from the best (%.3g times %s it)", off,
                 high ? "above" : "below");
    else
        snprintf(text, 96, "is about %.3g times too %s", off, high ? "high" : "low");
}

/* "with a batch of 524k tokens, assumed as in Bjorck 2024, "; "" if the recipe's is known. */
static void describe_assumed_batch(char text[128], const struct verdict *verdict)
{
    text[0] = '\0';
    if (!verdict->batch_assumed)
        return;
    if (verdict->batch_tokens > 0)
        snprintf(text, 128, "with a batch of %s tokens, assumed as in %s, ",
                 COUNT(verdict->batch_tokens), verdict->by);
    else
        snprintf(text, 128, "with the batch of %s, which is not known here, ", verdict->by);
}

/* How the recipe's own batch, if not known, may change the verdict. */
static void describe_other_batch(char text[256], const struct audit *audit,
                                 const struct verdict *verdict)
{
    const struct verdict *other = &audit->at_best_batch;
    char how[96];
    text[0] = '\0';
    if (!verdict->batch_assumed || verdict->batch_tokens == 0)
        return;
    if (verdict != &audit->published || !other->known) {
        snprintf(text, 256, "; a larger batch raises the best: give --batch");
        return;
    }
    describe_factor(how, other);
    snprintf(text, 256,
             "; with a batch of %s tokens, which Step Law recommends, the best is %s and the "
             "recipe's %s: give --batch",
             COUNT(other->batch_tokens), LR(2, other->lr), how);
}

static void print_headline(FILE *out, const struct audit *audit)
{
    const struct verdict *verdict = audit_headline(audit);
    const struct recipe *recipe = &audit->recipe;
    char how[96], batch[128], other[256];
    const char *params = COUNT(recipe->params), *tokens = COUNT(recipe->tokens);
    if (!verdict) {
        wrap_print(
            out, "",
            "no published rule applies to a learning rate of %s for %s parameters and %s tokens",
            LR(2, recipe->lr), params, tokens);
        return;
    }
    describe_factor(how, verdict);
    describe_assumed_batch(batch, verdict);
    describe_other_batch(other, audit, verdict);
    wrap_print(
        out, "",
        "%sa learning rate of %s for %s parameters and %s tokens %s: by %s the best is %s%s%s",
        batch, LR(2, recipe->lr), params, tokens, how, verdict->by, LR(2, verdict->lr),
        INTERVAL90('l', 2, verdict->ci90), other);
}

static void print_cost(FILE *out, const struct verdict *verdict, const char *basin)
{
    const struct loss_penalty *penalty = &verdict->penalty;
    if (isfinite(penalty->nats))
        wrap_print(out, "cost      ",
                   "about %.2g nats of loss%s, by %s of %.2g nats per octave^2, steeper above the "
                   "best",
                   penalty->nats, INTERVAL90('g', 2, penalty->ci90), basin, verdict->curvature);
}

static void print_use(FILE *out, const struct verdict *verdict)
{
    const double times90[2] = {1 / verdict->factor90[1], 1 / verdict->factor90[0]};
    wrap_print(out, "use       ", "%s; %.3g times what the recipe has%s", LR(2, verdict->lr),
               1 / verdict->factor, INTERVAL90('g', 2, times90));
}

/* The recipe's time scale of weight decay, and where published ones lie. */
static void print_decay(FILE *out, const struct audit *audit)
{
    const struct recipe *recipe = &audit->recipe;
    const double batch = recipe->batch_tokens, best = audit->timescale_published;
    char own[128] = "", decay[64] = "", others[128];
    size_t used = 0;
    if (recipe->weight_decay > 0 && batch > 0)
        snprintf(own, sizeof(own), "tau = batch / (LR weight_decay tokens) is %.2g; ",
                 audit->timescale);
    else if (recipe->weight_decay > 0)
        snprintf(own, sizeof(own), "tau needs the batch: give --batch; ");
    if (batch > 0)
        snprintf(decay, sizeof(decay), ", a weight decay of %.2g",
                 decay_timescale(recipe->lr, best, batch, recipe->tokens));
    wrap_print(out, "decay     ",
               "%sthe best for %.3g tokens a parameter is %.2g (AdamW; " PUBLISHED_TIMESCALE ")%s",
               own, recipe->tokens / recipe->params, best, decay);
    for (size_t i = 0; i < PUBLISHED_DECAYS; i++) {
        const struct published_decay *known = &published_decays[i];
        used += (size_t)snprintf(
            others + used, sizeof(others) - used, "%s%s %.2g", i ? ", " : "", known->name,
            decay_timescale(known->lr, known->weight_decay, known->batch_tokens, known->tokens));
    }
    wrap_print(out, "          ", "tau of published models: %s", others);
}

static void print_laws(FILE *out, const struct audit *audit)
{
    char row[64], range[PUBLISHED_WHY];
    fputs("\nwhat published rules say for this recipe\n", out);
    for (int i = 0; i < PUBLISHED_LAWS; i++) {
        const struct published_law *law = &published_laws[i];
        const struct published *said = &audit->laws[i];
        snprintf(row, sizeof(row), "  %-14s %-8s ", law->name,
                 LR(2, said->applies ? said->lr : said->own_lr));
        published_range(law, range);
        wrap_print(out, row, "%s, %s%s%s; %s%s", law->formula, law->source, *range ? ", " : "",
                   range, said->applies ? "applies" : "does not apply: ", said->why);
    }
}

static void print_runs(FILE *out, const struct audit *audit)
{
    const struct verdict *runs = &audit->runs;
    if (!audit->has_runs)
        return;
    if (!runs->known) {
        wrap_print(out, "runs      ", "%s gives no learning rate here: %s", audit->name,
                   audit->runs_reason);
    } else {
        char how[96];
        describe_factor(how, runs);
        wrap_print(out, "runs      ", "%s says %s%s, by which the recipe %s", audit->name,
                   LR(2, runs->lr), INTERVAL90('l', 2, runs->ci90), how);
        if (audit_headline(audit) != runs)
            print_cost(out, runs, "the loss curve of these runs,");
    }
    double times = audit->recipe.tokens / (double)audit->runs_longest;
    char size[96] = "";
    if (audit->runs_params > 0)
        snprintf(size, sizeof(size), "; the recipe's model has %.3g times the parameters, %s",
                 audit->recipe.params / audit->runs_params, COUNT(audit->runs_params));
    wrap_print(out, "length    ", "%.3g times as many tokens as the longest horizon, %s%s", times,
               COUNT(audit->runs_longest), size);
    transfer_print(out, audit->answer);
}

void audit_print(FILE *out, const struct audit *audit)
{
    const struct verdict *verdict = audit_headline(audit);
    print_headline(out, audit);
    fputc('\n', out);
    if (verdict) {
        print_cost(out, verdict,
                   verdict == &audit->published ? "a published loss curve"
                                                : "the loss curve of the runs");
        print_use(out, verdict);
    }
    print_decay(out, audit);
    print_laws(out, audit);
    if (audit->has_runs)
        fputc('\n', out);
    print_runs(out, audit);
    warnings_print(out, audit->answer);
}

/* ---- JSON: unknown values are null, never left out ---- */

static json_t *text_or_null(const char *text)
{
    return *text ? json_of_text(text) : json_null();
}

static json_t *count_or_null(double count)
{
    return count > 0 ? json_of_count((uint64_t)(count + 0.5)) : json_null();
}

static json_t *recipe_json(const struct recipe *recipe, bool *ok)
{
    json_t *object = json_object();
    bool wsd = recipe->anneal.kind == SCHEDULE_WSD;
    json_put(object, "lr", json_of_double(recipe->lr), ok);
    json_put(object, "tokens", json_of_count((uint64_t)recipe->tokens), ok);
    json_put(object, "params", json_of_count((uint64_t)recipe->params), ok);
    json_put(object, "batch_tokens", count_or_null(recipe->batch_tokens), ok);
    json_put(object, "schedule", json_string(schedule_name(recipe->anneal.kind)), ok);
    json_put(object, "cooldown", wsd ? json_of_double(recipe->anneal.cooldown) : json_null(), ok);
    return object;
}

static json_t *verdict_json(const struct verdict *verdict, bool *ok)
{
    if (!verdict || !verdict->known)
        return json_null();
    json_t *object = json_object();
    json_put(object, "by", json_of_text(verdict->by), ok);
    json_put(object, "lr", json_of_double(verdict->lr), ok);
    json_put(object, "ci90", json_of_interval(verdict->ci90), ok);
    json_put(object, "factor", json_of_double(verdict->factor), ok);
    json_put(object, "factor_ci90", json_of_interval(verdict->factor90), ok);
    json_put(object, "loss_penalty", json_of_double(verdict->penalty.nats), ok);
    json_put(object, "loss_penalty_ci90", json_of_interval(verdict->penalty.ci90), ok);
    json_put(object, "curvature", json_of_double(verdict->curvature), ok);
    json_put(object, "batch_tokens", count_or_null(verdict->batch_tokens), ok);
    json_put(object, "batch_assumed", json_boolean(verdict->batch_assumed), ok);
    return object;
}

static json_t *law_json(const struct published_law *law, const struct published *said, bool *ok)
{
    static const double unknown[2] = {NAN, NAN};
    json_t *object = json_object();
    json_put(object, "name", json_string(law->name), ok);
    json_put(object, "source", json_string(law->source), ok);
    json_put(object, "formula", json_string(law->formula), ok);
    json_put(object, "params_fitted", json_of_interval(law->params), ok);
    json_put(object, "tokens_fitted", json_of_interval(law->tokens), ok);
    json_put(object, "lr_published", json_of_double(said->own_lr), ok);
    json_put(object, "batch_published", json_of_double(said->own_batch), ok);
    json_put(object, "lr", json_of_double(said->applies ? said->lr : NAN), ok);
    json_put(object, "ci90", json_of_interval(said->applies ? said->ci90 : unknown), ok);
    json_put(object, "applies", json_boolean(said->applies), ok);
    json_put(object, "why_not", text_or_null(said->why), ok);
    return object;
}

static json_t *step_json(const struct transfer_step *step, bool *ok)
{
    json_t *object = json_object();
    json_put(object, "of", json_of_text(step->of), ok);
    json_put(object, "how", json_of_text(step->how), ok);
    json_put(object, "factor", json_of_double(step->factor), ok);
    json_put(object, "ci90", json_of_interval(step->ci90), ok);
    json_put(object, "measured", json_boolean(step->measured), ok);
    return object;
}

static json_t *runs_json(const struct audit *audit, bool *ok)
{
    if (!audit->has_runs)
        return json_null();
    json_t *object = json_object();
    json_put(object, "name", json_of_text(audit->name), ok);
    json_put(object, "verdict", verdict_json(&audit->runs, ok), ok);
    json_put(object, "applies", json_boolean(audit->runs.known && audit->runs_apply), ok);
    json_put(object, "why_not", text_or_null(audit->runs_reason), ok);
    json_put(object, "params", count_or_null(audit->runs_params), ok);
    json_put(object, "longest_tokens", json_of_count(audit->runs_longest), ok);
    JSON_PUT_EACH(object, "steps", audit->answer->step_count,
                  step_json(&audit->answer->steps[i], ok), ok);
    return object;
}

static json_t *timescale_json(const struct audit *audit, bool *ok)
{
    const struct recipe *recipe = &audit->recipe;
    json_t *object = json_object();
    bool batch = recipe->batch_tokens > 0;
    json_put(object, "weight_decay",
             json_of_double(recipe->weight_decay > 0 ? recipe->weight_decay : NAN), ok);
    json_put(object, "tau", json_of_double(audit->timescale), ok);
    json_put(object, "tau_published", json_of_double(audit->timescale_published), ok);
    json_put(object, "weight_decay_published",
             json_of_double(batch ? decay_timescale(recipe->lr, audit->timescale_published,
                                                    recipe->batch_tokens, recipe->tokens)
                                  : NAN),
             ok);
    return object;
}

int audit_print_json(const struct audit *audit, struct lr_error *err)
{
    bool ok = true;
    json_use_lr_memory();
    json_t *object = json_object();
    json_put(object, "schema_version", json_integer(1), &ok);
    json_put(object, "recipe", recipe_json(&audit->recipe, &ok), &ok);
    json_put(object, "verdict", verdict_json(audit_headline(audit), &ok), &ok);
    json_put(object, "verdict_at_best_batch", verdict_json(&audit->at_best_batch, &ok), &ok);
    JSON_PUT_EACH(object, "laws", PUBLISHED_LAWS,
                  law_json(&published_laws[i], &audit->laws[i], &ok), &ok);
    json_put(object, "timescale", timescale_json(audit, &ok), &ok);
    json_put(object, "runs", runs_json(audit, &ok), &ok);
    JSON_PUT_EACH(object, "warnings", audit->answer->warning_count,
                  json_of_text(audit->answer->warnings[i]), &ok);
    return json_print(object, ok, err);
}
