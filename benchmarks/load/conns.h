/* The generator's connections: opening, greeting, sending, reading, finding stamps, losing.
 *
 * When what is sent is flood.c's. Nothing is allocated for a message: a connection keeps a short tail of what it read, and a
 * buffer only while its socket takes no more.
 */
#ifndef LOAD_CONNS_H
#define LOAD_CONNS_H

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plan.h"

#ifndef READ_BYTES
#define READ_BYTES (256 * 1024) /* of one read: more than a viewer's flush, less than the cache. Tests read a few bytes at a time */
#endif
#define TAIL_MAX 64             /* bytes kept between reads: a pattern and a number, or a stamp, may be cut in two */
#define STAMP_BYTES 17          /* '=' and 16 digits */
#define OUT_MAX 65536           /* unsent bytes kept per connection; when full its stream waits, and its stamps do not */
#define HEAD_MAX 4096           /* response head of a handshake */
#define TURN_EVENTS 128         /* connections read before streams get their turn: well under a millisecond */
#define PER_SOURCE 2000         /* connections from one address of 127/8, so that ports last */
#define ATTEMPTS_MAX 20         /* to come back in a storm */
#define RETRY_NS 250000000u     /* between two of them */
#define DEAF_BYTES 4096         /* receive buffer of a connection that does not read */
#define STAMP_AGE_MAX_NS 3600000000000u

enum state { IDLE, CONNECTING, SHAKING, GREETED, READY, LOST };

struct conn {
    int fd;
    uint8_t state, tails, controls, attempts;
    uint16_t group;
    uint16_t code;
    uint8_t storming;
    struct frames frames;
    uint8_t tail[TAIL_MAX], control[CONTROL_MAX];
    uint8_t *out;
    uint32_t out_at, out_n;
    char *head;
    uint32_t head_n;
    uint64_t position, epoch, not_before_ns;
};

static struct plan plan;
static struct conn *conns;
static int epoll;
static uint32_t opening;
static uint64_t measure_from, measure_to;
static uint32_t *again_queue; /* connections of a storm that have to come back; a ring */
static uint32_t again_at, again_n;
static uint8_t area[TAIL_MAX + READ_BYTES];

static struct group *group_of(const struct conn *c) { return &plan.groups[c->group]; }
static uint32_t number_of(const struct conn *c) { return (uint32_t)(c - conns); }
static uint16_t port_of(const struct conn *c) { return plan.ports[(number_of(c) - group_of(c)->first) % (uint32_t)plan.port_count]; }

static void watch(struct conn *c, int how, uint32_t events) {
    struct epoll_event e = {.events = events, .data.u32 = number_of(c)};
    if (epoll_ctl(epoll, how, c->fd, &e)) die("epoll_ctl: %s", strerror(errno));
}

/* Sends, or keeps what the socket did not take. 0: neither, as there is no room; nothing was taken then. */
static int push(struct conn *c, const uint8_t *data, size_t n) {
    size_t sent = 0;
    if (c->out_n == 0) {
        ssize_t k = send(c->fd, data, n, MSG_NOSIGNAL);
        if (k < 0 && errno != EAGAIN) return 1; /* broken: the next read says so */
        sent = k < 0 ? 0 : (size_t)k;
        if (sent == n) return 1;
    } else if (c->out_n + n > OUT_MAX) return 0;
    if (c->out == NULL) c->out = must(malloc(OUT_MAX));
    if (c->out_n == 0) watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    if (c->out_at) memmove(c->out, c->out + c->out_at, c->out_n);
    c->out_at = 0;
    memcpy(c->out + c->out_n, data + sent, n - sent);
    c->out_n += (uint32_t)(n - sent);
    return 1;
}

static void push_rest(struct conn *c) {
    ssize_t k = send(c->fd, c->out + c->out_at, c->out_n, MSG_NOSIGNAL);
    if (k <= 0) return;
    c->out_at += (uint32_t)k;
    c->out_n -= (uint32_t)k;
    if (c->out_n == 0) {
        c->out_at = 0;
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
    }
}

