/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A shared object that was cut off, by a copy that broke or by a full disk, is mapped by the
 * dynamic linker all the same, and reading what lies behind its end raises SIGBUS. So its headers
 * are compared with its size first: one read for most files.
 */
#include "hookrun-elf-check-private.h"
#include "hookrun-error-private.h"

#include <errno.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#define HEAD_SIZE 1024 /* the header and 17 segments: most objects have eight to eleven */

static gboolean
read_at (int fd, void *buffer, gsize length, guint64 offset, const char *path, GError **error)
{
  gssize n;

  do
    n = pread (fd, buffer, length, (off_t)offset);
  while (n < 0 && errno == EINTR);
  if (n == (gssize)length)
    return TRUE;
  if (n < 0)
    hookrun_set_error_from_errno (error, errno, "cannot read \"%s\"", path);
  else
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_CONFLICT,
                 "\"%s\" became shorter while it was read; try again", path);
  return FALSE;
}

/* What begins at @offset and has @length bytes ends inside of @size bytes. */
static gboolean
fits (guint64 offset, guint64 length, guint64 size)
{
  return offset <= size && length <= size - offset;
}

static gboolean
is_of_this_machine (const ElfW (Ehdr) * header)
{
  const guchar class = sizeof (gpointer) == 8 ? ELFCLASS64 : ELFCLASS32;
  const guchar order = G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;

  return memcmp (header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_ident[EI_CLASS] == class &&
         header->e_ident[EI_DATA] == order && header->e_phentsize == sizeof (ElfW (Phdr));
}

static gboolean
segments_fit (const guint8 *table, guint n, guint64 size)
{
  for (guint i = 0; i < n; i++) {
    ElfW (Phdr) segment;

    memcpy (&segment, table + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_NULL && !fits (segment.p_offset, segment.p_filesz, size))
      return FALSE;
  }
  return TRUE;
}

static gboolean
set_cut_error (guint64 size, const char *path, GError **error)
{
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID,
               "\"%s\" is cut off: it has %" G_GUINT64_FORMAT " bytes, and its headers name more; "
               "build or install it anew",
               path, size);
  return FALSE;
}

gboolean
hookrun_elf_check_whole (int fd, guint64 size, const char *path, GError **error)
{
  guint8 head[HEAD_SIZE];
  g_autofree guint8 *far_table = NULL;
  const gsize n_read = MIN (size, sizeof head);
  ElfW (Ehdr) header;
  gsize length;

  if (!read_at (fd, head, n_read, 0, path, error))
    return FALSE;
  if (n_read < sizeof header)
    return n_read >= SELFMAG && memcmp (head, ELFMAG, SELFMAG) != 0
               ? TRUE
               : set_cut_error (size, path, error);
  memcpy (&header, head, sizeof header);
  if (!is_of_this_machine (&header))
    return TRUE;
  length = (gsize)header.e_phnum * sizeof (ElfW (Phdr));
  if (!fits (header.e_phoff, length, size) ||
      !fits (header.e_shoff, (guint64)header.e_shnum * header.e_shentsize, size))
    return set_cut_error (size, path, error);
  if (length == 0)
    return TRUE;
  if (!fits (header.e_phoff, length, n_read)) {
    far_table = g_malloc (length);
    if (!read_at (fd, far_table, length, header.e_phoff, path, error))
      return FALSE;
  }
  return segments_fit (far_table != NULL ? far_table : head + header.e_phoff, header.e_phnum, size)
             ? TRUE
             : set_cut_error (size, path, error);
}
