/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A worker that does what its host must survive: the name of the method (or of the handler) that is
 * called says which. It is a plain program without the library, as a stranger's would be.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANNEL 3
#define LINE_MAX_BYTES (32 * 1024 * 1024)

static char *line;
static size_t used;
static size_t taken;

static void
send_bytes (const char *data, size_t length)
{
  while (length > 0) {
    ssize_t n = send (CHANNEL, data, length, MSG_NOSIGNAL);

    if (n < 0 && errno != EINTR)
      _exit (9);
    if (n > 0) {
      data += n;
      length -= (size_t)n;
    }
  }
}

__attribute__ ((format (printf, 1, 2))) static void
say (const char *format, ...)
{
  char text[4096];
  va_list arguments;
  int length;

  va_start (arguments, format);
  length = vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  send_bytes (text, (size_t)length);
}

/* The next line of the host; the one before is gone then. Ends the program with the connection. */
static char *
next_line (void)
{
  memmove (line, line + taken, used - taken);
  used -= taken;
  taken = 0;
  for (;;) {
    char *end = memchr (line, '\n', used);
    ssize_t n;

    if (end != NULL) {
      *end = '\0';
      taken = (size_t)(end - line) + 1;
      return line;
    }
    n = recv (CHANNEL, line + used, LINE_MAX_BYTES - used, 0);
    if (n <= 0)
      exit (0);
    used += (size_t)n;
  }
}

static bool
find_text (const char *text, const char *key, char *value, size_t size)
{
  const char *at = strstr (text, key);
  size_t length;

  if (at == NULL)
    return false;
  at += strlen (key);
  length = strcspn (at, "\"");
  if (length >= size)
    return false;
  memcpy (value, at, length);
  value[length] = '\0';
  return true;
}

/* 0 for a notification. */
static long
find_id (const char *text)
{
  static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":";

  return strncmp (text, start, sizeof start - 1) == 0 ? strtol (text + sizeof start - 1, NULL, 10)
                                                      : 0;
}

static void
sleep_ms (long ms)
{
  usleep ((useconds_t)ms * 1000);
}

/* ---- behaviours ---- */

static void
do_echo (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"continue\",\"pid\":%d}}\n", id,
       (int)getpid ());
}

static void
do_error (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"error\":{\"code\":-32002,\"message\":\"not "
       "\\u001b[31mhere\"}}"
       "\n",
       id);
}

static void
do_unknown_id (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":1}\n", id + 4711);
}

static void
do_duplicate_id (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":"
       "2}\n",
       id, id);
}

static void
do_duplicate_request (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ask\"}\n"
       "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ask\"}\n");
}

static void
do_not_json (long id, const char *text)
{
  say ("Hello, I am a worker!\n");
}

static void
do_not_utf8 (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":\"\xff\xfe\"}\n", id);
}

static void
do_no_version (long id, const char *text)
{
  say ("{\"id\":%ld,\"result\":1}\n", id);
}

static void
do_batch (long id, const char *text)
{
  say ("[{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":1}]\n", id);
}

static void
do_wrong_id_type (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":\"%ld\",\"result\":1}\n", id);
}

static void
do_wrong_params (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\",\"params\":[1,2]}\n");
}

static void
do_result_and_error (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":1,\"error\":{\"code\":1,\"message\":\"x\"}}\n",
       id);
}

static void
do_huge (long id, const char *text)
{
  static char chunk[65536];

  memset (chunk, 'x', sizeof chunk);
  for (;;)
    send_bytes (chunk, sizeof chunk);
}

static void
do_deep (long id, const char *text)
{
  static char chunk[1000000];

  memset (chunk, '[', sizeof chunk);
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":", id);
  send_bytes (chunk, sizeof chunk);
  say ("\n");
}

static void
do_partial (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"resu", id);
  pause ();
}

static void
do_late (long id, const char *text)
{
  sleep_ms (300);
  do_echo (id, text);
}

static void
do_exit (long id, const char *text)
{
  exit (3);
}

static void
do_segv (long id, const char *text)
{
  signal (SIGSEGV, SIG_DFL); /* a sanitizer's handler would end with another signal */
  raise (SIGSEGV);
}

static void
do_hang (long id, const char *text)
{
  for (;;)
    pause ();
}

static void
do_stubborn (long id, const char *text)
{
  signal (SIGTERM, SIG_IGN);
  if (fork () == 0)
    do_hang (id, text);
  do_echo (id, text);
  do_hang (id, text);
}

static void
do_flood_log (long id, const char *text)
{
  for (;;)
    puts ("line after line after line");
}

static void
do_flood_log_messages (long id, const char *text)
{
  for (;;)
    say ("{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"message\":\"again\"}}\n");
}

static void
do_flood_requests (long id, const char *text)
{
  for (long n = 1;; n++)
    say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"method\":\"ask\"}\n", n);
}

static void
do_close (long id, const char *text)
{
  close (CHANNEL);
  do_hang (id, text);
}

static void
do_leave_child (long id, const char *text)
{
  if (fork () == 0)
    do_hang (id, text);
  exit (4);
}

static void
do_answer_and_exit (long id, const char *text)
{
  do_echo (id, text);
  exit (5);
}

static void
do_print (long id, const char *text)
{
  puts ("to output");
  fflush (stdout);
  fputs ("to errors \033[2J\nand \xff", stderr);
  say ("{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"error\",\"message\":\"to "
       "log\"}}\n");
  do_echo (id, text);
}

/* Asks the host first and serves what it calls meanwhile. */
static void serve (const char *text);

