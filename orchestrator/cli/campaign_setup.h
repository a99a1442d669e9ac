#ifndef LRSEARCH_CAMPAIGN_SETUP_H
#define LRSEARCH_CAMPAIGN_SETUP_H

#include "cli/command_line.h"
#include "cli/option.h"
#include "coordinator/coordinator.h"
#include "history/baseline.h"
#include "lrsearch/stage.h"
#include "prepare/prepare.h"

/* What every command that leads a campaign (run, ask, tell) gives the coordinator. */
struct campaign_setup {
    struct coordinator_setup coordinator; /* without transport and loop: the caller sets them */
    struct prepare prepare;
    struct baseline baseline;
    const char **words; /* of coordinator.arguments */
    char *cache_dir;
    char plan_copy[TRIAL_PATH + 32]; /* RUN_DIR/plan.yaml */
};

/* `plan_path`: the file that RUN_DIR gets as plan.yaml. All arguments must outlive it; it must not
 * be moved. LR_ENOMEM. campaign_setup_release() it in any case. */
int campaign_setup_init(struct campaign_setup *setup, const struct plan *plan,
                        const char *plan_path, const struct option_pairs *sets, const char *run_dir,
                        const struct stage_report *stages, struct lr_error *err);
void campaign_setup_release(struct campaign_setup *setup);

#define FORK_NAME 64 /* bytes of --fork, with the NUL, at most */
#define FORK_PATH (TRIAL_PATH + FORK_NAME)
/* The directory of a fork of that name beside run_dir. Returns `out`. */
const char *fork_path(char out[FORK_PATH], const char *run_dir, const char *name);
/* Reads --fork, of an option_row. */
int fork_read(void *member, const char *value, struct lr_error *err);

/* For ask and tell, whose operands are RUN_DIR and perhaps PLAN: the plan of the second one with
 * `sets`, or that of RUN_DIR; lr_free() it. LR_EPLAN without a text: the errors of PLAN are
 * printed. LR_EPLAN too if the trials of its trainer cannot be handed out. */
int campaign_setup_plan(struct plan **plan, const struct command_line *line,
                        const struct option_pairs *sets, struct lr_error *err);
/* campaign_setup_init() for them. plan_path NULL: it was not named. */
int campaign_setup_open(struct campaign_setup *setup, const struct plan *plan,
                        const char *plan_path, const struct option_pairs *sets, const char *run_dir,
                        struct lr_error *err);

#endif