/* Fills in a template and sends it as one frame; as `push`. */
static int say(struct conn *c, const struct template *t, uint64_t due_ns, uint64_t n) {
    static uint8_t text[FRAME_MAX], frame[FRAME_MAX + FRAME_HEAD_MAX];
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    struct group *g = group_of(c);
    for (int i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        switch (part->kind) {
        case LITERAL:
            memcpy(text + at, part->data, part->n);
            at += part->n;
            break;
        case STAMP:
            for (int shift = 60; shift >= 0; shift -= 4) text[at++] = (uint8_t)digits[due_ns >> shift & 15];
            break;
        case TOKEN:
            if (g->token_count == 0) die("a frame of group %s wants a token, and there are none", g->name);
            at += (size_t)sprintf((char *)text + at, "%s", g->tokens[(number_of(c) - g->first) % g->token_count]);
            break;
        default: {
            uint64_t value = part->kind == NUMBER ? n : part->kind == POSITION ? c->position : c->epoch;
            at += (size_t)sprintf((char *)text + at, "%llu", (unsigned long long)value);
        }
        }
        if (at > FRAME_MAX * 3 / 4 && i + 1 < t->count) die("a frame of group %s is too long", g->name);
    }
    return push(c, frame, frame_write(frame, t->opcode, 1, text, at));
}

static void greet(struct conn *c) {
    struct group *g = group_of(c);
    /* Without a position to resume from (nothing was received before the storm) one begins anew. */
    int again = c->storming && g->agains && (c->position || !g->position.n);
    const struct template *script = again ? g->again : g->hello;
    for (int i = 0; i < (again ? g->agains : g->hellos); i++)
        if (!say(c, &script[i], now_ns(), 1)) die("the hello of group %s is longer than %d bytes", g->name, OUT_MAX);
}

static void start_opening(struct conn *c) {
    struct group *g = group_of(c);
    int one = 1, small = DEAF_BYTES;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("can't open connection %u: %s (see ulimit -n)", number_of(c), strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (g->deaf) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    uint32_t source = 0x7f000000u + 256 + ((uint32_t)getpid() % 4096) * 512 + number_of(c) / PER_SOURCE;
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) die("bind: %s", strerror(errno));
    struct sockaddr_in to = plan.address;
    to.sin_port = htons(port_of(c));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        die("can't connect: %s", strerror(errno));
    c->state = CONNECTING;
    c->frames = (struct frames){.heads = 0};
    c->tails = c->controls = 0;
    c->code = 0;
    watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    opening++;
}

static void lose(struct conn *c, const char *what);

static void ask_for_upgrade(struct conn *c) {
    static char request[1024];
    struct group *g = group_of(c);
    int error = 0;
    socklen_t n = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
    if (error) {
        lose(c, strerror(error));
        return;
    }
    int length = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: bGl2ZXNlcnZlci1sb2FkIQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        g->path, port_of(c), *g->subprotocol ? "Sec-WebSocket-Protocol: " : "", g->subprotocol,
        *g->subprotocol ? "\r\n" : "");
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    c->state = SHAKING;
    push(c, (uint8_t *)request, (size_t)length);
}

static void count_code(struct group *g, uint32_t code) {
    for (int i = 0; i < CODES_MAX; i++) {
        if (g->codes[i].count && g->codes[i].code != code && i + 1 < CODES_MAX) continue;
        g->codes[i].code = code;
        g->codes[i].count++;
        return;
    }
}

static void let_go(struct conn *c) {
    close(c->fd);
    free(c->out);
    free(c->head);
    c->out = NULL;
    c->head = NULL;
    c->out_n = c->out_at = c->head_n = 0;
    c->fd = -1;
}

