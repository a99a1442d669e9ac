/* From observations to the answer: basins, law, hold-out, target, gate, doubts. */
#include <math.h>
#include <string.h>
#include "lrsearch/memory.h"
#include "search/gate.h"
#include "search/law.h"
#include "search/ratios.h"
#include "search/survey.h"

/* The law without the longest horizon, against what was measured there. */
static void hold_out(struct answer *answer, const struct search_space *space)
{
    size_t last = answer->horizon_count - 1;
    const struct horizon_answer *longest = &answer->horizons[last];
    struct law shorter;
    law_fit(&shorter, answer->horizons, last, space);
    if (shorter.count < 2 || !law_uses(longest))
        return;
    answer->law.holdout.tokens = longest->tokens;
    answer->law.holdout.lr_predicted =
        law_predict(&shorter, longest->tokens, answer->law.holdout.ci90);
    answer->law.holdout.lr_measured = longest->lr_opt;
}

/* Without any clear optimum: the longest horizon that has a best LR at all, carried on with the
 * prior's slope. Never an identified answer; its interval is known only with a parabola. */
static void guess(struct answer *answer, const struct survey *survey)
{
    const struct search_space *space = survey->space;
    for (size_t h = survey->horizon_count; h-- > 0;) {
        struct horizon_answer one = answer->horizons[h];
        const struct basin *basin = &survey->basins[h];
        struct law law;
        if (basin->best < 0)
            continue;
        double unsure = isfinite(one.lr_opt) ? one.se_ln_lr : NAN;
        one.lr_opt = isfinite(one.lr_opt) ? one.lr_opt : exp2(basin->points[basin->best].x);
        one.se_ln_lr = isfinite(unsure) ? unsure : 0;
        one.at_edge = one.flat = false;
        law_fit(&law, &one, 1, space);
        answer->target.lr = law_predict(&law, space->target_tokens, answer->target.ci90);
        if (!isfinite(unsure))
            answer->target.ci90[0] = answer->target.ci90[1] = NAN;
        return;
    }
}

static void aim(struct answer *answer, const struct survey *survey, const struct law *law)
{
    const struct search_space *space = survey->space;
    const struct horizon_answer *longest = &answer->horizons[answer->horizon_count - 1];
    struct target_answer *target = &answer->target;
    if (law->count > 0)
        target->lr = law_predict(law, space->target_tokens, target->ci90);
    else
        guess(answer, survey);
    if (space->target_tokens == longest->tokens && law_uses(longest)) {
        target->lr = longest->lr_opt; /* measured: no law is needed */
        target->ci90[0] = longest->ci90[0];
        target->ci90[1] = longest->ci90[1];
    }
    if (longest->curvature > 0)
        target->loss_penalty_if_wrong_2x = longest->curvature;
}

/* Nothing after the end of a text: answers are compared as bytes. */
static void clear_tails(struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++) {
        size_t length = strlen(answer->warnings[i]);
        memset(answer->warnings[i] + length, 0, ANSWER_TEXT - length);
    }
}

static void fill(struct answer *answer, struct survey *survey)
{
    const struct search_space *space = survey->space;
    struct law law;
    answer->target.tokens = space->target_tokens;
    answer->target.lr = answer->target.ci90[0] = answer->target.ci90[1] = NAN;
    answer->target.embedding_lr = answer->target.loss_penalty_if_wrong_2x = NAN;
    answer->horizon_count = survey->horizon_count;
    survey_answer(survey, survey->horizon_count, answer->horizons);
    law_fit(&law, answer->horizons, answer->horizon_count, space);
    law_answer_fill(&answer->law, &law);
    hold_out(answer, space);
    aim(answer, survey, &law);
    gate_decide(answer, survey, &law);
    doubts_add(answer, survey, &law);
}

int search_answer(struct answer *answer, const struct search_space *space,
                  const struct observation *seen, size_t count, struct lr_error *err)
{
    struct ratios ratios;
    int rc = LR_ENOMEM;
    if (space->horizon_count == 0)
        return lr_fail(err, LR_EINVAL, "a search needs one horizon at least");
    struct observation *room = lr_calloc(count + 1, sizeof(*room));
    struct survey *survey = NULL;
    if (room) {
        ratios_settle(&ratios, space, seen, count, room);
        size_t kept = count;
        if (ratios_are_searched(space))
            kept = ratios_filter(ratios.value, seen, count, room);
        survey = survey_create(space, ratios_are_searched(space) ? room : seen, kept);
    }
    if (survey) {
        memset(answer, 0, sizeof(*answer));
        fill(answer, survey);
        rc = ratios_answer(answer, space, &ratios, seen, count, room);
        clear_tails(answer);
    }
    survey_destroy(survey);
    lr_free(room);
    return rc ? lr_fail(err, rc, "out of memory") : 0;
}
