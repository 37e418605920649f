// Counts primes with threads: each takes numbers from a common counter under a mutex, a
// barrier holds all until the last has begun, and a condition variable says when they are done.
//
// primes COUNT LIMIT [CHUNK]
//
// threads: it is built with the C library of wasi-threads
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t begin;
static pthread_key_t own;
static int next, limit, running, chunk = 1000;
static atomic_int primes;
static _Thread_local int found;

static int is_prime(int n) {
    if (n < 2) return 0;
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0) return 0;
    return 1;
}

static void at_end(void *value) { atomic_fetch_add(&primes, *(int *)value); }

static void *work(void *arg) {
    pthread_setspecific(own, &found);
    pthread_barrier_wait(&begin);
    for (;;) {
        pthread_mutex_lock(&lock);
        int from = next;
        next += chunk;
        pthread_mutex_unlock(&lock);
        if (from >= limit) break;
        for (int n = from; n < from + chunk && n < limit; n++) found += is_prime(n);
    }
    pthread_mutex_lock(&lock);
    if (--running == 0) pthread_cond_signal(&done);
    pthread_mutex_unlock(&lock);
    return arg;
}

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 2;
    limit = argc > 2 ? atoi(argv[2]) : 100000;
    if (argc > 3) chunk = atoi(argv[3]);
    pthread_t *threads = malloc(count * sizeof *threads);
    pthread_barrier_init(&begin, 0, count);
    pthread_key_create(&own, at_end);
    running = count;
    for (int i = 0; i < count; i++)
        if (pthread_create(&threads[i], 0, work, &threads[i])) return 1;
    pthread_mutex_lock(&lock);
    while (running) pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < count; i++) {
        void *result;
        if (pthread_join(threads[i], &result) || result != &threads[i]) return 2;
    }
    printf("%d primes below %d\n", atomic_load(&primes), limit);
    return 0;
}
