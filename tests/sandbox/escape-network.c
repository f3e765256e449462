/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attempts to reach anything by a socket, under a policy without a network. */
#include "escape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_in
address_of (int port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons ((uint16_t)port)};

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return address;
}

static socklen_t
unix_address (struct sockaddr_un *address, const char *path, int is_abstract)
{
  memset (address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  snprintf (address->sun_path + is_abstract, sizeof address->sun_path - 1, "%s", path);
  return (socklen_t)(offsetof (struct sockaddr_un, sun_path) + (size_t)is_abstract + strlen (path));
}

static int
connect_tcp (const World *world)
{
  struct sockaddr_in address = address_of (world->tcp_port);
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  return fd >= 0 && connect (fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static int
connect_while_sending (const World *world)
{
  struct sockaddr_in address = address_of (world->tcp_port);
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  return fd >= 0 &&
         sendto (fd, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address) >= 0;
}

static int
connect_multipath (const World *world)
{
  struct sockaddr_in address = address_of (world->tcp_port);
  int fd = socket (AF_INET, SOCK_STREAM, 262 /* MPTCP */);

  return fd >= 0 && connect (fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static int
listen_tcp (const World *world)
{
  int fd = socket (AF_INET6, SOCK_STREAM, 0);

  return fd >= 0 && listen (fd, 1) == 0;
}

static int
send_udp (const World *world)
{
  struct sockaddr_in address = address_of (world->udp_port);
  int fd = socket (AF_INET, SOCK_DGRAM, 0);

  return fd >= 0 && sendto (fd, "x", 1, 0, (struct sockaddr *)&address, sizeof address) == 1;
}

static int
ping (const World *world)
{
  return socket (AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0 ||
         socket (AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0;
}

static int
connect_unix (const World *world)
{
  struct sockaddr_un address;
  socklen_t length = unix_address (&address, join (world->outside, "stream"), 0);
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  return fd >= 0 && connect (fd, (struct sockaddr *)&address, length) == 0;
}

static int
send_unix (const World *world)
{
  struct sockaddr_un address;
  socklen_t length = unix_address (&address, join (world->outside, "datagram"), 0);
  int fd = socket (AF_UNIX, SOCK_DGRAM, 0);

  return fd >= 0 && sendto (fd, "x", 1, 0, (struct sockaddr *)&address, length) == 1;
}

/* A pair of datagram sockets needs no socket() and reaches any path. */
static int
send_from_pair (const World *world)
{
  struct sockaddr_un address;
  socklen_t length = unix_address (&address, join (world->outside, "datagram"), 0);
  int ends[2];

  return socketpair (AF_UNIX, SOCK_DGRAM, 0, ends) == 0 &&
         (sendto (ends[0], "x", 1, 0, (struct sockaddr *)&address, length) == 1 ||
          connect (ends[0], (struct sockaddr *)&address, length) == 0);
}

static int
connect_from_pair (const World *world)
{
  struct sockaddr_un address;
  socklen_t length = unix_address (&address, join (world->outside, "stream"), 0);
  int ends[2];

  return socketpair (AF_UNIX, SOCK_STREAM, 0, ends) == 0 &&
         (connect (ends[0], (struct sockaddr *)&address, length) == 0 ||
          bind (ends[0], (struct sockaddr *)&address, sizeof (sa_family_t)) == 0);
}

static int
connect_abstract (const World *world)
{
  struct sockaddr_un address;
  socklen_t length = unix_address (&address, world->abstract, 1);
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  return fd >= 0 && connect (fd, (struct sockaddr *)&address, length) == 0;
}

static int
open_other_families (const World *world)
{
  static const int families[] = {AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, AF_KEY, AF_BLUETOOTH,
                                 AF_CAN,     AF_RDS,    AF_TIPC,  AF_XDP, AF_NFC, AF_SMC};
  static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};

  for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
    for (size_t j = 0; j < sizeof types / sizeof types[0]; j++)
      if (socket (families[i], types[j], 0) >= 0)
        return 1;
  return 0;
}

const Attempt network_attempts[] = {
    {"connect-tcp", connect_tcp},
    {"connect-while-sending", connect_while_sending},
    {"connect-multipath", connect_multipath},
    {"listen-tcp", listen_tcp},
    {"send-udp", send_udp},
    {"ping", ping},
    {"connect-unix", connect_unix},
    {"send-unix", send_unix},
    {"send-from-pair", send_from_pair},
    {"connect-from-pair", connect_from_pair},
    {"connect-abstract", connect_abstract},
    {"other-families", open_other_families},
    {NULL, NULL},
};
