/** Watchword for node:http2: servers, clients, and header tables sized to the callers. */

/** Octets of a header table as long as neither side says otherwise (RFC 9113 section 4.3.1). */
export const INITIAL_TABLE_BYTES = 4096;
