// Files without a name (O_TMPFILE), which may get one, and files that lost theirs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r_ = (long)(call); printf("%s: %ld %s\n", #call, r_, r_ < 0 ? strerror(errno) : ""); } while (0)

static char self[64];
static const char *path(int fd) {
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    return self;
}

static void stat_of(int fd) {
    struct stat st;
    fstat(fd, &st);
    printf("mode %o links %d size %d\n", st.st_mode, (int)st.st_nlink, (int)st.st_size);
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    umask(022);
    mkdir("dir", 0755);
    close(open("plain", O_CREAT | O_RDWR, 0644));
    SHOW(open("dir", O_TMPFILE | O_RDONLY, 0600));
    SHOW(open("dir", O_TMPFILE | O_RDWR | O_CREAT, 0600));
    SHOW(open("plain", O_TMPFILE | O_RDWR, 0600));
    SHOW(open("absent", O_TMPFILE | O_RDWR, 0600));
    SHOW(open("dir", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
    int fd = open("dir", O_TMPFILE | O_RDWR, 0666);
    printf("made %d\n", fd >= 0);
    stat_of(fd);
    SHOW(write(fd, "content", 7));
    SHOW(pwrite(fd, "far", 3, 70000));
    SHOW(fsetxattr(fd, "user.name", "value", 5, 0));
    stat_of(fd);
    char link[300] = "";
    readlink(path(fd), link, sizeof link - 1);
    printf("deleted %d\n", strstr(link, " (deleted)") != 0);
    printf("in dir %d\n", strstr(link, "/dir/#") != 0);
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
    stat_of(fd);
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "dir/again", AT_SYMLINK_FOLLOW));
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "dir/named", AT_SYMLINK_FOLLOW));
    stat_of(fd);
    close(fd);
    fd = open("dir/named", O_RDONLY);
    char text[20] = "";
    SHOW(read(fd, text, 7));
    SHOW(getxattr("dir/again", "user.name", text + 8, 5));
    printf("%s %s\n", text, text + 8);
    close(fd);

    fd = open("dir", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
    printf("made %d\n", fd >= 0);
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "dir/never", AT_SYMLINK_FOLLOW));
    close(fd);

    fd = open("plain", O_RDWR);
    unlink("plain");
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
    stat_of(fd);
    close(fd);

    // Once it had a name, it is like others.
    fd = open(".", O_TMPFILE | O_RDWR, 0640);
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "once", AT_SYMLINK_FOLLOW));
    SHOW(unlink("once"));
    SHOW(linkat(AT_FDCWD, path(fd), AT_FDCWD, "twice", AT_SYMLINK_FOLLOW));
    close(fd);

    chmod("dir", 02755);
    chown("dir", -1, 7);
    fd = open("dir", O_TMPFILE | O_RDWR, 0600);
    struct stat st;
    fstat(fd, &st);
    printf("group %d\n", getuid() ? 7 : (int)st.st_gid);
    if (getuid() == 0 && fork() == 0) {
        seteuid(1234);
        SHOW(open("dir", O_TMPFILE | O_RDWR, 0600));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    for (int i = 0; i < 50; i++) {
        fd = open("dir", O_TMPFILE | O_RDWR, 0600);
        if (fd < 0 || write(fd, link, sizeof link) != sizeof link) printf("failed %d\n", i);
        close(fd);
    }
    return 0;
}
