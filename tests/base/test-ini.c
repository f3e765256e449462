/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ini files: the dialect, and for each malformed file the message with its file, line and key. */
#include "hookrun-ini-private.h"

#include <fcntl.h>
#include <string.h>

#include "hookrun-nearest-private.h"

static HookrunIni *
parse (const char *text, HookrunFaults *faults)
{
  return hookrun_ini_parse (text, strlen (text), "shop.ini", faults);
}

static void
assert_value (const HookrunIni *ini, const char *section, const char *key, const char *value,
              guint line)
{
  const HookrunIniKey *present = hookrun_ini_get_key (ini, section, key);

  g_assert_nonnull (present);
  g_assert_cmpstr (present->value, ==, value);
  g_assert_cmpuint (present->line, ==, line);
}

static void
test_dialect (void)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = parse ("\xef\xbb\xbf# a comment\r\n"
                                      "; another\r\n"
                                      "[project]\r\n"
                                      "Name = Läden & mehr \r\n"
                                      "depends: a, b\n"
                                      "empty =\n"
                                      "url=git://host/x:y=z ; kept\n"
                                      "[ odd name ]  # fine\n"
                                      "  list =\n"
                                      "    one\n"
                                      "    # skipped\n"
                                      "\n"
                                      "    two = 2\n"
                                      "  next = %(name)s\n",
                                      faults);

  g_assert_cmpuint (hookrun_faults_count (faults), ==, 0);
  g_assert_cmpuint (ini->sections->len, ==, 2);
  assert_value (ini, "project", "name", "Läden & mehr", 4);
  assert_value (ini, "project", "DEPENDS", "a, b", 5);
  assert_value (ini, "project", "empty", "", 6);
  assert_value (ini, "project", "url", "git://host/x:y=z ; kept", 7);
  assert_value (ini, "odd name", "list", "one\ntwo = 2", 9);
  assert_value (ini, "odd name", "next", "%(name)s", 14);
  g_assert_null (hookrun_ini_get_key (ini, "Project", "name"));
}

static void
test_order_is_kept (void)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = parse ("[z]\nq=1\nb=2\n[a]\n", faults);
  const HookrunIniSection *first = g_ptr_array_index (ini->sections, 0);
  const HookrunIniKey *second = g_ptr_array_index (first->keys, 1);

  g_assert_cmpstr (first->name, ==, "z");
  g_assert_cmpstr (second->name, ==, "b");
}

typedef struct {
  const char *name;
  const char *text;
  const char *message;
} Malformed;

static const Malformed malformed[] = {
    {"duplicate-key", "[a]\nx=1\nX=2\n",
     "shop.ini line 3: key \"x\" is in section [a] already, in line 2; keep one of them"},
    {"duplicate-section", "[a]\n[b]\n[a]\nx=1\n",
     "shop.ini line 3: section [a] is there already, in line 1; put the keys of both into one"},
    {"key-before-section", "\nx=1\n[a]\n",
     "shop.ini line 2: key \"x\" stands before the first section; put a line like [project] or "
     "[module] above it"},
    {"unclosed-section", "[a]\n[b\nx=1\n",
     "shop.ini line 2: section \"[b\" is not closed; write \"]\" at its end"},
    {"text-after-section", "[a] x=1\n",
     "shop.ini line 1: \"x=1\" follows section [a] on its line; give it a line of its own"},
    {"nameless-section", "[ ]\n", "shop.ini line 1: the section has no name"},
    {"nameless-key", "[a]\n= 1\n", "shop.ini line 2: the key has no name"},
    {"no-delimiter", "[a]\ndepends b\n  more\n",
     "shop.ini line 2: \"depends b\" is neither a section nor a key; write \"key = value\""},
    {"control-character", "[a]\nx = \x1b[2J\n",
     "shop.ini line 2: there is a control character (0x1b) at byte 5; remove it"},
    {"lone-carriage-return", "[a]\nx = 1\ry = 2\n",
     "shop.ini line 2: there is a control character (0x0d) at byte 6; remove it"},
    {"not-utf-8", "[a]\n\nx = caf\xe9\n",
     "shop.ini line 3: byte 0xe9 is not UTF-8; save the file as UTF-8"},
};

static void
test_malformed (gconstpointer data)
{
  const Malformed *row = data;
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = parse (row->text, faults);
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_faults_check (faults, "x", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, row->message);
}

static void
test_nul (void)
{
  static const char text[] = "[a]\nx=\0";
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = hookrun_ini_parse (text, sizeof text - 1, "shop.ini", faults);
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_faults_check (faults, "x", &error));
  g_assert_cmpstr (error->message, ==, "shop.ini line 2: there is a NUL byte; ini files are text");
}

