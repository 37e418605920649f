// Runs single instructions on the real processor: native CASES RESULTS.
//
// The state before is put into a signal's context, so that returning from the handler starts
// the instruction with it; the breakpoint behind the instruction, or its fault, brings the
// state after. No assembly is needed, and both instruction sets are served by one source.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define CODE 0x20000000ul
#define DATA 0x21000000ul
#define WINDOW 1536
#define WINDOW_SIZE 1024

struct state {
    uint64_t gpr[16], rip, rflags;
    uint8_t fx[512];
    uint8_t data[WINDOW_SIZE];
};
struct test { uint8_t code[16]; struct state before; };
struct result { uint64_t trap, error, cr2; struct state after; };

static struct test *tests;
static struct result *results;
static size_t count, next;
static ucontext_t start;
static uint8_t start_fp[4096];
static int running;

#ifdef __x86_64__
static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
#define REGISTERS 16
#define RIP REG_RIP
#define FX(uc) ((uint8_t *)(uc)->uc_mcontext.fpregs)
#define CR2(uc) ((uc)->uc_mcontext.gregs[REG_CR2])
#else
static const int order[8] = {REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI};
#define REGISTERS 8
#define RIP REG_EIP
#define FX(uc) ((uint8_t *)(uc)->uc_mcontext.fpregs + 112)
#define CR2(uc) ((uc)->uc_mcontext.cr2)
#endif

static void load_fp(ucontext_t *uc, const uint8_t *fx) {
    uint8_t *to = FX(uc);
    memcpy(to, fx, 464);
    uint32_t magic;
    memcpy(&magic, to + 464, 4);
    if (magic == 0x46505853) {
        to[512] |= 3;  // x87 and SSE are not in their initial state.
    }
#ifndef __x86_64__
    // The 32-bit frame has an older image in front, which counts for x87.
    uint8_t *old = to - 112;
    uint32_t word = 0xffff0000u | fx[0] | fx[1] << 8;
    memcpy(old, &word, 4);
    word = 0xffff0000u | fx[2] | fx[3] << 8;
    memcpy(old + 4, &word, 4);
    uint32_t tags = 0;
    for (int i = 0; i < 8; i++)
        if (!(fx[4] >> i & 1)) tags |= 3u << 2 * i;
    word = 0xffff0000u | tags;
    memcpy(old + 8, &word, 4);
    for (int i = 0; i < 8; i++) memcpy(old + 28 + 10 * i, fx + 32 + 16 * i, 10);
#endif
}

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)number, (void)info;
    ucontext_t *uc = context;
    greg_t *g = uc->uc_mcontext.gregs;
    if (!running) {
        start = *uc;
        memcpy(start_fp, FX(uc), 512);
        running = 1;
    } else {
        struct result *r = &results[next++];
        r->trap = g[REG_TRAPNO];
        r->error = g[REG_ERR];
        r->cr2 = (uintptr_t)CR2(uc);
        for (int i = 0; i < REGISTERS; i++)
            r->after.gpr[i] = sizeof(long) == 8 ? (uint64_t)g[order[i]] : (uint32_t)g[order[i]];
        r->after.rip = (uintptr_t)g[RIP];
        r->after.rflags = (uintptr_t)g[REG_EFL];
        memcpy(r->after.fx, FX(uc), 512);
        memcpy(r->after.data, (void *)(DATA + WINDOW), WINDOW_SIZE);
    }
    if (next == count) {
        memcpy(g, start.uc_mcontext.gregs, sizeof(uc->uc_mcontext.gregs));
        load_fp(uc, start_fp);
        running = 0;
        return;
    }
    const struct test *t = &tests[next];
    memset((void *)DATA, 0, 4096);
    memcpy((void *)(DATA + WINDOW), t->before.data, WINDOW_SIZE);
    memcpy((void *)CODE, t->code, 16);
    for (int i = 0; i < REGISTERS; i++) g[order[i]] = t->before.gpr[i];
    g[RIP] = CODE;
    g[REG_EFL] = t->before.rflags;
    load_fp(uc, t->before.fx);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *in = fopen(argv[1], "rb");
    if (!in) return 3;
    fseek(in, 0, SEEK_END);
    count = (size_t)ftell(in) / sizeof(struct test);
    rewind(in);
    tests = malloc(count * sizeof *tests + 1);
    results = calloc(count + 1, sizeof *results);
    if (!tests || !results || fread(tests, sizeof *tests, count, in) != count) return 4;
    int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap((void *)CODE, 4096, prot | PROT_EXEC, flags, -1, 0) == MAP_FAILED) return 5;
    if (mmap((void *)DATA, 4096, prot, flags, -1, 0) == MAP_FAILED) return 5;
    static uint8_t alternate[1 << 16];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    sigaltstack(&stack, 0);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
    for (int i = 0; i < 5; i++) sigaction(signals[i], &action, 0);
    if (count) __asm__ volatile("int3" ::: "memory");
    FILE *out = fopen(argv[2], "wb");
    if (!out || fwrite(results, sizeof *results, count, out) != count || fclose(out)) return 6;
    return 0;
}
