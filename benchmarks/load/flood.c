/* The load generator: many WebSocket connections from one process, streams of stamped frames, and what came back when.
 *
 * It knows no server's protocol: it sends what its plan says and looks for stamps (`TS=` and 16 hex digits: the moment,
 * CLOCK_MONOTONIC in ns, at which the frame was DUE, so that a generator or a server that falls behind shows as latency and
 * not as fewer samples). It answers pings and heeds closes, nothing else. One plan file in, one JSON document out; lines
 * beginning with @ on stderr tell when a phase begins. Built for little CPU a message: nothing is allocated for one.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "conns.h"

#define TURN_FRAMES 256 /* frames sent before connections are read again */

static uint32_t next_to_open;
static struct histogram late;

static void connect_all(void) {
    uint64_t heard = now_ns();
    for (int i = 0; i < plan.group_count; i++) {
        struct group *g = &plan.groups[i];
        uint32_t end = g->first + g->count;
        g->began_ns = now_ns();
        while (g->readied < g->count) {
            while (next_to_open < end && opening < plan.opening_max) start_opening(&conns[next_to_open++]);
            uint32_t before = g->opened + g->readied;
            turn(100000000u);
            if (g->opened + g->readied > before) heard = now_ns();
            else if (now_ns() - heard > plan.stall_ns)
                die("group %s stalls: of %u connections %u are open and %u ready, and no more within %.0f s", g->name,
                    g->count, g->opened, g->readied, (double)plan.stall_ns / 1e9);
        }
    }
}

static struct conn *next_speaker(struct stream *s) {
    for (uint32_t tries = 0; tries < s->from->count; tries++) {
        struct conn *c = &conns[s->from->first + s->next];
        s->next = (s->next + 1) % s->from->count;
        if (c->state == READY) return c;
    }
    return NULL;
}

/* Sends what is due. Gives when the next frame of any stream is. */
static uint64_t speak(uint64_t start) {
    uint64_t next = UINT64_MAX;
    for (int i = 0; i < plan.stream_count; i++) {
        struct stream *s = &plan.streams[i];
        for (int burst = 0;; burst++) {
            uint64_t due = start + (uint64_t)((double)s->sent * s->period_ns), t = now_ns();
            if (due >= measure_to) break;
            if (due > t || burst == TURN_FRAMES) {
                if (due < next) next = due;
                break;
            }
            struct conn *c = next_speaker(s);
            if (c && !say(c, &s->frame, due, s->sent + 1)) {
                /* No room: this connection is next again, soon; the stamps go on being those of the due times. */
                s->next = number_of(c) - s->from->first;
                if (t + 100000 < next) next = t + 100000;
                break;
            }
            if (due >= measure_from) histogram_add(&late, t - due);
            s->sent++;
        }
    }
    return next;
}

static void break_off(struct group *g) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    uint32_t hit = 0;
    g->storm_began_ns = now_ns();
    for (uint32_t i = 0; i < g->count && hit < g->storm_count; i++) {
        struct conn *c = &conns[g->first + i];
        if (c->state != READY) continue;
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        let_go(c);
        c->storming = 1;
        come_back_later(c, 0);
        hit++;
    }
    g->storm_count = hit;
}

static void storm(uint64_t t) {
    for (int i = 0; i < plan.group_count; i++) {
        struct group *g = &plan.groups[i];
        if (g->storm_count && !g->storm_began_ns && t >= measure_from + g->storm_at_ns) break_off(g);
    }
    while (again_n && opening < plan.opening_max) {
        struct conn *c = &conns[again_queue[again_at]];
        if (c->not_before_ns > t) break;
        again_at = (again_at + 1) % plan.connections;
        again_n--;
        start_opening(c);
    }
}

static int storm_over(void) {
    for (int i = 0; i < plan.group_count; i++)
        if (plan.groups[i].storm_readied + plan.groups[i].storm_lost < plan.groups[i].storm_count) return 0;
    return 1;
}

/* Frames of a stream that were due within the measured period, whether they could be sent or not. */
static uint64_t due_frames(const struct stream *s) {
    uint64_t first = (uint64_t)((double)plan.warm_ns / s->period_ns);
    while ((uint64_t)((double)first * s->period_ns) < plan.warm_ns) first++;
    uint64_t end = (uint64_t)((double)(plan.warm_ns + plan.measure_ns) / s->period_ns);
    while ((uint64_t)((double)end * s->period_ns) < plan.warm_ns + plan.measure_ns) end++;
    return end - first;
}

static int all_came(void) {
    for (int i = 0; i < plan.group_count; i++)
        if (plan.groups[i].waits->total < plan.groups[i].wanted) return 0;
    return 1;
}

static void phase(const char *name) { fprintf(stderr, "@%s\n", name); }

