// ptrace(2): stops, registers, memory, events, and what wait(2) tells of them.
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
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
#include <linux/ptrace.h>

#ifdef __x86_64__
#define IP rip
#define SP rsp
#define ORIG orig_rax
#define AX rax
#else
#define IP eip
#define SP esp
#define ORIG orig_eax
#define AX eax
#endif

static char *self;
static volatile long shared = 0x11223344;

static void show(const char *what, int status) {
    if (WIFEXITED(status)) printf("%s: exit %d\n", what, WEXITSTATUS(status));
    else if (WIFSIGNALED(status)) printf("%s: killed %d\n", what, WTERMSIG(status));
    else if (WIFSTOPPED(status))
        printf("%s: stop %#x event %d\n", what, WSTOPSIG(status), status >> 16);
    else printf("%s: %#x\n", what, status);
}

static int next(const char *what, pid_t pid) {
    int status = 0;
    pid_t got = waitpid(pid, &status, __WALL);
    if (got < 0) printf("%s: %s\n", what, strerror(errno));
    else show(what, status);
    return status;
}

static long trace(int request, pid_t pid, void *addr, void *data) {
    errno = 0;
    long result = ptrace(request, pid, addr, data);
    return errno ? -errno : result;
}

static pid_t traced(void (*body)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        body();
        _exit(7);
    }
    next("begin", pid);
    return pid;
}

static void calls(void) {
    syscall(SYS_getppid);
    long value = syscall(SYS_getuid);
    shared = value;
    long other = syscall(SYS_getpgid, 123456);
    if (other == 77) shared = 5;
    syscall(SYS_close, -1);
    _exit(shared == 5 ? 3 : 4);
}

static void show_calls(void) {
    pid_t pid = traced(calls);
    printf("options %ld\n", trace(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD));
    printf("bad option %ld\n", trace(PTRACE_SETOPTIONS, pid, 0, (void *)0x800));
    for (int i = 0; i < 30; i++) {
        trace(PTRACE_SYSCALL, pid, 0, 0);
        int status = 0;
        waitpid(pid, &status, 0);
        if (!WIFSTOPPED(status)) {
            show("end", status);
            return;
        }
        struct ptrace_syscall_info info;
        memset(&info, 0, sizeof info);
        long size = trace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof info, &info);
        struct user_regs_struct regs;
        trace(PTRACE_GETREGS, pid, 0, &regs);
        printf("%#x size %ld op %d arch %x ip %d sp %d ", WSTOPSIG(status), size, info.op, info.arch,
            info.instruction_pointer == (unsigned long)regs.IP, info.stack_pointer == (unsigned long)regs.SP);
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
            printf("nr %d arg %d ax %ld orig %ld\n", (int)info.entry.nr,
                info.entry.nr == SYS_getpgid || info.entry.nr == SYS_close ? (int)info.entry.args[0] : 0,
                (long)regs.AX, (long)regs.ORIG);
            if (info.entry.nr == SYS_getppid) {
                regs.ORIG = SYS_getpid;
                printf("set %ld\n", trace(PTRACE_SETREGS, pid, 0, &regs));
            }
            if (info.entry.nr == SYS_close) {
                printf("poke %ld\n", trace(PTRACE_POKEUSER, pid, (void *)offsetof(struct user, regs.ORIG), (void *)-1));
                printf("poke %ld\n", trace(PTRACE_POKEUSER, pid, (void *)offsetof(struct user, regs.AX), (void *)55));
            }
        } else {
            long result = info.exit.rval;
            if (regs.ORIG == SYS_getpid) result = result == pid;
            printf("rval %ld error %d orig %ld\n", result, info.exit.is_error, (long)regs.ORIG);
            if (regs.ORIG == SYS_getpgid) {
                regs.AX = 77;
                trace(PTRACE_SETREGS, pid, 0, &regs);
            }
        }
    }
}

