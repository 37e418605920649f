// UNIX sockets, and TCP and UDP over the loopback.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); \
    printf("%s = %ld %s\n", #call, r, r < 0 ? strerrorname_np(errno) : ""); fflush(stdout); } while (0)

static char buf[300000];
static int state(int fd) { struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI}; poll(&p, 1, 0); return p.revents; }
static int opt(int fd, int l, int n) { int v = -7; socklen_t s = 4; if (getsockopt(fd, l, n, &v, &s)) return -errno; return v; }

static int send_fd(int s, int *fds, int n, const char *text) {
    struct iovec iov = {(void *)text, strlen(text)};
    char c[CMSG_SPACE(sizeof(int) * 10)] = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = CMSG_SPACE(sizeof(int) * n)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET; h->cmsg_type = SCM_RIGHTS; h->cmsg_len = CMSG_LEN(sizeof(int) * n);
    memcpy(CMSG_DATA(h), fds, sizeof(int) * n);
    return sendmsg(s, &m, 0);
}

static int recv_all(int s, int flags, int room, int *fds) {
    struct iovec iov = {buf, 100};
    char c[200] = {0};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = c, .msg_controllen = room};
    int n = recvmsg(s, &m, flags);
    printf("recvmsg %d flags %x control %d", n, n < 0 ? 0 : m.msg_flags, n < 0 ? 0 : (int)(m.msg_controllen > 0));
    for (struct cmsghdr *h = n < 0 ? 0 : CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        printf(" [%d %d %d]", h->cmsg_level, h->cmsg_type, (int)(h->cmsg_len - CMSG_LEN(0)));
        if (h->cmsg_type == SCM_RIGHTS && fds) memcpy(fds, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0));
        if (h->cmsg_type == SCM_CREDENTIALS) { struct ucred *u = (void *)CMSG_DATA(h); printf(" %d %d", u->uid, u->pid > 0); }
    }
    puts(""); fflush(stdout);
    return n;
}

