/* printf and its family: each line must be what the host's library prints. */
#include "libc.h"

#define INTEGER(f)                                                                            \
    printf("%s|" f "|" f "|" f "|" f "|" f "|\n", #f, 0, 1, -1, 123456, (int)0x80000000)
#define LONGLONG(f)                                                                           \
    printf("%s|" f "|" f "|" f "|\n", #f, 0LL, -1LL, 0x8000000000000000LL)
#define STRING(f) printf("%s|" f "|" f "|\n", #f, "", "a string")
#define DOUBLE(f)                                                                             \
    do {                                                                                      \
        for (unsigned i = 0; i < sizeof doubles / sizeof *doubles; i++)                       \
            printf("%s|" f "|" f "|\n", #f, doubles[i], -doubles[i]);                         \
    } while (0)

static const double doubles[] = {
    0, 1, 0.5, 1.5, 2.5, 0.1, 0.25, 9.5, 99.95, 1e6, 123456.789, 1e-4, 1e-5, 1.25e-5,
    9.9995e-5, 1e15, 1e16, 123456789012345678.0, 1e100, 1.7976931348623157e308, 4.9e-324,
    2.2250738585072014e-308, 3.14159265358979, __builtin_inf(), __builtin_nan(""),
};

static int through(char *to, size_t size, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int result = vsnprintf(to, size, format, list);
    va_end(list);
    return result;
}

int main(void) {
    INTEGER("%d"); INTEGER("%i"); INTEGER("%u"); INTEGER("%x"); INTEGER("%X"); INTEGER("%o");
    INTEGER("%8d"); INTEGER("%-8d"); INTEGER("%08d"); INTEGER("%+d"); INTEGER("% d");
    INTEGER("%#x"); INTEGER("%#X"); INTEGER("%#o"); INTEGER("%#10x"); INTEGER("%#010x");
    INTEGER("%-#10xz"); INTEGER("%.0d"); INTEGER("%.3d"); INTEGER("%8.3d"); INTEGER("%-8.3d");
    INTEGER("%08.3d"); INTEGER("%+.8d"); INTEGER("%.12x"); INTEGER("%#.12x"); INTEGER("%#.3o");
    INTEGER("%#.0o"); INTEGER("%+ d"); INTEGER("%hd"); INTEGER("%hhd"); INTEGER("%hu");
    INTEGER("%hhx"); INTEGER("%ld"); INTEGER("%lu"); INTEGER("%zu"); INTEGER("%td");
    INTEGER("%c"); INTEGER("%3c"); INTEGER("%-3c"); INTEGER("%40d"); INTEGER("%.30u");
    LONGLONG("%lld"); LONGLONG("%llu"); LONGLONG("%llx"); LONGLONG("%llo"); LONGLONG("%jd");
    LONGLONG("%+25lld"); LONGLONG("%-25lldz"); LONGLONG("%025lld"); LONGLONG("%#llo");
    STRING("%s"); STRING("%10s"); STRING("%-10s"); STRING("%.3s"); STRING("%10.3s");
    STRING("%-10.3s"); STRING("%.0s"); STRING("%.s"); STRING("%.99s");
    printf("%d %lld %d %lld\n", 1, 2LL, 3, 4LL);
    printf("%d %f %d %s %lld\n", 1, 2.5, 3, "four", 5LL);
    printf("%*d|%-*d|%*d|%.*d|%.*d|%*.*s\n", 6, 1, 6, 2, -6, 3, 4, 5, -4, 6, 7, 2, "abc");
    printf("100%%|%5d%%\n", 5);
    int seen = 0;
    printf("count%n this\n", &seen);
    printf("%d\n", seen);
    DOUBLE("%f"); DOUBLE("%.0f"); DOUBLE("%.1f"); DOUBLE("%.3f"); DOUBLE("%12.2f");
    DOUBLE("%-12.2f"); DOUBLE("%012.2f"); DOUBLE("%+.2f"); DOUBLE("% .2f"); DOUBLE("%#.0f");
    DOUBLE("%.20f"); DOUBLE("%F"); DOUBLE("%e"); DOUBLE("%.0e"); DOUBLE("%.1e"); DOUBLE("%E");
    DOUBLE("%#.0e"); DOUBLE("%15.3e"); DOUBLE("%-15.3ez"); DOUBLE("%015.3e"); DOUBLE("%g");
    DOUBLE("%.0g"); DOUBLE("%.1g"); DOUBLE("%.3g"); DOUBLE("%.10g"); DOUBLE("%.17g");
    DOUBLE("%#g"); DOUBLE("%#.3g"); DOUBLE("%G"); DOUBLE("%12g"); DOUBLE("%-12gz");
    DOUBLE("%012g"); DOUBLE("%a"); DOUBLE("%A"); DOUBLE("%.0a"); DOUBLE("%.1a"); DOUBLE("%.3a");
    DOUBLE("%.15a"); DOUBLE("%#.0a"); DOUBLE("%24a"); DOUBLE("%-24az"); DOUBLE("%024a");
    /* Not with %#g: glibc loses the zeros where rounding adds a digit. */
    printf("%f %e %g %.7g\n", 999999.5, 999999.5, 999999.5, 999999.5);
    char text[16];
    memset(text, '#', sizeof text);
    int length = snprintf(text, 8, "%s %d", "number", 12345);
    printf("%d|%s|%c\n", length, text, text[8]);
    length = snprintf(text, 1, "%d", 12345);
    printf("%d|%s|\n", length, text);
    length = snprintf(NULL, 0, "%s", "nothing is written");
    printf("%d\n", length);
    length = sprintf(text, "%d-%c", 42, 'x');
    printf("%d|%s|\n", length, text);
    length = through(text, sizeof text, "%lld %s", 1LL << 40, "cut off here");
    printf("%d|%s|\n", length, text);
    length = printf("returned\n");
    printf("%d\n", length);
    printf("putchar %d\n", putchar('A'));
    puts("puts");
    puts("");
    return 0;
}