static void
do_ask (long id, const char *text)
{
  const char *answer;

  say ("{\"jsonrpc\":\"2.0\",\"id\":\"q%ld\",\"method\":\"ask\",\"call\":%ld,\"params\":{\"n\":1}}"
       "\n",
       id, id);
  for (answer = next_line (); strstr (answer, "\"method\"") != NULL; answer = next_line ())
    serve (answer);
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"continue\",\"answered\":%s}}\n",
       id, strstr (answer, "\"result\"") != NULL ? "true" : "false");
}

static void
do_unknown_verdict (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"perhaps\"}}\n", id);
}

static void
do_no_verdict (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":[]}\n", id);
}

static void
do_read_only (long id, const char *text)
{
  say (
      "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"continue\",\"patch\":{\"count\":3,"
      "\"fixed\":\"mine\"}}}\n",
      id);
}

static void
do_wrong_patch (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"continue\",\"patch\":[1]}}\n",
       id);
}

static void
do_patch (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"continue\",\"patch\":{\"text\":"
       "\"changed\","
       "\"extra\":[1,2]}}}\n",
       id);
}

static void
do_fail (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"failed\",\"error\":{\"message\":"
       "\"not "
       "today\"}}}\n",
       id);
}

static void
do_handled (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"verdict\":\"handled\"}}\n", id);
}

static const struct {
  const char *handler;
  const char *result;
} bad_answers[] = {
    {"bad-result", "[]"},
    {"bad-list", "{\"handlers\":7}"},
    {"bad-entry", "{\"handlers\":[\"x\"]}"},
    {"bad-priority",
     "{\"handlers\":[{\"signal\":\"test.signal\",\"handler\":\"x\",\"priority\":\"high\"}]}"},
    {"bad-id", "{\"handlers\":[{\"signal\":\"test.signal\",\"handler\":\"x\",\"id\":\"a b\"}]}"},
    {"bad-signal",
     "{\"signals\":[{\"name\":\"a.b\",\"fields\":[{\"name\":\"f\",\"type\":\"what\"}]}]}"},
};

/* Gives the handler that the settings name, and what else they ask for. */
static void
do_activate (long id, const char *text)
{
  char handler[64] = "echo";
  char signal_name[64] = "test.signal";
  char plugin[64] = "";

  find_text (text, "\"plugin\":\"", plugin, sizeof plugin);
  find_text (text, "\"signal\":\"", signal_name, sizeof signal_name);
  find_text (text, "\"handler\":\"", handler, sizeof handler);
  for (size_t i = 0; i < sizeof bad_answers / sizeof bad_answers[0]; i++)
    if (strcmp (bad_answers[i].handler, handler) == 0) {
      say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":%s}\n", id, bad_answers[i].result);
      return;
    }
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"handlers\":[{\"signal\":\"%s\",\"handler\":"
       "\"%s\","
       "\"id\":\"%s\"%s}]}}\n",
       id, signal_name, handler, plugin,
       strstr (text, "short-time") != NULL ? ",\"timeout_ms\":200" : "");
}

static void
do_initialize (long id, const char *text)
{
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"protocol\":1}}\n", id);
}

static const struct {
  const char *name;
  void (*func) (long id, const char *text);
} behaviours[] = {
    {"echo", do_echo},
    {"error", do_error},
    {"unknown-id", do_unknown_id},
    {"duplicate-id", do_duplicate_id},
    {"duplicate-request", do_duplicate_request},
    {"not-json", do_not_json},
    {"not-utf8", do_not_utf8},
    {"no-version", do_no_version},
    {"batch", do_batch},
    {"wrong-id-type", do_wrong_id_type},
    {"wrong-params", do_wrong_params},
    {"result-and-error", do_result_and_error},
    {"huge", do_huge},
    {"deep", do_deep},
    {"partial", do_partial},
    {"late", do_late},
    {"exit", do_exit},
    {"segv", do_segv},
    {"hang", do_hang},
    {"stubborn", do_stubborn},
    {"flood-log", do_flood_log},
    {"flood-log-messages", do_flood_log_messages},
    {"flood-requests", do_flood_requests},
    {"close", do_close},
    {"leave-child", do_leave_child},
    {"answer-and-exit", do_answer_and_exit},
    {"print", do_print},
    {"ask", do_ask},
    {"unknown-verdict", do_unknown_verdict},
    {"no-verdict", do_no_verdict},
    {"read-only", do_read_only},
    {"wrong-patch", do_wrong_patch},
    {"patch", do_patch},
    {"fail", do_fail},
    {"handled", do_handled},
    {"plugin.activate", do_activate},
    {"plugin.deactivate", do_echo},
    {"plugin.describe", do_echo},
    {"initialize", do_initialize},
};

static void
serve (const char *text)
{
  char name[64] = "";
  long id = find_id (text);

  if (!find_text (text, "\"method\":\"", name, sizeof name) || id == 0)
    return;
  if (strcmp (name, "handler.call") == 0)
    find_text (text, "\"handler\":\"", name, sizeof name);
  for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
    if (strcmp (behaviours[i].name, name) == 0) {
      behaviours[i].func (id, text);
      return;
    }
  say ("{\"jsonrpc\":\"2.0\",\"id\":%ld,\"error\":{\"code\":-32601,\"message\":\"no such "
       "method\"}}\n",
       id);
}

int
main (int argc, char **argv)
{
  line = malloc (LINE_MAX_BYTES);
  if (argc > 1 && strcmp (argv[1], "deaf") == 0)
    do_hang (0, NULL);
  if (argc > 1 && strcmp (argv[1], "at-once") == 0)
    exit (7);
  for (;;)
    serve (next_line ());
}
