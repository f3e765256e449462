/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sources in a git repository. Branches and tags are fetched into names of our own (refs/hookrun/…)
 * of a bare copy, exactly as they are at their origin: what was moved there is moved here, what was
 * deleted is gone. A tree is written from a commit by git itself, with an index of its own.
 */
#include "hookrun-source-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hookrun-error-private.h"
#include "hookrun-file-private.h"
#include "hookrun-nearest-private.h"

#define FETCH_SILENCE_MS (5 * 60 * 1000)
/* Letters of a commit's id in a version. */
#define SHORT_ID 10

static char *
git_folder (HookrunSource *self)
{
  return g_build_filename (self->cache, "source.git", NULL);
}

/* (transfer full): the address; a relative folder is the module's. */
static char *
make_url (HookrunSource *self)
{
  const char *url = hookrun_module_get_url (self->module, self->host);

  if (*url == '.' || *url == '/')
    return g_canonicalize_filename (url, hookrun_module_get_folder (self->module));
  return g_strdup (url);
}

static gboolean
make_repository (HookrunSource *self, const char *folder, GCancellable *cancellable, GError **error)
{
  static const char *const args[] = {"init", "--quiet", "--bare", "--template=", NULL};
  g_autofree char *fresh = g_strconcat (folder, ".new", NULL);
  HookrunGit git = {.git_dir = fresh};

  if (g_file_test (folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  if (!hookrun_file_remove_tree_at (AT_FDCWD, fresh, error) ||
      !hookrun_git_run (&git, args, NULL, cancellable, error))
    return FALSE;
  if (rename (fresh, folder) == 0)
    return TRUE;
  hookrun_set_error_from_errno (error, errno, "cannot rename \"%s\"", fresh);
  return FALSE;
}

/* @head: (out): the default branch; NULL when HEAD of the origin names a commit without a branch.
 */
static gboolean
ask_default_branch (const HookrunGit *git, const char *url, char **head, GCancellable *cancellable,
                    GError **error)
{
  const char *args[] = {"ls-remote", "--symref", "--", url, "HEAD", NULL};
  static const char prefix[] = "ref: refs/heads/";
  g_autoptr (GByteArray) output = NULL;
  const char *text;
  const char *at;

  if (!hookrun_git_run (git, args, &output, cancellable, error))
    return FALSE;
  text = (const char *)output->data;
  at = strstr (text, prefix);
  if (*text == '\0') {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
                 "the repository has no default branch with a commit; name a tag or branch in the "
                 "release's section");
    return FALSE;
  }
  *head = NULL;
  if (at != NULL)
    *head = g_strndup (at + strlen (prefix), strcspn (at + strlen (prefix), "\t\n"));
  return TRUE;
}

static gboolean
fetch (const HookrunGit *git, const char *url, gboolean with_head, GCancellable *cancellable,
       GError **error)
{
  const char *args[] = {"fetch",
                        "--progress",
                        "--force",
                        "--prune",
                        "--no-tags",
                        "--no-recurse-submodules",
                        "--no-write-fetch-head",
                        "--",
                        url,
                        "+refs/heads/*:refs/hookrun/heads/*",
                        "+refs/tags/*:refs/hookrun/tags/*",
                        with_head ? "+HEAD:refs/hookrun/HEAD" : NULL,
                        NULL};

  return hookrun_git_run (git, args, NULL, cancellable, error);
}

/* The names below refs/hookrun/@kind. */
static char **
list_names (const HookrunGit *git, const char *kind)
{
  g_autofree char *pattern = g_strdup_printf ("refs/hookrun/%s/", kind);
  const char *args[] = {"for-each-ref", "--format=%(refname:lstrip=3)", "--", pattern, NULL};
  g_autoptr (GByteArray) output = NULL;

  if (!hookrun_git_run (git, args, &output, NULL, NULL))
    return g_new0 (char *, 1);
  return g_strsplit ((const char *)output->data, "\n", -1);
}

static void
set_missing_name (const HookrunGit *git, const char *kind, const char *what, const char *name,
                  const char *url, GError **error)
{
  g_auto (GStrv) names = list_names (git, kind);
  g_autofree char *hint = hookrun_nearest_hint (name, (const char *const *)names);
  g_autofree char *shown = hookrun_git_hide_password (url);

  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_NOT_FOUND,
               "repository \"%s\" has no %s \"%s\"; make it there or correct the release's section "
               "of the module file%s",
               shown, what, name, hint);
}

/* (transfer full): the id of the commit that @ref leads to, or NULL. */
static char *
commit_of (const HookrunGit *git, const char *ref, GCancellable *cancellable)
{
  g_autofree char *revision = g_strconcat (ref, "^{commit}", NULL);
  const char *args[] = {"rev-parse", "--verify", "--quiet", revision, NULL};
  g_autoptr (GByteArray) output = NULL;

  if (!hookrun_git_run (git, args, &output, cancellable, NULL))
    return NULL;
  return g_strndup ((const char *)output->data, strcspn ((const char *)output->data, "\n"));
}

static gboolean
resolve_name (HookrunSource *self, const HookrunGit *git, const char *url, const char *tag,
              const char *branch, GCancellable *cancellable, GError **error)
{
  const char *kind = tag != NULL ? "tags" : "heads";
  const char *name = tag != NULL ? tag : branch;
  g_autofree char *ref = name != NULL ? g_strdup_printf ("refs/hookrun/%s/%s", kind, name)
                                      : g_strdup ("refs/hookrun/HEAD");

  self->commit = commit_of (git, ref, cancellable);
  if (self->commit == NULL && g_cancellable_is_cancelled (cancellable)) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CANCELLED, "cancelled");
    return FALSE;
  }
  if (self->commit == NULL) {
    set_missing_name (git, kind, tag != NULL ? "tag" : "branch", name != NULL ? name : "HEAD", url,
                      error);
    return FALSE;
  }
  self->version = tag != NULL ? g_strdup (tag)
                              : g_strdup_printf ("%s@%.*s", name != NULL ? name : "HEAD", SHORT_ID,
                                                 self->commit);
  return TRUE;
}