static void unix_sockets(void) {
    int p[2], q[2];
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, p)); SHOW(socketpair(AF_INET, SOCK_STREAM, 0, q)); SHOW(socket(99, 1, 0)); SHOW(socket(AF_UNIX, 77, 0)); SHOW(socket(AF_UNIX, SOCK_STREAM, 9));
    printf("%x\n", state(p[0])); SHOW(write(p[0], "hello", 5)); printf("%x\n", state(p[1]));
    SHOW(recv(p[1], buf, 3, MSG_PEEK)); SHOW(read(p[1], buf, 3)); SHOW(recv(p[1], buf, 10, MSG_DONTWAIT)); SHOW(recv(p[1], buf, 10, MSG_DONTWAIT));
    SHOW(shutdown(p[0], SHUT_WR)); printf("%x %x\n", state(p[0]), state(p[1])); SHOW(read(p[1], buf, 9)); signal(SIGPIPE, SIG_IGN); SHOW(write(p[0], "x", 1)); SHOW(write(p[1], "back", 4)); SHOW(read(p[0], buf, 9));
    close(p[1]); printf("%x\n", state(p[0])); SHOW(read(p[0], buf, 9)); SHOW(send(p[0], "x", 1, MSG_NOSIGNAL)); close(p[0]);
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p); SHOW(write(p[0], "one", 3)); SHOW(write(p[0], "three", 5)); SHOW(read(p[1], buf, 2)); SHOW(recv(p[1], buf, 2, MSG_TRUNC)); recv_all(p[0], MSG_DONTWAIT, 0, 0); write(p[0], "q", 1); recv_all(p[1], 0, 0, 0); close(p[0]); SHOW(read(p[1], buf, 9)); close(p[1]);
    // A listening socket that is a file.
    struct sockaddr_un a = {AF_UNIX, "sock"}, b; socklen_t len;
    int l = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(listen(l, 5)); SHOW(bind(l, (void *)&a, sizeof a)); SHOW(bind(l, (void *)&a, sizeof a));
    int c = socket(AF_UNIX, SOCK_STREAM, 0); printf("%x\n", state(c)); SHOW(connect(c, (void *)&a, sizeof a)); SHOW(read(c, buf, 1)); SHOW(write(c, buf, 1)); SHOW(listen(l, 5)); SHOW(bind(c, (void *)&a, sizeof a));
    struct stat st; stat("sock", &st); printf("%o\n", st.st_mode & S_IFMT); SHOW(open("sock", O_RDWR));
    SHOW(connect(c, (void *)&a, sizeof a)); SHOW(connect(c, (void *)&a, sizeof a)); printf("%x\n", state(l));
    len = sizeof b; int s = accept(l, (void *)&b, &len); printf("accept %d len %d\n", s > 0, len);
    len = sizeof b; memset(&b, 0, sizeof b); SHOW(getpeername(c, (void *)&b, &len)); printf("%d %s\n", len, b.sun_path); len = sizeof b; SHOW(getsockname(c, (void *)&b, &len)); printf("%d\n", len);
    struct ucred u; len = sizeof u; SHOW(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &u, &len)); printf("%d %d\n", u.pid == getpid(), u.uid);
    fcntl(l, F_SETFL, O_NONBLOCK); SHOW(accept(l, 0, 0)); SHOW(accept(c, 0, 0)); SHOW(shutdown(l, 5)); SHOW(getpeername(l, (void *)&b, &len));
    // More than fits.
    if (fork() == 0) { close(s); close(l); memset(buf, 'z', sizeof buf); for (int i = 0; i < 3; i++) write(c, buf, sizeof buf); _exit(0); }
    close(c); long total = 0, n; while ((n = read(s, buf, 77777)) > 0) total += n; printf("total %ld\n", total); wait(0); close(s);
    int many[8], m = 0; for (; m < 8; m++) { many[m] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0); if (connect(many[m], (void *)&a, sizeof a)) break; } printf("backlog %d %s\n", m, strerrorname_np(errno));
    close(l); printf("%x\n", state(many[0])); SHOW(read(many[0], buf, 1)); unlink("sock"); SHOW(connect(many[m < 8 ? m : 7], (void *)&a, sizeof a)); c = socket(AF_UNIX, SOCK_STREAM, 0); SHOW(connect(c, (void *)&a, sizeof a));
    // Abstract names and datagrams.
    memset(&a, 0, sizeof a); a.sun_family = AF_UNIX; memcpy(a.sun_path, "\0name-of-a-test", 15); len = 2 + 15;
    int d = socket(AF_UNIX, SOCK_DGRAM, 0), e = socket(AF_UNIX, SOCK_DGRAM, 0); SHOW(bind(d, (void *)&a, len)); SHOW(bind(e, (void *)&a, len)); SHOW(connect(c, (void *)&a, len)); SHOW(connect(e, (void *)&a, len));
    SHOW(send(e, "dgram", 5, 0)); len = sizeof b; SHOW(recvfrom(d, buf, 3, MSG_TRUNC, (void *)&b, &len)); printf("%d\n", len); SHOW(write(d, "x", 1)); struct sockaddr_un un = {AF_UNIX}; SHOW(bind(e, (void *)&un, 2)); len = sizeof b; getsockname(e, (void *)&b, &len); printf("%d %d\n", len, b.sun_path[0]);
    fcntl(e, F_SETFL, O_NONBLOCK); for (n = 0; send(e, "q", 1, 0) == 1; n++); printf("queue %ld %s %x\n", n, strerrorname_np(errno), state(e)); read(d, buf, 9); printf("%x\n", state(e));
    memset(buf, 0, sizeof buf); SHOW(send(e, buf, 250000, 0)); SHOW(sendto(e, "", 0, 0, 0, 0)); close(d); SHOW(send(e, "x", 1, 0)); close(e); close(c);
    // Descriptors and credentials.
    socketpair(AF_UNIX, SOCK_STREAM, 0, p); int f[3]; f[0] = open("passed", O_CREAT | O_RDWR, 0600); write(f[0], "inside", 6); pipe(f + 1);
    SHOW(send_fd(p[0], f, 3, "abc")); write(p[0], "def", 3); int g[8] = {-1, -1, -1, -1, -1, -1, -1, -1}; recv_all(p[1], 0, 200, g); SHOW(pread(g[0], buf, 10, 0)); write(g[2], "k", 1); SHOW(read(f[1], buf, 5)); recv_all(p[1], 0, 200, 0);
    SHOW(send_fd(p[0], f, 3, "abc")); recv_all(p[1], 0, CMSG_LEN(4), g); SHOW(send_fd(p[0], f, 1, "abc")); recv_all(p[1], 0, 0, g); int bad = 99; SHOW(send_fd(p[0], &bad, 1, "x"));
    int one = 1; SHOW(setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &one, 4)); write(p[0], "cred", 4); recv_all(p[1], MSG_CMSG_CLOEXEC, 200, 0);
    // A socket that is sent through itself stays behind, but not for ever.
    for (int i = 0; i < 3000; i++) { int w[2]; socketpair(AF_UNIX, SOCK_DGRAM, 0, w); if (send_fd(w[0], w, 2, "x") != 1) { puts("cannot"); break; } close(w[0]); close(w[1]); }
    SHOW(send_fd(p[0], f, 3, "abc")); close(p[0]); close(p[1]);
    SHOW(opt(c, SOL_SOCKET, SO_TYPE)); c = socket(AF_UNIX, SOCK_DGRAM, 0); SHOW(opt(c, SOL_SOCKET, SO_TYPE)); SHOW(opt(c, SOL_SOCKET, SO_DOMAIN)); SHOW(opt(c, SOL_SOCKET, SO_SNDBUF)); int v = 10000; setsockopt(c, SOL_SOCKET, SO_RCVBUF, &v, 4); SHOW(opt(c, SOL_SOCKET, SO_RCVBUF)); SHOW(opt(c, SOL_SOCKET, 9999)); SHOW(opt(c, 77, 1)); SHOW(opt(0, SOL_SOCKET, SO_TYPE) < 0);
    struct timeval tv = {0, 20000}; SHOW(setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv)); struct sockaddr_un x = {AF_UNIX, "xx"}; bind(c, (void *)&x, sizeof x); SHOW(recv(c, buf, 1, 0)); len = sizeof tv; getsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &tv, &len); printf("%d %d\n", (int)tv.tv_usec >= 20000, (int)len == (int)sizeof tv);
}

