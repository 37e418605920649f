// Programs that are hot enough to be translated, and things that happen to them then: the first
// argument says which. Each prints the same whatever executes it.

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t mix(uint32_t seed, int rounds) {
    for (int i = 0; i < rounds; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed += (uint32_t)i * 2654435761u;
    }
    return seed;
}

static int compute(void) {
    double sum = 0;
    for (int i = 1; i < 2000000; i++) sum += 1.0 / ((double)i * i);
    printf("%08x %.9f\n", mix(1, 5000000), sum);
    return 0;
}

// Code that is written, executed until it is translated, and written anew.
static int rewrite(void) {
    unsigned char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) return 1;
    for (int n = 1; n <= 6; n++) {
        // A loop of 300000 turns that adds n: mov ecx; xor eax, eax; add eax, n; dec ecx; jnz.
        unsigned char loop[] = {0xb9, 0xe0, 0x93, 4, 0, 0x31, 0xc0, 0x83, 0xc0, (unsigned char)n,
                                0xff, 0xc9, 0x75, 0xf9, 0xc3};
        // i386 has `dec ecx` in this form too.
        memcpy(code, loop, sizeof loop);
        int sum = 0;
        for (int i = 0; i < 4; i++) sum += ((int (*)(void))code)();
        printf("%d %d\n", n, sum);
    }
    return 0;
}

static volatile sig_atomic_t ticks;
static sigjmp_buf away;

static void tick(int number) {
    (void)number;
    if (++ticks == 8) siglongjmp(away, 1);
}

// A loop that only a signal can end.
static int spin(void) {
    signal(SIGALRM, tick);
    struct itimerval timer = {{0, 20000}, {0, 20000}};
    volatile uint32_t turns = 0;
    if (sigsetjmp(away, 1) == 0) {
        setitimer(ITIMER_REAL, &timer, 0);
        for (;;) turns++;
    }
    printf("%d ticks, %s\n", (int)ticks, turns > 1000 ? "it turned" : "it stood still");
    return 0;
}

// A fault in translated code, at an address that only the loop knows.
static int fault(void) {
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t sum = 0;
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 4096; i++) sum += (uint32_t)(page[i] += (char)i);
    }
    printf("%u\n", sum);
    fflush(stdout);
    munmap(page + 4096, 4096);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 8192; i++) sum += (uint32_t)(page[i] += (char)i);
    }
    return (int)sum;
}

// Processes that each are hot: children of a hot one, which execute this program again.
static int family(char *self) {
    printf("%08x\n", mix(7, 1000000));
    fflush(stdout);
    for (int i = 0; i < 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            printf("%08x\n", mix((uint32_t)i, 1000000));
            fflush(stdout);
            if (i % 2 == 0) execl(self, self, "compute", (char *)0);
            _exit(0);
        }
        int status;
        waitpid(child, &status, 0);
        printf("%d\n", status);
        fflush(stdout);
    }
    return 0;
}

// Memory that grows below a hot loop.
static int grow(void) {
    uint64_t sum = 0;
    char *last = 0;
    for (int i = 1; i <= 24; i++) {
        size_t size = (size_t)i << 18;
        char *next = malloc(size);
        for (size_t at = 0; at < size; at += 64) next[at] = (char)(at + (size_t)i);
        for (size_t at = 0; at < size; at += 16) sum += (unsigned char)next[at];
        free(last);
        last = next;
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}

// Ends as soon as it is hot.
static int brief(void) {
    printf("%08x\n", mix(3, 60000));
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "compute")) return compute();
    if (!strcmp(what, "rewrite")) return rewrite();
    if (!strcmp(what, "spin")) return spin();
    if (!strcmp(what, "fault")) return fault();
    if (!strcmp(what, "family")) return family(argv[0]);
    if (!strcmp(what, "grow")) return grow();
    if (!strcmp(what, "brief")) return brief();
    return 2;
}