static void come_back_later(struct conn *c, uint64_t when_ns) {
    c->not_before_ns = when_ns;
    c->state = IDLE;
    again_queue[(again_at + again_n++) % plan.connections] = number_of(c);
}

/* The other side hung up, or told us to. Before all are ready that ends the run; afterwards it is counted. */
static void lose(struct conn *c, const char *what) {
    struct group *g = group_of(c);
    enum state was = c->state;
    let_go(c);
    if (was <= SHAKING) opening--;
    if (was == READY) {
        g->lost++;
        count_code(g, c->code ? c->code : 1006); /* RFC 6455, 7.1.5: no close frame was seen */
        c->state = LOST;
    } else if (c->storming) {
        g->storm_failures++;
        count_code(g, c->code ? c->code : 1006);
        c->state = LOST;
        if (++c->attempts < ATTEMPTS_MAX) come_back_later(c, now_ns() + RETRY_NS);
        else g->storm_lost++;
    } else die("connection %u of group %s ended while opening (%s, close code %u)", number_of(c) - g->first, g->name, what, c->code);
}

static void on_ready(struct conn *c) {
    struct group *g = group_of(c);
    uint64_t t = now_ns();
    c->state = READY;
    if (c->storming) {
        c->storming = 0;
        g->storm_readied_ns[g->storm_readied++] = t - g->storm_began_ns;
        return;
    }
    g->readied++;
    g->readied_ns = t;
    if (g->deaf) watch(c, EPOLL_CTL_MOD, EPOLLRDHUP);
}

static int hex8[256];

static void find_stamps(struct conn *c, const uint8_t *from, const uint8_t *end, uint64_t t) {
    struct group *g = group_of(c);
    const uint8_t first = g->stamp[0], second = g->stamp[1], *kept = from, *p = from + 2;
    /* '=' is what is rare in JSON, so that memchr runs at the speed of memory. */
    while (p < end && (p = memchr(p, '=', (size_t)(end - p)))) {
        if (p[-1] != second || p[-2] != first) { p++; continue; }
        if (end - p < STAMP_BYTES) break;
        uint64_t due = 0;
        int bad = 0;
        for (int i = 1; i < STAMP_BYTES; i++) {
            int digit = hex8[p[i]];
            bad |= digit;
            due = due << 4 | (uint64_t)(digit & 15);
        }
        if (bad & ~15 || due > t || t - due > STAMP_AGE_MAX_NS) { p++; continue; }
        if (due >= measure_from && due < measure_to) histogram_add(g->waits, t - due);
        if (t >= measure_from && t < measure_to) g->arrived++;
        p += STAMP_BYTES;
        kept = p;
    }
    size_t n = (size_t)(end - kept);
    if (n > TAIL_MAX - 1) n = TAIL_MAX - 1;
    memmove(c->tail, end - n, n);
    c->tails = (uint8_t)n;
}

static void last_number(const struct pattern *pattern, const uint8_t *from, const uint8_t *end, uint64_t *value) {
    const uint8_t *p = from;
    while (pattern->n && (p = memmem(p, (size_t)(end - p), pattern->data, pattern->n))) {
        p += pattern->n;
        uint64_t found = 0;
        const uint8_t *digit = p;
        while (digit < end && *digit >= '0' && *digit <= '9') found = found * 10 + (uint64_t)(*digit++ - '0');
        if (digit > p && digit < end) *value = found;
    }
}

/* 0 when the connection is gone. */
static int on_control(struct conn *c, const struct piece *piece) {
    if (piece->offset + piece->n <= CONTROL_MAX) {
        memcpy(c->control + piece->offset, piece->data, piece->n);
        c->controls = (uint8_t)(piece->offset + piece->n);
    }
    if (!piece->last) return 1;
    uint8_t frame[FRAME_HEAD_MAX + CONTROL_MAX];
    if (piece->opcode == OP_PING) push(c, frame, frame_write(frame, OP_PONG, 1, c->control, c->controls));
    if (piece->opcode == OP_CLOSE) {
        c->code = c->controls >= 2 ? (uint16_t)(c->control[0] << 8 | c->control[1]) : 1005;
        lose(c, "it was told to close");
        return 0;
    }
    c->controls = 0;
    return 1;
}

