#ifndef LRSEARCH_TRANSFER_TEXT_H
#define LRSEARCH_TRANSFER_TEXT_H

#include <stdio.h>
#include "lrsearch/answer.h"

/* How the target's learning rate comes about, a line for each step: what it multiplies the LR with,
 * its own 90 % interval, and by what right. Nothing when there are no steps. */
void transfer_text_print(FILE *out, const struct answer *answer);

#endif