__attribute__((noinline)) static void here(void) {
    __asm__ volatile("nop; nop; nop" ::: "memory");
    shared += 1;
}

static void breaks(void) {
    shared = 40;
    here();
    here();
    _exit(shared);
}

static void show_breakpoint(void) {
    pid_t pid = traced(breaks);
    long word = trace(PTRACE_PEEKTEXT, pid, here, 0);
    printf("peek %d\n", word == *(long *)here);
    printf("poke %ld\n", trace(PTRACE_POKETEXT, pid, here, (void *)(word & ~0xffl | 0xcc)));
    trace(PTRACE_CONT, pid, 0, 0);
    next("breakpoint", pid);
    struct user_regs_struct regs;
    trace(PTRACE_GETREGS, pid, 0, &regs);
    siginfo_t info;
    printf("info %ld", trace(PTRACE_GETSIGINFO, pid, 0, &info));
    printf(" signo %d code %d at %ld orig %ld\n", info.si_signo, info.si_code, (long)(regs.IP - (long)here), (long)regs.ORIG);
    printf("shared %ld\n", trace(PTRACE_PEEKDATA, pid, (void *)&shared, 0));
    trace(PTRACE_POKETEXT, pid, here, (void *)word);
    regs.IP = (long)here;
    trace(PTRACE_SETREGS, pid, 0, &regs);
    long last = (long)here;
    for (int i = 0; i < 6; i++) {
        trace(PTRACE_SINGLESTEP, pid, 0, 0);
        int status;
        waitpid(pid, &status, 0);
        trace(PTRACE_GETREGS, pid, 0, &regs);
        trace(PTRACE_GETSIGINFO, pid, 0, &info);
        printf("step %#x code %d by %ld tf %d\n", status, info.si_code, (long)regs.IP - last, (int)(regs.eflags >> 8 & 1));
        last = regs.IP;
    }
    trace(PTRACE_POKEDATA, pid, (void *)&shared, (void *)90);
    trace(PTRACE_POKETEXT, pid, here, (void *)(word & ~0xffl | 0xcc));
    trace(PTRACE_CONT, pid, 0, 0);
    next("again", pid);
    trace(PTRACE_POKETEXT, pid, here, (void *)word);
    trace(PTRACE_GETREGS, pid, 0, &regs);
    regs.IP = (long)here;
    trace(PTRACE_SETREGS, pid, 0, &regs);
    trace(PTRACE_DETACH, pid, 0, 0);
    next("detached", pid);
}

static void steps_call(void) {
    long result;
#ifdef __x86_64__
    __asm__ volatile("int3; nop; syscall; nop; nop" : "=a"(result) : "a"(SYS_getuid) : "rcx", "r11", "memory");
#else
    __asm__ volatile("int3; nop; int $0x80; nop; nop" : "=a"(result) : "a"(SYS_getuid) : "memory");
#endif
    _exit(result == getuid() ? 0 : 1);
}

static void show_steps(void) {
    pid_t pid = traced(steps_call);
    trace(PTRACE_CONT, pid, 0, 0);
    next("int3", pid);
    struct user_regs_struct regs;
    trace(PTRACE_GETREGS, pid, 0, &regs);
    long last = regs.IP;
    for (int i = 0; i < 4; i++) {
        trace(PTRACE_SINGLESTEP, pid, 0, 0);
        int status;
        waitpid(pid, &status, 0);
        trace(PTRACE_GETREGS, pid, 0, &regs);
        printf("step %#x by %ld orig %ld\n", status, (long)regs.IP - last, (long)regs.ORIG);
        last = regs.IP;
    }
    trace(PTRACE_CONT, pid, 0, 0);
    next("end", pid);
}

static void floats(void) {
    double two[2] = { 1.5, -2.25 };
    __asm__ volatile("movupd %0, %%xmm3; fldpi; fld1; int3; fstpl %0; fstpl %1" : "+m"(two[0]), "+m"(two[1]) : : "memory");
    _exit(two[0] == 1.0 ? 1 : (int)two[0]);
}