static double cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Warm-up, measured period, drain. Gives the CPU seconds that the measured period cost this process. */
static double run(void) {
    uint64_t start = now_ns() + plan.settle_ns, drained;
    double cpu = 0;
    int begun = 0, measuring = 0, measured = 0;
    measure_from = start + plan.warm_ns;
    measure_to = measure_from + plan.measure_ns;
    drained = measure_to + plan.drain_ns;
    for (;;) {
        uint64_t t = now_ns(), next = drained;
        if (!begun && t >= start) { begun = 1; phase("warming"); }
        if (!measuring && t >= measure_from) { measuring = 1; cpu = cpu_s(); phase("measuring"); }
        if (!measured && t >= measure_to) { measured = 1; cpu = cpu_s() - cpu; phase("measured"); }
        if (t >= drained || (measured && all_came() && storm_over())) return cpu;
        if (begun) {
            uint64_t due = speak(start);
            if (due < next) next = due;
        }
        if (measuring) storm(t);
        uint64_t edges[] = {start, measure_from, measure_to, again_n ? t + 1000000 : drained};
        for (int i = 0; i < 4; i++)
            if (edges[i] > t && edges[i] < next) next = edges[i];
        if (measuring && t + 10000000 < next && !storm_over()) next = t + 10000000;
        turn(next > t ? next - t : 0);
    }
}

static void tell_times(const struct histogram *h) {
    printf("\"p50_ms\":%.3f,\"p95_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f", histogram_ms(h, 0.5),
           histogram_ms(h, 0.95), histogram_ms(h, 0.99), histogram_ms(h, 0.999), (double)h->max_ns / 1e6);
}

static void tell_group(const struct group *g) {
    double seconds = (double)plan.measure_ns / 1e9;
    printf("{\"name\":\"%s\",\"count\":%u,\"wanted\":%llu,\"delivered\":%llu,\"ratio\":%.6f,\"per_s\":%.1f,", g->name, g->count,
           (unsigned long long)g->wanted, (unsigned long long)g->waits->total,
           g->wanted ? (double)g->waits->total / (double)g->wanted : 1.0, (double)g->arrived / seconds);
    tell_times(g->waits);
    printf(",\"bytes\":%llu,\"reads\":%llu,\"open_s\":%.4f,\"ready_s\":%.4f,\"lost\":%u,\"closes\":{",
           (unsigned long long)g->bytes, (unsigned long long)g->reads, (double)(g->opened_ns - g->began_ns) / 1e9,
           (double)(g->readied_ns - g->began_ns) / 1e9, g->lost);
    for (int i = 0; i < CODES_MAX && g->codes[i].count; i++)
        printf("%s\"%u\":%u", i ? "," : "", g->codes[i].code, g->codes[i].count);
    printf("}");
    if (g->storm_count) {
        uint32_t n = g->storm_readied;
        const uint64_t *at = g->storm_readied_ns;
        printf(",\"storm\":{\"count\":%u,\"ready\":%u,\"resumed\":%u,\"failures\":%u,\"lost\":%u,\"half_s\":%.3f,\"most_s\":%.3f,\"all_s\":%.3f}",
               g->storm_count, n, g->storm_resumed, g->storm_failures, g->storm_lost, n >= (g->storm_count + 1) / 2 ? (double)at[(g->storm_count - 1) / 2] / 1e9 : -1,
               n >= g->storm_count * 99ull / 100 && n ? (double)at[g->storm_count * 99ull / 100 - (g->storm_count >= 100)] / 1e9 : -1,
               n == g->storm_count && n ? (double)at[n - 1] / 1e9 : -1);
    }
    printf("}");
}

int main(int count, char **words) {
    FILE *file = count == 2 ? fopen(words[1], "r") : NULL;
    if (file == NULL) die("usage: flood PLAN-FILE (see flood.py)");
    read_plan(&plan, file);
    fclose(file);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max != RLIM_INFINITY && plan.connections + 32 > files.rlim_max)
        die("%u connections need as many open files, and this system allows %llu a process (ulimit -Hn)", plan.connections,
            (unsigned long long)files.rlim_max);
    prctl(PR_SET_TIMERSLACK, 1000u);
    for (int i = 0; i < 256; i++) {
        int digit = hex_digit(i);
        hex8[i] = digit < 0 ? 16 : digit;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    conns = must(calloc(plan.connections, sizeof *conns));
    again_queue = must(calloc(plan.connections, sizeof *again_queue));
    for (int i = 0; i < plan.group_count; i++)
        for (uint32_t k = 0; k < plan.groups[i].count; k++) conns[plan.groups[i].first + k].group = (uint16_t)i;
    connect_all();
    for (int i = 0; i < plan.stream_count; i++) {
        struct stream *s = &plan.streams[i];
        s->to->wanted += due_frames(s) * (s->to_all ? s->to->count : 1);
    }
    phase("connected");
    double cpu = run(), seconds = (double)plan.measure_ns / 1e9;
    phase("done");
    printf("{\"seconds\":%.3f,\"generator\":{\"cpu_share\":%.4f,\"late\":{", seconds, cpu / seconds);
    tell_times(&late);
    printf("}},\"groups\":[");
    for (int i = 0; i < plan.group_count; i++) {
        if (i) printf(",");
        tell_group(&plan.groups[i]);
    }
    printf("]}\n");
    return fflush(stdout) ? 1 : 0;
}
