#ifndef LRSEARCH_PEER_H
#define LRSEARCH_PEER_H

#include <stdbool.h>
#include "lrsearch/message.h"

/* A process by its HELLO. Pids compare only inside one pid namespace of one running kernel: host_id
 * is a hash over the host's name, its boot and the namespace. */

/* The HELLO of this process. */
struct msg_hello peer_self(void);

/* False only when the process is known to be gone (or a zombie): one on another host never is. */
bool peer_alive(const struct msg_hello *peer);

#endif
