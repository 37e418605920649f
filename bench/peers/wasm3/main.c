/* Runs a kernel in wasm3, or loads a module and says how long that took.
   The host functions are those of ../host, in C: wasm3's Python package, where
   its sources come from, leaves its own WASI out. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "m3_env.h"
#include "wasm3.h"

enum { EBADF_ = 8, EIO_ = 29, ENOSYS_ = 52 };

static int guest_argc;
static char **guest_argv;

static void put(uint8_t *mem, uint32_t at, uint32_t value) { memcpy(mem + at, &value, 4); }
static uint32_t get(uint8_t *mem, uint32_t at) { uint32_t v; memcpy(&v, mem + at, 4); return v; }

m3ApiRawFunction(args_get) {
    m3ApiReturnType(uint32_t) m3ApiGetArg(uint32_t, pointers) m3ApiGetArg(uint32_t, text)
    for (int i = 0; i < guest_argc; i++) {
        size_t n = strlen(guest_argv[i]) + 1;
        put(_mem, pointers + 4 * i, text);
        memcpy((uint8_t *)_mem + text, guest_argv[i], n);
        text += n;
    }
    m3ApiReturn(0);
}

m3ApiRawFunction(args_sizes_get) {
    m3ApiReturnType(uint32_t) m3ApiGetArg(uint32_t, count) m3ApiGetArg(uint32_t, size)
    uint32_t total = 0;
    for (int i = 0; i < guest_argc; i++) total += strlen(guest_argv[i]) + 1;
    put(_mem, count, guest_argc);
    put(_mem, size, total);
    m3ApiReturn(0);
}

m3ApiRawFunction(fd_write) {
    m3ApiReturnType(uint32_t) m3ApiGetArg(uint32_t, fd) m3ApiGetArg(uint32_t, vectors)
    m3ApiGetArg(uint32_t, count) m3ApiGetArg(uint32_t, written)
    uint32_t total = 0;
    if (fd != 1 && fd != 2) m3ApiReturn(EBADF_);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = get(_mem, vectors + 8 * i + 4);
        if (fwrite((uint8_t *)_mem + get(_mem, vectors + 8 * i), 1, n, fd == 1 ? stdout : stderr) != n) m3ApiReturn(EIO_);
        total += n;
    }
    put(_mem, written, total);
    m3ApiReturn(0);
}

m3ApiRawFunction(fd_fdstat_get) {
    m3ApiReturnType(uint32_t) m3ApiGetArg(uint32_t, fd) m3ApiGetArg(uint32_t, stat)
    if (fd > 2) m3ApiReturn(EBADF_);
    memset((uint8_t *)_mem + stat, 0, 24);
    ((uint8_t *)_mem)[stat] = 2;
    ((uint8_t *)_mem)[stat + 8] = 0x40;
    m3ApiReturn(0);
}

m3ApiRawFunction(nosys) {
    m3ApiReturnType(uint32_t)
    m3ApiReturn(ENOSYS_);
}

m3ApiRawFunction(proc_exit) {
    m3ApiGetArg(uint32_t, code)
    fflush(stdout);
    exit((int)code);
}

static void check(M3Result result, const char *what) {
    if (result) {
        fprintf(stderr, "%s: %s\n", what, result);
        exit(134);
    }
}

static void link_host(IM3Module module) {
    static const struct { const char *name, *type; M3RawCall call; } imports[] = {
        {"args_get", "i(ii)", args_get}, {"args_sizes_get", "i(ii)", args_sizes_get},
        {"fd_write", "i(iiii)", fd_write}, {"fd_fdstat_get", "i(ii)", fd_fdstat_get},
        {"fd_close", "i(i)", nosys}, {"fd_seek", "i(iIii)", nosys}, {"clock_time_get", "i(iIi)", nosys},
        {"environ_get", "i(ii)", nosys}, {"environ_sizes_get", "i(ii)", nosys}, {"proc_exit", "v(i)", proc_exit}};
    for (size_t i = 0; i < sizeof imports / sizeof *imports; i++) {
        M3Result result = m3_LinkRawFunction(module, "wasi_snapshot_preview1", imports[i].name, imports[i].type, imports[i].call);
        if (result && result != m3Err_functionLookupFailed) check(result, imports[i].name);
    }
}

/* Gives every import that is still missing some function, for a module that is
   only translated. */
static void link_rest(IM3Module module) {
    static const char kinds[] = "viIfF";
    for (uint32_t i = 0; i < module->numFuncImports; i++) {
        IM3Function function = &module->functions[i];
        IM3FuncType type = function->funcType;
        char signature[64], *s = signature;
        if (function->compiled || type->numArgs + type->numRets > 50) continue;
        *s++ = type->numRets ? kinds[type->types[0]] : 'v';
        *s++ = '(';
        for (int a = 0; a < type->numArgs; a++) *s++ = kinds[type->types[type->numRets + a]];
        *s++ = ')';
        *s = 0;
        check(m3_LinkRawFunction(module, function->import.moduleUtf8, function->import.fieldUtf8, signature, nosys), "link");
    }
}

static uint8_t *read_file(const char *path, uint32_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(2); }
    fseek(file, 0, SEEK_END);
    *size = (uint32_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    if (!bytes || fread(bytes, 1, *size, file) != *size) { perror(path); exit(2); }
    fclose(file);
    return bytes;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: peer-wasm3 (run|load) FILE ARGS...\n");
        return 2;
    }
    uint32_t size;
    uint8_t *wasm = read_file(argv[2], &size);
    IM3Environment environment = m3_NewEnvironment();
    IM3Runtime runtime = m3_NewRuntime(environment, 1 << 20, NULL);
    IM3Module module;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    check(m3_ParseModule(environment, &module, wasm, size), "parse");
    check(m3_LoadModule(runtime, module), "load");
    link_host(module);
    if (!strcmp(argv[1], "load")) {
        link_rest(module);
        check(m3_CompileModule(module), "compile");
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%f\n", (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
        return 0;
    }
    guest_argc = argc - 2;
    guest_argv = argv + 2;
    IM3Function function;
    check(m3_FindFunction(&function, runtime, "_start"), "find _start");
    check(m3_CallV(function), "call");
    fflush(stdout);
    return 0;
}
