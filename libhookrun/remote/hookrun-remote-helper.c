/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two small services to other people's programs. As SSH_ASKPASS it brings ssh's question to the
 * library and prints the answer. Else it is what rsync starts in the place of ssh. It gives its two
 * ends of rsync's stream to the library, which has the connection, through the socket that is
 * descriptor 3; with them the command that rsync wants to run there. From then on no byte passes
 * through this program: it waits for the command's exit status and takes it for its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_FD 3
#define MAX_COMMAND 65536
#define EXIT_BROKEN 255

/* rsync has quoted the words for the shell of the target; ssh, too, only puts spaces between. */
static size_t
join_words (char *out, char **words, int n_words)
{
  size_t length = 0;

  for (int i = 0; i < n_words; i++) {
    size_t n = strlen (words[i]);

    if (length + n + 2 > MAX_COMMAND)
      return 0;
    if (i > 0)
      out[length++] = ' ';
    memcpy (out + length, words[i], n);
    length += n;
  }
  return length;
}

static int
send_ends (char *command, size_t length)
{
  int ends[2] = {STDIN_FILENO, STDOUT_FILENO};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof ends)];
  } control;
  struct iovec data = {command, length};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = control.space,
                           .msg_controllen = sizeof control.space};
  struct cmsghdr *header;

  memset (&control, 0, sizeof control);
  header = CMSG_FIRSTHDR (&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof ends);
  memcpy (CMSG_DATA (header), ends, sizeof ends);
  return sendmsg (SOCKET_FD, &message, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

/* Asks @question through the socket @path and prints the answer. */
static int
ask (const char *path, const char *question)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char reply[4096];
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  ssize_t n;

  if (fd < 0 || strlen (path) >= sizeof address.sun_path)
    return 1;
  memcpy (address.sun_path, path, strlen (path) + 1);
  if (connect (fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      send (fd, question, strlen (question), MSG_NOSIGNAL) < 0)
    return 1;
  n = recv (fd, reply, sizeof reply - 1, 0);
  if (n <= 0)
    return 1;
  reply[n] = '\0';
  return puts (reply) < 0 || fflush (stdout) != 0;
}

int
main (int argc, char **argv)
{
  const char *questions = getenv ("HOOKRUN_ASKPASS_SOCKET");
  static char command[MAX_COMMAND];
  unsigned char status = EXIT_BROKEN;
  ssize_t n;
  size_t length;

  if (questions != NULL && argc == 2)
    return ask (questions, argv[1]);
  if (argc < 3) {
    fprintf (stderr, "hookrun-remote-helper: is started by rsync, not by hand\n");
    return 2;
  }
  length = join_words (command, argv + 2, argc - 2);
  if (length == 0 || send_ends (command, length) < 0) {
    fprintf (stderr, "hookrun-remote-helper: cannot reach the connection: %s\n",
             length == 0 ? "the command is too long" : strerror (errno));
    return EXIT_BROKEN;
  }
  close (STDIN_FILENO);
  close (STDOUT_FILENO);
  do
    n = read (SOCKET_FD, &status, 1);
  while (n < 0 && errno == EINTR);
  return n == 1 ? status : EXIT_BROKEN;
}
