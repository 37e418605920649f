// inotify(7): what is told of files and directories, in which order.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int in;
static unsigned last_cookie;

static void show(const char *what) {
    char buf[8192] __attribute__((aligned(8)));
    int pending = 0;
    ioctl(in, FIONREAD, &pending);
    int n = read(in, buf, sizeof buf);
    printf("%s: %d %d\n", what, n, n < 0 ? errno : pending == n);
    for (char *at = buf; n > 0 && at < buf + n;) {
        struct inotify_event *e = (void *)at;
        const char *cookie = e->cookie == 0 ? "" : e->cookie == last_cookie ? " same" : " new";
        if (e->cookie) last_cookie = e->cookie;
        printf("  %d %#x%s %u %s\n", e->wd, e->mask, cookie, e->len, e->len ? e->name : "");
        at += sizeof *e + e->len;
    }
}

static void put(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    write(fd, text, strlen(text));
    close(fd);
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    printf("%d %d\n", in >= 0, inotify_init1(0x12345) == -1 ? errno : 0);
    show("nothing yet");
    mkdir("d", 0755);
    mkdir("d/sub", 0755);
    int wd = inotify_add_watch(in, "d", IN_ALL_EVENTS);
    printf("%d\n", wd);
    put("d/a", "hello");
    show("a file is made");
    char buf[64];
    int fd = open("d/a", O_RDONLY);
    read(fd, buf, sizeof buf);
    read(fd, buf, sizeof buf);
    close(fd);
    show("and read");
    int wa = inotify_add_watch(in, "d/a", IN_ALL_EVENTS);
    printf("%d %d\n", wa, inotify_add_watch(in, "d/a", IN_ALL_EVENTS));
    put("d/a", "more");
    truncate("d/a", 2);
    chmod("d/a", 0600);
    show("changed");
    rename("d/a", "d/b");
    rename("d/b", "d/sub/b");
    rename("d/sub/b", "c");
    rename("c", "d/b");
    show("moved");
    link("d/b", "d/l");
    symlink("b", "d/s");
    mkfifo("d/f", 0600);
    mkdir("d/e", 0700);
    show("made");
    unlink("d/l");
    unlink("d/s");
    rmdir("d/e");
    unlink("d/f");
    show("removed");
    fd = open("d/b", O_RDWR);
    unlink("d/b");
    show("unlinked while open");
    write(fd, "x", 1);
    close(fd);
    show("and closed");
    // A file that replaces another.
    put("d/x", "1");
    put("d/y", "2");
    int wx = inotify_add_watch(in, "d/x", IN_ALL_EVENTS);
    show("two");
    rename("d/y", "d/x");
    show("replaced");
    printf("gone %d %d\n", inotify_rm_watch(in, wx), errno);
    // Masks: replaced, added to, once, directories only.
    int w = inotify_add_watch(in, "d/x", IN_OPEN);
    printf("%d\n", inotify_add_watch(in, "d/x", IN_MODIFY | IN_MASK_ADD) == w);
    printf("%d %d\n", inotify_add_watch(in, "d/x", IN_OPEN | IN_MASK_CREATE), errno);
    printf("%d %d\n", inotify_add_watch(in, "d/x", IN_OPEN | IN_ONLYDIR), errno);
    printf("%d %d\n", inotify_add_watch(in, "d/x", 0), errno);
    printf("%d %d\n", inotify_add_watch(in, "d/none", IN_OPEN), errno);
    printf("%d %d\n", inotify_add_watch(0, "d", IN_OPEN), errno);
    printf("%d %d\n", inotify_add_watch(77, "d", IN_OPEN), errno);
    inotify_rm_watch(in, wd);
    show("the directory no more");
    put("d/x", "3");
    show("mask");
    int once = inotify_add_watch(in, "d", IN_CREATE | IN_DELETE | IN_ONESHOT);
    put("d/n", "");
    put("d/m", "");
    show("once");
    // A removed directory.
    mkdir("g", 0755);
    inotify_add_watch(in, "g", IN_ALL_EVENTS);
    rmdir("g");
    show("rmdir");
    // Waiting, in poll, epoll and read.
    inotify_add_watch(in, "d", IN_CREATE);
    struct pollfd p = {.fd = in, .events = POLLIN};
    printf("%d\n", poll(&p, 1, 0));
    int ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN};
    epoll_ctl(ep, EPOLL_CTL_ADD, in, &ev);
    if (fork() == 0) {
        usleep(20000);
        put("d/child", "");
        _exit(0);
    }
    printf("%d", poll(&p, 1, -1));
    printf(" %#x %d\n", p.revents, epoll_wait(ep, &ev, 1, 0));
    wait(0);
    fcntl(in, F_SETFL, 0);
    printf("%d %d\n", (int)read(in, buf, 8), errno);
    show("from a child");
    if (fork() == 0) {
        usleep(20000);
        put("d/second", "");
        _exit(0);
    }
    show("read that waited");
    wait(0);
    // Attributes and renames of directories.
    fcntl(in, F_SETFL, O_NONBLOCK);
    inotify_add_watch(in, "d", IN_ALL_EVENTS);
    inotify_add_watch(in, "d/sub", IN_ALL_EVENTS);
    rename("d/sub", "d/bus");
    chmod("d", 0700);
    utimensat(AT_FDCWD, "d/bus", 0, 0);
    show("directories");
    return 0;
}
