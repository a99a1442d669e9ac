#ifndef LRSEARCH_COMMAND_PORT_H
#define LRSEARCH_COMMAND_PORT_H

#include <stdint.h>

/* A TCP port of this host for one attempt, such as MASTER_PORT of torch.distributed. */

struct command_port {
    uint32_t port; /* 0: none is free */
    int hold;      /* descriptor that reserves it; -1: none */
};

/* Takes a port on which nobody listens and that no other worker of this host has taken; `seed`
 * says where the search begins. Any program may still bind it before the command does. */
struct command_port command_port_take(uint32_t seed);
void command_port_release(struct command_port *port);

#endif
