// Mappings that are much larger than the memory: of sparse files, and shared ones without a
// file. Only what is touched counts.
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MB (1 << 20)
#define SIZE (1500ul * MB)

static sigjmp_buf back;
static volatile sig_atomic_t code;

static void caught(int signal, siginfo_t *info, void *context) {
    code = signal * 100 + info->si_code;
    siglongjmp(back, 1);
}

static int touch(volatile char *at, int write) {
    code = 0;
    if (!sigsetjmp(back, 1)) {
        if (write) *at = 1;
        else (void)*at;
    }
    return code;
}

static unsigned sum(const unsigned char *at, size_t len) {
    unsigned total = 0;
    for (size_t i = 0; i < len; i++) total = total * 31 + at[i];
    return total;
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    struct sigaction action = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO };
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);

    int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600);
    printf("size %d\n", ftruncate(fd, SIZE));
    char text[100];
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "mark %d", i);
        pwrite(fd, text, strlen(text), i * 149ul * MB + 12345);
    }

    // A private one: reads, copies on write, changes of the file before it is touched.
    char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    printf("private %d\n", p != MAP_FAILED);
    for (int i = 0; i < 10; i++) printf("%s %d\n", p + i * 149ul * MB + 12345, p[i * 149ul * MB]);
    memcpy(p + 700ul * MB, "mine", 5);
    char byte = 9;
    pread(fd, &byte, 1, 700ul * MB);
    printf("file %d mine %s\n", byte, p + 700ul * MB);
    pwrite(fd, "late", 4, 800ul * MB);
    printf("late %.4s\n", p + 800ul * MB);
    printf("dontneed %d", madvise(p + 700ul * MB, MB, MADV_DONTNEED));
    printf(" %d\n", p[700ul * MB]);
    printf("protect %d\n", mprotect(p + 100ul * MB, 200ul * MB, PROT_READ));
    printf("read %d write %d\n", touch(p + 120ul * MB, 0), touch(p + 120ul * MB, 1));
    printf("marks %s\n", p + 149ul * MB + 12345);
    printf("none %d", mprotect(p + 400ul * MB, MB, PROT_NONE));
    printf(" %d %d\n", touch(p + 400ul * MB, 0), touch(p + 401ul * MB, 1));

    // Calls whose buffers nobody touched yet.
    printf("pread %zd", pread(fd, p + 500ul * MB - 3, 10, 149ul * MB + 12345));
    printf(" %s\n", p + 500ul * MB - 3);
    int ends[2];
    pipe(ends);
    printf("write %zd", write(ends[1], p + 596ul * MB + 12345, 7));
    printf(" read %zd", read(ends[0], p + 900ul * MB + 4090, 100));
    printf(" %s\n", p + 900ul * MB + 4090);
    struct stat *st = (void *)(p + 950ul * MB - 20);
    printf("fstat %d", fstat(fd, st));
    printf(" %llu\n", (unsigned long long)st->st_size);
    printf("open %d\n", open(p + 596ul * MB + 12345 - 1, O_RDONLY) >= 0 ? 0 : errno);
    int pair[2];
    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
    struct iovec *parts = (void *)(p + 1000ul * MB);
    parts[0] = (struct iovec){ p + 1100ul * MB - 2, 4 };
    parts[1] = (struct iovec){ p + 1200ul * MB - 2, 4 };
    send(pair[0], "datagram", 8, 0);
    struct msghdr *header = (void *)(p + 1050ul * MB);
    header->msg_iov = parts;
    header->msg_iovlen = 2;
    printf("recvmsg %zd", recvmsg(pair[1], header, 0));
    printf(" %.4s %.4s\n", p + 1100ul * MB - 2, p + 1200ul * MB - 2);
    struct timespec *now = (void *)(p + 1300ul * MB);
    printf("clock %d %d\n", clock_gettime(CLOCK_MONOTONIC, now), now->tv_nsec < 1000000000);
    char *moved = mremap(p + 440ul * MB, 70ul * MB, 80ul * MB, MREMAP_MAYMOVE);
    printf("moved %s %d\n", moved + 60ul * MB - 3, moved[75ul * MB]);
    if (fork() == 0) {
        printf("child %s %d\n", p + 7 * 149ul * MB + 12345, p[1ul * MB]);
        fflush(stdout);
        p[2ul * MB] = 3;
        _exit(0);
    }
    wait(0);
    printf("parent %d\n", p[2ul * MB]);
    munmap(p, SIZE);
    munmap(moved, 80ul * MB);

    // A shared one: both ways, between processes, and past the end.
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = mmap(0, 400ul * MB, PROT_READ, MAP_SHARED, fd, 1000ul * MB);
    printf("shared %d\n", p != MAP_FAILED && q != MAP_FAILED);
    for (int i = 0; i < 10; i += 3) printf("%s\n", p + i * 149ul * MB + 12345);
    memcpy(p + 1234ul * MB, "both", 5);
    printf("%s\n", q + 234ul * MB);
    pread(fd, text, 5, 1234ul * MB);
    printf("%s\n", text);
    pwrite(fd, "BOTH", 4, 1234ul * MB);
    pwrite(fd, "new", 4, 1240ul * MB);
    printf("%s %s\n", p + 1234ul * MB, q + 240ul * MB);
    if (fork() == 0) {
        strcpy(p + 20ul * MB, "from the child");
        _exit(0);
    }
    wait(0);
    printf("%s\n", p + 20ul * MB);
    printf("msync %d\n", msync(p, SIZE, MS_SYNC));
    struct stat before;
    fstat(fd, &before);
    printf("few blocks %d\n", before.st_blocks < 2000);
    munmap(p, SIZE);
    pread(fd, text, 20, 20ul * MB);
    printf("%s %s\n", text, q + 234ul * MB);
    printf("grow %d", ftruncate(fd, SIZE + 3));
    p = mmap(0, 2ul * MB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, SIZE - MB);
    printf(" %d %d %d\n", touch(p + MB, 1), touch(p + MB + 4095, 0), touch(p + MB + 4096, 0));
    printf("more %d", ftruncate(fd, SIZE + 5000));
    printf(" %d %d\n", touch(p + MB + 4096, 1), touch(p + MB + 8192, 1));
    munmap(p, 2ul * MB);
    char last = 0;
    pread(fd, &last, 1, SIZE + 4096);
    printf("last %d\n", last);

    // One without a file.
    p = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    printf("anonymous %d\n", p != MAP_FAILED);
    if (fork() == 0) {
        for (unsigned long at = 0; at < SIZE; at += 100ul * MB) p[at] = at / MB % 100 + 1;
        p[SIZE - 1] = 5;
        _exit(0);
    }
    wait(0);
    printf("%u %d\n", sum((void *)p, 4096), p[SIZE - 1]);
    for (unsigned long at = 0; at < SIZE; at += 300ul * MB) printf("%d ", p[at]);
    printf("\n");
    munmap(p, SIZE);

    // Reading a large hole from end to end takes no memory.
    p = mmap(0, 300ul * MB, PROT_READ, MAP_PRIVATE, fd, 200ul * MB);
    unsigned long total = 0;
    for (unsigned long at = 0; at < 300ul * MB; at += 4096) total += p[at];
    printf("hole %lu\n", total);
    return 0;
}