static void show_floats(void) {
    pid_t pid = traced(floats);
    trace(PTRACE_CONT, pid, 0, 0);
    next("floats", pid);
    unsigned char image[1024];
    memset(image, 0, sizeof image);
#ifdef __x86_64__
    printf("fpregs %ld\n", trace(PTRACE_GETFPREGS, pid, 0, image));
    int at = 0;
#else
    unsigned char old[108];
    printf("fpregs %ld", trace(PTRACE_GETFPREGS, pid, 0, old));
    printf(" %02x%02x status %02x%02x tags %02x%02x st0 %02x%02x%02x\n", old[0], old[1], old[4], old[5], old[8], old[9], old[28 + 7], old[28 + 8], old[28 + 9]);
    printf("fpxregs %ld\n", trace(PTRACE_GETFPXREGS, pid, 0, image));
#endif
    printf("control %02x%02x status %02x%02x tags %02x\n", image[0], image[1], image[2], image[3], image[4]);
    printf("st0 %02x%02x%02x st1 %02x%02x%02x\n", image[39], image[40], image[41], image[55], image[56], image[57]);
    double x;
    memcpy(&x, image + 160 + 48, 8);
    printf("xmm3 %g\n", x);
    struct iovec part = { image, sizeof image };
    printf("prfpreg %ld %d", trace(PTRACE_GETREGSET, pid, (void *)NT_PRFPREG, &part), (int)part.iov_len);
    part.iov_len = sizeof image;
    printf(" prstatus %ld %d", trace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part), (int)part.iov_len);
    part.iov_len = 16;
    printf(" part %ld %d", trace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part), (int)part.iov_len);
    part.iov_len = 7;
    printf(" odd %ld", trace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &part));
    printf(" none %ld\n", trace(PTRACE_GETREGSET, pid, (void *)0x12345, &part));
    // 1.0 becomes 4.0.
#ifdef __x86_64__
    trace(PTRACE_GETFPREGS, pid, 0, image);
    image[40] = 1, image[41] = 0x40;
    printf("set %ld\n", trace(PTRACE_SETFPREGS, pid, 0, image));
#else
    old[36] = 1, old[37] = 0x40;
    printf("set %ld\n", trace(PTRACE_SETFPREGS, pid, 0, old));
#endif
    trace(PTRACE_CONT, pid, 0, 0);
    next("end", pid);
}

static volatile long other;
static void writes(void) {
    for (long i = 0; i < 1000; i++) other += i;
    shared = 7;
    here();
    other = 3;
    shared = 90;
    _exit(0);
}

static long debug_register(int number) {
    return offsetof(struct user, u_debugreg) + number * sizeof(long);
}

static void show_watch(void) {
    pid_t pid = traced(writes);
    long length = sizeof(long) == 8 ? 2 : 3;
    printf("none %ld\n", trace(PTRACE_PEEKUSER, pid, (void *)debug_register(7), 0));
    trace(PTRACE_POKEUSER, pid, (void *)debug_register(0), (void *)&shared);
    trace(PTRACE_POKEUSER, pid, (void *)debug_register(1), here);
    printf("odd %ld\n", trace(PTRACE_POKEUSER, pid, (void *)debug_register(2), (void *)((long)&other + 1)));
    printf("refused %ld\n", trace(PTRACE_POKEUSER, pid, (void *)debug_register(7), (void *)(0x10 | (length << 2 | 1) << 24)));
    trace(PTRACE_POKEUSER, pid, (void *)debug_register(2), 0);
    long control = 1 | (length << 2 | 1) << 16 | 4;
    printf("set %ld\n", trace(PTRACE_POKEUSER, pid, (void *)debug_register(7), (void *)control));
    printf("four %ld\n", trace(PTRACE_POKEUSER, pid, (void *)debug_register(4), 0));
    for (int i = 0; i < 6; i++) {
        trace(PTRACE_CONT, pid, 0, 0);
        int status = next("watch", pid);
        if (!WIFSTOPPED(status)) return;
        siginfo_t info;
        trace(PTRACE_GETSIGINFO, pid, 0, &info);
        struct user_regs_struct regs;
        trace(PTRACE_GETREGS, pid, 0, &regs);
        printf("code %d status %lx here %d shared %ld\n", info.si_code,
            trace(PTRACE_PEEKUSER, pid, (void *)debug_register(6), 0) & 0xf, regs.IP == (long)here,
            trace(PTRACE_PEEKDATA, pid, (void *)&shared, 0));
        trace(PTRACE_POKEUSER, pid, (void *)debug_register(6), 0);
    }
    kill(pid, SIGKILL);
    next("end", pid);
}

