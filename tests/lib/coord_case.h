#ifndef TESTS_COORD_CASE_H
#define TESTS_COORD_CASE_H

#include "estimate/coord_check.h"

/* Coordinate checks of models whose parametrization is right, or wrong in one place: coord_case.c
 * has its own width_rule_of(), which takes the place of worker/model/width_rules.c's. */

/* X(enumerator, what is wrong) */
#define COORD_FAULTS(X)                                                                            \
    X(FAULT_NONE, "nothing")                                                                       \
    X(FAULT_HIDDEN_LR_HIGH, "hidden LR m^-.5")                                                     \
    X(FAULT_HIDDEN_LR_LOW, "hidden LR m^-1.5")                                                     \
    X(FAULT_LOGITS_HIGH, "output multiplier 1")                                                    \
    X(FAULT_LOGITS_LOW, "output multiplier m^-2")                                                  \
    X(FAULT_ATTENTION, "attention 1/sqrt(d)")                                                      \
    X(FAULT_EMBEDDING_LR_HIGH, "embedding LR times m^.5")                                          \
    X(FAULT_EMBEDDING_LR_LOW, "embedding LR times m^-.5")                                          \
    X(FAULT_HIDDEN_INIT, "hidden init fixed")                                                      \
    X(FAULT_OUTPUT_LR_HIGH, "output LR m^.5")                                                      \
    X(FAULT_OUTPUT_LR_LOW, "output LR m^-.5")
#define X(enumerator, text) enumerator,
enum coord_fault { COORD_FAULTS(X) FAULT_COUNT };
#undef X
const char *coord_fault_name(enum coord_fault fault);

struct coord_setting {
    uint32_t arch, parametrization;
    bool heads_grow /* in number */, qk_norm, tied;
    uint32_t vocab, width; /* and 2, 4, 8 times as wide */
    double lr;
    uint64_t seed;
    uint32_t steps;
};

/* Without effect: attention where heads keep their size, the output's LR where it is tied. */
bool coord_fault_applies(enum coord_fault fault, const struct coord_setting *setting);
/* coord_release() it. */
void coord_case_run(struct coord_check *check, const struct coord_setting *setting,
                    enum coord_fault fault);
/* The setting, what is wrong, and the rows that fail, on stdout. */
void coord_case_print(const struct coord_check *check, const struct coord_setting *setting,
                      enum coord_fault fault);

#endif
