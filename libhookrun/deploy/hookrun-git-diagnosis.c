/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a failure of git means. Git tells its cause in words only, so they are looked for in its
 * last lines; the first row that is found there says the error's code and what can be done.
 */
#include "hookrun-git-private.h"

#include <string.h>
#include <sys/wait.h>

#include "hookrun-error-private.h"

#define MAX_LINES 5U

/* Git says this after every failure of ssh and of the other side, whatever the cause was, and this
 * about what went well. */
static const char *const empty_phrases[] = {
    "fatal: Could not read from remote repository",
    "Please make sure you have the correct access rights",
    "and the repository exists",
    "From ",
    " ",
    "remote: Enumerating",
    "remote: Counting",
    "remote: Compressing",
    "remote: Total",
};

#define ADDRESS "the repository's address (\"url\" under [scm] of the module file)"
#define ASK_OWNER                                                                                  \
  "somebody may be in between; ask the server's owner whether its key was changed, and only then "
#define REACH "check " ADDRESS " and this machine's network, and try again"
#define LOGIN                                                                                      \
  "nothing can be asked here: give this user a key, or git a credential helper, that may read "    \
  "the "                                                                                           \
  "repository"
#define SPACE "free space on the disk of \"%s\", and try again"
#define CACHE "it is a cache: when no other run is at work, remove \"%s\", and try again"

/* "%s" in a remedy is the folder on this machine that git works in. Causes come before what follows
 * from them. */
static const struct {
  const char *words;
  HookrunError code;
  const char *remedy;
} diagnoses[] = {
    {" has changed and you have requested strict", HOOKRUN_ERROR_HOST_KEY_CHANGED,
     ASK_OWNER "remove the old one (ssh-keygen -R)"},
    {" was revoked and you have requested strict", HOOKRUN_ERROR_HOST_KEY_REVOKED,
     "do not go on; ask the server's owner for its new key"},
    {"Host key verification failed", HOOKRUN_ERROR_HOST_KEY_UNKNOWN,
     "connect once with ssh, compare the fingerprint with what the server's owner says, and keep "
     "the key"},
    {"Permission denied (", HOOKRUN_ERROR_AUTHENTICATION, LOGIN},
    {"Too many authentication failures", HOOKRUN_ERROR_AUTHENTICATION, LOGIN},
    {"Authentication failed", HOOKRUN_ERROR_AUTHENTICATION, LOGIN},
    {"could not read Username", HOOKRUN_ERROR_AUTHENTICATION, LOGIN},
    {"could not read Password", HOOKRUN_ERROR_AUTHENTICATION, LOGIN},
    {"returned error: 403", HOOKRUN_ERROR_AUTHENTICATION, LOGIN},
    {"certificate", HOOKRUN_ERROR_UNTRUSTED,
     "have the server's certificate mended, or its authority added to those that this machine "
     "trusts"},
    {"dubious ownership", HOOKRUN_ERROR_UNTRUSTED,
     "if you trust who owns it, say so with git config --global --add safe.directory FOLDER"},
    {"remote: fatal: write error", HOOKRUN_ERROR_COMMAND, "the server's owner can mend that"},
    {"No space left on device", HOOKRUN_ERROR_NO_SPACE, SPACE},
    {"Disk quota exceeded", HOOKRUN_ERROR_NO_SPACE, SPACE},
    {"cannot run ssh", HOOKRUN_ERROR_UNSUPPORTED, "install ssh (package \"openssh-client\")"},
    {"unable to find remote helper", HOOKRUN_ERROR_UNSUPPORTED,
     "use an address of a path, or of ssh, https, http or git"},
    {"' not allowed", HOOKRUN_ERROR_COMMAND,
     "use an address of a path, or of ssh, https, http or git"},
    {".lock': File exists", HOOKRUN_ERROR_BUSY, CACHE},
    {"object file ", HOOKRUN_ERROR_IO, CACHE},
    {"unable to read tree", HOOKRUN_ERROR_IO, CACHE},
    {"insufficient permission for adding", HOOKRUN_ERROR_PERMISSION,
     "give \"%s\" to the user who deploys"},
    {"does not appear to be a git repository", HOOKRUN_ERROR_NOT_FOUND, "check " ADDRESS},
    {"could not be found", HOOKRUN_ERROR_NOT_FOUND,
     "check " ADDRESS ", and whether this user may see it"},
    {"epository not found", HOOKRUN_ERROR_NOT_FOUND,
     "check " ADDRESS ", and whether this user may see it"},
    {"' not found", HOOKRUN_ERROR_NOT_FOUND, "check " ADDRESS},
    {"does not exist", HOOKRUN_ERROR_NOT_FOUND, "check " ADDRESS},
    {"Could not resolve host", HOOKRUN_ERROR_CONNECTION, REACH},
    {"unable to look up", HOOKRUN_ERROR_CONNECTION, REACH},
    {"unable to connect", HOOKRUN_ERROR_CONNECTION, REACH},
    {"ailed to connect", HOOKRUN_ERROR_CONNECTION, REACH},
    {"Connection refused", HOOKRUN_ERROR_CONNECTION, REACH},
    {"timed out", HOOKRUN_ERROR_CONNECTION, REACH},
    {"Network is unreachable", HOOKRUN_ERROR_CONNECTION, REACH},
    {"No route to host", HOOKRUN_ERROR_CONNECTION, REACH},
    {"returned error: 5", HOOKRUN_ERROR_CONNECTION, "try again; the fault is the server's"},
    {"onnection closed", HOOKRUN_ERROR_CONNECTION, "try again"},
    {"onnection reset", HOOKRUN_ERROR_CONNECTION, "try again"},
    {"early EOF", HOOKRUN_ERROR_CONNECTION, "try again"},
    {"hung up unexpectedly", HOOKRUN_ERROR_CONNECTION, "try again"},
    {"unexpected disconnect", HOOKRUN_ERROR_CONNECTION, "try again"},
};

