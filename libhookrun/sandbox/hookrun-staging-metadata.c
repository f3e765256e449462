/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What changes about a file but for its content, as lines for the user: kind, mode, owner, access
 * list, extended attributes; and what the change does to other names of the file.
 */
#include "hookrun-staging-private.h"
#include "hookrun-staging-xattr-private.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Bytes of an attribute's value that are shown. */
#define MAX_SHOWN 80

/* ---- kind, mode and owner ---- */

static const char *const kind_words[] = {"nothing", "file", "symlink"};

static char *
user_name (guint uid)
{
  struct passwd entry, *found = NULL;
  char buffer[4096];

  if (getpwuid_r ((uid_t)uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    return hookrun_staging_make_visible (found->pw_name, strlen (found->pw_name), FALSE);
  return g_strdup_printf ("%u", uid);
}

static char *
group_name (guint gid)
{
  struct group entry, *found = NULL;
  char buffer[4096];

  if (getgrgid_r ((gid_t)gid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
    return hookrun_staging_make_visible (found->gr_name, strlen (found->gr_name), FALSE);
  return g_strdup_printf ("%u", gid);
}

static char *
owner_of (const HookrunStagedVersion *version)
{
  g_autofree char *user = user_name (version->uid);
  g_autofree char *group = group_name (version->gid);

  return g_strdup_printf ("%s:%s", user, group);
}

static void
append_single (GString *out, const char *verb, const HookrunStagedVersion *version)
{
  g_autofree char *owner = owner_of (version);

  g_string_append_printf (out, "%s %s", verb, kind_words[version->kind]);
  if (version->kind == HOOKRUN_STAGED_KIND_FILE)
    g_string_append_printf (out, ", mode %04o", version->mode);
  g_string_append_printf (out, ", owner %s\n", owner);
}

static void
append_kind_mode_owner (GString *out, HookrunStagedChange *self)
{
  const HookrunStagedVersion *old = self->old;
  const HookrunStagedVersion *new = self->new;
  g_autofree char *old_owner = NULL;
  g_autofree char *new_owner = NULL;

  if (old->kind == HOOKRUN_STAGED_KIND_NONE) {
    append_single (out, "new", new);
    return;
  }
  if (new->kind == HOOKRUN_STAGED_KIND_NONE) {
    append_single (out, "removed", old);
    return;
  }
  old_owner = owner_of (old);
  new_owner = owner_of (new);
  if (old->kind != new->kind)
    g_string_append_printf (out, "%s becomes %s\n", kind_words[old->kind], kind_words[new->kind]);
  if (old->kind == new->kind && old->mode != new->mode)
    g_string_append_printf (out, "mode %04o becomes %04o\n", old->mode, new->mode);
  else if (new->kind == HOOKRUN_STAGED_KIND_FILE && old->kind != new->kind)
    g_string_append_printf (out, "mode becomes %04o\n", new->mode);
  if (old->uid != new->uid || old->gid != new->gid)
    g_string_append_printf (out, "owner %s becomes %s\n", old_owner, new_owner);
}

/* ---- access lists ---- */

/* The kernel's form: a version, then entries of a tag, permission bits and a number, all little
 * endian. */
#define LIST_VERSION 2
#define LIST_HEAD 4
#define LIST_ENTRY 8

static const struct {
  guint tag;
  const char *word;
  char *(*name) (guint number); /* (nullable): of whom, when a number says it */
} list_tags[] = {
    {0x01, "user", NULL},        {0x02, "user", user_name}, {0x04, "group", NULL},
    {0x08, "group", group_name}, {0x10, "mask", NULL},      {0x20, "other", NULL},
};

static gboolean
append_list_entry (GString *out, const guint8 *entry)
{
  guint tag = entry[0] | (guint)entry[1] << 8;
  guint bits = entry[2];
  guint number = entry[4] | (guint)entry[5] << 8 | (guint)entry[6] << 16 | (guint)entry[7] << 24;

  for (guint i = 0; i < G_N_ELEMENTS (list_tags); i++) {
    g_autofree char *name = NULL;

    if (list_tags[i].tag != tag)
      continue;
    name = list_tags[i].name != NULL ? list_tags[i].name (number) : g_strdup ("");
    g_string_append_printf (out, "%s%s:%s:%c%c%c", out->len > 0 ? "," : "", list_tags[i].word, name,
                            (bits & 4) != 0 ? 'r' : '-', (bits & 2) != 0 ? 'w' : '-',
                            (bits & 1) != 0 ? 'x' : '-');
    return TRUE;
  }
  return FALSE;
}

/* (transfer full) (nullable): as setfacl(1) reads it; NULL when it is of another form. */
static char *
list_to_text (const guint8 *value, gsize length)
{
  g_autoptr (GString) out = g_string_new (NULL);

  if (length < LIST_HEAD || (length - LIST_HEAD) % LIST_ENTRY != 0 || value[0] != LIST_VERSION)
    return NULL;
  for (gsize at = LIST_HEAD; at < length; at += LIST_ENTRY)
    if (!append_list_entry (out, value + at))
      return NULL;
  return g_string_free (g_steal_pointer (&out), FALSE);
}

/* ---- attributes ---- */

static char *
value_to_text (const HookrunStagingAttribute *attribute)
{
  gboolean is_list = g_str_equal (attribute->name, HOOKRUN_STAGING_ACCESS_LIST);
  char *list = is_list ? list_to_text (attribute->value, attribute->length) : NULL;
  g_autofree char *text = NULL;

  if (list != NULL)
    return list;
  text = hookrun_staging_make_visible ((const char *)attribute->value,
                                       MIN (attribute->length, MAX_SHOWN), FALSE);
  return attribute->length <= MAX_SHOWN
             ? g_strdup_printf ("\"%s\"", text)
             : g_strdup_printf ("\"%s\"… (%" G_GSIZE_FORMAT " bytes)", text, attribute->length);
}

static char *
attribute_title (const char *name)
{
  g_autofree char *visible = hookrun_staging_make_visible (name, strlen (name), FALSE);

  return g_str_equal (name, HOOKRUN_STAGING_ACCESS_LIST)
             ? g_strdup ("access list")
             : g_strconcat ("attribute ", visible, NULL);
}

/* @old or @new may be NULL. */
static void
append_attribute (GString *out, const HookrunStagingAttribute *old,
                  const HookrunStagingAttribute *new)
{
  g_autofree char *title = attribute_title (old != NULL ? old->name : new->name);
  g_autofree char *was = old != NULL ? value_to_text (old) : NULL;
  g_autofree char *is = new != NULL ? value_to_text (new) : NULL;

  if (is == NULL)
    g_string_append_printf (out, "%s %s is removed\n", title, was);
  else if (was == NULL)
    g_string_append_printf (out, "%s %s is added\n", title, is);
  else
    g_string_append_printf (out, "%s %s becomes %s\n", title, was, is);
}

static void
append_attributes (GString *out, GBytes *old, GBytes *new)
{
  HookrunStagingAttribute here, there;
  gsize offset = 0;

  while (hookrun_staging_xattr_next (old, &offset, &here)) {
    gboolean stays = hookrun_staging_xattr_find (new, here.name, &there);

    if (!stays || here.length != there.length || memcmp (here.value, there.value, here.length) != 0)
      append_attribute (out, &here, stays ? &there : NULL);
  }
  offset = 0;
  while (hookrun_staging_xattr_next (new, &offset, &here))
    if (!hookrun_staging_xattr_find (old, here.name, &there))
      append_attribute (out, NULL, &here);
}

/* ---- what is around it ---- */

/* A new file gets the folder's default list, which only the folder knows. */
static void
append_inherited (GString *out, const HookrunStagingFolder *folder)
{
  guint8 value[4096];
  gssize length = fgetxattr (folder->fd, HOOKRUN_STAGING_DEFAULT_LIST, value, sizeof value);
  g_autofree char *text = length > 0 ? list_to_text (value, (gsize)length) : NULL;

  if (text != NULL)
    g_string_append_printf (out, "access list %s comes from the folder\n", text);
}

static void
append_other_names (GString *out, const HookrunStagingFolder *folder, const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  struct stat st;

  if (fstatat (folder->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG (st.st_mode) &&
      st.st_nlink > 1)
    g_string_append_printf (out,
                            "the file has %u other name%s (hard links): the old version "
                            "stays there\n",
                            (guint)st.st_nlink - 1, st.st_nlink > 2 ? "s" : "");
}

void
hookrun_staged_change_append_metadata (HookrunStagedChange *self, GString *out)
{
  g_autoptr (HookrunStagingFolder) folder = NULL;

  append_kind_mode_owner (out, self);
  if (self->new->kind != HOOKRUN_STAGED_KIND_NONE && !self->new->inherits)
    append_attributes (out, self->old->xattrs, self->new->xattrs);
  /* A folder that is gone is a conflict, which is told elsewhere. */
  folder = self->folder != NULL ? hookrun_staging_folder_ref (self->folder)
                                : hookrun_staging_find_folder (self->staging, self->path, NULL);
  if (folder != NULL && self->new->inherits)
    append_inherited (out, folder);
  if (folder != NULL && self->old->kind == HOOKRUN_STAGED_KIND_FILE)
    append_other_names (out, folder, self->path);
}