static volatile sig_atomic_t handled;
static void handler(int signal, siginfo_t *info, void *context) {
    handled += signal;
    if (info->si_code == SI_QUEUE) handled += info->si_value.sival_int;
}

static void signals(void) {
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR2, &action, 0);
    signal(SIGURG, SIG_IGN);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGURG);
    union sigval value = { .sival_int = 100 };
    sigqueue(getpid(), SIGUSR1, value);
    kill(getpid(), SIGTERM);
    _exit(handled);
}

static void show_signals(void) {
    pid_t pid = traced(signals);
    trace(PTRACE_CONT, pid, 0, 0);
    siginfo_t info;
    for (int i = 0; i < 5; i++) {
        int status = next("signal", pid);
        if (!WIFSTOPPED(status)) return;
        printf("info %ld", trace(PTRACE_GETSIGINFO, pid, 0, &info));
        printf(" %d code %d pid %d value %d\n", info.si_signo, info.si_code, info.si_pid == pid,
            info.si_code == SI_QUEUE ? info.si_value.sival_int : 0);
        unsigned long long mask = 0;
        trace(PTRACE_GETSIGMASK, pid, (void *)8, &mask);
        printf("mask %llx\n", mask);
        // USR1 becomes USR2, USR2 is kept off, URG is passed, TERM is kept off.
        long pass = WSTOPSIG(status);
        if (i == 0) pass = SIGUSR2;
        else if (i == 1 || pass == SIGTERM) pass = 0;
        printf("bad %ld\n", trace(PTRACE_CONT, pid, 0, (void *)200));
        trace(PTRACE_CONT, pid, 0, (void *)pass);
    }
    next("end", pid);
}

static volatile int thread = 1;

static int in_thread(void *arg) {
    shared = 99;
    return 0;
}

static void children(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(11);
    int status;
    while (waitpid(pid, &status, 0) < 0);
    if (WEXITSTATUS(status) != 11) _exit(1);
    pid = vfork();
    if (pid == 0) _exit(12);
    while (waitpid(pid, &status, 0) < 0);
    if (WEXITSTATUS(status) != 12) _exit(2);
    static char stack[65536];
    pid = clone(in_thread, stack + sizeof stack, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID, 0, 0, 0, (void *)&thread);
    while (thread) sched_yield();
    char *argv[] = { "program", "exec", 0 };
    execv(self, argv);
    _exit(3);
}

