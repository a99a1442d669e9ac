/* Any bytes as a message: no crash, no read outside, and what is accepted is written as it was. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lrsearch/wire.h"

#define DEMAND(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct message zero;
    struct message message;
    struct lr_error err = {0};
    unsigned char again[WIRE_FRAME_MAX];
    unsigned char *frame = malloc(size + 1); /* its own block: reading past its end is seen */
    DEMAND(frame);
    memcpy(frame + 1, data, size); /* and unaligned */
    int rc = wire_decode(&message, frame + 1, size, &err);
    if (rc == 0) {
        DEMAND(wire_encode(&message, again, sizeof(again)) == (int)size);
        DEMAND(memcmp(again, data, size) == 0);
    } else {
        DEMAND(rc == LR_EPROTO && err.code == LR_EPROTO && err.text[0]);
        DEMAND(memcmp(&message, &zero, sizeof(zero)) == 0);
    }
    free(frame);
    return 0;
}
