// Waiting: select, poll, epoll, eventfd, timerfd, signalfd, timers that send signals.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); \
    printf("%s = %ld %s\n", #call, r, r < 0 ? strerrorname_np(errno) : ""); fflush(stdout); } while (0)

static volatile int hits, overruns, code, value;
static void hit(int s, siginfo_t *i, void *u) { hits++; code = i->si_code; value = i->si_value.sival_int; }

static void waited(int ep, int max, int ms) {
    struct epoll_event e[8];
    int n = epoll_wait(ep, e, max, ms);
    printf("epoll_wait %d:", n);
    for (int i = 0; i < n; i++) printf(" %x/%d", e[i].events, (int)e[i].data.u64);
    puts(""); fflush(stdout);
}

int main(void) {
    uint64_t v = 0;
    int e = eventfd(3, EFD_NONBLOCK);
    SHOW(read(e, &v, 8)); printf("%d\n", (int)v);
    SHOW(read(e, &v, 8)); SHOW(read(e, &v, 4));
    v = UINT64_MAX; SHOW(write(e, &v, 8));
    v = UINT64_MAX - 1; SHOW(write(e, &v, 8)); v = 1; SHOW(write(e, &v, 8));
    int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    SHOW(read(s, &v, 8)); printf("%d\n", (int)v); SHOW(read(s, &v, 8)); SHOW(read(s, &v, 8));
    SHOW(eventfd(0, 0x40));
    // select
    int p[2]; pipe(p);
    fd_set r, w, x; struct timeval tv = {0, 20000};
    FD_ZERO(&r); FD_ZERO(&w); FD_SET(p[0], &r); FD_SET(p[1], &w);
    SHOW(select(p[1] + 1, &r, &w, 0, &tv)); printf("%d %d %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w), tv.tv_usec > 10000);
    FD_ZERO(&r); FD_SET(p[0], &r); tv.tv_usec = 20000;
    SHOW(select(p[0] + 1, &r, 0, 0, &tv)); // What is left is written back.
    printf("%d %d\n", tv.tv_sec == 0 && tv.tv_usec > 0 && tv.tv_usec <= 20000, !!FD_ISSET(p[0], &r));
    FD_SET(500, &r); tv.tv_usec = 0;
    FD_ZERO(&r); FD_SET(60, &r); SHOW(select(61, &r, 0, 0, &tv)); SHOW(select(-1, 0, 0, 0, &tv));
    struct timespec ts = {0, 10000000};
    SHOW(pselect(0, 0, 0, 0, &ts, 0));
    // epoll: level, edge, once
    int ep = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN, {.u64 = 1}};
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev)); SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev)); SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, 77, &ev));
    int plain = open("plain", O_CREAT | O_RDWR, 0600); SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, plain, &ev));
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], 0)); SHOW(epoll_ctl(plain, EPOLL_CTL_ADD, p[0], &ev));
    waited(ep, 8, 0); write(p[1], "a", 1); waited(ep, 8, 0); waited(ep, 8, 0);
    ev.events = EPOLLIN | EPOLLET; SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
    waited(ep, 8, 0); waited(ep, 8, 0); write(p[1], "b", 1); waited(ep, 8, 0); waited(ep, 8, 10);
    ev.events = EPOLLIN | EPOLLONESHOT; ev.data.u64 = 2; SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
    waited(ep, 8, 0); write(p[1], "c", 1); waited(ep, 8, 0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev)); waited(ep, 8, 0);
    ev.events = EPOLLOUT; ev.data.u64 = 3; SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &ev));
    ev.events = EPOLLIN; ev.data.u64 = 4; SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
    waited(ep, 8, 0); waited(ep, 1, 0); waited(ep, 1, 0);
    // nested, loops, depth
    int outer = epoll_create(1); ev.events = EPOLLIN; ev.data.u64 = 5;
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &ev)); waited(outer, 8, 0); SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, outer, &ev));
    ev.events = EPOLLIN | EPOLLEXCLUSIVE; SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, p[0], &ev)); SHOW(epoll_ctl(outer, EPOLL_CTL_MOD, p[0], &ev));
    SHOW(epoll_wait(ep, 0, 0, 0)); SHOW(epoll_create(0));
    char junk[10]; read(p[0], junk, 10); close(p[0]); waited(ep, 8, 0);
    close(p[1]); close(e); waited(ep, 8, 0); waited(outer, 8, 0);
    int e2 = eventfd(0, 0); ev.events = EPOLLIN; ev.data.u64 = 6; epoll_ctl(ep, EPOLL_CTL_ADD, e2, &ev);
    if (fork() == 0) { usleep(20000); v = 1; write(e2, &v, 8); _exit(0); }
    waited(ep, 8, -1); wait(0);
    // timerfd
    int t = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec its = {{0, 10000000}, {0, 10000000}}, cur;
    SHOW(read(t, &v, 8)); SHOW(timerfd_settime(t, 0, &its, 0)); usleep(45000);
    SHOW(read(t, &v, 8)); printf("%d\n", v >= 3 && v < 1000);
    SHOW(timerfd_gettime(t, &cur)); printf("%d %d\n", cur.it_interval.tv_nsec == 10000000, cur.it_value.tv_nsec <= 10000000);
    memset(&its, 0, sizeof its); its.it_value.tv_nsec = 5000000; SHOW(timerfd_settime(t, 0, &its, &cur));
    struct pollfd pf = {t, POLLIN}; SHOW(poll(&pf, 1, 1000)); SHOW(read(t, &v, 8)); printf("%d\n", (int)v);
    clock_gettime(CLOCK_REALTIME, &its.it_value); int rt = timerfd_create(CLOCK_REALTIME, 0);
    SHOW(timerfd_settime(rt, TFD_TIMER_ABSTIME, &its, 0)); SHOW(read(rt, &v, 8)); printf("%d\n", (int)v);
    its.it_value.tv_nsec = 1000000000; SHOW(timerfd_settime(t, 0, &its, 0)); SHOW(timerfd_settime(p[0], 0, &its, 0));
    SHOW(timerfd_create(99, 0)); SHOW(timerfd_gettime(plain, &cur));
    // signalfd
    sigset_t set; sigemptyset(&set); sigaddset(&set, SIGUSR1); sigaddset(&set, SIGCHLD); sigprocmask(SIG_BLOCK, &set, 0);
    int sf = signalfd(-1, &set, SFD_NONBLOCK); struct signalfd_siginfo si;
    SHOW(read(sf, &si, sizeof si)); kill(getpid(), SIGUSR1);
    ev.data.u64 = 7; epoll_ctl(ep, EPOLL_CTL_ADD, sf, &ev); waited(ep, 8, 0);
    SHOW(read(sf, &si, sizeof si)); printf("%d %d %d\n", si.ssi_signo, si.ssi_code, si.ssi_pid == getpid());
    if (fork() == 0) _exit(9);
    pf.fd = sf; SHOW(poll(&pf, 1, 5000)); SHOW(read(sf, &si, sizeof si)); printf("%d %d %d\n", si.ssi_signo, si.ssi_code, si.ssi_status);
    wait(0); SHOW(read(sf, &si, 10));
    // timers
    struct sigaction sa = {0}; sa.sa_sigaction = hit; sa.sa_flags = SA_SIGINFO; sigaction(SIGALRM, &sa, 0); sigaction(SIGRTMIN, &sa, 0); sigaction(SIGVTALRM, &sa, 0);
    struct itimerval it = {{0, 0}, {0, 10000}}, old;
    SHOW(setitimer(ITIMER_REAL, &it, 0)); pause(); printf("%d %x\n", hits, code);
    SHOW(alarm(100)); SHOW(alarm(0)); SHOW(getitimer(ITIMER_REAL, &old)); printf("%d\n", (int)old.it_value.tv_sec);
    it.it_interval.tv_usec = 5000; hits = 0; setitimer(ITIMER_REAL, &it, 0); while (hits < 3) pause(); it.it_value.tv_usec = 0; setitimer(ITIMER_REAL, &it, 0); puts("three");
    hits = 0; it.it_value.tv_usec = 20000; it.it_interval.tv_usec = 0; setitimer(ITIMER_VIRTUAL, &it, 0); while (!hits); puts("virtual");
    SHOW(setitimer(9, &it, 0)); it.it_value.tv_usec = 1000000; SHOW(setitimer(0, &it, 0));
    timer_t id; struct sigevent se = {0}; se.sigev_notify = SIGEV_SIGNAL; se.sigev_signo = SIGRTMIN; se.sigev_value.sival_int = 42;
    SHOW(timer_create(CLOCK_MONOTONIC, &se, &id)); hits = 0; memset(&its, 0, sizeof its); its.it_value.tv_nsec = 10000000;
    SHOW(timer_settime(id, 0, &its, 0)); while (!hits) pause(); printf("%d %d\n", code, value);
    SHOW(timer_gettime(id, &cur)); printf("%d\n", (int)cur.it_value.tv_nsec);
    sigset_t rt1; sigemptyset(&rt1); sigaddset(&rt1, SIGRTMIN); sigprocmask(SIG_BLOCK, &rt1, 0);
    its.it_interval.tv_nsec = 2000000; timer_settime(id, 0, &its, 0); usleep(60000); siginfo_t info;
    SHOW(sigwaitinfo(&rt1, &info) == SIGRTMIN); printf("%d %d\n", info.si_overrun > 3, timer_getoverrun(id) > 3);
    SHOW(timer_delete(id)); SHOW(timer_delete(id)); SHOW(timer_create(77, 0, &id)); se.sigev_signo = 99; SHOW(timer_create(CLOCK_REALTIME, &se, &id));
    // FIFOs
    mkfifo("fifo", 0600);
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK)); int fr = open("fifo", O_RDONLY | O_NONBLOCK); SHOW(fr >= 0);
    SHOW(read(fr, junk, 1)); int fw = open("fifo", O_WRONLY); SHOW(read(fr, junk, 1)); write(fw, "xy", 2); SHOW(read(fr, junk, 9)); close(fw); SHOW(read(fr, junk, 9)); close(fr);
    if (fork() == 0) { fw = open("fifo", O_WRONLY); write(fw, "hi", 2); _exit(0); }
    fr = open("fifo", O_RDONLY); SHOW(read(fr, junk, 9)); SHOW(read(fr, junk, 9)); wait(0);
    hits = 0; memset(&it, 0, sizeof it); it.it_value.tv_usec = 20000; setitimer(ITIMER_REAL, &it, 0); close(fr); SHOW(open("fifo", O_RDONLY));
    SHOW(open("fifo", O_RDONLY | O_NONBLOCK) >= 0);
    int both = open("fifo", O_RDWR); SHOW(write(both, "q", 1)); SHOW(read(both, junk, 1));
    SHOW(fcntl(both, F_GETPIPE_SZ)); SHOW(fcntl(both, F_SETPIPE_SZ, 5000)); SHOW(fcntl(both, F_GETPIPE_SZ));
    return 0;
}
