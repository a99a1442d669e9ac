#ifndef TESTS_AWKWARD_EVENT_H
#define TESTS_AWKWARD_EVENT_H

#include "campaign/event.h"

/* An event whose fields hold awkward values (NaN, the largest integers, control characters, bytes
 * that are no UTF-8, texts as long as can be); another set for each n. */
struct event awkward_event(enum event_kind kind, uint32_t n);

/* Bit for bit, but for the payload of NaNs. */
void assert_same_event(const struct event *a, const struct event *b);

#endif
