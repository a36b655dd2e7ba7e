/* What the generator is to do, read from a small file: one line a fact, texts in hex so that nothing needs quoting.
 *
 * `flood.py` writes such files and says what each line means. Everything has a bound, and what is wrong is told by line.
 */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

#include <arpa/inet.h>
#include <netinet/in.h>

#include "histogram.h"
#include "wire.h"

#define GROUPS_MAX 8
#define STREAMS_MAX 8
#define PORTS_MAX 64              /* servers of one deployment */
#define SCRIPT_MAX 8              /* frames of a hello */
#define PIECES_MAX 16             /* literals and placeholders of one frame */
#define FRAME_MAX 16384           /* bytes of one rendered frame */
#define CONNECTIONS_MAX 200000    /* more than one machine's descriptors and ports allow anyway */
#define RATE_MAX 5000000.0        /* frames a second */
#define PERIOD_MAX_MS 3600000u    /* an hour: a benchmark that takes longer was mistyped */
#define TOKENS_BYTES_MAX 67108864 /* tokens file: 200,000 tokens of 300 bytes */
#define PATTERN_MAX 48            /* must fit into a connection's tail */
#define CODES_MAX 16              /* different close codes told apart */
#define LINE_MAX_BYTES 65536

enum piece_kind { LITERAL, STAMP, NUMBER, TOKEN, POSITION, EPOCH };

struct part {
    enum piece_kind kind;
    const uint8_t *data;
    size_t n;
};

struct template {
    struct part parts[PIECES_MAX];
    int count;
    int opcode;
    int resumes; /* has a position or an epoch in it */
};

struct pattern {
    uint8_t data[PATTERN_MAX];
    size_t n;
};

struct group {
    char name[32];
    uint32_t first, count; /* its part of all connections */
    char path[256], subprotocol[64];
    struct template hello[SCRIPT_MAX], again[SCRIPT_MAX];
    int hellos, agains;
    struct pattern ready, resumed, position, epoch;
    char **tokens;
    uint32_t token_count;
    uint8_t stamp[2];
    int deaf;
    uint64_t storm_at_ns;
    uint32_t storm_count;

    /* what was seen */
    struct histogram *waits;
    uint64_t wanted, arrived, bytes, reads;
    uint32_t opened, readied, lost;
    uint64_t began_ns, opened_ns, readied_ns;
    struct { uint32_t code, count; } codes[CODES_MAX];
    uint64_t storm_began_ns, *storm_readied_ns;
    uint32_t storm_readied, storm_resumed, storm_failures, storm_lost;
};

struct stream {
    struct group *from, *to;
    int to_all;
    double period_ns;
    struct template frame;
    uint64_t sent;
    uint32_t next;
};

struct plan {
    struct sockaddr_in address;
    uint16_t ports[PORTS_MAX]; /* each group's connections go round them */
    int port_count;
    uint64_t settle_ns, warm_ns, measure_ns, drain_ns, stall_ns;
    uint32_t opening_max;
    struct group groups[GROUPS_MAX];
    struct stream streams[STREAMS_MAX];
    int group_count, stream_count;
    uint32_t connections;
};

static int plan_line;