static void show_events(void) {
    pid_t pid = traced(children);
    long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
        | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT;
    trace(PTRACE_SETOPTIONS, pid, 0, (void *)options);
    trace(PTRACE_CONT, pid, 0, 0);
    // Each task's events in its own order; the whole is sorted by task.
    pid_t tasks[8] = { pid };
    char text[8][400] = { "" };
    int count = 1, left = 1;
    while (left > 0) {
        int status;
        pid_t got = waitpid(-1, &status, __WALL);
        if (got < 0) break;
        int index = 0;
        while (index < count && tasks[index] != got) index++;
        if (index == count) tasks[count++] = got, left++;
        char *end = text[index] + strlen(text[index]);
        if (!WIFSTOPPED(status)) {
            left--;
            sprintf(end, "ended %#x; ", status);
            continue;
        }
        int event = status >> 16;
        unsigned long message = 0;
        if (event) {
            trace(PTRACE_GETEVENTMSG, got, 0, &message);
            int known = 0;
            while (known < count && tasks[known] != (pid_t)message) known++;
            if (event != PTRACE_EVENT_EXIT && known == count) tasks[count++] = message, left++;
            if (event != PTRACE_EVENT_EXIT) message = message == (unsigned long)got ? 1000 : message > 0;
        }
        long pass = WSTOPSIG(status);
        // When a child's end is told depends on who runs.
        if (pass == SIGCHLD) {
            trace(PTRACE_CONT, got, 0, (void *)pass);
            continue;
        }
        if (event || pass == SIGSTOP) pass = 0;
        sprintf(end, "%d/%d/%#lx; ", WSTOPSIG(status), event, message);
        trace(PTRACE_CONT, got, 0, (void *)pass);
    }
    for (int i = 0; i < count; i++) printf("task %d: %s\n", i, text[i]);
}

static void pauses(void) {
    for (;;) pause();
}

static void status_lines(pid_t pid, pid_t tracer) {
    char name[50], line[200];
    sprintf(name, "/proc/%d/status", pid);
    FILE *file = fopen(name, "r");
    while (file && fgets(line, sizeof line, file)) {
        if (!strncmp(line, "State:", 6)) fputs(line, stdout);
        if (!strncmp(line, "TracerPid:", 10)) printf("tracer %d\n", atoi(line + 10) == tracer);
    }
    if (file) fclose(file);
}

static void show_attach(void) {
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) pause();
    }
    printf("not yet %ld\n", trace(PTRACE_CONT, pid, 0, 0));
    printf("no such %ld\n", trace(PTRACE_ATTACH, 99999, 0, 0));
    printf("itself %ld\n", trace(PTRACE_ATTACH, getpid(), 0, 0));
    printf("attach %ld\n", trace(PTRACE_ATTACH, pid, 0, 0));
    next("attached", pid);
    printf("twice %ld\n", trace(PTRACE_ATTACH, pid, 0, 0));
    status_lines(pid, getpid());
    char name[50];
    sprintf(name, "/proc/%d/mem", pid);
    int fd = open(name, O_RDWR);
    long value = 0;
    printf("mem %zd", pread(fd, &value, sizeof value, (off_t)(unsigned long)&shared));
    printf(" %ld", value == shared);
    value = 31;
    printf(" write %zd\n", pwrite(fd, &value, sizeof value, (off_t)(unsigned long)&shared));
    printf("peek %ld\n", trace(PTRACE_PEEKDATA, pid, (void *)&shared, 0));
    printf("wild %ld\n", trace(PTRACE_PEEKDATA, pid, (void *)8, 0));
    printf("unknown %ld\n", trace(0x9999, pid, 0, 0));
    printf("interrupt %ld\n", trace(PTRACE_INTERRUPT, pid, 0, 0));
    printf("detach %ld\n", trace(PTRACE_DETACH, pid, 0, (void *)SIGTERM));
    next("end", pid);
    close(fd);
}

