#ifndef LRSEARCH_PEER_H
#define LRSEARCH_PEER_H

#include <stdbool.h>
#include "lrsearch/message.h"

/* A process as its HELLO identifies it. Pids are comparable only within one pid namespace of one
 * running kernel: host_id is a hash of the host name, the boot id and the namespace. */

/* The HELLO of this process. */
struct msg_hello peer_self(void);

/* False only if the process is known to be gone or a zombie; true for any process on another host,
 * which cannot be checked. */
bool peer_alive(const struct msg_hello *peer);

#endif
