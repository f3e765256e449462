/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions on /dev/tty. While a secret is typed the terminal hands over single keys, Ctrl-C among
 * them, so that no way out of a question leaves it without echo.
 */
#include "tool-ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tool-interrupt.h"
#include "tool-progress.h"
#include "tool-terminal.h"

#define MAX_ANSWER 4096

enum { KEY_INTERRUPT = 0x03, KEY_END = 0x04, KEY_BACK = 0x08, KEY_KILL = 0x15, KEY_ERASE = 0x7f };

typedef enum { MORE, ENTERED, GIVEN_UP } Input;

typedef struct {
  char text[MAX_ANSWER];
  gsize length;
  gboolean interrupted;
} Answer;

static int
open_terminal (void)
{
  return open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

gboolean
tool_can_ask (void)
{
  int fd = open_terminal ();

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static void
put (int fd, const char *text)
{
  gssize unused = write (fd, text, strlen (text));

  (void)unused;
}

/* Waits for a key or an interrupt. */
static gboolean
read_key (int fd, char *key)
{
  GCancellable *cancellable = tool_interrupt_get ();
  struct pollfd polled[] = {{.fd = fd, .events = POLLIN},
                            {.fd = g_cancellable_get_fd (cancellable), .events = POLLIN}};
  gssize n;

  do {
    poll (polled, G_N_ELEMENTS (polled), -1);
    if (g_cancellable_is_cancelled (cancellable))
      n = 0;
    else
      n = polled[0].revents != 0 ? read (fd, key, 1) : -1;
  } while (n < 0 && (polled[0].revents == 0 || errno == EINTR));
  if (polled[1].fd >= 0)
    g_cancellable_release_fd (cancellable);
  return n == 1;
}

/* Takes back one character, however many bytes it has. */
static void
erase (Answer *answer)
{
  while (answer->length > 0 && ((guchar)answer->text[answer->length - 1] & 0xc0) == 0x80)
    answer->length--;
  if (answer->length > 0)
    answer->length--;
}

static Input
take_key (Answer *answer, char key, gboolean secret)
{
  if (key == '\n' || key == '\r')
    return ENTERED;
  if (secret && key == KEY_INTERRUPT) {
    answer->interrupted = TRUE;
    return GIVEN_UP;
  }
  if (secret && key == KEY_END)
    return answer->length > 0 ? ENTERED : GIVEN_UP;
  if (secret && (key == KEY_BACK || key == KEY_ERASE))
    erase (answer);
  else if (secret && key == KEY_KILL)
    answer->length = 0;
  else if (answer->length + 1 < sizeof answer->text)
    answer->text[answer->length++] = key;
  return MORE;
}

/* (transfer full) (nullable): wipes @answer. */
static char *
read_answer (int fd, gboolean secret, Answer *answer)
{
  Input input = MORE;
  char *text = NULL;
  char key;

  while (input == MORE)
    input = read_key (fd, &key) ? take_key (answer, key, secret) : GIVEN_UP;
  answer->text[answer->length] = '\0';
  if (input == ENTERED)
    text = g_strdup (answer->text);
  explicit_bzero (answer->text, sizeof answer->text);
  return text;
}

static char *
read_secret (int fd)
{
  Answer answer = {.length = 0};
  struct termios before;
  struct termios silent;
  char *text;

  if (tcgetattr (fd, &before) < 0)
    return NULL;
  silent = before;
  silent.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
  silent.c_cc[VMIN] = 1;
  silent.c_cc[VTIME] = 0;
  if (tcsetattr (fd, TCSAFLUSH, &silent) < 0)
    return NULL;
  text = read_answer (fd, TRUE, &answer);
  tcsetattr (fd, TCSAFLUSH, &before);
  put (fd, "\n");
  /* now that the terminal is as it was, the key does what it always does */
  if (answer.interrupted)
    raise (SIGINT);
  return text;
}

char *
tool_ask_text (const char *question, gboolean secret)
{
  g_autofree char *visible = tool_visible (question, TRUE);
  Answer answer = {.length = 0};
  int fd = open_terminal ();
  char *text;

  if (fd < 0)
    return NULL;
  put (fd, visible);
  put (fd, " ");
  text = secret ? read_secret (fd) : read_answer (fd, FALSE, &answer);
  close (fd);
  return text;
}

gboolean
tool_ask_yes_no (const char *question, gboolean fallback)
{
  static const struct {
    const char *word;
    gboolean yes;
  } words[] = {{"y", TRUE}, {"yes", TRUE}, {"n", FALSE}, {"no", FALSE}};
  g_autofree char *full = g_strdup_printf ("%s (%s)?", question, fallback ? "Y/n" : "y/N");

  for (;;) {
    g_autofree char *answer = tool_ask_text (full, FALSE);

    if (answer == NULL)
      return FALSE;
    g_strstrip (answer);
    if (*answer == '\0')
      return fallback;
    for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
      if (g_ascii_strcasecmp (answer, words[i].word) == 0)
        return words[i].yes;
  }
}

char *
tool_ask_for_target (HookrunTarget *target, const char *title, const char *text, gboolean secret,
                     gpointer user_data)
{
  ToolProgress *progress = user_data;
  g_autofree char *question = NULL;
  char *answer = NULL;

  if (progress != NULL)
    tool_progress_pause (progress);
  if (secret) {
    question = g_strdup_printf ("%s\n%s", title, text);
    answer = tool_ask_text (question, TRUE);
  } else {
    question = g_strdup_printf ("%s\n%s\nGo on", title, text);
    answer = tool_ask_yes_no (question, FALSE) ? g_strdup ("yes") : NULL;
  }
  if (progress != NULL)
    tool_progress_resume (progress);
  return answer;
}
