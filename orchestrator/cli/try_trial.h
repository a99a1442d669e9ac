#ifndef LRSEARCH_TRY_TRIAL_H
#define LRSEARCH_TRY_TRIAL_H

#include "lrsearch/error.h"
#include "lrsearch/stage.h"
#include "plan/plan.h"

/* lrsearch check --try: runs the plan's shortest training once, at the middle of search.lr, on this
 * host, and prints on stdout what it saw: losses and tokens, speed, and for a failure the last
 * lines and what to change. It is ended after `most_s` seconds, which is no failure if it told
 * losses. LR_EFAILURES, with an empty text: it failed; errors of its preparation as they are. */
int try_trial(const struct plan *plan, double most_s, const struct stage_report *stages,
              struct lr_error *err);

#endif