static inline int hex_digit(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t *unhex(const char *text, size_t *n) {
    size_t digits = text == NULL ? 0 : strlen(text);
    if (digits == 0 || digits % 2) die("plan, line %d: expected bytes in hex", plan_line);
    uint8_t *bytes = must(malloc(digits / 2));
    for (size_t i = 0; i < digits / 2; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) die("plan, line %d: expected bytes in hex", plan_line);
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *n = digits / 2;
    return bytes;
}

static double number(const char *text, double low, double high) {
    char *end = NULL;
    double value = text == NULL ? 0 : strtod(text, &end);
    if (text == NULL || end == text || *end || !(value >= low && value <= high))
        die("plan, line %d: expected a number from %g to %g", plan_line, low, high);
    return value;
}

static uint64_t period_ns(const char *text) { return (uint64_t)(number(text, 0, PERIOD_MAX_MS) * 1e6); }

static void add_part(struct template *t, enum piece_kind kind, const uint8_t *data, size_t n) {
    if (kind == LITERAL && n == 0) return;
    if (t->count == PIECES_MAX) die("plan, line %d: more than %d parts in a frame", plan_line, PIECES_MAX);
    t->parts[t->count++] = (struct part){kind, data, n};
    if (kind == POSITION || kind == EPOCH) t->resumes = 1;
}

static struct template template_of(const char *opcode, const char *hex) {
    static const struct { const char *word; enum piece_kind kind; } words[] = {
        {"{ts}", STAMP}, {"{n}", NUMBER}, {"{token}", TOKEN}, {"{position}", POSITION}, {"{epoch}", EPOCH},
    };
    struct template t = {.count = 0};
    size_t n, from = 0;
    if (opcode == NULL || (strcmp(opcode, "text") && strcmp(opcode, "binary")))
        die("plan, line %d: a frame is text or binary", plan_line);
    t.opcode = opcode[0] == 't' ? OP_TEXT : OP_BINARY;
    uint8_t *bytes = unhex(hex, &n);
    if (n > FRAME_MAX / 2) die("plan, line %d: a frame has at most %d bytes", plan_line, FRAME_MAX / 2);
    for (size_t at = 0; at < n; at++) {
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            size_t length = strlen(words[w].word);
            if (n - at < length || memcmp(bytes + at, words[w].word, length)) continue;
            add_part(&t, LITERAL, bytes + from, at - from);
            add_part(&t, words[w].kind, NULL, 0);
            from = at + length;
            at = from - 1;
            break;
        }
    }
    add_part(&t, LITERAL, bytes + from, n - from);
    return t;
}

static struct pattern pattern_of(const char *hex) {
    struct pattern p;
    uint8_t *bytes = unhex(hex, &p.n);
    if (p.n > PATTERN_MAX) die("plan, line %d: a pattern has at most %d bytes", plan_line, PATTERN_MAX);
    memcpy(p.data, bytes, p.n);
    free(bytes);
    return p;
}

/* Tokens, a line each, kept for the whole run. */
static void read_tokens(struct group *g, const char *path) {
    FILE *file = path == NULL ? NULL : fopen(path, "r");
    if (file == NULL) die("plan, line %d: can't read the tokens file", plan_line);
    char *all = must(malloc(TOKENS_BYTES_MAX));
    size_t n = fread(all, 1, TOKENS_BYTES_MAX - 1, file);
    fclose(file);
    all[n] = 0;
    all = must(realloc(all, n + 1));
    g->tokens = must(calloc(CONNECTIONS_MAX, sizeof *g->tokens));
    for (char *token = strtok(all, "\n"); token && g->token_count < CONNECTIONS_MAX; token = strtok(NULL, "\n")) {
        if (strlen(token) > FRAME_MAX / 4) die("plan, line %d: a token has at most %d bytes", plan_line, FRAME_MAX / 4);
        g->tokens[g->token_count++] = token;
    }
    if (g->token_count == 0) die("plan, line %d: the tokens file is empty", plan_line);
}

static struct group *group_named(struct plan *p, const char *name) {
    for (int i = 0; name && i < p->group_count; i++)
        if (!strcmp(p->groups[i].name, name)) return &p->groups[i];
    die("plan, line %d: no such group", plan_line);
}

static void new_group(struct plan *p, const char *name, const char *count) {
    if (p->group_count == GROUPS_MAX) die("plan, line %d: at most %d groups", plan_line, GROUPS_MAX);
    struct group *g = &p->groups[p->group_count++];
    if (name == NULL || strlen(name) >= sizeof g->name || strspn(name, "abcdefghijklmnopqrstuvwxyz-") != strlen(name))
        die("plan, line %d: a group's name is small letters", plan_line);
    strcpy(g->name, name);
    strcpy(g->path, "/");
    memcpy(g->stamp, "TS", 2);
    g->first = p->connections;
    g->count = (uint32_t)number(count, 1, CONNECTIONS_MAX - p->connections);
    p->connections += g->count;
    g->waits = must(calloc(1, sizeof *g->waits));
}

static void short_text(char *out, size_t room, const char *hex) {
    size_t n;
    uint8_t *bytes = unhex(hex, &n);
    if (n >= room) die("plan, line %d: at most %zu bytes", plan_line, room - 1);
    for (size_t i = 0; i < n; i++)
        if (bytes[i] < 0x21 || bytes[i] > 0x7e) die("plan, line %d: no spaces or control characters here", plan_line);
    memcpy(out, bytes, n);
    out[n] = 0;
    free(bytes);
}

