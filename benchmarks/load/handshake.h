/* The server's half of the WebSocket handshake: the accept value for a request (RFC 6455, 4.2.2), with SHA-1 and base64.
 *
 * Nothing else of the request is checked.
 */
#ifndef LOAD_HANDSHAKE_H
#define LOAD_HANDSHAKE_H

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define ACCEPT_MAX 29 /* 20 bytes in base64, and the end */
#define KEY_MAX 64

static inline uint32_t turned(uint32_t word, int by) { return word << by | word >> (32 - by); }

static void sha1_block(uint32_t state[5], const uint8_t block[64]) {
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6}; /* FIPS 180-4, 4.2.1 */
    uint32_t w[80], s[5];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 80; i++) w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 80; i++) {
        uint32_t mixed = i < 20   ? (s[1] & s[2]) | (~s[1] & s[3])
                         : i < 40 ? s[1] ^ s[2] ^ s[3]
                         : i < 60 ? (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3])
                                  : s[1] ^ s[2] ^ s[3];
        uint32_t next = turned(s[0], 5) + mixed + s[4] + constants[i / 20] + w[i];
        s[4] = s[3];
        s[3] = s[2];
        s[2] = turned(s[1], 30);
        s[1] = s[0];
        s[0] = next;
    }
    for (int i = 0; i < 5; i++) state[i] += s[i];
}

/* Of at most 119 bytes: two blocks, which is what a key and the fixed text need. */
static void sha1_short(const char *text, size_t n, uint8_t digest[20]) {
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint8_t blocks[128] = {0};
    size_t total = n < 56 ? 64 : 128;
    memcpy(blocks, text, n);
    blocks[n] = 0x80;
    blocks[total - 2] = (uint8_t)(n * 8 >> 8);
    blocks[total - 1] = (uint8_t)(n * 8);
    for (size_t at = 0; at < total; at += 64) sha1_block(state, blocks + at);
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* 0 when the request has no key. */
static int accept_of(const char *request, char accept[ACCEPT_MAX]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char name[] = "\r\nSec-WebSocket-Key:", fixed[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *at = strcasestr(request, name);
    if (at == NULL) return 0;
    at += sizeof name - 1;
    at += strspn(at, " \t");
    size_t n = strcspn(at, " \t\r\n");
    char text[KEY_MAX + sizeof fixed];
    if (n == 0 || n > KEY_MAX) return 0;
    memcpy(text, at, n);
    memcpy(text + n, fixed, sizeof fixed - 1);
    uint8_t digest[21] = {0};
    sha1_short(text, n + sizeof fixed - 1, digest);
    char *out = accept;
    for (int i = 0; i < 21; i += 3) {
        uint32_t three = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) *out++ = letters[three >> shift & 63];
    }
    accept[27] = '='; /* 20 bytes leave one byte of the last three empty */
    accept[28] = 0;
    return 1;
}

#endif
