/* The limit to measure against: a WebSocket server that does nothing but the sends.
 *
 * What arrives on /publish is collected, and at most once a flush interval goes to everybody else as one frame, with one
 * `send` a viewer: what any server has to do that coalesces, without rooms, log, JSON, heartbeats or deadlines. At once when
 * nothing was sent for an interval. Usage: raw PORT FLUSH_MS. It listens on 127.0.0.1 only and says "ready" on stdout.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"
#include "wire.h"

#define CONNECTIONS_MAX 200000
#define BATCH_MAX (4 * 1024 * 1024)   /* of one flush; more is published than anybody reads: the server gives up */
#define BACKLOG_MAX (4 * 1024 * 1024) /* unsent for one viewer; then it is cut off */
#define REQUEST_MAX 4096
#define TURN_EVENTS 256
#define ACCEPTS_MAX 256 /* connections taken in one turn */

struct peer {
    struct frames frames;
    uint8_t *left; /* what the socket did not take */
    size_t left_n;
    char *request;
    size_t request_n;
    uint32_t place; /* in `viewers`, for one that listens */
    uint8_t open, publishes;
};

static struct peer *peers[CONNECTIONS_MAX]; /* by descriptor */
static int viewers[CONNECTIONS_MAX];
static uint32_t viewer_count;
static int epoll;
static uint8_t batch[BATCH_MAX], out[BATCH_MAX + FRAME_HEAD_MAX];
static size_t batch_n, whole_n; /* bytes collected, and of them those of whole messages */

static void watch(int fd, int how, uint32_t events) {
    struct epoll_event e = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, how, fd, &e)) die("epoll_ctl: %s", strerror(errno));
}

static void drop(int fd) {
    struct peer *p = peers[fd];
    if (p->open && !p->publishes) {
        int last = viewers[--viewer_count];
        viewers[p->place] = last;
        peers[last]->place = p->place;
    }
    free(p->left);
    free(p->request);
    free(p);
    peers[fd] = NULL;
    close(fd);
}

/* 0 when the viewer had to be cut off. */
static int give(int fd, const uint8_t *data, size_t n) {
    struct peer *p = peers[fd];
    if (p->left_n == 0) {
        ssize_t k = send(fd, data, n, MSG_NOSIGNAL);
        if (k == (ssize_t)n) return 1;
        if (k < 0 && errno != EAGAIN) { drop(fd); return 0; }
        if (k > 0) { data += k; n -= (size_t)k; }
        watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    if (p->left_n + n > BACKLOG_MAX) { drop(fd); return 0; }
    p->left = must(realloc(p->left, p->left_n + n));
    memcpy(p->left + p->left_n, data, n);
    p->left_n += n;
    return 1;
}

static void give_rest(int fd) {
    struct peer *p = peers[fd];
    ssize_t k = send(fd, p->left, p->left_n, MSG_NOSIGNAL);
    if (k <= 0) return;
    p->left_n -= (size_t)k;
    memmove(p->left, p->left + k, p->left_n);
    if (p->left_n == 0) {
        free(p->left);
        p->left = NULL;
        watch(fd, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void flush(void) {
    size_t n = frame_write(out, OP_TEXT, 0, batch, whole_n);
    batch_n -= whole_n;
    memmove(batch, batch + whole_n, batch_n); /* the beginning of a message that is still coming */
    whole_n = 0;
    for (uint32_t i = 0; i < viewer_count;) i += (uint32_t)give(viewers[i], out, n); /* one dropped has its place taken */
}

static void on_frames(int fd, const uint8_t *data, const uint8_t *end) {
    struct peer *p = peers[fd];
    struct piece piece;
    while (frames_next(&p->frames, &data, end, &piece)) {
        if (piece.opcode == OP_CLOSE) { drop(fd); return; }
        if (piece.opcode > OP_CLOSE || !p->publishes) continue;
        if (batch_n + piece.n + 1 > BATCH_MAX) die("more than %d bytes were published within a flush", BATCH_MAX);
        for (size_t i = 0; i < piece.n; i++) batch[batch_n++] = piece.data[i] ^ p->frames.mask[(piece.offset + i) & 3];
        if (!piece.last) continue;
        batch[batch_n++] = '\n';
        whole_n = batch_n;
    }
}

static void on_request(int fd, const uint8_t *data, size_t n) {
    struct peer *p = peers[fd];
    char accept[ACCEPT_MAX], answer[256];
    if (p->request == NULL) p->request = must(malloc(REQUEST_MAX + 1));
    if (p->request_n + n > REQUEST_MAX) { drop(fd); return; }
    memcpy(p->request + p->request_n, data, n);
    p->request_n += n;
    p->request[p->request_n] = 0;
    if (strstr(p->request, "\r\n\r\n") == NULL) return;
    if (!accept_of(p->request, accept)) { drop(fd); return; }
    p->publishes = !strncmp(p->request, "GET /publish ", 13);
    p->open = 1;
    free(p->request);
    p->request = NULL;
    int length = snprintf(answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    if (!p->publishes) {
        p->place = viewer_count;
        viewers[viewer_count++] = fd;
    }
    give(fd, (uint8_t *)answer, (size_t)length);
}

static void on_readable(int fd) {
    static uint8_t in[65536];
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) drop(fd);
    else if (peers[fd]->open) on_frames(fd, in, in + n);
    else on_request(fd, in, (size_t)n);
}

static void take(int listener) {
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)) return;
        if (fd < 0 || fd >= CONNECTIONS_MAX) die("accept: %s", strerror(errno));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        peers[fd] = must(calloc(1, sizeof **peers));
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int listen_on(int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) die("port %d: %s", port, strerror(errno));
    watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    return fd;
}

int main(int count, char **words) {
    int port = count == 3 ? atoi(words[1]) : 0;
    double flush_ms = count == 3 ? atof(words[2]) : 0;
    if (port < 1 || port > 65535 || !(flush_ms >= 0.1 && flush_ms <= 10000)) die("usage: raw PORT FLUSH_MS (0.1 to 10000)");
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on(port);
    printf("ready\n");
    fflush(stdout);
    const uint64_t interval = (uint64_t)(flush_ms * 1e6);
    uint64_t due = 0;
    for (;;) {
        struct epoll_event events[TURN_EVENTS];
        uint64_t t = now_ns(), wait_ns = 1000000000u;
        if (whole_n && t >= due) {
            flush();
            due = t + interval;
        } else if (whole_n) wait_ns = due - t;
        struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000u), .tv_nsec = (long)(wait_ns % 1000000000u)};
        int n = epoll_pwait2(epoll, events, TURN_EVENTS, &wait, NULL);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) { take(listener); continue; }
            if (peers[fd] && events[i].events & EPOLLOUT && peers[fd]->left_n) give_rest(fd);
            if (peers[fd] && events[i].events & ~EPOLLOUT) on_readable(fd);
        }
    }
}