gboolean
hookrun_source_resolve_git (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *folder = git_folder (self);
  g_autofree char *url = make_url (self);
  g_autofree char *head = NULL;
  const char *tag =
      hookrun_module_get_release_value (self->module, self->release, "tag", self->host);
  const char *branch =
      hookrun_module_get_release_value (self->module, self->release, "branch", self->host);
  HookrunGit git = {.git_dir = folder, .silence_ms = FETCH_SILENCE_MS};
  gboolean by_default = tag == NULL && branch == NULL;

  if (!make_repository (self, folder, cancellable, error))
    return FALSE;
  if ((by_default && !ask_default_branch (&git, url, &head, cancellable, error)) ||
      !fetch (&git, url, by_default && head == NULL, cancellable, error)) {
    g_autofree char *shown = hookrun_git_hide_password (url);

    g_prefix_error (error, "cannot get the source from \"%s\": ", shown);
    return FALSE;
  }
  return resolve_name (self, &git, url, tag, branch != NULL ? branch : head, cancellable, error);
}

/* Whether a part of @path begins with ".git": Porter's users never had these at a target. */
static gboolean
is_git_file (const char *path)
{
  return g_str_has_prefix (path, ".git") || strstr (path, "/.git") != NULL;
}

/* Folders that held nothing but git's files go with them. */
static gboolean
remove_git_file (int tree_fd, const char *path, GError **error)
{
  g_autofree char *folder = g_strdup (path);
  char *slash;

  if (unlinkat (tree_fd, path, 0) < 0 && errno != ENOENT) {
    hookrun_set_error_from_errno (error, errno, "cannot remove \"%s\"", path);
    return FALSE;
  }
  while ((slash = strrchr (folder, '/')) != NULL) {
    *slash = '\0';
    if (unlinkat (tree_fd, folder, AT_REMOVEDIR) < 0)
      return TRUE;
  }
  return TRUE;
}

static gboolean
refuse_submodule (const char *path, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_UNSUPPORTED,
               "\"%s\" in the repository is a submodule, and submodules are not fetched; make it a "
               "module of the project, or put its files into the repository",
               path);
  return FALSE;
}

/* @entry is "MODE BLOB STAGE\tPATH"; it is taken apart where it is. */
static gboolean
take_entry (char *entry, int tree_fd, GArray *files, GChecksum *attributes, GError **error)
{
  char *tab = strchr (entry, '\t');
  char *blob = strchr (entry, ' ');
  const char *base;
  HookrunSourceFile file;

  if (tab == NULL || blob == NULL || blob > tab) {
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
                 "git listed files in a way that is not known");
    return FALSE;
  }
  file.path = tab + 1;
  file.blob = blob + 1;
  if (g_str_has_prefix (entry, "160000 "))
    return refuse_submodule (file.path, error);
  *tab = '\0';
  blob[1 + strcspn (blob + 1, " ")] = '\0';
  base = strrchr (file.path, '/');
  base = base != NULL ? base + 1 : file.path;
  if (g_str_equal (base, ".gitattributes"))
    g_checksum_update (attributes, (const guchar *)file.blob, -1);
  if (is_git_file (file.path))
    return remove_git_file (tree_fd, file.path, error);
  g_array_append_val (files, file);
  return TRUE;
}

/* Looks at every file that was written. @listing ends each entry with a NUL. */
static gboolean
finish_tree (HookrunSource *self, int tree_fd, GByteArray *listing, GError **error)
{
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (HookrunSourceFile));
  g_autoptr (GChecksum) attributes = g_checksum_new (G_CHECKSUM_SHA256);
  char *entry = (char *)listing->data;
  char *end = entry + listing->len;

  while (entry < end) {
    char *next = entry + strlen (entry) + 1;

    if (!take_entry (entry, tree_fd, files, attributes, error))
      return FALSE;
    entry = next;
  }
  return hookrun_source_set_times (self, tree_fd, (const HookrunSourceFile *)(gpointer)files->data,
                                   files->len, g_checksum_get_string (attributes), error);
}

gboolean
hookrun_source_export_git (HookrunSource *self, GCancellable *cancellable, GError **error)
{
  /* as many writers as there are processors */
  const char *read_tree[] = {"-c", "checkout.workers=0", "read-tree", "--reset",
                             "-u", self->commit,         NULL};
  static const char *const ls_files[] = {"ls-files", "--stage", "-z", NULL};
  g_autofree char *folder = git_folder (self);
  g_autofree char *tree = g_build_filename (self->checkout, "new", NULL);
  g_autofree char *index = g_build_filename (self->checkout, "index", NULL);
  HookrunGit git = {.git_dir = folder, .work_tree = tree, .index_file = index};
  g_autoptr (GByteArray) listing = NULL;
  int tree_fd;
  gboolean ok;

  if (!hookrun_git_run (&git, read_tree, NULL, cancellable, error) ||
      !hookrun_git_run (&git, ls_files, &listing, cancellable, error)) {
    g_prefix_error (error, "cannot write the tree of %s: ", self->version);
    return FALSE;
  }
  tree_fd = hookrun_file_open_folder (self->checkout_fd, "new", error);
  if (tree_fd < 0)
    return FALSE;
  ok = finish_tree (self, tree_fd, listing, error);
  close (tree_fd);
  unlinkat (self->checkout_fd, "index", 0);
  return ok;
}