static void
assert_limit (const char *text, const char *message)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = parse (text, faults);
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_faults_check (faults, "x", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_LIMIT);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_limits (void)
{
  g_autofree char *large = g_strnfill (HOOKRUN_INI_MAX_SIZE + 1, '\n');
  g_autofree char *filler = g_strnfill (HOOKRUN_INI_MAX_LINE, 'x');
  g_autofree char *line = g_strconcat ("[a]\nx=", filler, NULL);
  g_autofree char *name = g_strnfill (HOOKRUN_INI_MAX_NAME + 1, 'x');
  g_autofree char *key = g_strconcat ("[a]\n", name, "=1", NULL);
  g_autoptr (GString) many = g_string_new ("[a]\n");

  for (guint i = 0; i <= HOOKRUN_INI_MAX_KEYS + 5; i++)
    g_string_append_printf (many, "k%x=\n", i);
  assert_limit (large, "shop.ini is larger than 1048576 bytes");
  assert_limit (line, "shop.ini line 2: the line is longer than 8192 bytes");
  assert_limit (key, "shop.ini line 2: the name of the key is longer than 256 bytes");
  assert_limit (many->str, "shop.ini line 65538: the file has more than 65536 keys");
}

static void
test_all_faults_at_once (void)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (HookrunIni) ini = parse ("x=1\n[a\ny=1\n[b]\nfoo\n  bar\nz = 1\n", faults);
  g_autoptr (GError) error = NULL;

  g_assert_false (hookrun_faults_check (faults, "project \"p\"", &error));
  g_assert_cmpstr (error->message, ==,
                   "project \"p\" has 3 faults:\n"
                   "shop.ini line 1: key \"x\" stands before the first section; put a line like "
                   "[project] or [module] above it\n"
                   "shop.ini line 2: section \"[a\" is not closed; write \"]\" at its end\n"
                   "shop.ini line 5: \"foo\" is neither a section nor a key; write \"key = "
                   "value\"");
  assert_value (ini, "b", "z", "1", 7);
}

static void
test_faults_are_bounded (void)
{
  g_autofree char *bad = g_strnfill (200, '[');
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, "%s\n", bad);
  hookrun_ini_free (parse (text->str, faults));
  g_assert_cmpuint (hookrun_faults_count (faults), ==, 1000);
  g_assert_false (hookrun_faults_check (faults, "x", &error));
  g_assert_true (g_str_has_suffix (error->message, "\nand 950 more"));
  g_assert_cmpuint (strlen (error->message), <, 50 * 160);
}

static void
test_unreadable (void)
{
  g_autoptr (HookrunFaults) faults = hookrun_faults_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (hookrun_ini_load_at (AT_FDCWD, "/nonexistent/a.ini", "a.ini", faults));
  g_assert_false (hookrun_faults_check (faults, "x", &error));
  g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND);
  g_assert_true (g_str_has_prefix (error->message, "a.ini: "));
}

static void
test_nearest (void)
{
  static const char *const names[] = {"path", "depends", "use_rsync", "a", NULL};

  g_assert_cmpstr (hookrun_nearest ("dpeends", names), ==, "depends");
  g_assert_cmpstr (hookrun_nearest ("Use-Rsync", names), ==, "use_rsync");
  g_assert_cmpstr (hookrun_nearest ("pth", names), ==, "path");
  g_assert_null (hookrun_nearest ("b", names));
  g_assert_null (hookrun_nearest ("launcher", names));
  g_assert_null (hookrun_nearest ("", names));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/ini/dialect", test_dialect);
  g_test_add_func ("/base/ini/order-is-kept", test_order_is_kept);
  for (gsize i = 0; i < G_N_ELEMENTS (malformed); i++) {
    g_autofree char *path = g_strconcat ("/base/ini/malformed/", malformed[i].name, NULL);

    g_test_add_data_func (path, &malformed[i], test_malformed);
  }
  g_test_add_func ("/base/ini/malformed/nul", test_nul);
  g_test_add_func ("/base/ini/limits", test_limits);
  g_test_add_func ("/base/ini/all-faults-at-once", test_all_faults_at_once);
  g_test_add_func ("/base/ini/faults-are-bounded", test_faults_are_bounded);
  g_test_add_func ("/base/ini/unreadable", test_unreadable);
  g_test_add_func ("/base/nearest/likely-names-only", test_nearest);
  return g_test_run ();
}
