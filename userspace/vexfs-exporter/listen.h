/* SPDX-License-Identifier: GPL-2.0 */
/* Where the exporter listens: a port, an address, a socket in the file system, systemd's. */
#ifndef VEXFS_EXPORTER_LISTEN_H
#define VEXFS_EXPORTER_LISTEN_H

#include <stddef.h>

#define LISTEN_PORT	"9090"

/*
 * A listening socket for "PORT", "ADDRESS:PORT", "[ADDRESS]:PORT" or "unix:PATH". -1 with
 * a sentence in @why that says who may be there already. Without an address only this
 * machine is heard.
 */
int listen_at(const char *where, char *why, size_t size);

/* The socket that systemd has opened for us, or -1 when there is none. */
int listen_inherited(void);

#endif
