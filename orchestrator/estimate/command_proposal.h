#ifndef LRSEARCH_COMMAND_PROPOSAL_H
#define LRSEARCH_COMMAND_PROPOSAL_H

#include <stdio.h>
#include "estimate/command_look.h"
#include "estimate/output_look.h"
#include "estimate/shell_words.h"
#include "lrsearch/error.h"

/* Proposes a plan for a user's command from one run of it (command_look.h). */

#define COMMAND_HORIZONS 3

struct command_seen { /* what is known; the caller's */
    const char *name; /* of the campaign */
    const char *cwd;  /* for the plan; NULL: the plan's own folder */
    const struct shell_words *words;
    const struct output_look *look;
    struct command_look_end end;
    double lr;              /* of the run */
    uint64_t tokens;        /* of the run, as --tokens gives; 0: not given */
    double time_s;          /* for the campaign */
    uint64_t target_tokens; /* 0: not given */
    uint32_t batch_tokens;  /* 0: not given */
};

struct command_proposal {
    struct shell_words_sets sets;
    struct output_losses losses;
    uint32_t batch_tokens; /* 0: the plan needs none */
    bool batch_assumed;    /* nothing tells it */
    const char *batch_why;
    double tokens_per_s, startup_s; /* tokens_per_s 0: not known */
    uint64_t interval;              /* tokens between two losses; 0: not known */
    uint64_t horizons[COMMAND_HORIZONS], target_tokens;
    double lr[2];
    double trials, wall_s, wall_most_s; /* with one worker; walls 0: not known */
    double budget_s;
    bool too_short; /* time_s, for trainings that tell anything; budget_s is what they need */
};

/* Tokens of a step, as --batch-tokens, the options or the output tell; an assumption otherwise. */
uint32_t command_batch(const char **why, bool *assumed, const struct shell_words *words,
                       uint32_t given, double printed);

int command_proposal_make(struct command_proposal *out, const struct command_seen *seen,
                          struct lr_error *err);
/* Prints the plan as YAML, with a reason for each key. */
void command_proposal_print(FILE *out, const struct command_proposal *proposal,
                            const struct command_seen *seen);

#endif
