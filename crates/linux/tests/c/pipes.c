// Pipes between processes, full and broken ones; links and renames.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    int p[2], status;
    static char big[200000], got[200000];
    printf("pipe %d\n", pipe(p));
    fflush(stdout);
    memset(big, 'x', sizeof big);
    if (fork() == 0) {
        close(p[0]);
        _exit(write(p[1], big, sizeof big) == sizeof big ? 5 : 6);
    }
    close(p[1]);
    size_t total = 0;
    ssize_t n;
    while ((n = read(p[0], got, sizeof got)) > 0) total += n;
    wait(&status);
    printf("total %zu status %x\n", total, status);
    close(p[0]);
    pipe2(p, O_NONBLOCK);
    n = read(p[0], got, 1);
    printf("empty %zd %d\n", n, errno == EAGAIN);
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    n = write(p[1], "a", 1);
    printf("broken %zd %d\n", n, errno == EPIPE);
    int fd = open("one", O_CREAT | O_WRONLY, 0600);
    close(fd);
    printf("rename %d\n", rename("one", "two"));
    printf("gone %d %d\n", access("one", F_OK), access("two", F_OK));
    printf("symlink %d\n", symlink("two", "three"));
    memset(got, 0, 10);
    n = readlink("three", got, 10);
    printf("link %zd %s\n", n, got);
    mkdir("d", 0700);
    n = rename("d", "d/e");
    printf("into itself %zd %d\n", n, errno);
    n = rename("d", "two");
    printf("over a file %zd %d\n", n, errno);
    pipe(p);
    struct pollfd list[3] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {99, POLLIN, 0}};
    n = poll(list, 3, 0);
    printf("poll %zd %x %x %x\n", n, list[0].revents, list[1].revents, list[2].revents);
    n = poll(list, 1, 20);
    printf("timeout %zd\n", n);
    fflush(stdout);
    if (fork() == 0) {
        usleep(20000);
        write(p[1], "z", 1);
        _exit(0);
    }
    close(p[1]);
    n = poll(list, 1, -1);
    printf("data %zd %x\n", n, list[0].revents & POLLIN);
    read(p[0], got, 1);
    n = poll(list, 1, -1);
    printf("end %zd %x\n", n, list[0].revents);
    return 0;
}
