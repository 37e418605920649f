// Attributes of files, links, special files, extended attributes, and who may change what.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); \
    printf("%s = %ld %s\n", #call, r, r < 0 ? strerrorname_np(errno) : ""); } while (0)

static void show(const char *path) {
    struct stat s;
    if (lstat(path, &s)) { printf("%s: %s\n", path, strerrorname_np(errno)); return; }
    printf("%s: mode %o links %ld owner %d:%d size %ld\n", path, s.st_mode, (long)s.st_nlink,
        s.st_uid, s.st_gid, S_ISDIR(s.st_mode) ? 0 : (long)s.st_size);
}

static void times_of(const char *path) {
    struct stat s;
    lstat(path, &s);
    printf("%s: %ld.%09ld %ld.%09ld\n", path, (long)s.st_atim.tv_sec, (long)s.st_atim.tv_nsec,
        (long)s.st_mtim.tv_sec, (long)s.st_mtim.tv_nsec);
}

int main(void) {
    char buf[300];
    umask(022);
    int fd = open("a", O_CREAT | O_RDWR, 0666);
    write(fd, "hello", 5);
    show("a");
    SHOW(chmod("a", 06755)); show("a");
    SHOW(chown("a", 5, 6)); show("a");
    SHOW(fchmod(fd, 02705)); show("a");
    SHOW(fchown(fd, -1, 7)); show("a");
    SHOW(symlink("a", "s"));
    SHOW(lchown("s", 9, 9)); show("s");
    SHOW(fchmodat(AT_FDCWD, "s", 0600, 0)); show("a");
    SHOW(chmod("nothing", 0600));
    SHOW(link("a", "b")); show("b");
    SHOW(link("a", "b"));
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0)); show("s2");
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "c", AT_SYMLINK_FOLLOW)); show("c");
    SHOW(mkdir("d", 0777));
    SHOW(link("d", "d2"));
    SHOW(link("a", "nowhere/x"));
    SHOW(unlink("c")); show("a");
    SHOW(mknod("fifo", S_IFIFO | 0644, 0)); show("fifo");
    SHOW(mknod("null", S_IFCHR | 0666, makedev(1, 3)));
    struct stat st;
    stat("null", &st);
    printf("device %o %d %d\n", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    SHOW(mknod("dir", S_IFDIR | 0644, 0));
    SHOW(mknod("plain", 0600, 0)); show("plain");
    // Times.
    struct timespec ts[2] = {{1000, 123456789}, {2000, 987654321}};
    SHOW(utimensat(AT_FDCWD, "a", ts, 0)); times_of("a");
    ts[0].tv_nsec = UTIME_OMIT; ts[1].tv_sec = 77;
    SHOW(futimens(fd, ts)); times_of("a");
    ts[1].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "a", ts, 0));
    ts[0].tv_nsec = 5; ts[1].tv_nsec = 6;
    SHOW(utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW)); times_of("s");
    struct timeval tv[2] = {{10, 20}, {30, 40}};
    SHOW(utimes("a", tv)); times_of("a");
    tv[1].tv_usec = 1000000;
    SHOW(utimes("a", tv));
    struct utimbuf ub = {5, 6};
    SHOW(utime("a", &ub)); times_of("a");
    SHOW(utimensat(AT_FDCWD, "nothing", 0, 0));
    // Extended attributes.
    SHOW(setxattr("a", "user.one", "value", 5, 0));
    SHOW(setxattr("a", "user.one", "v", 1, XATTR_CREATE));
    SHOW(setxattr("a", "user.two", "v", 1, XATTR_REPLACE));
    SHOW(getxattr("a", "user.one", 0, 0));
    SHOW(getxattr("a", "user.one", buf, 3));
    memset(buf, 0, sizeof buf);
    SHOW(fgetxattr(fd, "user.one", buf, sizeof buf)); puts(buf);
    SHOW(getxattr("a", "user.none", buf, 3));
    SHOW(listxattr("a", buf, sizeof buf)); puts(buf);
    SHOW(setxattr("a", "other.x", "v", 1, 0));
    SHOW(setxattr("a", "", "v", 1, 0));
    SHOW(lsetxattr("s", "user.x", "v", 1, 0));
    SHOW(lgetxattr("s", "user.x", buf, 3));
    SHOW(setxattr("d", "trusted.t", "tt", 2, 0));
    SHOW(lgetxattr("d", "trusted.t", buf, 30));
    SHOW(removexattr("a", "user.one"));
    SHOW(removexattr("a", "user.one"));
    SHOW(listxattr("a", buf, sizeof buf));
    struct statfs sf;
    SHOW(statfs(".", &sf));
    printf("block %d names %d\n", (int)sf.f_bsize, (int)sf.f_namelen);
    int p[2];
    pipe(p);
    SHOW(fstatfs(p[0], &sf));
    printf("pipes %lx\n", (long)sf.f_type);
    // Directories.
    SHOW(chdir("d"));
    int root = open("/", O_PATH | O_DIRECTORY);
    SHOW(fchdir(fd));
    SHOW(fchdir(root));
    puts(getcwd(buf, sizeof buf));
    return 0;
}
