/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two policies of any bytes, with a NUL byte between them: each is refused with its name or reads
 * again as it was written; one restricted by the other allows no more than either, and both added
 * no less; none can deceive who reads what it allows. */
#include <hookrun.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static HookrunPolicy *
parse (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  HookrunPolicy *policy = hookrun_policy_new_from_json (text, (gssize)length, "the policy", &error);

  g_assert_true ((policy == NULL) == (error != NULL));
  if (policy == NULL)
    g_assert_nonnull (strstr (error->message, "the policy"));
  return policy;
}

static void
check_written (HookrunPolicy *policy)
{
  g_autofree char *text = hookrun_policy_to_json (policy);
  g_autoptr (HookrunPolicy) again = parse (text, strlen (text));
  g_autofree char *twice = NULL;

  g_assert_nonnull (again);
  g_assert_true (hookrun_policy_equal (policy, again));
  twice = hookrun_policy_to_json (again);
  g_assert_cmpstr (text, ==, twice);
}

static void
check_described (HookrunPolicy *policy)
{
  g_autofree char *words = hookrun_policy_describe (policy);

  g_assert_true (g_utf8_validate (words, -1, NULL));
  for (const char *at = words; *at != '\0'; at++)
    g_assert_false (g_ascii_iscntrl (*at) && *at != '\n');
}

/* @less allows on each path of its own no more than @more. */
static void
check_within (HookrunPolicy *less, HookrunPolicy *more)
{
  g_auto (GStrv) paths = hookrun_policy_list_paths (less, 0);

  for (char **path = paths; *path != NULL; path++) {
    HookrunAccess access = hookrun_policy_get_access (less, *path);

    if ((access & ~hookrun_policy_get_access (more, *path)) != 0)
      g_error ("\"%s\": %x is more than %x", *path, (guint)access,
               (guint)hookrun_policy_get_access (more, *path));
  }
  for (HookrunLimit limit = HOOKRUN_LIMIT_NONE + 1; limit < HOOKRUN_N_LIMITS; limit++) {
    guint64 bound = hookrun_policy_get_limit (more, limit);

    if (bound != 0)
      g_assert_cmpuint (hookrun_policy_get_limit (less, limit) - 1, <, bound);
  }
  g_assert_true (hookrun_policy_get_network (less) <= hookrun_policy_get_network (more));
}

/* (transfer full): the same with all links on its paths followed, as restricting does it. */
static HookrunPolicy *
resolve (HookrunPolicy *policy)
{
  HookrunPolicy *resolved = hookrun_policy_copy (policy);

  hookrun_policy_restrict (resolved, policy);
  return resolved;
}

static void
check_two (HookrunPolicy *one, HookrunPolicy *other)
{
  g_autoptr (HookrunPolicy) resolved = resolve (one);
  g_autoptr (HookrunPolicy) other_resolved = resolve (other);
  g_autoptr (HookrunPolicy) narrow = hookrun_policy_copy (one);
  g_autoptr (HookrunPolicy) wide = hookrun_policy_copy (one);
  g_autoptr (HookrunPolicy) before = NULL;

  hookrun_policy_restrict (narrow, other);
  check_within (narrow, resolved);
  check_within (narrow, other_resolved);
  check_written (narrow);
  before = hookrun_policy_copy (narrow);
  hookrun_policy_restrict (narrow, other);
  g_assert_true (hookrun_policy_equal (narrow, before));
  hookrun_policy_add (wide, other);
  check_written (wide);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *)data;
  const char *middle = size == 0 ? NULL : memchr (text, '\0', size);
  gsize length = middle == NULL ? size : (gsize)(middle - text);
  g_autoptr (HookrunPolicy) one = parse (text, length);
  g_autoptr (HookrunPolicy) other = NULL;

  if (one == NULL)
    return 0;
  check_written (one);
  check_described (one);
  other = middle == NULL ? hookrun_policy_new_base () : parse (middle + 1, size - length - 1);
  if (other != NULL)
    check_two (one, other);
  return 0;
}
