#ifndef LRSEARCH_WORKER_H
#define LRSEARCH_WORKER_H

#include "lrsearch/error.h"
#include "lrsearch/group.h"
#include "lrsearch/message.h"
#include "lrsearch/transport.h"

/* Runs a worker: sends HELLO, trains assigned trials, alone or as a member of a group, answers
 * PINGs, returns on STOP. It polls the transport between training steps and while it waits for
 * other members. groups: NULL if there are no other ranks. LR_EWORKERS if the coordinator's process
 * is known to be gone, or was silent for `lease_ms` (a third of it before its first message, 15
 * times it while it prepares the data; 0: no limit), so that no process outlives a dead
 * coordinator. */
int worker_run(struct transport *transport, struct group_source *groups,
               const struct msg_hello *hello, uint64_t lease_ms, struct lr_error *err);

#endif