static void tcp(int family) {
    struct sockaddr_storage ss = {0}, got; socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6), gl;
    struct sockaddr_in *a4 = (void *)&ss; struct sockaddr_in6 *a6 = (void *)&ss; in_port_t *port = family == AF_INET ? &a4->sin_port : &a6->sin6_port;
    ss.ss_family = family; if (family == AF_INET) a4->sin_addr.s_addr = htonl(INADDR_LOOPBACK); else a6->sin6_addr = in6addr_loopback;
    char text[80];
    int l = socket(family, SOCK_STREAM, 0), c = socket(family, SOCK_STREAM, 0); printf("%x\n", state(c)); SHOW(read(c, buf, 1)); SHOW(accept(l, 0, 0)); SHOW(bind(l, (void *)&ss, len)); SHOW(bind(l, (void *)&ss, len)); SHOW(listen(l, 4)); gl = sizeof got; SHOW(getsockname(l, (void *)&got, &gl)); printf("%d\n", gl);
    *port = ((struct sockaddr_in *)&got)->sin_port; SHOW(connect(c, (void *)&ss, len)); printf("%x %x\n", state(l), state(c)); SHOW(connect(c, (void *)&ss, len)); gl = sizeof got; int s = accept4(l, (void *)&got, &gl, SOCK_CLOEXEC); printf("%d %d %d\n", s > 0, gl, fcntl(s, F_GETFD));
    inet_ntop(family, family == AF_INET ? (void *)&((struct sockaddr_in *)&got)->sin_addr : (void *)&((struct sockaddr_in6 *)&got)->sin6_addr, text, 80); puts(text);
    gl = sizeof got; SHOW(getpeername(c, (void *)&got, &gl)); printf("%d\n", ((struct sockaddr_in *)&got)->sin_port == *port); SHOW(opt(l, SOL_SOCKET, SO_ACCEPTCONN)); SHOW(opt(c, SOL_SOCKET, SO_ERROR)); SHOW(opt(c, SOL_SOCKET, SO_PROTOCOL));
    SHOW(send(c, "hello tcp", 9, 0)); usleep(20000); int n = -1; ioctl(s, FIONREAD, &n); printf("%d\n", n); SHOW(recv(s, buf, 100, 0)); SHOW(recv(s, buf, 100, MSG_DONTWAIT)); int one = 1; SHOW(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, 4)); SHOW(opt(c, IPPROTO_TCP, TCP_NODELAY)); SHOW(opt(c, SOL_SOCKET, SO_KEEPALIVE));
    if (fork() == 0) { close(s); for (int i = 0; i < 5; i++) { send(c, "12345", 5, 0); usleep(3000); } _exit(0); }
    SHOW(recv(s, buf, 25, MSG_WAITALL)); wait(0);
    SHOW(shutdown(c, SHUT_WR)); usleep(20000); printf("%x %x\n", state(s), state(c)); SHOW(read(s, buf, 9)); SHOW(write(s, "late", 4)); SHOW(read(c, buf, 9)); SHOW(write(c, "x", 1)); close(s); usleep(20000); printf("%x\n", state(c)); SHOW(read(c, buf, 9)); close(c);
    c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0); SHOW(connect(c, (void *)&ss, len)); usleep(20000); printf("%x\n", state(c)); SHOW(connect(c, (void *)&ss, len)); SHOW(connect(c, (void *)&ss, len)); s = accept(l, 0, 0); close(s); usleep(20000); SHOW(read(c, buf, 1)); close(c);
    // Reset: closed with bytes unread.
    c = socket(family, SOCK_STREAM, 0); connect(c, (void *)&ss, len); s = accept(l, 0, 0); write(c, "unread", 6); usleep(20000); close(s); usleep(20000); printf("%x\n", state(c)); SHOW(read(c, buf, 1)); SHOW(read(c, buf, 1)); SHOW(write(c, buf, 1)); close(c);
    int again = socket(family, SOCK_STREAM, 0); SHOW(bind(again, (void *)&ss, len)); close(l); SHOW(connect(again, (void *)&ss, len)); close(again);
    c = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0); SHOW(connect(c, (void *)&ss, len)); usleep(20000); printf("%x\n", state(c)); SHOW(opt(c, SOL_SOCKET, SO_ERROR)); SHOW(opt(c, SOL_SOCKET, SO_ERROR)); close(c);
    // UDP
    int u = socket(family, SOCK_DGRAM, 0), w = socket(family, SOCK_DGRAM, 0); *port = 0; printf("%x\n", state(u)); SHOW(bind(u, (void *)&ss, len)); gl = sizeof got; getsockname(u, (void *)&got, &gl); *port = ((struct sockaddr_in *)&got)->sin_port;
    SHOW(send(w, "x", 1, 0)); SHOW(sendto(w, "datagram", 8, 0, (void *)&ss, len)); SHOW(sendto(w, "", 0, 0, (void *)&ss, len)); usleep(20000); gl = sizeof got; SHOW(recvfrom(u, buf, 4, MSG_TRUNC, (void *)&got, &gl)); inet_ntop(family, family == AF_INET ? (void *)&((struct sockaddr_in *)&got)->sin_addr : (void *)&((struct sockaddr_in6 *)&got)->sin6_addr, text, 80); printf("%s %d\n", text, gl);
    SHOW(recv(u, buf, 9, 0)); SHOW(recv(u, buf, 9, MSG_DONTWAIT)); SHOW(sendto(u, "re", 2, 0, (void *)&got, gl)); usleep(20000); SHOW(recv(w, buf, 9, 0)); SHOW(connect(w, (void *)&ss, len)); SHOW(send(w, "c", 1, 0)); SHOW(sendto(w, buf, 66000, 0, 0, 0)); SHOW(listen(u, 1)); SHOW(getpeername(u, (void *)&got, &gl));
    struct mmsghdr mm[3] = {0}; struct iovec iv[3]; for (int i = 0; i < 3; i++) { iv[i].iov_base = "abcdef"; iv[i].iov_len = i + 1; mm[i].msg_hdr.msg_iov = iv + i; mm[i].msg_hdr.msg_iovlen = 1; } SHOW(sendmmsg(w, mm, 3, 0)); usleep(20000); for (int i = 0; i < 3; i++) { iv[i].iov_base = buf; iv[i].iov_len = 9; } SHOW(recvmmsg(u, mm, 3, 0, 0)); printf("%d %d %d\n", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
    close(u); SHOW(send(w, "c", 1, 0)); usleep(20000); SHOW(send(w, "c", 1, 0)); close(w);
}

