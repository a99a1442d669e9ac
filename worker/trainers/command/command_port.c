/* Workers agree on ports by names of abstract Unix sockets, which belong to the same network
 * namespace as the ports and vanish with their process: whoever has bound the name has the port.
 * The port itself is bound for a moment only, to see whether it is free, since the command must be
 * able to bind it. All ports are below those that Linux gives to outgoing connections. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "trainers/command/command_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 20000, COUNT = 9000, TRIES = 500, STRIDE = 7 }; /* COUNT: no multiple of STRIDE */

/* The descriptor that reserves the port; -1: another worker has it, or there are no sockets. */
static int reserve(uint32_t port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "lrsearch-port-%u", port);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    int hold = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (hold >= 0 && bind(hold, (struct sockaddr *)&name, size)) {
        close(hold);
        hold = -1;
    }
    return hold;
}

static bool can_bind(int family, const void *address, socklen_t size)
{
    int probe = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return family == AF_INET6; /* this host has no IPv6 */
    int alone = 1;                 /* IPv4 is tried by itself */
    if (family == AF_INET6)
        setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &alone, sizeof(alone));
    bool free = bind(probe, address, size) == 0 || errno == EADDRNOTAVAIL; /* IPv6 is disabled */
    close(probe);
    return free;
}

static bool is_free(uint32_t port)
{
    const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    return can_bind(AF_INET, &four, sizeof(four)) && can_bind(AF_INET6, &six, sizeof(six));
}

struct command_port command_port_take(uint32_t seed)
{
    for (uint32_t i = 0; i < TRIES; i++) {
        struct command_port port = {FIRST + (seed % COUNT + i * STRIDE) % COUNT, -1};
        if ((port.hold = reserve(port.port)) < 0)
            continue;
        if (is_free(port.port))
            return port;
        close(port.hold);
    }
    return (struct command_port){0, -1};
}

void command_port_release(struct command_port *port)
{
    if (port->hold >= 0)
        close(port->hold);
    *port = (struct command_port){0, -1};
}
