#ifndef LRSEARCH_MESSAGE_H
#define LRSEARCH_MESSAGE_H

#include "lrsearch/error.h"
#include "lrsearch/group.h"
#include "lrsearch/trial.h"

/* Messages between coordinator and workers. Every message about a trial carries (trial_id,
 * attempt); the receiver drops and counts stale ones. MPI clocks are not comparable between ranks,
 * so workers send durations, never times.
 *
 * The protocol tolerates lost, late, duplicate and reordered messages: HELLO repeats until it is
 * answered; PING carries the attempt that the coordinator expects, PONG the attempt that the worker
 * trains. If they differ, the missing ASSIGN, RESULT or CANCEL is sent again.
 *
 * Each member of a group (group.h) has its own ASSIGN of the attempt. The leader sends PROGRESS and
 * the RESULT that counts; a follower's RESULT says only that it has left the training. */

#define MESSAGE_PROTOCOL 8u

#define HELLO_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                  \
    U32(protocol)                                                                                  \
    U64(pid)                                                                                       \
    U64(host_id) /* equal on two ranks only if they see each other's pids */                       \
    TEXT(host, 64)                                                                                 \
    TEXT(version, 32)                                                                              \
    TEXT(cpu, 128) /* and libraries: the bits of products depend on them; "": unknown */           \
    U32(cores)     /* that this process may use; 0: unknown */                                     \
    U64(core_set)  /* equal on two ranks of a host that may use the same ones; 0: unknown */       \
    F64(flops)     /* FLOP/s of this rank's products, measured at the start; 0: unknown */         \
    F64(latency_s) /* of group traffic to a neighbour, measured at the start; 0: unknown */        \
    F64(bytes_per_s)
#define ASSIGN_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                 \
    U64(serial) /* grows with each assignment; a worker follows only a new highest */              \
    U32(trial_id)                                                                                  \
    U32(attempt)                                                                                   \
    U32(epoch)                /* 0: the attempt begins; otherwise it runs, and this rank joins */  \
    TEXT(members, GROUP_TEXT) /* ranks that train it, the leader first; "": this one alone */      \
    STRUCT(place, trial_place) STRUCT(spec, trial_spec)
#define PROGRESS_FIELDS(U32, U64, F64, TEXT, STRUCT)                                               \
    U32(trial_id)                                                                                  \
    U32(attempt)                                                                                   \
    U32(curve_point) /* 1: a point of the loss curve, at a place that depends on the spec alone */ \
    U64(tokens)                                                                                    \
    F64(train_loss) /* of the step, nats per token */                                              \
    F64(seconds)    /* since the attempt began */                                                  \
    U32(ranks)      /* that train it now */
#define RESULT_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                 \
    U32(trial_id) U32(attempt) STRUCT(result, trial_result)
#define CANCEL_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                 \
    U32(trial_id) U32(attempt) U32(save) /* 1: write the checkpoint first */
#define PING_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                   \
    U64(nonce)    /* 0: sent while the data are prepared, before HELLO is received */              \
    U32(trial_id) /* attempt that the coordinator expects; 0: none */                              \
    U32(attempt)                                                                                   \
    STRUCT(from, msg_hello) /* lets a worker check that the coordinator's process exists */
#define PONG_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                   \
    U64(nonce)                 /* of the PING */                                                   \
    U32(trial_id) U32(attempt) /* training now or next; 0: none */
#define GROUP_FIELDS(U32, U64, F64, TEXT, STRUCT)                                                  \
    U32(trial_id)                                                                                  \
    U32(attempt)                                                                                   \
    U32(epoch)                /* higher than the group's */                                        \
    TEXT(members, GROUP_TEXT) /* the present ones in their order, then those that join */
#define STOP_FIELDS(U32, U64, F64, TEXT, STRUCT) U32(reason)

/* X(TAG, value, struct tag, field list) */
#define MESSAGE_MAP(X)                                                                             \
    X(HELLO, 1, hello, HELLO_FIELDS)          /* worker -> coordinator, until answered */          \
    X(ASSIGN, 2, assign, ASSIGN_FIELDS)       /* -> worker: train this */                          \
    X(PROGRESS, 3, progress, PROGRESS_FIELDS) /* -> coordinator */                                 \
    X(RESULT, 4, result, RESULT_FIELDS)       /* -> coordinator */                                 \
    X(CANCEL, 5, cancel, CANCEL_FIELDS)       /* -> worker */                                      \
    X(PING, 6, ping, PING_FIELDS)             /* -> worker */                                      \
    X(PONG, 7, pong, PONG_FIELDS)             /* -> coordinator */                                 \
    X(STOP, 8, stop, STOP_FIELDS)             /* -> worker: exit */                                \
    X(GROUP, 9, group, GROUP_FIELDS)          /* -> a group's leader: more ranks may join */

enum message_tag {
#define X(TAG, value, tag, FIELDS) MSG_##TAG = (value),
    MESSAGE_MAP(X)
#undef X
};

#define X(TAG, value, tag, FIELDS)                                                                 \
    struct msg_##tag {                                                                             \
        FIELD_DECLARE(FIELDS)                                                                      \
    };                                                                                             \
    extern const struct field_table msg_##tag##_fields;
MESSAGE_MAP(X)
#undef X

/* Any message, decoded. */
struct message {
    enum message_tag tag;
    union {
#define X(TAG, value, tag, FIELDS) struct msg_##tag tag;
        MESSAGE_MAP(X)
#undef X
    } as;
};

const char *message_name(uint32_t tag);                 /* "?" when unknown */
const struct field_table *message_fields(uint32_t tag); /* NULL when unknown */

/* Messages as bytes. Frame: u16 protocol, u16 tag, u32 length of what follows; then the fields in
 * the order of their list, little-endian: u32, u64, f64 as IEEE bits, text as u16 length + bytes
 * without a NUL, a struct as its fields. Decoding checks every bound and the exact length. */

#define WIRE_FRAME_MAX 8192 /* no message is longer; a buffer of this size always suffices */

/* Returns the frame's length, or LR_EPROTO when it does not fit into `capacity`. */
int wire_encode(const struct message *message, unsigned char *frame, size_t capacity);
/* 0, or LR_EPROTO with a text that names message and field. On failure *out is zeroed. */
int wire_decode(struct message *out, const unsigned char *frame, size_t length,
                struct lr_error *err);

#endif
