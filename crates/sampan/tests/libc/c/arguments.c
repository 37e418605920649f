/* main's arguments, and the ways to end. */
#include "libc.h"

int main(int count, char **arguments) {
    for (int i = 0; i < count; i++) printf("%d %s\n", i, arguments[i]);
    printf("%d\n", arguments[count] == NULL);
    if (count > 1 && !strcmp(arguments[1], "exit")) exit(atoi(arguments[2]));
    if (count > 1 && !strcmp(arguments[1], "abort")) abort();
    if (count > 1 && !strcmp(arguments[1], "twice")) {
        char *block = malloc(10);
        free(block);
        free(block);
    }
    return count;
}
