/* Times in buckets that grow with the time: 128 to each doubling, so that any percentile is right within 0.8 %.
 *
 * It keeps no samples, so that its cost does not depend on their number.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS 7
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

static inline unsigned histogram_bucket(uint64_t ns) {
    if (ns < 1u << HISTOGRAM_BITS) return (unsigned)ns;
    unsigned shift = 63u - (unsigned)__builtin_clzll(ns) - HISTOGRAM_BITS;
    return ((shift + 1) << HISTOGRAM_BITS) + (unsigned)((ns >> shift) - (1u << HISTOGRAM_BITS));
}

/* The middle of a bucket. */
static inline double histogram_value(unsigned bucket) {
    if (bucket < 1u << HISTOGRAM_BITS) return bucket;
    unsigned shift = (bucket >> HISTOGRAM_BITS) - 1;
    uint64_t low = ((uint64_t)(bucket & ((1u << HISTOGRAM_BITS) - 1)) + (1u << HISTOGRAM_BITS)) << shift;
    return (double)low + (double)((uint64_t)1 << shift) / 2;
}

static inline void histogram_add(struct histogram *h, uint64_t ns) {
    h->counts[histogram_bucket(ns)]++;
    h->total++;
    if (ns > h->max_ns) h->max_ns = ns;
}

/* The time under which this share of the samples was, in ms; 0 without samples. */
static inline double histogram_ms(const struct histogram *h, double share) {
    uint64_t wanted = (uint64_t)(share * (double)h->total), seen = 0;
    if (h->total == 0) return 0;
    if (wanted >= h->total) wanted = h->total - 1;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += h->counts[bucket];
        if (seen > wanted) {
            double ns = histogram_value(bucket);
            return (ns > (double)h->max_ns ? (double)h->max_ns : ns) / 1e6;
        }
    }
    return (double)h->max_ns / 1e6;
}

#endif
