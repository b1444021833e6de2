// SPDX-License-Identifier: Apache-2.0
#include "http/http_response.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"

static const struct {
	int status;
	const char *text;
} reasons[] = {
	{200, "OK"},
	{202, "Accepted"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
};

/* For people only; any text will do. */
static const char *reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].text;
	}
	return "Status";
}

void http_response_put_head(struct evbuffer *out, int status, const char *type)
{
	(void)evbuffer_add_printf(
		out,
		"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
		"Connection: close\r\n",
		status, reason(status), type);
}

void http_response_put(struct evbuffer *out, int status, const char *type, const char *body,
		       size_t len)
{
	http_response_put_head(out, status, type);
	(void)evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", len);
	(void)evbuffer_add(out, body, len);
}

void http_response_put_error(struct evbuffer *out, int status, const char *text)
{
	_cleanup_(buf_done) struct buf body = {0};
	struct json json;

	json_init(&json, &body);
	json_object_begin(&json, NULL);
	json_string(&json, "error", text);
	json_object_end(&json);
	buf_putc(&body, '\n');
	/* Without memory for it, the status must do. */
	http_response_put(out, status, "application/json", body.failed ? "" : body.data,
			  body.failed ? 0 : body.len);
}
