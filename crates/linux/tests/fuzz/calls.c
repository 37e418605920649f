// Random system calls with wild arguments: each child makes some, and is killed if it hangs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state * 0x2545f4914f6cdd1dull; }
static unsigned char *good, *readonly, *edge;

static long argument(void) {
    switch (next() % 16) {
    case 0: return 0;
    case 1: return -1;
    case 2: return (long)next();
    case 3: return next() % 4096;
    case 4: case 5: return next() % 40;
    case 6: return 1l << next() % (8 * sizeof(long));
    case 7: return (long)(readonly + next() % 4096);
    case 8: return (long)(edge - next() % 64);
    case 9: return -100;
    case 10: return 0x1000;
    default: return (long)(good + (next() % 8192 & ~7));
    }
}

static void fill(void) {
    for (int i = 0; i < 16384; i += 4) {
        uint32_t v = next() % 4 ? next() % 64 : (uint32_t)argument();
        memcpy(good + i, &v, 4);
    }
    static const char *names[] = {"a", "/", "dir/b", "..", "/dev/null", "sock", "fifo", "link"};
    for (int i = 0; i < 8; i++) strcpy((char *)good + next() % 1024 * 8, names[next() % 8]);
}

static void child(long number_of_calls, long highest) {
    setsid();
    for (long i = 0; i < number_of_calls; i++) {
        if (i % 16 == 0) fill();
        long n = next() % highest, a[6];
        for (int k = 0; k < 6; k++) a[k] = argument();
        // The parent must live to see the end; what leaves the sandbox's clock alone is fine.
        if (n == SYS_kill || n == SYS_tkill || n == SYS_tgkill || n == SYS_rt_sigqueueinfo
            || n == SYS_rt_tgsigqueueinfo || n == SYS_pidfd_send_signal || n == SYS_exit_group
            || n == SYS_exit || n == SYS_munmap || n == SYS_mremap || n == SYS_brk || n == SYS_ptrace)
            if (next() % 8 || a[0] == 1) continue;
        if ((n == SYS_kill || n == SYS_tkill || n == SYS_tgkill) && a[0] <= 1 && a[0] >= -1) continue;
        syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}

int main(int argc, char **argv) {
    uint64_t seed = strtoull(argv[1], 0, 10);
    long children = atol(argv[2]), calls = atol(argv[3]);
    good = mmap(0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    readonly = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    edge = (unsigned char *)mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    munmap(edge, 4096);
    mkdir("dir", 0777);
    for (long i = 0; i < children; i++) {
        int pid = fork();
        if (pid == 0) {
            state = seed * 1000003 + i * 7919 + 1;
            for (int k = 0; k < 8; k++) next();
            int p[2];
            close(0); close(1); close(2);
            pipe(p); socketpair(AF_UNIX, 1 + next() % 2, 0, p);
            socket(next() % 2 ? AF_INET : AF_INET6, 1 + next() % 2, 0);
            open("dir/b", O_CREAT | O_RDWR, 0666);
            child(calls, 470);
            _exit(0);
        }
        for (int waited = 0; waited < 100; waited++) {
            if (pid < 0 || waitpid(pid, 0, WNOHANG) == pid) { pid = 0; break; }
            usleep(10000);
        }
        if (pid > 0) { kill(pid, SIGKILL); waitpid(pid, 0, 0); }
        while (waitpid(-1, 0, WNOHANG) > 0);
    }
    puts("done");
    return 0;
}
