/* The states of a trial and the allowed transitions, as one table. Every transition is checked
 * against it, so an unforeseen path is an error instead of a silent second result. */
#include "campaign/trial_state.h"

#include <stddef.h>

static const struct step {
    enum trial_state from, to;
} steps[] = {
    {TRIAL_PENDING, TRIAL_RUNNING}, {TRIAL_LOST, TRIAL_RUNNING},
    {TRIAL_RUNNING, TRIAL_DONE},    {TRIAL_RUNNING, TRIAL_DIVERGED},
    {TRIAL_RUNNING, TRIAL_PENDING}, /* failed or canceled; is retried */
    {TRIAL_RUNNING, TRIAL_LOST},    {TRIAL_RUNNING, TRIAL_FAILED},
    {TRIAL_FAILED, TRIAL_PENDING}, /* a new session after on_fail.then stop */
};

const char *trial_state_name(enum trial_state state)
{
    switch (state) {
#define X(name, text)                                                                              \
    case name:                                                                                     \
        return text;
        TRIAL_STATE_MAP(X)
#undef X
    }
    return "?";
}

const char *trial_purpose_name(uint32_t purpose)
{
    return purpose == PURPOSE_SEARCH ? "search" : purpose == PURPOSE_CONFIRM ? "confirm" : "?";
}

bool trial_state_may_become(enum trial_state from, enum trial_state to)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (steps[i].from == from && steps[i].to == to)
            return true;
    return false;
}

bool trial_state_is_over(enum trial_state state)
{
    return state == TRIAL_DONE || state == TRIAL_DIVERGED || state == TRIAL_FAILED;
}

bool trial_state_is_waiting(enum trial_state state)
{
    return state == TRIAL_PENDING || state == TRIAL_LOST;
}

bool trial_is_taken_over(const struct trial *trial)
{
    return (trial->state == TRIAL_DONE || trial->state == TRIAL_DIVERGED) && trial->rank == 0;
}
