/* Reads whole numbers (ns), a line each, and prints the share of them asked for: the generator's percentiles, for a test. */
#include "wire.h"

#include "histogram.h"

int main(int count, char **words) {
    static struct histogram seen;
    unsigned long long ns;
    while (scanf("%llu", &ns) == 1) histogram_add(&seen, ns);
    for (int i = 1; i < count; i++) printf("%.9f\n", histogram_ms(&seen, atof(words[i])));
    return 0;
}