char *
hookrun_git_hide_password (const char *url)
{
  const char *scheme = strstr (url, "://");
  const char *user = scheme != NULL ? scheme + 3 : NULL;
  const char *end = user != NULL ? user + strcspn (user, "/@") : NULL;
  const char *colon = user != NULL ? memchr (user, ':', (gsize)(end - user)) : NULL;

  if (colon == NULL || *end != '@')
    return g_strdup (url);
  return g_strdup_printf ("%.*s:…%s", (int)(colon - url), url, end);
}

static gboolean
says_something (const char *line)
{
  /* a progress writes over itself */
  if (*line == '\0' || strchr (line, '\r') != NULL)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (empty_phrases); i++)
    if (g_str_has_prefix (line, empty_phrases[i]))
      return FALSE;
  return TRUE;
}

static GPtrArray *
split (const GByteArray *text)
{
  g_autofree char *valid = text->len > 0
                               ? g_utf8_make_valid ((const char *)text->data, (gssize)text->len)
                               : g_strdup ("");
  g_auto (GStrv) all = g_strsplit (valid, "\n", -1);
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (gsize i = 0; all[i] != NULL; i++)
    if (says_something (g_strchomp (all[i])))
      g_ptr_array_add (lines, g_strdup (g_strchug (all[i])));
  return lines;
}

/* (transfer full): the lines from @first on, at most @n. */
static char *
join (const GPtrArray *lines, guint first, guint n)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = first; i < lines->len && i - first < n; i++)
    g_string_append_printf (text, "%s%s", i > first ? "\n" : "", (const char *)lines->pdata[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* (transfer full): the last line that has @words, with what it introduces; NULL if there is none.
 */
static char *
find_cause (const GPtrArray *lines, const char *words)
{
  for (guint i = lines->len; i > 0; i--) {
    const char *line = lines->pdata[i - 1];
    char *cause;

    if (strstr (line, words) == NULL)
      continue;
    cause = join (lines, i - 1, g_str_has_suffix (line, ":") ? 2 : 1);
    if (g_str_has_suffix (cause, "."))
      cause[strlen (cause) - 1] = '\0';
    return cause;
  }
  return NULL;
}

/* (transfer full): "; " and the remedy; the folder stands in it where it says "%s". */
static char *
write_remedy (const char *remedy, const char *folder)
{
  g_auto (GStrv) parts = g_strsplit (remedy, "%s", 2);
  g_autofree char *text = g_strjoinv (folder, parts);

  return g_strconcat ("; ", text, NULL);
}

/* The folder that @remedy is about. */
static const char *
folder_of (const HookrunGit *git, const char *remedy)
{
  if (git->work_tree != NULL && !g_str_equal (remedy, CACHE))
    return git->work_tree;
  return git->git_dir != NULL ? git->git_dir : "the working folder";
}

void
hookrun_git_set_error (const HookrunGit *git, const char *command, int status,
                       const GByteArray *messages, GError **error)
{
  g_autoptr (GPtrArray) lines = split (messages);
  g_autofree char *how =
      WIFSIGNALED (status) ? g_strdup_printf (" was ended by signal %d", WTERMSIG (status)) : NULL;
  g_autofree char *cause = NULL;
  g_autofree char *remedy = NULL;
  HookrunError code = HOOKRUN_ERROR_COMMAND;

  for (gsize i = 0; i < G_N_ELEMENTS (diagnoses) && cause == NULL; i++) {
    cause = find_cause (lines, diagnoses[i].words);
    if (cause == NULL)
      continue;
    code = diagnoses[i].code;
    remedy = write_remedy (diagnoses[i].remedy, folder_of (git, diagnoses[i].remedy));
  }
  if (cause == NULL)
    cause = lines->len > 0 || how != NULL
                ? join (lines, lines->len > MAX_LINES ? lines->len - MAX_LINES : 0, MAX_LINES)
                : g_strdup ("failed without a word");
  g_set_error (error, HOOKRUN_ERROR, (int)code, "git %s%s: %s%s", command, how != NULL ? how : "",
               cause, remedy != NULL ? remedy : "");
}
