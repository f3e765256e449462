/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The matcher of known_hosts files: names, patterns, hashes, markers, verdicts, new lines. */
#include "hookrun-known-hosts-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>

#include "hookrun-file-private.h"
#include "hookrun-ssh-pattern-private.h"

/* A key of @type that differs by @variant. */
static GBytes *
make_key (const char *type, guint8 variant)
{
  GByteArray *array = g_byte_array_new ();
  const guint8 length[] = {0, 0, 0, (guint8)strlen (type)};

  g_byte_array_append (array, length, sizeof length);
  g_byte_array_append (array, (const guint8 *)type, (guint)strlen (type));
  g_byte_array_append (array, &variant, 1);
  return g_byte_array_free_to_bytes (array);
}

static char *
make_line (const char *names, const char *type, guint8 variant)
{
  g_autoptr (GBytes) key = make_key (type, variant);
  g_autofree char *text = g_base64_encode (g_bytes_get_data (key, NULL), g_bytes_get_size (key));

  return g_strdup_printf ("%s %s %s a comment\n", names, type, text);
}

static GPtrArray *
scan (const char *text, const char *host, guint port)
{
  g_autofree char *name = hookrun_known_hosts_name (host, port);
  GPtrArray *found = hookrun_known_hosts_new ();

  hookrun_known_hosts_scan (text, strlen (text), "FILE", name, FALSE, found);
  return found;
}

/* The verdict on the ed25519 key @variant, as a host with @text for its files gets it. */
static HookrunKnownHostVerdict
judge (const char *text, const char *host, guint port, guint8 variant)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "known_hosts", NULL);
  g_autoptr (GPtrArray) files = g_ptr_array_new ();
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GBytes) key = make_key ("ssh-ed25519", variant);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_ptr_array_add (files, file);
  g_ptr_array_add (files, (gpointer) "/no/such/file");
  found = hookrun_known_hosts_lookup (files, none, host, port, &error);
  g_assert_no_error (error);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
  return hookrun_known_hosts_judge (found, key, NULL);
}

static void
test_names (void)
{
  static const struct {
    const char *field;
    const char *host;
    guint port;
    gboolean matches;
  } rows[] = {
      {"example.org", "example.org", 22, TRUE},
      {"example.org", "EXAMPLE.org", 22, TRUE},
      {"Example.Org", "example.org", 22, TRUE},
      {"example.org", "www.example.org", 22, FALSE},
      {"a,example.org,b", "example.org", 22, TRUE},
      {"*.example.org", "www.example.org", 22, TRUE},
      {"*.example.org", "example.org", 22, FALSE},
      {"host?", "host1", 22, TRUE},
      {"host?", "host12", 22, FALSE},
      {"*.example.org,!bad.example.org", "bad.example.org", 22, FALSE},
      {"!bad.example.org,*.example.org", "bad.example.org", 22, FALSE},
      {"*.example.org,!bad.example.org", "good.example.org", 22, TRUE},
      {"!bad.example.org", "good.example.org", 22, FALSE},
      {"[example.org]:2222", "example.org", 2222, TRUE},
      {"[example.org]:2222", "example.org", 22, FALSE},
      {"[example.org]:2222", "example.org", 2223, FALSE},
      {"[*.example.org]:2222", "www.example.org", 2222, TRUE},
      {"*", "anything", 22, TRUE},
      {"", "anything", 22, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *line = make_line (rows[i].field, "ssh-ed25519", 1);
    g_autoptr (GPtrArray) found = scan (line, rows[i].host, rows[i].port);

    g_test_message ("%s for %s port %u", rows[i].field, rows[i].host, rows[i].port);
    g_assert_cmpuint (found->len, ==, rows[i].matches ? 1 : 0);
  }
}

/* Two lines that `ssh-keygen -H` made of "example.org" and "[example.org]:2222". */
static void
test_hashed_names_of_ssh_keygen (void)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "known_hosts", NULL);
  g_autofree char *text = NULL;
  g_autofree char *hashed = NULL;
  const char *argv[] = {"ssh-keygen", "-q", "-H", "-f", file, NULL};
  int status = 0;

  /* ssh-keygen wants keys that it can read */
  const char *real = "AAAAC3NzaC1lZDI1NTE5AAAAIJdlLpSnGGXbTvYIe1PbJKcXzE7sTVDjPsuQDGnFy5Gf";
  text = g_strdup_printf ("example.org ssh-ed25519 %s\n[example.org]:2222 ssh-ed25519 %s\n", real,
                          real);
  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_assert_true (
      g_spawn_sync (NULL, (char **)argv, NULL,
                    G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                    NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_get_contents (file, &hashed, NULL, NULL));
  g_assert_null (strstr (hashed, "example"));
  g_autoptr (GPtrArray) plain = scan (hashed, "example.org", 22);
  g_autoptr (GPtrArray) other_port = scan (hashed, "example.org", 2222);
  g_autoptr (GPtrArray) nobody = scan (hashed, "example.com", 22);
  g_assert_cmpuint (plain->len, ==, 1);
  g_assert_cmpuint (((HookrunKnownHost *)plain->pdata[0])->line, ==, 1);
  g_assert_cmpuint (other_port->len, ==, 1);
  g_assert_cmpuint (((HookrunKnownHost *)other_port->pdata[0])->line, ==, 2);
  g_assert_cmpuint (nobody->len, ==, 0);
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
}

