// Gives back more memory than there ever was behind a mapping: what lies beyond is no error.

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(void) {
    size_t page = 4096;
    // The system chooses the lowest free place or the highest; try both ends of a mapping.
    char *at = mmap(0, 64 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return 1;
    memset(at, 1, 64 * page);
    // Far above everything: the memory of the process ends with this.
    char *top = mmap(at + (64 << 20), page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (top == MAP_FAILED) return 2;
    memset(top, 2, page);
    if (munmap(top, (4 << 20) + page) != 0) return 3;
    if (munmap(at, 64 * page) != 0) return 4;
    puts("given back");
    return 0;
}
