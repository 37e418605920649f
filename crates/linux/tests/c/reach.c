// How far a path may lead (openat2), seals of memory files, memory of other processes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); \
    printf("%s = %ld %s\n", #call, r, r < 0 ? strerrorname_np(errno) : ""); } while (0)

static int dir;

static int open2(const char *path, unsigned long long flags, unsigned long long mode,
                 unsigned long long resolve) {
    struct open_how how = { flags, mode, resolve };
    int fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd < 0) return -1;
    char text[16] = "";
    int n = read(fd, text, 15);
    struct stat s;
    fstat(fd, &s);
    printf("  %o %.*s\n", s.st_mode & ~0777, n > 0 ? n : 0, text);
    close(fd);
    return 0;
}

static void paths(void) {
    mkdir("d", 0755); mkdir("d/e", 0755);
    close(open("outside", O_CREAT | O_WRONLY, 0644));
    int fd = open("d/inside", O_CREAT | O_WRONLY, 0644);
    write(fd, "in", 2); close(fd);
    symlink("inside", "d/link"); symlink("../outside", "d/up"); symlink("/e", "d/slash");
    symlink("../../d/inside", "d/e/far"); symlink("loop", "d/loop");
    dir = open("d", O_RDONLY | O_DIRECTORY);
    SHOW(open2("inside", O_RDONLY, 0, 0));
    SHOW(open2("link", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("up", O_RDONLY, 0, 0));
    SHOW(open2("up", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("up", O_RDONLY, 0, RESOLVE_IN_ROOT));
    SHOW(open2("e/../inside", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("e/../../outside", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("e/far", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("e/far", O_RDONLY, 0, 0));
    SHOW(open2("../../../../inside", O_RDONLY, 0, RESOLVE_IN_ROOT));
    SHOW(open2("/inside", O_RDONLY, 0, RESOLVE_IN_ROOT));
    SHOW(open2("/inside", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("slash", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("slash", O_RDONLY, 0, RESOLVE_IN_ROOT));
    SHOW(open2("link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
    SHOW(open2("link", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS));
    SHOW(open2("link", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
    SHOW(open2("loop", O_RDONLY, 0, 0));
    SHOW(open2("new", O_CREAT | O_RDWR, 0640, RESOLVE_BENEATH));
    SHOW(open2("../new", O_CREAT | O_RDWR, 0640, RESOLVE_BENEATH));
    SHOW(open2("inside", O_RDONLY, 0644, 0));
    SHOW(open2("inside", O_CREAT | O_RDWR, 010000, 0));
    SHOW(open2("inside", 1ull << 40, 0, 0));
    SHOW(open2("inside", O_RDONLY, 0, 1ull << 40));
    SHOW(open2("inside", O_PATH | O_RDWR, 0, 0));
    SHOW(open2("inside", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
    SHOW(open2("none", O_RDONLY, 0, RESOLVE_BENEATH));
    SHOW(open2("", O_RDONLY, 0, 0));
    struct { struct open_how how; long more; } large = { { O_RDONLY, 0, 0 }, 0 };
    SHOW(syscall(SYS_openat2, dir, "none", &large, sizeof large));
    large.more = 1;
    SHOW(syscall(SYS_openat2, dir, "inside", &large, sizeof large));
    SHOW(syscall(SYS_openat2, dir, "inside", &large, 16));
    SHOW(syscall(SYS_openat2, dir, "inside", &large, 5000));
    SHOW(syscall(SYS_openat2, dir, "inside", 8, sizeof large.how));
}

static void seals(void) {
    int fd = memfd_create("x", MFD_ALLOW_SEALING), plain = memfd_create("y", 0);
    SHOW(fcntl(fd, F_GET_SEALS)); SHOW(fcntl(plain, F_GET_SEALS));
    SHOW(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(dir, F_GET_SEALS));
    SHOW(ftruncate(fd, 8192));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(ftruncate(fd, 4096)); SHOW(ftruncate(fd, 8192)); SHOW(ftruncate(fd, 12288));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(ftruncate(fd, 16384)); SHOW(pwrite(fd, "abc", 3, 12287)); SHOW(pwrite(fd, "abc", 3, 100));
    SHOW(fallocate(fd, 0, 0, 20000)); SHOW(fallocate(fd, 1, 0, 20000));
    char *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    SHOW(pwrite(fd, "abc", 3, 100)); map[5] = 'x'; printf("%d\n", map[5]);
    SHOW(mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    char *view = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
    printf("%d\n", view[5]);
    SHOW(mprotect(view, 4096, PROT_READ | PROT_WRITE));
    munmap(map, 4096); munmap(view, 4096);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fallocate(fd, 3, 0, 4096)); SHOW(write(fd, "", 0)); SHOW(write(fd, "x", 1));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    map[6] = 7; printf("%d %d\n", map[5], map[6]);
}

static void memory(void) {
    static char text[3 * 4096];
    static char here[3 * 4096];
    int go[2], done[2];
    pipe(go); pipe(done);
    strcpy(text, "parent");
    pid_t pid = fork();
    if (!pid) {
        char c;
        strcpy(text, "child's own");
        write(done[1], "x", 1);
        read(go[0], &c, 1);
        printf("child has %s\n", text); fflush(stdout);
        _exit(0);
    }
    read(done[0], here, 1);
    struct iovec local[3] = { { here, 3 }, { here + 100, 0 }, { here + 10, 9 } };
    struct iovec other[2] = { { text, 7 }, { text + 7, 5 } };
    SHOW(process_vm_readv(pid, local, 3, other, 2, 0));
    printf("%.3s %s\n", here, here + 10);
    memcpy(here, "written", 8);
    local[0].iov_len = 8;
    SHOW(process_vm_writev(pid, local, 1, other, 2, 0));
    struct iovec bad = { (void *)16, 8 };
    SHOW(process_vm_readv(pid, local, 1, &bad, 1, 0));
    struct iovec tail[2] = { { text, 4 }, { (void *)16, 8 } };
    SHOW(process_vm_readv(pid, local, 1, tail, 2, 0));
    SHOW(process_vm_readv(pid, local, 1, other, 2, 1));
    SHOW(process_vm_readv(99999999, local, 1, other, 2, 0));
    SHOW(process_vm_readv(pid, local, 2000, other, 2, 0));
    SHOW(process_vm_readv(pid, local, 0, other, 2, 0));
    char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(page + 4096, 4096, PROT_NONE);
    struct iovec edge = { page + 4000, 4096 }, all = { text, sizeof text };
    SHOW(process_vm_readv(pid, &edge, 1, &all, 1, 0));
    write(go[1], "x", 1);
    int status;
    waitpid(pid, &status, 0);
    SHOW(process_vm_readv(pid, local, 1, other, 2, 0));
    void *head; size_t len;
    SHOW(syscall(SYS_get_robust_list, 0, &head, &len));
    printf("%d %d\n", head != 0, len == 3 * sizeof(long));
    SHOW(syscall(SYS_get_robust_list, 99999999, &head, &len));
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    paths();
    seals();
    memory();
}
