/* WebSocket frames and the clock, for the generator and the raw-send server.
 *
 * Frames are written and walked through, never interpreted: no fragmentation, no compression, no UTF-8 checks.
 * Source of the format: RFC 6455, section 5.2.
 */
#ifndef LOAD_WIRE_H
#define LOAD_WIRE_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_HEAD_MAX 14 /* two bytes, eight of length, four of mask */
#define CONTROL_MAX 125   /* longest payload of a ping, pong or close */

enum { OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

static const uint8_t MASK[4] = {0x5a, 0xa5, 0x3c, 0xc3}; /* clients must mask; nothing here needs the key to be secret */

static inline uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One sentence to stderr, and the end. Every refusal of these programs goes through here. */
__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *sentence, ...) {
    va_list values;
    va_start(values, sentence);
    vfprintf(stderr, sentence, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

static inline void *must(void *memory) {
    if (memory == NULL) die("out of memory");
    return memory;
}

/* Writes a whole frame to `out` (room for FRAME_HEAD_MAX + n) and gives its length. */
static inline size_t frame_write(uint8_t *out, int opcode, int masked, const uint8_t *payload, size_t n) {
    size_t h = 0;
    out[h++] = (uint8_t)(0x80 | opcode);
    uint8_t bit = masked ? 0x80 : 0;
    if (n < 126) {
        out[h++] = (uint8_t)(bit | n);
    } else if (n < 65536) {
        out[h++] = bit | 126;
        out[h++] = (uint8_t)(n >> 8);
        out[h++] = (uint8_t)n;
    } else {
        out[h++] = bit | 127;
        for (int shift = 56; shift >= 0; shift -= 8) out[h++] = (uint8_t)((uint64_t)n >> shift);
    }
    if (!masked) {
        memcpy(out + h, payload, n);
        return h + n;
    }
    memcpy(out + h, MASK, 4);
    h += 4;
    for (size_t i = 0; i < n; i++) out[h + i] = payload[i] ^ MASK[i & 3];
    return h + n;
}

/* Walks through the frames of one stream of bytes. Zeroed memory is a fresh one. */
struct frames {
    uint64_t left; /* bytes of the present payload still to come */
    uint64_t done;
    uint8_t head[FRAME_HEAD_MAX];
    uint8_t heads;
    uint8_t inside; /* the head was read, the payload was not */
    uint8_t mask[4];
};

/* A part of one frame's payload; `last` with its end. */
struct piece {
    const uint8_t *data;
    size_t n;
    uint64_t offset; /* where in the payload it begins */
    int opcode;
    int last;
};

/* Moves `*at` on by one piece; 0 when more bytes are needed. */
static inline int frames_next(struct frames *f, const uint8_t **at, const uint8_t *end, struct piece *piece) {
    while (!f->inside) {
        if (*at == end) return 0;
        f->head[f->heads++] = *(*at)++;
        if (f->heads < 2) continue;
        int length = f->head[1] & 0x7f, masked = f->head[1] >> 7;
        int wide = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (f->heads < 2 + wide + 4 * masked) continue;
        f->left = wide ? 0 : (uint64_t)length;
        for (int i = 0; i < wide; i++) f->left = f->left << 8 | f->head[2 + i];
        if (masked) {
            memcpy(f->mask, f->head + 2 + wide, 4);
        } else {
            memset(f->mask, 0, 4);
        }
        f->inside = 1;
        f->done = 0;
    }
    size_t n = (size_t)(end - *at);
    if (n > f->left) n = (size_t)f->left;
    if (n == 0 && f->left > 0) return 0;
    *piece = (struct piece){*at, n, f->done, f->head[0] & 0x0f, n == f->left};
    *at += n;
    f->left -= n;
    f->done += n;
    if (piece->last) {
        f->inside = 0;
        f->heads = 0;
    }
    return 1;
}

#endif
