// Stopped processes whose group becomes an orphan are told so; others are not.
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];

static void hung_up(int signal) { write(ends[1], "h", 1); }

// Stops; tells of a SIGHUP, and that it goes on.
static void stops(void) {
    signal(SIGHUP, hung_up);
    raise(SIGSTOP);
    write(ends[1], "c", 1);
    _exit(0);
}

static void show(const char *what, pid_t middle) {
    int status;
    waitpid(middle, &status, 0);
    char text[3] = "";
    ssize_t count = read(ends[0], text, 1);
    if (count == 1 && text[0] == 'h') count += read(ends[0], text + 1, 1);
    printf("%s: %d %s\n", what, status, text);
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    alarm(20);
    pipe(ends);
    int status;

    // A sibling's end changes nothing: this process still could let it go on.
    pid_t stopped = fork();
    if (stopped == 0) stops();
    waitpid(stopped, &status, WUNTRACED);
    pid_t sibling = fork();
    if (sibling == 0) _exit(0);
    waitpid(sibling, &status, 0);
    printf("sibling: still stopped %d\n", waitpid(stopped, &status, WNOHANG | WCONTINUED) == 0);
    kill(stopped, SIGCONT);
    show("continued", stopped);

    // A group of its own in the session of a parent that ends.
    pid_t middle = fork();
    if (middle == 0) {
        setsid();
        pid_t child = fork();
        if (child == 0) {
            setpgid(0, 0);
            stops();
        }
        waitpid(child, &status, WUNTRACED);
        _exit(3);
    }
    show("parent ended", middle);

    // The same, but another group of the session could still let it go on.
    middle = fork();
    if (middle == 0) {
        setsid();
        pid_t group = fork();
        if (group == 0) {
            setpgid(0, 0);
            pid_t child = fork();
            if (child == 0) {
                setpgid(0, 0);
                stops();
            }
            waitpid(child, &status, WUNTRACED);
            pid_t other = fork();
            if (other == 0) {
                setpgid(0, child);
                _exit(0);
            }
            waitpid(other, &status, 0);
            printf("held: still stopped %d\n", waitpid(child, &status, WNOHANG | WCONTINUED) == 0);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            write(ends[1], "k", 1);
            _exit(0);
        }
        waitpid(group, &status, 0);
        _exit(4);
    }
    show("held", middle);
    return 0;
}
