/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people and programs see of a deployment: progress, log lines, plans and results. */
#include "report.h"

#include "tool-exit.h"
#include "tool-table.h"
#include "tool-terminal.h"

typedef struct {
  ToolProgress *progress;
  gboolean verbose;
  gboolean quiet;
} Report;

/* What the library warns of itself, and not a plugin: that the project is not what its author
 * thinks. */
static gboolean
is_warning (const char *origin, HookrunLogLevel level)
{
  return level >= HOOKRUN_LOG_WARNING && g_str_equal (origin, "hookrun");
}

static void
on_log (HookrunDeployment *deployment, const char *origin, HookrunLogLevel level, const char *text,
        gpointer user_data)
{
  const Report *report = user_data;
  g_autofree char *visible = NULL;
  g_autofree char *line = NULL;

  if (is_warning (origin, level) || (level == HOOKRUN_LOG_DEBUG && !report->verbose))
    return;
  if (level == HOOKRUN_LOG_INFO && report->quiet)
    return;
  visible = tool_visible (text, FALSE);
  line = g_strdup_printf ("  %s: %s", origin, visible);
  tool_progress_line (report->progress, line);
}

static void
on_warning (HookrunDeployment *deployment, const char *origin, HookrunLogLevel level,
            const char *text, gpointer user_data)
{
  if (is_warning (origin, level))
    tool_print_message ("warning: %s", text);
}

void
report_warnings (HookrunDeployment *deployment)
{
  g_signal_connect (deployment, "log", G_CALLBACK (on_warning), NULL);
}

static void
on_progress (HookrunDeployment *deployment, const char *module, const char *step, const char *state,
             const char *detail, gpointer user_data)
{
  const Report *report = user_data;

  gboolean is_undo = g_str_equal (state, "undo");

  if (is_undo || g_str_equal (state, "begin")) {
    g_autofree char *title =
        g_strdup_printf ("%s: %s%s", module, is_undo ? "take back " : "", step);

    tool_progress_begin (report->progress, title);
    return;
  }
  tool_progress_end (report->progress, !g_str_has_suffix (state, "failed"), detail);
}

static void
free_report (gpointer data, GClosure *closure)
{
  g_free (data);
}

void
report_connect (HookrunDeployment *deployment, const DeployOptions *options, ToolProgress *progress)
{
  Report *report = g_new0 (Report, 1);

  report->progress = progress;
  report->verbose = options->verbose;
  report->quiet = options->quiet;
  g_signal_connect (deployment, "progress", G_CALLBACK (on_progress), report);
  g_signal_connect_data (deployment, "log", G_CALLBACK (on_log), report, free_report, 0);
}

static char *
cell_text (JsonObject *object, const char *column)
{
  JsonNode *node = json_object_get_member (object, column);

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return NULL;
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
    return tool_visible (json_node_get_string (node), FALSE);
  return json_to_string (node, FALSE);
}

void
report_rows (JsonNode *rows, const char *const *columns, gboolean json)
{
  JsonArray *array = json_node_get_array (rows);
  g_autoptr (ToolTable) table = NULL;
  guint n_columns = g_strv_length ((char **)columns);

  if (json) {
    for (guint i = 0; i < json_array_get_length (array); i++)
      tool_print_json (json_array_get_element (array, i));
    return;
  }
  table = tool_table_new (columns);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = json_array_get_object_element (array, i);
    g_autoptr (GPtrArray) row = g_ptr_array_new_with_free_func (g_free);

    for (guint c = 0; c < n_columns; c++)
      g_ptr_array_add (row, cell_text (object, columns[c]));
    tool_table_add (table, (const char *const *)row->pdata);
  }
  tool_table_print (table, FALSE);
}

static void
print_plugin (JsonObject *row)
{
  static const char unbound[] = "Not confined: it may do whatever you may.\n";
  g_autofree char *origin = tool_visible (json_object_get_string_member (row, "origin"), FALSE);
  g_auto (GStrv) lines =
      g_strsplit (json_object_get_string_member_with_default (row, "policy", unbound), "\n", -1);

  g_print ("%s: %s (%s, %s)\n", json_object_get_string_member (row, "module"),
           json_object_get_string_member (row, "plugin"),
           json_object_get_string_member (row, "kind"), origin);
  for (char **line = lines; *line != NULL; line++) {
    g_autofree char *text = tool_visible (*line, FALSE);

    if (*text != '\0')
      g_print ("  %s\n", text);
  }
}

void
report_plugins (JsonNode *rows, gboolean json)
{
  JsonArray *array = json_node_get_array (rows);

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (json)
      tool_print_json (json_array_get_element (array, i));
    else
      print_plugin (json_array_get_object_element (array, i));
}

void
report_results (JsonNode *results, gboolean json)
{
  static const char *const columns[] = {"module",           "host", "state", "version",
                                        "previous_version", NULL};

  report_rows (results, columns, json);
}

void
report_plan (JsonNode *plan, gboolean json)
{
  JsonArray *array = json_node_get_array (plan);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *module = json_array_get_object_element (array, i);
    g_autofree char *text = NULL;

    if (json) {
      tool_print_json (json_array_get_element (array, i));
      continue;
    }
    g_print ("%s: %s\n", json_object_get_string_member (module, "module"),
             json_object_get_string_member (module, "summary"));
    if (!json_object_has_member (module, "plan"))
      continue;
    text = hookrun_pipeline_plan_text (json_object_get_member (module, "plan"));
    g_print ("%s", text);
  }
}

static guint
count_state (JsonArray *results, const char *state)
{
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (results); i++) {
    JsonObject *row = json_array_get_object_element (results, i);

    if (g_strcmp0 (json_object_get_string_member_with_default (row, "state", NULL), state) == 0)
      n++;
  }
  return n;
}

gboolean
report_has_state (JsonNode *results, const char *state)
{
  return count_state (json_node_get_array (results), state) > 0;
}

gboolean
report_is_nothing (JsonNode *results)
{
  JsonArray *array = json_node_get_array (results);

  for (guint i = 0; i < json_array_get_length (array); i++)
    if (json_object_has_member (json_array_get_object_element (array, i), "earlier_run"))
      return FALSE;
  return count_state (array, "unchanged") == json_array_get_length (array);
}
