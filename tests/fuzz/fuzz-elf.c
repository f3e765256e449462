/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the file of a native plugin: what counts as whole has all its segments, and lacks
 * something as soon as the last of them is cut. */
#include "hookrun-elf-check-private.h"

#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static int
put (const uint8_t *data, size_t size)
{
  static int fd = -1;

  if (fd < 0)
    fd = memfd_create ("fuzz-elf", MFD_CLOEXEC);
  g_assert_cmpint (ftruncate (fd, 0), ==, 0);
  g_assert_cmpint (pwrite (fd, data, size, 0), ==, (gssize)size);
  return fd;
}

/* Where the last segment of a file that counted as whole ends; 0: it is none of this machine's. */
static size_t
find_end (const uint8_t *data, size_t size)
{
  ElfW (Ehdr) header;
  size_t end = 0;

  if (size < sizeof header)
    return 0;
  memcpy (&header, data, sizeof header);
  if (memcmp (header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != (sizeof (gpointer) == 8 ? ELFCLASS64 : ELFCLASS32) ||
      header.e_ident[EI_DATA] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB) ||
      header.e_phentsize != sizeof (ElfW (Phdr)))
    return 0;
  for (guint i = 0; i < header.e_phnum; i++) {
    ElfW (Phdr) segment;

    g_assert_cmpuint (header.e_phoff + (i + 1) * sizeof segment, <=, size);
    memcpy (&segment, data + header.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type == PT_NULL)
      continue;
    g_assert_cmpuint (segment.p_offset, <=, size);
    g_assert_cmpuint (segment.p_filesz, <=, size - segment.p_offset);
    end = MAX (end, segment.p_offset + segment.p_filesz);
  }
  return end;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) cut = NULL;
  size_t end;

  if (!hookrun_elf_check_whole (put (data, size), size, "fuzz.so", &error)) {
    g_assert_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_INVALID);
    return 0;
  }
  end = find_end (data, size);
  if (end > 0)
    g_assert_false (hookrun_elf_check_whole (put (data, end - 1), end - 1, "fuzz.so", &cut));
  return 0;
}
