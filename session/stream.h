/*
 * The client's connection: TLS on descriptors 0 and 1, with deadlines.
 *
 * The session process only.  Output is gathered and leaves in full TLS
 * records (16 kB), or when stream_flush() is called.  While it waits, the
 * stream also watches the channel to the process at the other end of the
 * session: when that one is gone, the session has nobody to ask and ends.
 * And it lets in the signal that stops the session (common/stop.h).
 */
#ifndef SESSION_STREAM_H
#define SESSION_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <tls.h>

#define STREAM_RECORD 16384 /* the plaintext of a full TLS record, octets */

struct stream {
	struct tls *tls;
	int fd; /* to poll; reading and writing go through tls */
	int channel;
	const char *reason; /* why it ended, for the log; NULL: it did not */
	int hung_up;	    /* the channel did, and that is why */
	int64_t deadline;   /* of all that is waited for; 0: there is none */
	int64_t patience;   /* ms for which a client may take nothing, then */
	size_t used;
	char out[STREAM_RECORD];
};

/*
 * The client is on fd, for reading and writing.  Everything must be done by
 * deadline (clock_ms()), until the caller lifts it: sets it to 0.
 */
void stream_open(struct stream *s, int fd, int channel, int64_t deadline);

/*
 * Reads exactly len octets that come before TLS, which stream_accept() begins.
 * Returns 0, or -1 with s->reason set.
 */
int stream_read_plain(struct stream *s, void *buf, size_t len);

/* Begins TLS.  Returns 0, or -1 with s->reason set. */
int stream_accept(struct stream *s, struct tls *server);

/*
 * Reads at least one octet.  Returns how many; 0 at the end of the
 * connection, for whatever reason (s->reason): one is that there was none
 * before idle_deadline, or s->deadline where that is set.
 */
size_t stream_read(
    struct stream *s, char *buf, size_t size, int64_t idle_deadline);

/*
 * Has the client said more than was read, TLS's own goodbye not counted?
 * Takes nothing and waits for nothing.  1 or 0.
 */
int stream_has_unread(const struct stream *s);

/*
 * Room for at least WIRE_ROOM_MIN octets of output: *room of them at the
 * address returned, to be followed by stream_wrote().  NULL when the
 * connection has ended.
 */
char *stream_room(struct stream *s, size_t *room);
void stream_wrote(struct stream *s, size_t len);

/* Adds octets to the output.  What fails is found out by stream_flush(). */
void stream_write(struct stream *s, const char *data, size_t len);

/* Sends what was gathered.  Returns 0, or -1 with s->reason set. */
int stream_flush(struct stream *s);

/* Says goodbye (close_notify) if the connection still stands, and frees. */
void stream_close(struct stream *s);

#endif
