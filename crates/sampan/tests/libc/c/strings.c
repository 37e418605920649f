/* Strings, memory, conversions, classes: results as the host's library has them. */
#include "libc.h"

static int sign(int order) { return (order > 0) - (order < 0); }

static const char *texts[] = {"", "a", "b", "ab", "abc", "ABC", "abd", "a b\tc", "\xff", "aXbxc"};
static const char *numbers[] = {
    "0", "42", "-42", "+7", " \t\n\v\f\r 12x", "0x1F", "0X1f", "0x", "0xg", "017", "08", "zz", "",
    "-", "+-1", "2147483647", "2147483648", "-2147483648", "-2147483649", "4294967295",
    "4294967296", "-4294967295", "-4294967296", "99999999999999999999999", "-99999999999999999999999",
    "-0x10", "1010", "7fffffff", "\xa0" "1",
};
static const int bases[] = {0, 2, 8, 10, 16, 36};

int main(void) {
    int many = sizeof texts / sizeof *texts;
    char buffer[64];
    for (int i = 0; i < many; i++) {
        const char *a = texts[i];
        printf("%s: %d", a, (int)strlen(a));
        for (int j = 0; j < many; j++) {
            const char *b = texts[j];
            const char *found = strstr(a, b);
            printf(" [%d %d %d %d %d %d %d]", sign(strcmp(a, b)), sign(strncmp(a, b, 2)),
                   sign(strncasecmp(a, b, 3)), sign(strncasecmp(a, b, 0)), (int)strspn(a, b),
                   (int)strcspn(a, b), found ? (int)(found - a) : -1);
        }
        for (int c = 0; c < 128; c += c ? 33 : 'b') {
            const char *found = strchr(a, c);
            const char *byte = memchr(a, c, strlen(a));
            printf(" %d %d", found ? (int)(found - a) : -1, byte ? (int)(byte - a) : -1);
        }
        memset(buffer, '.', sizeof buffer);
        strncpy(buffer, a, 4);
        buffer[6] = 0;
        printf(" %s %d %d", buffer, buffer[3], buffer[4]);
        char *copy = strdup(a);
        printf(" %s %s\n", copy, strcpy(buffer, a));
        free(copy);
    }
    strcpy(buffer, "0123456789");
    memmove(buffer + 2, buffer, 5);
    puts(buffer);
    memmove(buffer, buffer + 2, 5);
    puts(buffer);
    memcpy(buffer + 8, "xy", 2);
    puts(buffer);
    printf("%d %d\n", sign(memcmp("ab\0c", "ab\0d", 4)), sign(memcmp("\xff", "\x01", 1)));
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        printf("%s: %d", numbers[i], i < 19 && i != 16 && i != 18 ? atoi(numbers[i]) : 0);
        for (unsigned j = 0; j < sizeof bases / sizeof *bases; j++) {
            char *end, *end2;
            long value = strtol(numbers[i], &end, bases[j]);
            unsigned long other = strtoul(numbers[i], &end2, bases[j]);
            printf(" [%ld %d %lu %d]", value, (int)(end - numbers[i]), other,
                   (int)(end2 - numbers[i]));
        }
        printf(" %ld\n", strtol(numbers[i], NULL, 10));
    }
    for (int c = -1; c < 256; c++)
        printf("%d: %d%d%d%d%d%d%d%d %d %d\n", c, !!isupper(c), !!isalpha(c), !!isspace(c),
               !!isgraph(c), !!isprint(c), !!isdigit(c), !!isxdigit(c), !!isalnum(c), tolower(c),
               toupper(c));
    return 0;
}
