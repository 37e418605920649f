/* Runs a command and writes its wall time (seconds) and peak memory (KiB) to a
   file. A small process of its own, because a child's peak starts at what its
   parent held when it forked.
   usage: measure RESULT-FILE COMMAND ARGS... */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct timespec start, end;
    struct rusage usage;
    int status;
    if (argc < 3) return 2;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child = vfork();
    if (child < 0) return 2;
    if (child == 0) {
        execv(argv[2], argv + 2);
        _exit(127);
    }
    if (wait4(child, &status, 0, &usage) != child) return 2;
    clock_gettime(CLOCK_MONOTONIC, &end);
    FILE *result = fopen(argv[1], "w");
    if (!result) return 2;
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
#ifdef __APPLE__
    usage.ru_maxrss /= 1024;
#endif
    fprintf(result, "%.6f %ld\n", seconds, usage.ru_maxrss);
    if (fclose(result)) return 2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 134;
}
