// Users, groups, capabilities, and what they may do with files.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); \
    printf("%s = %ld %s\n", #call, r, r < 0 ? strerrorname_np(errno) : ""); fflush(stdout); } while (0)

static void ids(void) {
    uid_t a, b, c; gid_t d, e, f;
    getresuid(&a, &b, &c); getresgid(&d, &e, &f);
    printf("uid %d %d %d gid %d %d %d\n", a, b, c, d, e, f);
    struct { unsigned version; int pid; } h = {0x20080522, 0};
    unsigned data[6];
    syscall(SYS_capget, &h, data);
    // A machine may have taken CAP_SYS_RESOURCE away; the first 38 are on every kernel.
    printf("caps %x %x %x %x\n", data[0] & ~(1 << 24), data[1] & ~(1 << 24), data[3] & 0x3f, data[4] & 0x3f);
    fflush(stdout);
}

#define CHILD if (fflush(stdout), fork() == 0)
#define JOIN do { int s; wait(&s); printf("child %x\n", s); fflush(stdout); } while (0)

int main(void) {
    struct stat st;
    setpriority(PRIO_PROCESS, 0, 0);
    umask(022);
    ids();
    mkdir("open", 0777); chmod("open", 0777);
    mkdir("sticky", 01777); chmod("sticky", 01777);
    mkdir("closed", 0700);
    close(open("sticky/mine", O_CREAT | O_WRONLY, 0644));
    close(open("group", O_CREAT | O_WRONLY, 0640)); chown("group", 0, 50);
    close(open("setid", O_CREAT | O_WRONLY, 0644)); chown("setid", 1000, 1000); chmod("setid", 06755);
    chmod(".", 0777);
    CHILD {
        gid_t groups[3] = {50, 60, 40};
        SHOW(setgroups(3, groups));
        SHOW(getgroups(0, 0));
        SHOW(setresgid(1000, 1000, 1000));
        SHOW(setresuid(1000, 1000, 1000));
        ids();
        SHOW(setuid(0));
        SHOW(setgroups(0, 0));
        SHOW(access("group", R_OK)); SHOW(access("group", W_OK));
        SHOW(open("group", O_RDONLY) >= 0); SHOW(open("group", O_WRONLY));
        SHOW(access("closed", X_OK)); SHOW(chdir("closed")); SHOW(mkdir("closed/x", 0700));
        SHOW(unlink("sticky/mine")); SHOW(rename("sticky/mine", "sticky/x"));
        SHOW(unlink("group"));
        SHOW(close(open("open/file", O_CREAT | O_WRONLY, 0666)));
        SHOW(stat("open/file", &st)); printf("%d:%d %o\n", st.st_uid, st.st_gid, st.st_mode);
        SHOW(chown("open/file", 0, -1)); SHOW(chown("open/file", -1, 60)); SHOW(chown("open/file", -1, 61));
        SHOW(chmod("sticky", 0777));
        SHOW(chmod("open/file", 02755)); SHOW(stat("open/file", &st)); printf("%o\n", st.st_mode);
        SHOW(utime("sticky/mine", 0));
        struct utimbuf ub = {1, 2};
        SHOW(utime("sticky/mine", &ub)); SHOW(utime("open/file", &ub));
        SHOW(mknod("open/dev", S_IFCHR | 0600, 5)); SHOW(mknod("open/fifo", S_IFIFO | 0600, 0));
        SHOW(chroot("."));
        SHOW(kill(getppid(), 0)); SHOW(setpriority(PRIO_PROCESS, 0, -5));
        SHOW(setpriority(PRIO_PROCESS, 0, 5)); SHOW(getpriority(PRIO_PROCESS, 0));
        struct rlimit rl = {100, 5000};
        SHOW(setrlimit(RLIMIT_NOFILE, &rl)); rl.rlim_max = 6000; SHOW(setrlimit(RLIMIT_NOFILE, &rl));
        rl.rlim_cur = 7000; SHOW(setrlimit(RLIMIT_NOFILE, &rl));
        int fd = open("setid", O_WRONLY); SHOW(write(fd, "x", 1)); fstat(fd, &st); printf("%o\n", st.st_mode);
        _exit(3);
    }
    JOIN;
    CHILD {
        SHOW(seteuid(1000)); ids();
        SHOW(open("closed/y", O_CREAT | O_WRONLY, 0600));
        SHOW(access("closed", W_OK)); SHOW(faccessat(AT_FDCWD, "closed", W_OK, AT_EACCESS));
        SHOW(seteuid(0)); ids();
        SHOW(setreuid(1000, -1)); ids(); SHOW(setreuid(-1, 1000)); ids(); SHOW(setreuid(-1, 0)); ids();
        SHOW(setreuid(1000, 1000)); ids();
        _exit(4);
    }
    JOIN;
    CHILD {
        SHOW(setfsuid(1000)); SHOW(setfsuid(-1)); ids(); SHOW(open("closed/y", O_CREAT | O_WRONLY, 0600));
        SHOW(setfsuid(0)); ids();
        SHOW(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)); SHOW(setuid(1000)); ids();
        SHOW(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
        SHOW(prctl(PR_CAPBSET_READ, 5, 0, 0, 0)); SHOW(prctl(PR_CAPBSET_READ, 99, 0, 0, 0));
        SHOW(prctl(PR_SET_NAME, "a rather long name", 0, 0, 0)); char n[17] = {0};
        SHOW(prctl(PR_GET_NAME, n, 0, 0, 0)); puts(n);
        SHOW(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0)); SHOW(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
        SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
        SHOW(prctl(12345, 0, 0, 0, 0));
        _exit(5);
    }
    JOIN;
    struct sched_param sp = {10};
    SHOW(sched_getscheduler(0)); SHOW(sched_setscheduler(0, SCHED_FIFO, &sp)); SHOW(sched_getscheduler(0));
    SHOW(sched_getparam(0, &sp)); printf("%d\n", sp.sched_priority);
    sp.sched_priority = 0; SHOW(sched_setscheduler(0, SCHED_RR, &sp)); SHOW(sched_setscheduler(0, SCHED_OTHER, &sp));
    SHOW(sched_setscheduler(0, 77, &sp)); SHOW(sched_get_priority_max(SCHED_RR)); SHOW(sched_get_priority_min(9));
    cpu_set_t set; CPU_ZERO(&set); CPU_SET(0, &set);
    SHOW(sched_setaffinity(0, sizeof set, &set)); CPU_ZERO(&set); SHOW(sched_setaffinity(0, sizeof set, &set));
    SHOW(sched_getaffinity(0, sizeof set, &set) >= 0); printf("%d\n", CPU_COUNT(&set));
    SHOW(sched_getaffinity(-1, sizeof set, &set)); SHOW(sched_getaffinity(99999, sizeof set, &set));
    SHOW(sched_getscheduler(99999)); SHOW(getpriority(PRIO_PROCESS, 99999)); SHOW(getpriority(9, 0));
    SHOW(nice(3)); SHOW(nice(-2)); SHOW(getpriority(PRIO_PROCESS, 0));
    return 0;
}
