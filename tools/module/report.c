/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Denials shown to people and to programs: what was wanted, by whom, and the line that allows it.
 */
#include "report.h"

#include "tool-table.h"
#include "tool-terminal.h"

static void
print_json (const HookrunDenial *denial)
{
  g_autoptr (JsonNode) node = hookrun_denial_to_json (denial);
  g_autofree char *line = hookrun_denial_get_line (denial);
  JsonObject *object = json_node_get_object (node);

  json_object_set_string_member (object, "event", "denial");
  if (line != NULL)
    json_object_set_string_member (object, "line", line);
  else
    json_object_set_null_member (object, "line");
  tool_print_json (node);
}

static void
print_text (const HookrunDenial *denial)
{
  g_autofree char *words = hookrun_denial_describe (denial);
  g_autofree char *visible = tool_visible (words, FALSE);
  g_autofree char *line = hookrun_denial_get_line (denial);

  g_print ("%s%s%s", tool_terminal_colour (1, TOOL_COLOUR_STRONG), visible,
           tool_terminal_colour (1, TOOL_COLOUR_NONE));
  if (denial->count > 1)
    g_print (" (%u times)", denial->count);
  g_print ("\n");
  if (line != NULL) {
    g_autofree char *visible_line = tool_visible (line, FALSE);

    g_print ("    allowed by %s%s%s\n", tool_terminal_colour (1, TOOL_COLOUR_GOOD), visible_line,
             tool_terminal_colour (1, TOOL_COLOUR_NONE));
  } else {
    g_print ("    cannot be allowed\n");
  }
  if (denial->reason != NULL)
    g_print ("    %s\n", denial->reason);
}

/* What programs do without is told in one line: it is not why something failed. */
guint
report_denials (GPtrArray *denials, gboolean json)
{
  g_autoptr (GString) harmless = g_string_new (NULL);
  guint matter = 0;

  for (guint i = 0; i < denials->len; i++) {
    const HookrunDenial *denial = g_ptr_array_index (denials, i);

    matter += denial->has_other_way ? 0 : 1;
    if (json)
      print_json (denial);
    else if (denial->has_other_way)
      g_string_append_printf (harmless, "%s%s", harmless->len > 0 ? ", " : "", denial->object);
    else
      print_text (denial);
  }
  if (harmless->len > 0 && matter > 0)
    g_print ("Refused, too, but programs do without: %s.\n", harmless->str);
  return matter;
}

HookrunPolicy *
report_collect (GPtrArray *denials)
{
  HookrunPolicy *policy = hookrun_policy_new ();

  for (guint i = 0; i < denials->len; i++) {
    const HookrunDenial *denial = g_ptr_array_index (denials, i);

    if (denial->remedy != NULL && !denial->has_other_way)
      hookrun_policy_add (policy, denial->remedy);
  }
  return policy;
}

gboolean
report_is_empty (HookrunPolicy *policy)
{
  g_autoptr (HookrunPolicy) nothing = hookrun_policy_new ();

  return hookrun_policy_equal (policy, nothing);
}

char *
report_policy_text (HookrunPolicy *policy, guint indent)
{
  g_autofree char *compact = hookrun_policy_to_json (policy);
  g_autoptr (JsonNode) node = json_from_string (compact, NULL);
  g_autofree char *text = json_to_string (node, TRUE);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *blanks = g_strnfill (indent, ' ');
  g_autofree char *separator = g_strconcat ("\n", blanks, NULL);

  return g_strjoinv (separator, lines);
}
