// POSIX message queues: order by priority, limits, waiting, times, who is told.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); \
    printf("%s = %ld %s\n", #call, r, r < 0 ? strerrorname_np(errno) : ""); } while (0)
#define OPENS(call) do { errno = 0; mqd_t q = (call); \
    printf("%s: %s\n", #call, q < 0 ? strerrorname_np(errno) : "open"); \
    if (q >= 0) mq_close(q); } while (0)

static char name[64];
static char buf[8192];

static void told(int signal, siginfo_t *info, void *context) {
    printf("signal %d code %d value %d mine %d\n", signal, info->si_code, info->si_value.sival_int,
        info->si_pid == getpid());
}

static void attributes(mqd_t q) {
    struct mq_attr a;
    SHOW(mq_getattr(q, &a));
    printf("%lx %ld %ld %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
}

static void receive(mqd_t q) {
    unsigned priority = 0;
    memset(buf, 0, sizeof buf);
    errno = 0;
    long n = mq_receive(q, buf, sizeof buf, &priority);
    printf("received %ld %s %u %s\n", n, buf, priority, n < 0 ? strerrorname_np(errno) : "");
}

static struct timespec later(long ms) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static int ready(mqd_t q) {
    struct pollfd p = { q, POLLIN | POLLOUT };
    poll(&p, 1, 0);
    return p.revents;
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    sprintf(name, "/sampan-test-%d", getpid());
    struct mq_attr small = { .mq_maxmsg = 3, .mq_msgsize = 64 };
    OPENS(mq_open(name, O_RDWR));
    OPENS(mq_open("none", O_RDWR));
    OPENS(mq_open("/", O_CREAT | O_RDWR, 0600, 0));
    OPENS(mq_open("/a/b", O_CREAT | O_RDWR, 0600, 0));
    struct mq_attr bad = { .mq_maxmsg = 0, .mq_msgsize = 64 };
    OPENS(mq_open(name, O_CREAT | O_RDWR, 0600, &bad));
    bad.mq_maxmsg = 3; bad.mq_msgsize = -1;
    OPENS(mq_open(name, O_CREAT | O_RDWR, 0600, &bad));
    bad.mq_maxmsg = 60000; bad.mq_msgsize = 8192;
    printf("%d\n", mq_open(name, O_CREAT | O_RDWR, 0600, &bad));
    mqd_t q = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &small);
    printf("%d %d\n", q >= 0, fcntl(q, F_GETFD));
    OPENS(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &small));
    OPENS(mq_open(name, O_CREAT | O_RDWR, 0600, &small));
    OPENS(mq_open(name, O_RDONLY));
    attributes(q);
    printf("ready %x\n", ready(q));
    SHOW(mq_send(q, "low", 4, 1)); SHOW(mq_send(q, "high", 5, 7)); SHOW(mq_send(q, "low 2", 6, 1));
    printf("ready %x\n", ready(q));
    attributes(q);
    struct timespec t = later(30);
    SHOW(mq_timedsend(q, "x", 1, 0, &t));
    t.tv_nsec = -1;
    SHOW(mq_timedsend(q, "x", 1, 0, &t));
    receive(q); receive(q); receive(q);
    t.tv_nsec = 1000000000;
    SHOW(mq_timedreceive(q, buf, sizeof buf, 0, &t));
    t = later(30);
    SHOW(mq_timedreceive(q, buf, sizeof buf, 0, &t));
    t = (struct timespec){ 0, 0 };
    SHOW(mq_timedreceive(q, buf, sizeof buf, 0, &t));
    SHOW(mq_receive(q, buf, 63, 0));
    SHOW(mq_send(q, buf, 65, 0)); SHOW(mq_send(q, buf, 64, 32768)); SHOW(mq_send(q, (char *)8, 9, 0));
    SHOW(mq_send(q, "", 0, 32767)); receive(q);
    SHOW(mq_send(1, "x", 1, 0)); SHOW(mq_send(-1, "x", 1, 0));
    mqd_t reader = mq_open(name, O_RDONLY | O_NONBLOCK), writer = mq_open(name, O_WRONLY);
    SHOW(mq_send(reader, "x", 1, 0)); SHOW(mq_receive(writer, buf, sizeof buf, 0));
    receive(reader);
    attributes(reader);
    struct mq_attr set = { .mq_flags = 0 }, old;
    SHOW(mq_setattr(reader, &set, &old));
    printf("%lx\n", old.mq_flags);
    set.mq_flags = O_APPEND;
    SHOW(mq_setattr(reader, &set, 0));
    set.mq_flags = O_NONBLOCK;
    SHOW(mq_setattr(q, &set, 0));
    receive(q);
    set.mq_flags = 0; mq_setattr(q, &set, 0);

    // Both sides wait.
    pid_t pid = fork();
    if (!pid) {
        for (int i = 0; i < 20; i++) { sprintf(buf, "number %d", i); mq_send(q, buf, strlen(buf) + 1, 5); }
        _exit(0);
    }
    for (int i = 0; i < 20; i++) receive(q);
    waitpid(pid, 0, 0);
    pid = fork();
    if (!pid) { receive(q); _exit(0); }
    usleep(20000);
    mq_send(q, "for the child", 14, 0);
    waitpid(pid, 0, 0);

    // Told of the first message.
    struct sigaction action = { .sa_sigaction = told, .sa_flags = SA_SIGINFO };
    sigaction(SIGUSR1, &action, 0);
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    event.sigev_value.sival_int = 42;
    SHOW(mq_notify(q, &event)); SHOW(mq_notify(q, &event));
    mq_send(q, "one", 4, 0); mq_send(q, "two", 4, 0);
    receive(q); receive(q);
    mq_send(q, "three", 6, 0); receive(q);
    SHOW(mq_notify(q, &event));
    mq_close(reader);
    mq_send(q, "four", 5, 0); receive(q);
    reader = mq_open(name, O_RDONLY);
    SHOW(mq_notify(reader, &event));
    SHOW(mq_notify(q, 0));
    mq_send(q, "five", 5, 0); receive(q);
    event.sigev_signo = 200;
    SHOW(mq_notify(q, &event));
    event.sigev_notify = SIGEV_NONE;
    SHOW(mq_notify(q, &event)); SHOW(mq_notify(q, 0)); SHOW(mq_notify(1, 0));
    // Another process's request goes with it.
    event.sigev_notify = SIGEV_SIGNAL; event.sigev_signo = SIGUSR1;
    pid = fork();
    if (!pid) _exit(mq_notify(q, &event) != 0);
    int status;
    waitpid(pid, &status, 0);
    printf("%d\n", status);
    SHOW(mq_notify(q, &event));
    mq_send(q, "six", 4, 0); receive(q);

    SHOW(mq_unlink(name)); SHOW(mq_unlink(name)); SHOW(mq_unlink("/"));
    OPENS(mq_open(name, O_RDWR));
    mq_send(q, "still", 6, 0); receive(reader);
    SHOW(mq_close(q)); SHOW(mq_close(q));
}
