/* The messages' names and field tables, from the one map in message.h. */
#include "lrsearch/message.h"

#define FIELD_OWNER msg_hello
FIELD_TABLE_DEFINE(msg_hello, HELLO_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_assign
FIELD_TABLE_DEFINE(msg_assign, ASSIGN_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_progress
FIELD_TABLE_DEFINE(msg_progress, PROGRESS_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_result
FIELD_TABLE_DEFINE(msg_result, RESULT_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_cancel
FIELD_TABLE_DEFINE(msg_cancel, CANCEL_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_ping
FIELD_TABLE_DEFINE(msg_ping, PING_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_pong
FIELD_TABLE_DEFINE(msg_pong, PONG_FIELDS)
#undef FIELD_OWNER
#define FIELD_OWNER msg_stop
FIELD_TABLE_DEFINE(msg_stop, STOP_FIELDS)
#undef FIELD_OWNER

const char *message_name(uint32_t tag)
{
    switch (tag) {
#define X(TAG, value, name, FIELDS)                                                                \
    case value:                                                                                    \
        return #TAG;
        MESSAGE_MAP(X)
#undef X
    default:
        return "?";
    }
}

const struct field_table *message_fields(uint32_t tag)
{
    switch (tag) {
#define X(TAG, value, name, FIELDS)                                                                \
    case value:                                                                                    \
        return &msg_##name##_fields;
        MESSAGE_MAP(X)
#undef X
    default:
        return NULL;
    }
}
