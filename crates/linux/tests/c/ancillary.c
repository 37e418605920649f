// What comes with datagrams: addresses, hops, classes, as control messages of IPv4 and IPv6.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r_ = (long)(call); printf("%s: %ld %s\n", #call, r_, r_ < 0 ? strerror(errno) : ""); } while (0)

static void receive(const char *what, int fd, size_t room) {
    char data[50], control[512], text[80];
    struct iovec part = { data, sizeof data };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room };
    ssize_t count = recvmsg(fd, &m, MSG_DONTWAIT);
    printf("%s: %zd flags %#x control %zu\n", what, count, m.msg_flags, count < 0 ? 0 : (size_t)m.msg_controllen);
    if (count < 0) return;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        void *at = CMSG_DATA(c);
        printf("  level %d type %d length %zu ", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len - CMSG_LEN(0));
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = at;
            printf("%d %s ", info->ipi_ifindex, inet_ntoa(info->ipi_addr));
            printf("%s\n", inet_ntoa(info->ipi_spec_dst));
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = at;
            printf("%d %s\n", info->ipi6_ifindex, inet_ntop(AF_INET6, &info->ipi6_addr, text, sizeof text));
        } else if (c->cmsg_len == CMSG_LEN(1)) {
            printf("%d\n", *(unsigned char *)at);
        } else {
            printf("%d\n", *(int *)at);
        }
    }
}

static void on(int fd, int level, int name, int value) {
    if (setsockopt(fd, level, name, &value, sizeof value)) printf("%d %d: %s\n", level, name, strerror(errno));
    socklen_t len = sizeof value;
    value = -1;
    getsockopt(fd, level, name, &value, &len);
    printf("option %d %d is %d\n", level, name, value);
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    int to4 = socket(AF_INET, SOCK_DGRAM, 0), to6 = socket(AF_INET6, SOCK_DGRAM, 0);
    int from4 = socket(AF_INET, SOCK_DGRAM, 0), from6 = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in a4 = { .sin_family = AF_INET };
    struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
    socklen_t len = sizeof a4;
    SHOW(bind(to4, (void *)&a4, len));
    getsockname(to4, (void *)&a4, &len);
    len = sizeof a6;
    SHOW(bind(to6, (void *)&a6, len));
    getsockname(to6, (void *)&a6, &len);
    inet_pton(AF_INET, "127.0.0.1", &a4.sin_addr);
    inet_pton(AF_INET6, "::1", &a6.sin6_addr);

    SHOW(sendto(from4, "none", 4, 0, (void *)&a4, sizeof a4));
    receive("none", to4, 512);
    on(to4, IPPROTO_IP, IP_PKTINFO, 5);
    on(to4, IPPROTO_IP, IP_RECVTTL, 1);
    on(to4, IPPROTO_IP, IP_RECVTOS, 1);
    SHOW(sendto(from4, "all", 3, 0, (void *)&a4, sizeof a4));
    receive("all", to4, 512);
    on(from4, IPPROTO_IP, IP_TTL, 33);
    on(from4, IPPROTO_IP, IP_TOS, 0x10);
    inet_pton(AF_INET, "127.0.0.7", &a4.sin_addr);
    SHOW(sendto(from4, "set", 3, 0, (void *)&a4, sizeof a4));
    receive("set", to4, 512);
    SHOW(sendto(from4, "short", 5, 0, (void *)&a4, sizeof a4));
    receive("short", to4, CMSG_SPACE(sizeof(struct in_pktinfo)) + 4);

    on(to6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    on(to6, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    on(to6, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
    SHOW(sendto(from6, "all", 3, 0, (void *)&a6, sizeof a6));
    receive("all", to6, 512);
    on(from6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44);
    on(from6, IPPROTO_IPV6, IPV6_TCLASS, 0x20);
    SHOW(connect(from6, (void *)&a6, sizeof a6));
    SHOW(send(from6, "set", 3, 0));
    receive("set", to6, 512);
    // Version 4 at a socket of version 6.
    a4.sin_port = a6.sin6_port;
    SHOW(sendto(from4, "mapped", 6, 0, (void *)&a4, sizeof a4));
    receive("mapped", to6, 512);
    on(to6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 0);
    SHOW(send(from6, "less", 4, 0));
    receive("less", to6, 512);
    return 0;
}
