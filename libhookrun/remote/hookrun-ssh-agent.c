/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of the agent protocol (draft-miller-ssh-agent). libssh2's own one waits for the agent;
 * this one leaves the main loop alone while a person looks for the key's button.
 */
#include "hookrun-ssh-agent-private.h"

#include <gio/gunixsocketaddress.h>
#include <string.h>

#include "hookrun-error.h"
#include "hookrun-known-hosts-private.h"

#define MAX_REPLY (256 * 1024)
#define MAX_IDENTITIES 256

enum {
  REQUEST_IDENTITIES = 11,
  IDENTITIES_ANSWER = 12,
  SIGN_REQUEST = 13,
  SIGN_RESPONSE = 14,
};

typedef struct {
  GBytes *request;
  GSocketConnection *connection;
  guint8 header[4];
  guint8 *reply;
  gsize length;
} Call;

static void
call_free (gpointer data)
{
  Call *self = data;

  g_bytes_unref (self->request);
  g_clear_object (&self->connection);
  g_free (self->reply);
  g_free (self);
}

static guint32
number_at (const guint8 *data)
{
  return (guint32)data[0] << 24 | (guint32)data[1] << 16 | (guint32)data[2] << 8 | data[3];
}

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;
  gsize count = 0;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &count, &error))
    g_task_return_error (task, error);
  else if (count < call->length)
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
                             "the ssh agent ended its answer early");
  else
    g_task_return_pointer (task, g_bytes_new_take (g_steal_pointer (&call->reply), call->length),
                           (GDestroyNotify)g_bytes_unref);
}

static void
on_header (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;
  gsize count = 0;

  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &count, &error)) {
    g_task_return_error (task, error);
    return;
  }
  call->length = count == 4 ? number_at (call->header) : 0;
  if (call->length == 0 || call->length > MAX_REPLY) {
    g_task_return_new_error (task, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
                             "the ssh agent gave no answer of a sensible size");
    return;
  }
  call->reply = g_malloc (call->length);
  g_input_stream_read_all_async (G_INPUT_STREAM (source), call->reply, call->length,
                                 G_PRIORITY_DEFAULT, g_task_get_cancellable (task), on_reply,
                                 g_object_ref (task));
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error)) {
    g_task_return_error (task, error);
    return;
  }
  g_input_stream_read_all_async (g_io_stream_get_input_stream (G_IO_STREAM (call->connection)),
                                 call->header, sizeof call->header, G_PRIORITY_DEFAULT,
                                 g_task_get_cancellable (task), on_header, g_object_ref (task));
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  call->connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (call->connection == NULL) {
    g_task_return_error (task, error);
    return;
  }
  g_output_stream_write_all_async (g_io_stream_get_output_stream (G_IO_STREAM (call->connection)),
                                   g_bytes_get_data (call->request, NULL),
                                   g_bytes_get_size (call->request), G_PRIORITY_DEFAULT,
                                   g_task_get_cancellable (task), on_written, g_object_ref (task));
}

static void
append_number (GByteArray *array, gsize number)
{
  const guint8 bytes[] = {(guint8)(number >> 24), (guint8)(number >> 16), (guint8)(number >> 8),
                          (guint8)number};

  g_byte_array_append (array, bytes, sizeof bytes);
}

static void
append_bytes (GByteArray *array, GBytes *bytes)
{
  append_number (array, g_bytes_get_size (bytes));
  g_byte_array_append (array, g_bytes_get_data (bytes, NULL), (guint)g_bytes_get_size (bytes));
}

/* Sends one request of @type with @body and collects the answer. */
static void
transact (GTask *task, const char *path, guint8 type, GByteArray *body)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GByteArray) request = g_byte_array_new ();
  Call *call = g_new0 (Call, 1);

  append_number (request, 1 + body->len);
  g_byte_array_append (request, &type, 1);
  g_byte_array_append (request, body->data, body->len);
  call->request = g_byte_array_free_to_bytes (g_steal_pointer (&request));
  g_task_set_task_data (task, call, call_free);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (address),
                                 g_task_get_cancellable (task), on_connected, g_object_ref (task));
}

typedef struct {
  const guint8 *data;
  gsize left;
} Reader;