static void on_bytes(struct conn *c, const uint8_t *data, const uint8_t *end, uint64_t t) {
    struct group *g = group_of(c);
    g->bytes += (uint64_t)(end - data);
    g->reads++;
    uint8_t *from = (uint8_t *)data - c->tails; /* `area` has room before what was read */
    memcpy(from, c->tail, c->tails);
    if (c->state == GREETED && memmem(from, (size_t)(end - from), g->ready.data, g->ready.n)) {
        if (c->storming && g->resumed.n && memmem(from, (size_t)(end - from), g->resumed.data, g->resumed.n)) g->storm_resumed++;
        on_ready(c);
    }
    last_number(&g->position, from, end, &c->position);
    last_number(&g->epoch, from, end, &c->epoch);
    find_stamps(c, from, end, t);
    struct piece piece;
    while (frames_next(&c->frames, &data, end, &piece))
        if (piece.opcode >= OP_CLOSE && !on_control(c, &piece)) return;
}

/* The response's head; what stands behind it are frames already. */
static void on_head(struct conn *c, const uint8_t *data, size_t n, uint64_t t) {
    struct group *g = group_of(c);
    if (c->head == NULL) c->head = must(malloc(HEAD_MAX + 1));
    size_t take = n < HEAD_MAX - c->head_n ? n : HEAD_MAX - c->head_n;
    memcpy(c->head + c->head_n, data, take);
    c->head[c->head_n + take] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        c->head_n += (uint32_t)take;
        if (c->head_n == HEAD_MAX) die("a handshake's response is longer than %d bytes", HEAD_MAX);
        return;
    }
    if (strncmp(c->head, "HTTP/1.1 101", 12)) {
        if (c->storming) { lose(c, "handshake refused"); return; }
        *end = 0;
        die("the handshake of group %s was refused: %.300s", g->name, c->head);
    }
    const uint8_t *behind = data + ((size_t)(end + 4 - c->head) - c->head_n), *stop = data + n;
    free(c->head);
    c->head = NULL;
    c->head_n = 0;
    c->state = GREETED;
    opening--;
    if (!c->storming) {
        g->opened++;
        g->opened_ns = t;
    }
    greet(c);
    if (g->ready.n == 0) on_ready(c);
    if (behind < stop) on_bytes(c, behind, stop, t);
}

static void on_event(struct conn *c, uint32_t events) {
    if (c->fd < 0) return;
    if (c->state == CONNECTING) {
        ask_for_upgrade(c);
        return;
    }
    if (c->state == READY && group_of(c)->deaf) {
        lose(c, "deaf");
        return;
    }
    if (events & EPOLLOUT && c->out_n) push_rest(c);
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
    ssize_t n = recv(c->fd, area + TAIL_MAX, READ_BYTES, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) lose(c, n == 0 ? "hung up" : strerror(errno));
    else if (c->state == SHAKING) on_head(c, area + TAIL_MAX, (size_t)n, now_ns());
    else on_bytes(c, area + TAIL_MAX, area + TAIL_MAX + n, now_ns());
}

/* Waits for at most so long, and handles what has come. */
static int turn(uint64_t wait_ns) {
    struct epoll_event events[TURN_EVENTS];
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u), .tv_nsec = (long)(wait_ns % 1000000000u)};
    int n = epoll_pwait2(epoll, events, TURN_EVENTS, &wait, NULL);
    if (n < 0 && errno != EINTR) die("epoll: %s", strerror(errno));
    for (int i = 0; i < n; i++) on_event(&conns[events[i].data.u32], events[i].events);
    return n;
}

#endif
