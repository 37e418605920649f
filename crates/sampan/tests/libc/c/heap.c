/* malloc and its family under a random load: no block may overlap another, or lose its bytes. */
#include "libc.h"

#define BLOCKS 200
static unsigned char *blocks[BLOCKS];
static unsigned sizes[BLOCKS];
static unsigned state = 1;

static unsigned next(unsigned below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

static void check(unsigned i, unsigned size) {
    for (unsigned k = 0; k < size; k++)
        if (blocks[i][k] != (unsigned char)(i * 7 + k)) {
            printf("block %u lost byte %u\n", i, k);
            exit(1);
        }
}

static void fill(unsigned i) {
    for (unsigned k = 0; k < sizes[i]; k++) blocks[i][k] = i * 7 + k;
}

int main(void) {
    unsigned long total = 0;
    for (int round = 0; round < 20000; round++) {
        unsigned i = next(BLOCKS), size = next(10) ? next(100) : next(5000);
        if (!blocks[i] || next(3) == 0) {
            unsigned old = blocks[i] ? sizes[i] : 0;
            if (blocks[i]) check(i, old);
            unsigned char *new = realloc(blocks[i], size + 1);
            if (!new) { puts("no memory"); exit(2); }
            blocks[i] = new;
            check(i, old < size ? old : size);
            sizes[i] = size;
            fill(i);
        } else {
            check(i, sizes[i]);
            free(blocks[i]);
            blocks[i] = NULL;
            if (next(2)) {
                blocks[i] = next(2) ? malloc(size) : calloc(size, 1);
                sizes[i] = size;
                if (!blocks[i]) { puts("no memory"); exit(2); }
                fill(i);
            }
        }
        if ((size_t)blocks[i] % 16) { puts("not aligned"); exit(3); }
        total += size;
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (blocks[i]) check(i, sizes[i]);
        free(blocks[i]);
    }
    free(NULL);
    unsigned char *zeros = calloc(1000, 3);
    for (int k = 0; k < 3000; k++) if (zeros[k]) { puts("calloc is not zero"); exit(4); }
    free(zeros);
    /* All of it is one piece again. */
    char *large = malloc(200000);
    puts(large ? "large" : "no large block");
    free(large);
    volatile size_t most = (size_t)-1;
    puts(malloc(most) || malloc(most - 100) || calloc(most, 2) ? "impossible" : "refused");
    printf("%lu\n", total);
    return 0;
}