static void
test_odd_lines_are_passed_over (void)
{
  g_autofree char *good = make_line ("host", "ssh-ed25519", 1);
  g_autofree char *long_line = g_strnfill (100000, 'h');
  g_autofree char *text =
      g_strconcat ("\n# comment\nhost\nhost ssh-ed25519\nhost ssh-ed25519 !!!!\n"
                   "host ssh-rsa AAAA\n@odd host ssh-ed25519 AAAA\n@revoked\n",
                   long_line, "\n|1|x|y ssh-ed25519 AAAA\n|2|| a b\n  ", good, NULL);
  g_autoptr (GPtrArray) found = scan (text, "host", 22);

  g_assert_cmpuint (found->len, ==, 1);
  g_assert_cmpuint (((HookrunKnownHost *)found->pdata[0])->line, ==, 12);
}

static void
test_verdicts (void)
{
  g_autofree char *one = make_line ("host", "ssh-ed25519", 1);
  g_autofree char *two = make_line ("host", "ssh-ed25519", 2);
  g_autofree char *other_type = make_line ("host", "ecdsa-sha2-nistp256", 1);
  g_autofree char *both = g_strconcat (one, two, NULL);
  g_autofree char *revoked = g_strconcat ("@revoked ", one, NULL);
  g_autofree char *revoked_too = g_strconcat (one, revoked, NULL);
  g_autofree char *revoked_first = g_strconcat (revoked, one, NULL);
  g_autofree char *authority = g_strconcat ("@cert-authority ", one, NULL);

  g_assert_cmpint (judge ("", "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_UNKNOWN);
  g_assert_cmpint (judge (one, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_cmpint (judge (one, "host", 22, 2), ==, HOOKRUN_KNOWN_HOST_CHANGED);
  g_assert_cmpint (judge (both, "host", 22, 2), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_cmpint (judge (both, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_cmpint (judge (both, "host", 22, 3), ==, HOOKRUN_KNOWN_HOST_CHANGED);
  g_assert_cmpint (judge (other_type, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_UNKNOWN);
  g_assert_cmpint (judge (revoked, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_IS_REVOKED);
  g_assert_cmpint (judge (revoked_too, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_IS_REVOKED);
  g_assert_cmpint (judge (revoked_first, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_IS_REVOKED);
  g_assert_cmpint (judge (revoked, "host", 22, 2), ==, HOOKRUN_KNOWN_HOST_UNKNOWN);
  g_assert_cmpint (judge (authority, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_UNKNOWN);
}

/* A key known under the bare name vouches for another port, but another key there proves nothing;
 * a revoked one is revoked everywhere. */
static void
test_another_port (void)
{
  g_autofree char *one = make_line ("host", "ssh-ed25519", 1);
  g_autofree char *revoked = g_strconcat ("@revoked ", one, NULL);
  g_autofree char *ported = make_line ("[host]:2222", "ssh-ed25519", 2);
  g_autofree char *both = g_strconcat (one, ported, NULL);

  g_assert_cmpint (judge (one, "host", 2222, 1), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_cmpint (judge (one, "host", 2222, 2), ==, HOOKRUN_KNOWN_HOST_UNKNOWN);
  g_assert_cmpint (judge (revoked, "host", 2222, 1), ==, HOOKRUN_KNOWN_HOST_IS_REVOKED);
  g_assert_cmpint (judge (both, "host", 2222, 2), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_cmpint (judge (both, "host", 2222, 3), ==, HOOKRUN_KNOWN_HOST_CHANGED);
}

static void
test_fingerprint (void)
{
  g_autoptr (GBytes) key = g_bytes_new_static ("", 0);
  g_autofree char *fingerprint = hookrun_known_hosts_fingerprint (key);

  /* SHA-256 of nothing */
  g_assert_cmpstr (fingerprint, ==, "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
}

static void
test_append (gconstpointer hashed)
{
  g_autofree char *folder = g_dir_make_tmp ("hookrun-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "ssh", "known_hosts", NULL);
  g_autoptr (GBytes) one = make_key ("ssh-ed25519", 1);
  g_autoptr (GBytes) two = make_key ("ssh-ed25519", 2);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf st;

  g_assert_true (hookrun_known_hosts_append (file, "host", one, hashed != NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (file, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 0777, ==, 0600);
  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  text[strlen (text) - 1] = '\0';
  g_assert_true (g_file_set_contents (file, text, -1, NULL)); /* without the last newline */
  g_assert_true (hookrun_known_hosts_append (file, "[host]:2222", two, hashed != NULL, &error));
  g_clear_pointer (&text, g_free);
  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  g_assert_cmpint (judge (text, "host", 22, 1), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_cmpint (judge (text, "host", 2222, 2), ==, HOOKRUN_KNOWN_HOST_MATCH);
  g_assert_true ((strstr (text, "host") == NULL) == (hashed != NULL));
  g_assert_true (hookrun_file_remove_tree_at (AT_FDCWD, folder, NULL));
}

static void
test_append_fails (void)
{
  g_autoptr (GBytes) key = make_key ("ssh-ed25519", 1);
  g_autoptr (GError) full = NULL;
  g_autoptr (GError) folder = NULL;

  g_assert_false (hookrun_known_hosts_append ("/dev/full", "host", key, FALSE, &full));
  g_assert_error (full, HOOKRUN_ERROR, HOOKRUN_ERROR_NO_SPACE);
  g_assert_false (hookrun_known_hosts_append ("/proc/known_hosts", "host", key, FALSE, &folder));
  g_assert_nonnull (folder);
}

static void
test_patterns (void)
{
  static const struct {
    const char *list;
    const char *name;
    int result;
  } cases[] = {
      {"host", "host", 1},
      {"host", "hosts", 0},
      {"ho?t", "host", 1},
      {"ho?t", "hot", 0},
      {"*", "", 1},
      {"", "host", 0},
      {"*.a.b", "x.a.a.b", 1},
      {"*a*b*", "xxaxxbxx", 1},
      {"*a*b", "xxaxxbxx", 0},
      {"a,!a", "a", -1},
      {"!a,*", "a", -1},
      {"!a,*", "b", 1},
      {"!a", "b", 0},
      {"[host]:22", "[host]:22", 1},
      {"[h*]:2?", "[host]:22", 1},
      {"*\xf8*",
       "ple\xf8"
       "am",
       1},
      {"x*4.e\xf8"
       "am",
       "x4.e", 0},
  };
  g_autofree char *long_name = g_strnfill (4000, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (hookrun_ssh_pattern_match_list (cases[i].list, cases[i].name), ==,
                     cases[i].result);
  /* Matchers that try every split take years for this one. */
  g_assert_false (
      hookrun_ssh_pattern_match ("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", long_name));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/remote/known-hosts/" name, func)
  ADD ("patterns", test_patterns);
  ADD ("names", test_names);
  ADD ("hashed-names-of-ssh-keygen", test_hashed_names_of_ssh_keygen);
  ADD ("odd-lines-are-passed-over", test_odd_lines_are_passed_over);
  ADD ("verdicts", test_verdicts);
  ADD ("another-port", test_another_port);
  ADD ("fingerprint", test_fingerprint);
  ADD ("append-fails", test_append_fails);
#undef ADD
  g_test_add_data_func ("/remote/known-hosts/append", NULL, test_append);
  g_test_add_data_func ("/remote/known-hosts/append-hashed", "hashed", test_append);
  return g_test_run ();
}
