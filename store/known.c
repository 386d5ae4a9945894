#include <string.h>

#include "store/known.h"

#define BITS_4 24
#define BITS_6 48

int
known_network_of(const char *peer, char text[NETWORK_TEXT_SIZE])
{
	struct network n;

	if (network_around(&n, peer, BITS_4, BITS_6) == -1)
		return -1;
	(void)network_text(&n, text);
	return 0;
}

int
known_is_page(const struct known_label *l)
{
	return strcmp(l->service, "page") == 0;
}

/* Where a label is: that of mail programs, or of the page, which has none. */
static size_t
find_label(const struct known *k, const char *label, int page)
{
	size_t i = 0;

	while (i < k->nlabel && (known_is_page(&k->label[i]) != page ||
	    strcmp(k->label[i].label, label) != 0))
		i++;
	return i;
}

static size_t
find_network(const struct known *k, const char *network)
{
	size_t i = 0;

	while (i < k->nnetwork && strcmp(k->network[i].network, network) != 0)
		i++;
	return i;
}

/*
 * Makes room for a new last element of an array: i of the n is dropped, or
 * if there is no such one and no place left, the first.
 */
static size_t
make_last(void *array, size_t size, size_t i, size_t n, size_t max)
{
	char *element = array;

	if (i == n && n < max)
		return n;
	if (i == n)
		i = 0;
	memmove(element + i * size, element + (i + 1) * size,
	    (n - 1 - i) * size);
	return n - 1;
}

static void
note_label(struct known *k, const struct journal_line *line)
{
	const char *label = journal_value(line, "label");
	struct known_label new = { .revoked = 0 };
	size_t i;

	if (strlen(label) > LABEL_MAX)
		return;
	strlcpy(new.label, label, sizeof(new.label));
	strlcpy(new.time, journal_value(line, "time"), sizeof(new.time));
	strlcpy(new.peer, journal_value(line, "peer"), sizeof(new.peer));
	strlcpy(new.service, journal_value(line, "service"),
	    sizeof(new.service));
	i = make_last(k->label, sizeof(k->label[0]),
	    find_label(k, label, known_is_page(&new)), k->nlabel,
	    KNOWN_LABELS);
	k->nlabel = i + 1;
	k->label[i] = new;
}

static void
note_revoked(struct known *k, const struct journal_line *line)
{
	size_t i = find_label(k, journal_value(line, "label"), 0);

	if (i < k->nlabel)
		k->label[i].revoked = 1;
}

static void
note_network(struct known *k, const char *time, const char *network)
{
	size_t i;

	i = make_last(k->network, sizeof(k->network[0]),
	    find_network(k, network), k->nnetwork, KNOWN_NETWORKS);
	k->nnetwork = i + 1;
	strlcpy(k->network[i].network, network, sizeof(k->network[i].network));
	strlcpy(k->network[i].time, time, sizeof(k->network[i].time));
}

void
known_note(struct known *k, const struct journal_line *line)
{
	const char *event = journal_value(line, "event");
	const char *time = journal_value(line, "time");
	char network[NETWORK_TEXT_SIZE];

	if (strcmp(event, "login") == 0 || strcmp(event, "signed-in") == 0 ||
	    strcmp(event, "known-label") == 0)
		note_label(k, line);
	if (strcmp(event, "revoked") == 0)
		note_revoked(k, line);
	if (strcmp(event, "login") == 0 &&
	    known_network_of(journal_value(line, "peer"), network) == 0)
		note_network(k, time, network);
	if (strcmp(event, "known-network") == 0)
		note_network(k, time, journal_value(line, "network"));
}

void
known_write(const struct known *k, struct journal_text *t)
{
	size_t i;

	for (i = 0; i < k->nlabel; i++) {
		journal_begin(t, k->label[i].time, "known-label");
		journal_field(t, "label", k->label[i].label);
		journal_field(t, "peer", k->label[i].peer);
		journal_field(t, "service", k->label[i].service);
		journal_end(t);
		if (!k->label[i].revoked)
			continue;
		journal_begin(t, k->label[i].time, "revoked");
		journal_field(t, "label", k->label[i].label);
		journal_end(t);
	}
	for (i = 0; i < k->nnetwork; i++) {
		journal_begin(t, k->network[i].time, "known-network");
		journal_field(t, "network", k->network[i].network);
		journal_end(t);
	}
}

int
known_has_label(const struct known *k, const char *label)
{
	size_t i = find_label(k, label, 0);

	return i < k->nlabel && !k->label[i].revoked;
}

int
known_has_network(const struct known *k, const char *peer)
{
	char network[NETWORK_TEXT_SIZE];

	return known_network_of(peer, network) == -1 ||
	    find_network(k, network) < k->nnetwork;
}
