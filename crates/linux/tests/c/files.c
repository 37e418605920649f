// Locks, copying between files, space, descriptors of processes, queued signals.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long result_ = (long)(call); \
    printf("%s = %ld %s\n", #call, result_, result_ < 0 ? strerrorname_np(errno) : ""); fflush(stdout); } while (0)
#define CHILD if (fflush(stdout), fork() == 0)
#define JOIN do { int s; wait(&s); printf("child %x\n", s); fflush(stdout); } while (0)

static int lock(int fd, int cmd, int type, long start, long len) { struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len}; return fcntl(fd, cmd, &l); }
static void query(int fd, int cmd, int type, long start, long len) { struct flock l = {.l_type = type, .l_start = start, .l_len = len}; int r = fcntl(fd, cmd, &l); printf("query %d: %d %ld %ld %d\n", r, l.l_type, (long)l.l_start, (long)l.l_len, l.l_pid == getppid() ? 1 : l.l_pid == -1 ? -1 : 0); }
static void nothing(int s, siginfo_t *i, void *u) { if (i) printf("signal %d code %d value %d\n", s, i->si_code, i->si_value.sival_int); fflush(stdout); }

int main(void) {
    static char buf[200000];
    int fd = open("f", O_CREAT | O_RDWR, 0600), ro = open("f", O_RDONLY); write(fd, "0123456789", 10);
    SHOW(lock(fd, F_SETLK, F_WRLCK, 2, 3)); SHOW(lock(fd, F_SETLK, F_RDLCK, 10, 0)); SHOW(lock(ro, F_SETLK, F_WRLCK, 0, 1)); SHOW(lock(fd, F_SETLK, 9, 0, 1)); SHOW(lock(fd, F_SETLK, F_RDLCK, -5, 1));
    CHILD {
        query(fd, F_GETLK, F_WRLCK, 0, 0); query(fd, F_GETLK, F_RDLCK, 6, 100); query(fd, F_GETLK, F_WRLCK, 20, 1);
        SHOW(lock(fd, F_SETLK, F_WRLCK, 4, 1)); SHOW(lock(fd, F_SETLK, F_WRLCK, 5, 1)); SHOW(lock(fd, F_SETLK, F_RDLCK, 15, 1));
        _exit(0);
    }
    JOIN;
    SHOW(lock(fd, F_SETLK, F_UNLCK, 3, 1)); CHILD { query(fd, F_GETLK, F_WRLCK, 3, 10); query(fd, F_GETLK, F_WRLCK, 2, 1); _exit(0); } JOIN;
    int p[2]; pipe(p);
    CHILD { close(p[0]); lock(fd, F_SETLKW, F_WRLCK, 2, 1); write(p[1], "got", 3); _exit(0); }
    usleep(20000); SHOW(lock(fd, F_SETLK, F_UNLCK, 0, 0)); SHOW(read(p[0], buf, 9)); JOIN;
    lock(fd, F_SETLK, F_WRLCK, 0, 0); close(open("f", O_RDONLY)); CHILD { SHOW(lock(fd, F_SETLK, F_WRLCK, 0, 0)); _exit(0); } JOIN;
    // A circle of two.
    lock(fd, F_SETLK, F_WRLCK, 0, 1);
    CHILD { lock(fd, F_SETLK, F_WRLCK, 1, 1); write(p[1], "x", 1); lock(fd, F_SETLKW, F_WRLCK, 0, 1); _exit(0); }
    read(p[0], buf, 1); usleep(30000); SHOW(lock(fd, F_SETLKW, F_WRLCK, 1, 1)); lock(fd, F_SETLK, F_UNLCK, 0, 0); JOIN;
    struct sigaction sa = {.sa_sigaction = nothing, .sa_flags = SA_SIGINFO}; sigaction(SIGALRM, &sa, 0); sigaction(SIGUSR1, &sa, 0);
    lock(fd, F_SETLK, F_WRLCK, 0, 0); CHILD { struct sigaction own = {0}; own.sa_handler = (void (*)(int))abs; sigaction(SIGALRM, &own, 0); ualarm(20000, 0); SHOW(lock(fd, F_SETLKW, F_WRLCK, 0, 1)); _exit(0); } JOIN; lock(fd, F_SETLK, F_UNLCK, 0, 0);
    // Locks of descriptions, and flock.
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    SHOW(lock(a, F_OFD_SETLK, F_WRLCK, 0, 4)); SHOW(lock(b, F_OFD_SETLK, F_WRLCK, 3, 4)); SHOW(lock(fd, F_SETLK, F_RDLCK, 3, 4)); query(b, F_OFD_GETLK, F_RDLCK, 0, 0); close(a); SHOW(lock(b, F_OFD_SETLK, F_WRLCK, 3, 4)); close(b);
    a = open("f", O_RDWR); b = open("f", O_RDONLY); SHOW(flock(a, LOCK_SH)); SHOW(flock(b, LOCK_SH)); SHOW(flock(a, LOCK_EX | LOCK_NB)); SHOW(flock(b, LOCK_UN)); SHOW(flock(a, LOCK_EX | LOCK_NB)); SHOW(flock(b, LOCK_SH | LOCK_NB)); SHOW(flock(a, 77)); int d = dup(a); close(a); SHOW(flock(b, LOCK_EX | LOCK_NB)); close(d); SHOW(flock(b, LOCK_EX | LOCK_NB)); close(b);
    // Copies.
    for (int i = 0; i < sizeof buf; i++) buf[i] = i * 7; int big = open("big", O_CREAT | O_RDWR, 0600), out = open("out", O_CREAT | O_RDWR, 0600); write(big, buf, sizeof buf);
    off_t off = 100; SHOW(sendfile(out, big, &off, 150000)); printf("%ld %ld\n", (long)off, (long)lseek(out, 0, SEEK_CUR)); SHOW(sendfile(out, big, 0, 10)); lseek(big, 199990, SEEK_SET); SHOW(sendfile(out, big, 0, 100)); SHOW(sendfile(out, p[0], 0, 1)); SHOW(sendfile(ro, big, 0, 1)); char c; SHOW(pread(out, &c, 1, 5)); printf("%d\n", c == (char)(105 * 7));
    off64_t o1 = 50, o2 = 7; SHOW(copy_file_range(big, &o1, out, &o2, 1000, 0)); printf("%d %d\n", (int)o1, (int)o2); pread(out, &c, 1, 7); printf("%d\n", c == (char)350); o1 = 0; o2 = 10; SHOW(copy_file_range(big, &o1, big, &o2, 1000, 0)); SHOW(copy_file_range(big, 0, p[1], 0, 10, 0)); SHOW(copy_file_range(big, 0, out, 0, 10, 1));
    int q[2], r[2]; pipe(q); pipe(r); o1 = 0; SHOW(splice(big, &o1, q[1], 0, 5000, 0)); SHOW(tee(q[0], r[1], 3000, 0)); SHOW(splice(q[0], 0, r[1], 0, 10000, SPLICE_F_NONBLOCK)); SHOW(read(r[0], buf + 100, 20000)); SHOW(splice(q[0], 0, r[1], 0, 10, SPLICE_F_NONBLOCK)); SHOW(splice(big, 0, out, 0, 10, 0)); SHOW(splice(q[0], &o1, out, 0, 10, 0)); SHOW(tee(q[0], q[1], 10, 0)); SHOW(tee(big, q[1], 10, 0)); struct iovec iv = {buf, 99}; SHOW(vmsplice(q[1], &iv, 1, 0)); SHOW(splice(q[0], 0, out, 0, 1000, 0)); close(q[1]); SHOW(splice(q[0], 0, out, 0, 1000, 0)); SHOW(tee(q[0], r[1], 10, 0));
    int sv[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, sv); CHILD { close(sv[0]); long n, t = 0; while ((n = read(sv[1], buf, sizeof buf)) > 0) t += n; printf("got %ld\n", t); fflush(stdout); _exit(0); } close(sv[1]); off = 0; long t = 0, n; while ((n = sendfile(sv[0], big, &off, 200000)) > 0) t += n; printf("sent %d\n", t == lseek(big, 0, SEEK_END)); close(sv[0]); JOIN;
    // Space.
    struct stat st; ftruncate(out, 0); SHOW(fallocate(out, 0, 0, 10000)); fstat(out, &st); printf("%ld\n", (long)st.st_size); SHOW(fallocate(out, FALLOC_FL_KEEP_SIZE, 0, 20000)); fstat(out, &st); printf("%ld\n", (long)st.st_size); memset(buf, 'x', 10000); pwrite(out, buf, 10000, 0); SHOW(fallocate(out, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 100, 5000)); pread(out, buf, 10000, 0); printf("%d %d %d %d\n", buf[99], buf[100], buf[5099], buf[5100]); SHOW(fallocate(out, FALLOC_FL_PUNCH_HOLE, 0, 10)); SHOW(fallocate(out, 0, -1, 10)); SHOW(fallocate(out, 0, 0, 0)); SHOW(fallocate(ro, 0, 0, 10)); SHOW(fallocate(p[1], 0, 0, 10)); SHOW(posix_fadvise(out, 0, 0, POSIX_FADV_WILLNEED)); SHOW(posix_fadvise(p[0], 0, 0, 0)); SHOW(posix_fadvise(out, 0, 0, 99)); SHOW(readahead(out, 0, 100)); SHOW(sync_file_range(out, 0, 100, 7)); SHOW(syncfs(out));
    struct iovec two[2] = {{buf, 3}, {buf + 3, 4}}; lseek(out, 5, SEEK_SET); SHOW(preadv2(out, two, 2, -1, 0)); SHOW(lseek(out, 0, SEEK_CUR)); SHOW(preadv2(out, two, 2, 1, 0)); SHOW(pwritev2(out, two, 2, 1, RWF_SYNC)); SHOW(pwritev2(out, two, 2, 1, 0x8000)); SHOW(lseek(out, 0, SEEK_CUR));
    // Descriptors of processes.
    int pid = fork(); if (!pid) { usleep(20000); _exit(7); } int pf = syscall(SYS_pidfd_open, pid, 0); struct pollfd pl = {pf, POLLIN}; SHOW(poll(&pl, 1, 0)); SHOW(poll(&pl, 1, 5000)); siginfo_t si; SHOW(waitid(P_PIDFD, pf, &si, WEXITED)); printf("%d %d\n", si.si_status, si.si_pid == pid); SHOW(syscall(SYS_pidfd_send_signal, pf, 0, 0, 0)); SHOW(syscall(SYS_pidfd_open, pid, 0)); SHOW(syscall(SYS_pidfd_open, -1, 0)); SHOW(waitid(P_PIDFD, fd, &si, WEXITED)); pf = syscall(SYS_pidfd_open, getpid(), 0); SHOW(syscall(SYS_pidfd_send_signal, pf, SIGUSR1, 0, 0)); SHOW(fcntl(pf, F_GETFD)); int copy = syscall(SYS_pidfd_getfd, pf, fd, 0); SHOW(pread(copy, buf, 4, 0)); SHOW(syscall(SYS_pidfd_getfd, pf, 99, 0));
    union sigval v = {.sival_int = 77}; SHOW(sigqueue(getpid(), SIGUSR1, v)); SHOW(sigqueue(getpid(), 99, v)); SHOW(sigqueue(99999, SIGUSR1, v));
    return 0;
}
