/*
 * The wire routine: counting is sending (I3), in whatever pieces; and what
 * is sent, unstuffed, is what a plain reading of wire.h makes of the file.
 */
#include "tests/fuzz/fuzz.h"

#include "common/wire.h"

/* What wire.h promises, without the doubled dots, written naively. */
static size_t
expect(const uint8_t *in, size_t len, int64_t lines, char *out)
{
	size_t i, n = 0, line = 0;
	int body = 0;

	for (i = 0; i < len && !(body && lines == 0); i++) {
		if (in[i] != '\n') {
			out[n++] = (char)in[i];
			continue;
		}
		if (n == line || out[n - 1] != '\r')
			out[n++] = '\r';
		out[n++] = '\n';
		if (body && lines > 0)
			lines--;
		if (n - line == 2)
			body = 1;
		line = n;
	}
	if (n > line) {
		out[n++] = '\r';
		out[n++] = '\n';
	}
	return n;
}

/* Takes the stuffed dots away, as a client does. */
static size_t
unstuff(char *data, size_t len)
{
	size_t i, n = 0;
	int start = 1;

	for (i = 0; i < len; i++) {
		if (start && data[i] == '.') {
			i++;
			MUST(i < len && data[i] == '.');
		}
		data[n++] = data[i];
		start = data[i] == '\n';
	}
	return n;
}

static uint64_t
count(const uint8_t *data, size_t size, int64_t lines)
{
	const char *in = (const char *)data;
	struct wire w;

	wire_init(&w, lines);
	wire_convert(&w, &in, &size, NULL, SIZE_MAX);
	MUST(size == 0 || w.done);
	wire_finish(&w, NULL);
	return w.octets;
}

/* Sends in pieces: seed says how much comes, and how much there is room. */
static size_t
send(struct wire *w, const uint8_t *data, size_t size, uint32_t seed,
    char *out)
{
	char *room, *copy;
	const char *in;
	size_t n = 0, piece, left, size_out, got;

	while (size > 0 && !w->done) {
		seed = seed * 1664525 + 1013904223;
		piece = 1 + (seed >> 24) % 40;
		left = piece = piece < size ? piece : size;
		size_out = WIRE_ROOM_MIN + (seed >> 16) % 24;
		/* Both at the very end of their memory. */
		MUST((copy = malloc(piece)) != NULL);
		MUST((room = malloc(size_out)) != NULL);
		memcpy(copy, data, piece);
		for (in = copy; left > 0 && !w->done;) {
			got = wire_convert(w, &in, &left, room, size_out);
			MUST(got > 0 && got <= size_out);
			memcpy(out + n, room, got);
			n += got;
		}
		free(room);
		free(copy);
		data += piece;
		size -= piece;
	}
	return n + wire_finish(w, out + n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint32_t seed = (uint32_t)(take8(&in) << 8 | take8(&in));
	int64_t lines = (int64_t)take8(&in) - 1; /* -1: WIRE_ALL */
	char *out, *expected;
	struct wire w;
	size_t n;

	/* At worst every octet is a bare LF, or a dot to be doubled. */
	MUST((out = malloc(in.left * 4 + 4)) != NULL);
	MUST((expected = malloc(in.left * 2 + 4)) != NULL);
	wire_init(&w, lines);
	n = send(&w, in.at, in.left, seed, out);
	n = unstuff(out, n);
	MUST(n == w.octets);
	MUST(n == count(in.at, in.left, lines));
	MUST(n == expect(in.at, in.left, lines, expected));
	MUST(memcmp(out, expected, n) == 0);
	free(expected);
	free(out);
	return 0;
}
