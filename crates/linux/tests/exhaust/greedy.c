// Takes of each thing as much as there is, and says with which error that ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char bytes[65536];

static void say(const char *what, int error) {
    printf("%s %d\n", what, error);
    fflush(stdout);
}

int main(void) {
    memset(bytes, 1, sizeof bytes);
    // The disk: full, and free again.
    int fd = open("full", O_CREAT | O_RDWR, 0600);
    while (write(fd, bytes, sizeof bytes) > 0) {}
    int error = errno;
    close(fd);
    unlink("full");
    fd = open("again", O_CREAT | O_RDWR, 0600);
    say("disk", write(fd, bytes, sizeof bytes) == sizeof bytes ? error : -1);
    close(fd);
    char name[32];
    int count = 0;
    while (sprintf(name, "n%d", count), mkdir(name, 0700) == 0) count++;
    error = errno;
    while (count-- > 0) sprintf(name, "n%d", count), rmdir(name);
    say("names", error);
    // Descriptors, and what waits in pipes and sockets.
    int first = dup(0);
    while (dup(0) >= 0) {}
    say("descriptors", errno);
    for (int i = first; i < 65536; i++) close(i);
    long held = 0;
    int p[2];
    while (pipe2(p, O_NONBLOCK) == 0) {
        for (long n; (n = write(p[1], bytes, sizeof bytes)) > 0;) held += n;
    }
    say("pipes", held <= 24 << 20);
    for (int i = first; i < 65536; i++) close(i);
    held = 0;
    while (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p) == 0) {
        for (long n; (n = write(p[1], bytes, sizeof bytes)) > 0;) held += n;
    }
    say("sockets", held <= 24 << 20);
    for (int i = first; i < 65536; i++) close(i);
    // Shared memory, with and without a number.
    int ids[64];
    count = 0;
    while (count < 64 && (ids[count] = shmget(IPC_PRIVATE, 1 << 20, 0600)) >= 0) count++;
    error = errno;
    while (count-- > 0) shmctl(ids[count], IPC_RMID, 0);
    say("segments", error);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 100; i++) {
            char *at = mmap(0, 1 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            if (at == MAP_FAILED) _exit(7);
            memset(at, 1, 1 << 20);
        }
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    // Either it was told that there is no more, or it was ended.
    say("shared", WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 7);
    // Processes.
    struct rlimit limit = {200, 200};
    setrlimit(RLIMIT_NPROC, &limit);
    while ((child = fork()) > 0) {}
    if (child == 0) {
        pause();
        _exit(0);
    }
    error = errno;
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM);
    while (wait(0) > 0) {}
    say("processes", error);
    puts("still here");
    return 0;
}