static void group_line(struct group *g, const char *key, const char *a, const char *b) {
    if (!strcmp(key, "path")) short_text(g->path, sizeof g->path, a);
    else if (!strcmp(key, "subprotocol")) short_text(g->subprotocol, sizeof g->subprotocol, a);
    else if (!strcmp(key, "hello") && g->hellos < SCRIPT_MAX) g->hello[g->hellos++] = template_of(a, b);
    else if (!strcmp(key, "again") && g->agains < SCRIPT_MAX) g->again[g->agains++] = template_of(a, b);
    else if (!strcmp(key, "ready")) g->ready = pattern_of(a);
    else if (!strcmp(key, "resumed")) g->resumed = pattern_of(a);
    else if (!strcmp(key, "position")) g->position = pattern_of(a);
    else if (!strcmp(key, "epoch")) g->epoch = pattern_of(a);
    else if (!strcmp(key, "tokens")) read_tokens(g, a);
    else if (!strcmp(key, "deaf")) g->deaf = 1;
    else if (!strcmp(key, "stamp") && a && strlen(a) == 2) memcpy(g->stamp, a, 2);
    else if (!strcmp(key, "storm")) {
        g->storm_at_ns = period_ns(a);
        g->storm_count = (uint32_t)number(b, 1, g->count);
        g->storm_readied_ns = must(calloc(g->storm_count, sizeof *g->storm_readied_ns));
    } else die("plan, line %d: unknown, or too many: %s", plan_line, key);
}

static void stream_line(struct plan *p, char *rest) {
    char *word[6];
    for (int i = 0; i < 6; i++) word[i] = strtok(i ? NULL : rest, " ");
    if (p->stream_count == STREAMS_MAX) die("plan, line %d: at most %d streams", plan_line, STREAMS_MAX);
    struct stream *s = &p->streams[p->stream_count++];
    s->from = group_named(p, word[0]);
    s->to = group_named(p, word[1]);
    if (word[2] == NULL || (strcmp(word[2], "all") && strcmp(word[2], "one")))
        die("plan, line %d: a stream reaches all or one", plan_line);
    s->to_all = word[2][0] == 'a';
    s->period_ns = 1e9 / number(word[3], 0.001, RATE_MAX);
    s->frame = template_of(word[4], word[5]);
}

static void read_plan(struct plan *p, FILE *file) {
    static char line[LINE_MAX_BYTES];
    *p = (struct plan){.opening_max = 100, .stall_ns = 15000000000u};
    while (fgets(line, sizeof line, file)) {
        plan_line++;
        line[strcspn(line, "\n")] = 0;
        char *key = line + strspn(line, " "), *rest = key + strcspn(key, " ");
        if (*key == 0) continue;
        if (*rest) *rest++ = 0;
        if (!strcmp(key, "stream")) { stream_line(p, rest); continue; }
        char *a = strtok(rest, " "), *b = strtok(NULL, " ");
        if (!strcmp(key, "group")) new_group(p, a, b);
        else if (p->group_count) group_line(&p->groups[p->group_count - 1], key, a, b);
        else if (!strcmp(key, "host")) {
            if (a == NULL || inet_pton(AF_INET, a, &p->address.sin_addr) != 1 || ntohl(p->address.sin_addr.s_addr) >> 24 != 127)
                die("plan, line %d: only loopback addresses (127.x.x.x): this is a load generator", plan_line);
            p->address.sin_family = AF_INET;
        }
        else if (!strcmp(key, "port")) {
            if (p->port_count == PORTS_MAX) die("plan, line %d: at most %d ports", plan_line, PORTS_MAX);
            p->ports[p->port_count++] = (uint16_t)number(a, 1, 65535);
        }
        else if (!strcmp(key, "settle_ms")) p->settle_ns = period_ns(a);
        else if (!strcmp(key, "warm_ms")) p->warm_ns = period_ns(a);
        else if (!strcmp(key, "measure_ms")) p->measure_ns = period_ns(a);
        else if (!strcmp(key, "drain_ms")) p->drain_ns = period_ns(a);
        else if (!strcmp(key, "stall_ms")) p->stall_ns = period_ns(a);
        else if (!strcmp(key, "opening_max")) p->opening_max = (uint32_t)number(a, 1, 4096);
        else die("plan, line %d: unknown: %s", plan_line, key);
    }
    if (p->address.sin_family != AF_INET || p->port_count == 0) die("plan: host and port are missing");
    if (p->group_count == 0 || p->measure_ns == 0) die("plan: a group and measure_ms are needed");
}

#endif