static void show_seize(void) {
    pid_t pid = fork();
    if (pid == 0) pauses();
    printf("bad %ld\n", trace(PTRACE_SEIZE, pid, (void *)4, 0));
    printf("seize %ld\n", trace(PTRACE_SEIZE, pid, 0, (void *)PTRACE_O_TRACESYSGOOD));
    printf("running %ld\n", trace(PTRACE_CONT, pid, 0, 0));
    printf("interrupt %ld\n", trace(PTRACE_INTERRUPT, pid, 0, 0));
    next("interrupted", pid);
    siginfo_t info;
    memset(&info, 0, sizeof info);
    printf("info %ld", trace(PTRACE_GETSIGINFO, pid, 0, &info));
    printf(" %d %#x\n", info.si_signo, info.si_code);
    trace(PTRACE_CONT, pid, 0, 0);
    kill(pid, SIGSTOP);
    next("signal", pid);
    trace(PTRACE_CONT, pid, 0, (void *)SIGSTOP);
    next("group", pid);
    status_lines(pid, getpid());
    printf("listen %ld\n", trace(PTRACE_LISTEN, pid, 0, 0));
    printf("listening %ld\n", trace(PTRACE_CONT, pid, 0, 0));
    kill(pid, SIGCONT);
    next("continues", pid);
    trace(PTRACE_CONT, pid, 0, 0);
    next("the signal", pid);
    trace(PTRACE_CONT, pid, 0, (void *)SIGCONT);
    memset(&info, 0, sizeof info);
    printf("nothing %d %d\n", waitid(P_PID, pid, &info, WEXITED | WSTOPPED | WNOHANG), info.si_signo);
    kill(pid, SIGUSR1);
    memset(&info, 0, sizeof info);
    printf("waitid %d", waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
    printf(" %d code %d status %d\n", info.si_signo, info.si_code, info.si_status);
    next("again", pid);
    kill(pid, SIGKILL);
    next("killed", pid);

    // One that is stopped already, as strace begins.
    pid = fork();
    if (pid == 0) {
        kill(getpid(), SIGSTOP);
        _exit(21);
    }
    int status;
    waitpid(pid, &status, WUNTRACED);
    show("stopped", status);
    printf("seize %ld\n", trace(PTRACE_SEIZE, pid, 0, 0));
    next("group", pid);
    trace(PTRACE_LISTEN, pid, 0, 0);
    kill(pid, SIGCONT);
    next("continues", pid);
    trace(PTRACE_CONT, pid, 0, 0);
    next("signal", pid);
    trace(PTRACE_CONT, pid, 0, (void *)SIGCONT);
    next("end", pid);
}

static void show_grandchild(void) {
    int ends[2], back[2];
    pipe(ends), pipe(back);
    pid_t middle = fork();
    if (middle == 0) {
        pid_t child = fork();
        if (child == 0) {
            char byte;
            read(back[0], &byte, 1);
            _exit(33);
        }
        write(ends[1], &child, sizeof child);
        int status;
        waitpid(child, &status, 0);
        _exit(WEXITSTATUS(status) + 1);
    }
    pid_t child;
    read(ends[0], &child, sizeof child);
    printf("seize %ld\n", trace(PTRACE_SEIZE, child, 0, 0));
    write(back[1], "x", 1);
    next("grandchild", child);
    next("child", middle);

    // A tracer that ends lets its tracee go, or ends it.
    for (int kills = 0; kills < 2; kills++) {
        pid_t target = fork();
        if (target == 0) {
            char byte;
            read(back[0], &byte, 1);
            _exit(44);
        }
        pid_t tracer = fork();
        if (tracer == 0) {
            ptrace(PTRACE_SEIZE, target, 0, (void *)(long)(kills ? PTRACE_O_EXITKILL : 0));
            ptrace(PTRACE_INTERRUPT, target, 0, 0);
            waitpid(target, 0, __WALL);
            _exit(0);
        }
        next("tracer", tracer);
        if (!kills) write(back[1], "x", 1);
        next("target", target);
    }
}

int main(int argc, char **argv) {
    setvbuf(stdout, 0, _IOLBF, 0);
    if (argc > 1) return 55;
    self = argv[0];
    alarm(50);
    show_calls();
    show_breakpoint();
    show_steps();
    show_floats();
    show_watch();
    show_signals();
    show_events();
    show_attach();
    show_seize();
    show_grandchild();
    return 0;
}
