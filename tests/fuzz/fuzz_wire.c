/* Any bytes as a message: no crash, no read outside, and what is accepted is written as it was. */
#include <string.h>
#include "fuzz_input.h"
#include "lrsearch/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct message zero;
    struct message message;
    struct lr_error err = {0};
    unsigned char again[WIRE_FRAME_MAX];
    char *frame = fuzz_copy(data, size);
    int rc = wire_decode(&message, (const unsigned char *)frame, size, &err);
    if (rc == 0) {
        DEMAND(wire_encode(&message, again, sizeof(again)) == (int)size);
        DEMAND(memcmp(again, data, size) == 0);
    } else {
        DEMAND(rc == LR_EPROTO && err.code == LR_EPROTO && err.text[0]);
        DEMAND(memcmp(&message, &zero, sizeof(zero)) == 0);
    }
    fuzz_copy_free(frame);
    return 0;
}
