/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an HTTP reply. Without memory for them they are cut short, which the client sees. */
#pragma once

#include <event2/buffer.h>
#include <stddef.h>

/* Without the empty line that ends it. */
void http_response_put_head(struct evbuffer *out, int status, const char *type);

void http_response_put(struct evbuffer *out, int status, const char *type, const char *body,
		       size_t len);

/* With `{"error":"TEXT"}`. */
void http_response_put_error(struct evbuffer *out, int status, const char *text);