// As getaddrinfo(3) does to find the source addresses of a list.
static void sources(void) {
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(9)}, own;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    char text[64];
    inet_pton(AF_INET6, "::1", &six.sin6_addr);
    inet_pton(AF_INET, "127.0.0.1", &four.sin_addr);
    for (int i = 0; i < 4; i++) {
        int r = i == 0 ? connect(fd, (void *)&six, sizeof six)
              : i == 2 ? connect(fd, (void *)&four, sizeof four)
                       : connect(fd, &none, sizeof none);
        socklen_t len = sizeof own;
        getsockname(fd, (void *)&own, &len);
        printf("source %d %s\n", r, inet_ntop(AF_INET6, &own.sin6_addr, text, sizeof text));
    }
    close(fd);
}

int main(void) {
    sources();
    unix_sockets(); tcp(AF_INET); tcp(AF_INET6);
    struct ifaddrs *list = 0; SHOW(getifaddrs(&list)); for (struct ifaddrs *i = list; i; i = i->ifa_next) if (!strcmp(i->ifa_name, "lo") && i->ifa_addr) { char t[80] = ""; if (i->ifa_addr->sa_family == AF_INET) inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, t, 80); if (i->ifa_addr->sa_family == AF_INET6) inet_ntop(AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, t, 80); printf("%s %x %d %s\n", i->ifa_name, i->ifa_flags & 0x1ff, i->ifa_addr->sa_family, t); }
    SHOW(if_nametoindex("lo")); SHOW(if_nametoindex("none")); char nm[20]; puts(if_indextoname(1, nm));
    return 0;
}
