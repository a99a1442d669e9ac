/* What the answers of campaigns with and without axes have in common. */
#include "search/answer_clear.h"

#include <math.h>
#include <string.h>
#include "search/accept.h"

void answer_clear(struct answer *answer, const struct search_space *space)
{
    memset(answer, 0, sizeof(*answer));
    answer->target.tokens = space->target_tokens;
    answer->target.lr = answer->target.ci90[0] = answer->target.ci90[1] = NAN;
    answer->target.loss_penalty = answer->target.loss_penalty_if_wrong_2x = NAN;
    answer->target.embedding_lr = NAN;
    for (int r = 0; r < RATIO_COUNT; r++)
        answer->target.ratio[r] = answer->target.ratio_ci90[r][0] =
            answer->target.ratio_ci90[r][1] = NAN;
    struct law_answer *law = &answer->law;
    law->beta = law->beta_ci90[0] = law->beta_ci90[1] = law->b = law->r2 = NAN;
    law->prior_weight = law->misfit = NAN;
    law->holdout.lr_predicted = law->holdout.lr_measured = NAN;
    law->holdout.ci90[0] = law->holdout.ci90[1] = NAN;
}

void answer_clear_tails(struct answer *answer)
{
    for (size_t i = 0; i < answer->warning_count; i++) {
        size_t length = strlen(answer->warnings[i]);
        memset(answer->warnings[i] + length, 0, ANSWER_TEXT - length);
    }
}

double answer_explained(const struct answer *answer)
{
    double sum = 0, total = 0, left = 0, count = 0;
    for (size_t h = 0; h < answer->horizon_count; h++)
        if (horizon_counts(&answer->horizons[h])) {
            sum += log(answer->horizons[h].lr_opt);
            count++;
        }
    for (size_t h = 0; h < answer->horizon_count; h++) {
        const struct horizon_answer *horizon = &answer->horizons[h];
        if (!horizon_counts(horizon))
            continue;
        double y = log(horizon->lr_opt), around = y - sum / count;
        double off = y - (answer->law.b - answer->law.beta * log((double)horizon->tokens));
        left += off * off;
        total += around * around;
    }
    return count >= 3 && total > 0 ? 1 - left / total : NAN;
}
