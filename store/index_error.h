/*
 * What can be wrong with an index, beside errno's: the errors of index.h
 * (and one of lock.h's).
 */
#ifndef STORE_INDEX_ERROR_H
#define STORE_INDEX_ERROR_H

/* In a range of their own, outside of errno's and Berkeley DB's. */
enum index_error {
	INDEX_NOT_FOUND = -29001, /* no such record; the end of a walk */
	INDEX_DAMAGED,		  /* proven damage of the index itself */
	INDEX_NEWER,		  /* written by a newer version */
	/* The same of the file uidls, which nobody can make anew. */
	UIDLS_DAMAGED,
	UIDLS_NEWER,
	UIDLS_UNREADABLE, /* for a reason that was told */
	UIDLS_FOREIGN,	  /* another server's list is none that we know */
	LOCK_LOST	  /* the file server may have let another host in */
};

#endif
