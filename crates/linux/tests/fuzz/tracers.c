// Processes that trace each other at random: all requests, with wild addresses and numbers, to
// tracees that run, wait, step, fork, run programs and die. The first process kills the rest.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 12

static uint64_t state;
static uint64_t next(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state * 0x2545f4914f6cdd1dull; }

static struct { volatile int count; volatile pid_t pids[MOST]; } *all;
static unsigned char buffer[4096];
static char *self;

static const int requests[] = {
    PTRACE_TRACEME, PTRACE_PEEKTEXT, PTRACE_PEEKUSER, PTRACE_POKETEXT, PTRACE_POKEDATA, PTRACE_POKEUSER,
    PTRACE_CONT, PTRACE_CONT, PTRACE_KILL, PTRACE_SINGLESTEP, PTRACE_SINGLESTEP, PTRACE_GETREGS, PTRACE_SETREGS,
    PTRACE_GETFPREGS, PTRACE_SETFPREGS, PTRACE_ATTACH, PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SYSCALL, PTRACE_SYSCALL,
    PTRACE_SYSCALL, PTRACE_SETOPTIONS, PTRACE_GETEVENTMSG, PTRACE_GETSIGINFO, PTRACE_SETSIGINFO, PTRACE_GETREGSET,
    PTRACE_SETREGSET, PTRACE_SEIZE, PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_INTERRUPT, PTRACE_LISTEN, 0x420a, 0x420b,
    0x420e, 18, 19, 31, 32,
};

static long wild(void) {
    switch (next() % 8) {
    case 0: return 0;
    case 1: return next() % 32;
    case 2: return (long)next();
    case 3: return next() % 1024 & ~7;
    case 4: return 1l << next() % (8 * sizeof(long));
    case 5: return (long)wild;
    default: return (long)buffer;
    }
}

static int in_thread(void *arg) {
    for (int i = 0; i < 20; i++) sched_yield();
    return 0;
}

static void enter(void) {
    int at = __sync_fetch_and_add(&all->count, 1) % MOST;
    all->pids[at] = getpid();
}

static void act(void) {
    static char stack[4][16384];
    pid_t pid = all->pids[next() % MOST];
    switch (next() % 16) {
    case 0: waitpid(-1, 0, WNOHANG | __WALL | WUNTRACED); break;
    case 1: waitpid(pid, 0, WNOHANG | __WALL | (next() % 2 ? WCONTINUED : 0)); break;
    case 2: {
        static const int signals[] = { SIGSTOP, SIGCONT, SIGUSR1, SIGCHLD, SIGTRAP, SIGTSTP, SIGURG };
        if (pid > 1) kill(pid, signals[next() % 7]);
        break;
    }
    case 3:
        if (next() % 4 == 0 && all->count < 200) {
            pid_t child = next() % 2 ? fork() : vfork();
            if (child == 0) {
                if (next() % 2) {
                    char *argv[] = { self, "again", "1", 0 };
                    execv(self, argv);
                }
                _exit(next() % 3);
            }
        }
        break;
    case 4:
        clone(in_thread, stack[next() % 4] + 16384, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, 0);
        break;
    case 5: usleep(next() % 300); break;
    case 6: syscall(SYS_getuid); break;
    default: {
        int request = requests[next() % (sizeof requests / sizeof *requests)];
        long addr = wild(), data = wild();
        if (request == PTRACE_SEIZE) addr = 0, data = next() & 0x1000ff;
        if (request == PTRACE_SETOPTIONS) data = next() & 0x1000ff;
        if (request == PTRACE_GETREGS || request == PTRACE_SETREGS || request == PTRACE_GETFPREGS) data = (long)buffer;
        if (request == PTRACE_GETREGSET || request == PTRACE_SETREGSET) {
            static struct iovec part;
            part = (struct iovec){ next() % 2 ? buffer : (void *)wild(), next() % 3 ? 512 : (size_t)wild() };
            addr = next() % 4 ? 1 + next() % 2 : wild(), data = (long)&part;
        }
        // Registers that were read come back with a change now and then.
        if (request == PTRACE_SETREGS && next() % 2) buffer[next() % sizeof(struct user_regs_struct)] ^= 1 << next() % 8;
        if (next() % 4) data = request == PTRACE_CONT || request == PTRACE_SYSCALL || request == PTRACE_SINGLESTEP || request == PTRACE_DETACH ? next() % 65 * (next() % 2) : data;
        if (pid > 1 && pid != getpid()) syscall(SYS_ptrace, request, pid, addr, data);
        else if (request == PTRACE_TRACEME && next() % 4 == 0) syscall(SYS_ptrace, request, 0, 0, 0);
    }
    }
}

int main(int argc, char **argv) {
    if (!strcmp(argv[1], "again")) return 3;
    self = argv[0];
    uint64_t seed = strtoull(argv[1], 0, 10);
    long rounds = atol(argv[2]), steps = atol(argv[3]);
    all = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (long round = 0; round < rounds; round++) {
        memset(all, 0, sizeof *all);
        for (int i = 0; i < 6; i++) {
            if (fork() == 0) {
                state = seed * 1000003 + round * 7919 + i * 31 + 1;
                for (int k = 0; k < 8; k++) next();
                enter();
                for (long n = 0; n < steps; n++) act();
                _exit(0);
            }
        }
        // Those that it traces go on after a stop.
        for (int n = 0; n < 40; n++) {
            int status;
            pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
            if (pid > 0 && WIFSTOPPED(status)) ptrace(PTRACE_CONT, pid, 0, 0);
            else if (pid < 0) break;
            else usleep(1000);
        }
        kill(-1, SIGKILL);
        while (waitpid(-1, 0, __WALL) > 0 || errno == EINTR);
    }
    puts("done");
    return 0;
}
