#ifndef LRSEARCH_PEER_H
#define LRSEARCH_PEER_H

#include <stdbool.h>
#include "lrsearch/message.h"

/* False only when the process behind a HELLO is known to be gone (or a zombie). */
bool peer_alive(const struct msg_hello *peer);

#endif
