/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command `create_file PATH` of modules that are scripts or programs of any language: asks the
 * host over the control channel and prints the path of the staged file. It is linked to libc only.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_MESSAGE 65536

static int
fail (const char *text)
{
  fprintf (stderr, "create_file: %s\n", text);
  return 1;
}

/* Appends @text as it stands in a JSON string; gives the new end, or NULL when there is no room. */
static char *
append_escaped (char *end, const char *limit, const char *text)
{
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;

    if (limit - end < 8)
      return NULL;
    if (c == '"' || c == '\\')
      *end++ = '\\';
    if (c < 0x20)
      end += snprintf (end, 7, "\\u%04x", c);
    else
      *end++ = *text;
  }
  return end;
}

static int
send_all (int fd, const char *text, size_t length)
{
  while (length > 0) {
    ssize_t n = write (fd, text, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return -1;
    text += n;
    length -= (size_t)n;
  }
  return 0;
}

/* One line, without its newline; -1 when the host is gone. */
static int
read_line (int fd, char *line, size_t size)
{
  size_t length = 0;

  while (length + 1 < size) {
    ssize_t n = read (fd, line + length, size - 1 - length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return -1;
    length += (size_t)n;
    if (line[length - 1] == '\n') {
      line[length - 1] = '\0';
      return 0;
    }
  }
  return -1;
}

static unsigned
hex4 (const char *text)
{
  char digits[5] = {0};

  memcpy (digits, text, 4);
  return (unsigned)strtoul (digits, NULL, 16);
}

/* A code point of the escapes \u0000…\uffff as UTF-8; halves of pairs do not come from the host. */
static char *
append_code (char *out, unsigned code)
{
  if (code < 0x80) {
    *out++ = (char)code;
  } else if (code < 0x800) {
    *out++ = (char)(0xc0 | code >> 6);
    *out++ = (char)(0x80 | (code & 0x3f));
  } else {
    *out++ = (char)(0xe0 | code >> 12);
    *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    *out++ = (char)(0x80 | (code & 0x3f));
  }
  return out;
}

/* The text of the member @name, unescaped in place; NULL when there is none. The host's answers
 * have the member once, and no other text that could look like it: quotes inside texts are escaped.
 */
static char *
find_text (char *line, const char *name)
{
  char *text = strstr (line, name);
  char *out;
  char *start;

  if (text == NULL)
    return NULL;
  text += strlen (name);
  start = out = text;
  for (; *text != '\0' && *text != '"'; text++) {
    if (*text != '\\') {
      *out++ = *text;
      continue;
    }
    text++;
    if (*text == 'u' && strlen (text) > 4) {
      out = append_code (out, hex4 (text + 1));
      text += 4;
    } else if (*text != '\0') {
      *out++ = *text == 'n' ? '\n' : *text == 't' ? '\t' : *text;
    }
  }
  *out = '\0';
  return start;
}

int
main (int argc, char **argv)
{
  static const char head[] =
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"create_file\",\"params\":{\"path\":\"";
  static char message[MAX_MESSAGE];
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const char *number = getenv ("HOOKRUN_CONTROL_FD");
  char *end;
  char *path;
  int fd;

  if (argc != 2 || argv[1][0] != '/')
    return fail ("give one absolute path: create_file /PATH");
  if (number == NULL)
    return fail ("there is no host to ask: not started by hookrun-module");
  fd = atoi (number);
  memcpy (message, head, sizeof head - 1);
  end = append_escaped (message + sizeof head - 1, message + sizeof message, argv[1]);
  if (end == NULL)
    return fail ("the path is too long");
  memcpy (end, "\"}}\n", 4);
  /* Another process of the module must not read our answer. */
  fcntl (fd, F_SETLKW, &lock);
  if (send_all (fd, message, (size_t)(end + 4 - message)) < 0 ||
      read_line (fd, message, sizeof message) < 0)
    return fail ("the host has closed the control channel");
  path = find_text (message, "\"path\":\"");
  if (path == NULL) {
    path = find_text (message, "\"message\":\"");
    return fail (path != NULL ? path : "the host gave no answer");
  }
  puts (path);
  return 0;
}