static gboolean
read_bytes (Reader *self, GBytes **bytes)
{
  guint32 length;

  *bytes = NULL;
  if (self->left < 4)
    return FALSE;
  length = number_at (self->data);
  if (length > self->left - 4)
    return FALSE;
  *bytes = g_bytes_new (self->data + 4, length);
  self->data += 4 + length;
  self->left -= 4 + length;
  return TRUE;
}

static Reader
reader_new (GBytes *reply, guint8 type)
{
  gsize size = 0;
  const guint8 *data = g_bytes_get_data (reply, &size);

  if (size < 1 || data[0] != type)
    return (Reader){data, 0};
  return (Reader){data + 1, size - 1};
}

static void
identity_free (gpointer data)
{
  HookrunSshIdentity *self = data;

  g_bytes_unref (self->key);
  g_free (self->type);
  g_free (self->comment);
  g_free (self);
}

static HookrunSshIdentity *
read_identity (Reader *reader)
{
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GBytes) comment = NULL;
  g_autofree char *type = NULL;
  g_autofree char *text = NULL;
  HookrunSshIdentity *self;

  if (!read_bytes (reader, &key) || !read_bytes (reader, &comment))
    return NULL;
  type = hookrun_known_hosts_key_type (key);
  if (type == NULL)
    return NULL;
  text = g_strndup (g_bytes_get_data (comment, NULL), g_bytes_get_size (comment));
  self = g_new (HookrunSshIdentity, 1);
  self->key = g_steal_pointer (&key);
  self->type = g_steal_pointer (&type);
  self->comment = g_strescape (text, NULL);
  return self;
}

static GPtrArray *
read_identities (GBytes *reply)
{
  g_autoptr (GPtrArray) identities = g_ptr_array_new_with_free_func (identity_free);
  Reader reader = reader_new (reply, IDENTITIES_ANSWER);
  guint32 count;

  if (reader.left < 4)
    return NULL;
  count = MIN (number_at (reader.data), MAX_IDENTITIES);
  reader.data += 4;
  reader.left -= 4;
  for (guint32 i = 0; i < count; i++) {
    HookrunSshIdentity *identity = read_identity (&reader);

    if (identity == NULL)
      return NULL;
    g_ptr_array_add (identities, identity);
  }
  return g_steal_pointer (&identities);
}

void
hookrun_ssh_agent_list_async (const char *path, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GByteArray) body = g_byte_array_new ();

  g_task_set_source_tag (task, hookrun_ssh_agent_list_async);
  transact (task, path, REQUEST_IDENTITIES, body);
}

GPtrArray *
hookrun_ssh_agent_list_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (GBytes) reply = g_task_propagate_pointer (G_TASK (result), error);
  GPtrArray *identities;

  if (reply == NULL)
    return NULL;
  identities = read_identities (reply);
  if (identities == NULL)
    g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_PROTOCOL,
                 "the ssh agent's list of keys is malformed");
  return identities;
}

void
hookrun_ssh_agent_sign_async (const char *path, GBytes *key, GBytes *data,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GByteArray) body = g_byte_array_new ();

  g_task_set_source_tag (task, hookrun_ssh_agent_sign_async);
  append_bytes (body, key);
  append_bytes (body, data);
  append_number (body, 0);
  transact (task, path, SIGN_REQUEST, body);
}

/* The answer holds a string of two: the algorithm and the signature. */
GBytes *
hookrun_ssh_agent_sign_finish (GAsyncResult *result, GError **error)
{
  g_autoptr (GBytes) reply = g_task_propagate_pointer (G_TASK (result), error);
  g_autoptr (GBytes) pair = NULL;
  g_autoptr (GBytes) algorithm = NULL;
  GBytes *signature = NULL;
  Reader outer;

  if (reply == NULL)
    return NULL;
  outer = reader_new (reply, SIGN_RESPONSE);
  if (read_bytes (&outer, &pair)) {
    Reader inner = {g_bytes_get_data (pair, NULL), g_bytes_get_size (pair)};

    if (read_bytes (&inner, &algorithm) && read_bytes (&inner, &signature))
      return signature;
  }
  g_set_error (error, HOOKRUN_ERROR, HOOKRUN_ERROR_AUTHENTICATION, "the ssh agent did not sign");
  return NULL;
}
