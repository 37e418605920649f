// System V IPC: shared memory, semaphores, message queues.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOW(call) do { errno = 0; long r = (long)(call); printf("%s: %ld %d\n", #call, r, errno); } while (0)
#define FAILS(call) do { errno = 0; printf("%s: %d %d\n", #call, (long)(call) == -1, errno); } while (0)

union semun { int val; struct semid_ds *buf; unsigned short *array; };
static void nothing(int s) {}
static key_t key(int n) { return 0x5a000000 + getpid() * 8 + n; }

static void shared_memory(void) {
    FAILS(shmget(key(0), 4096, 0));
    int id = shmget(key(0), 5000, IPC_CREAT | 0640);
    printf("%d %d\n", id >= 0, shmget(key(0), 0, 0) == id);
    FAILS(shmget(key(0), 5000, IPC_CREAT | IPC_EXCL | 0600));
    FAILS(shmget(key(0), 9000, 0));
    FAILS(shmget(IPC_PRIVATE, 0, IPC_CREAT));
    char *p = shmat(id, 0, 0), *q = shmat(id, 0, SHM_RDONLY);
    printf("%d\n", p != q && p != (void *)-1);
    strcpy(p, "hello");
    printf("%s\n", q);
    struct shmid_ds ds;
    SHOW(shmctl(id, IPC_STAT, &ds));
    printf("%o %ld %ld %d %d %d %d %d\n", ds.shm_perm.mode, (long)ds.shm_segsz,
           (long)ds.shm_nattch, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(),
           ds.shm_atime != 0, ds.shm_dtime != 0, ds.shm_ctime != 0);
    if (fork() == 0) {
        shmctl(id, IPC_STAT, &ds);
        printf("child %ld %s\n", (long)ds.shm_nattch, q);
        strcpy(p + 4096, "from child");
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    printf("%s\n", q + 4096);
    SHOW(shmdt(q));
    FAILS(shmdt(q));
    FAILS(shmdt(p + 4096));
    FAILS(shmat(id, p + 1, 0));
    FAILS(shmat(id, p, 0));
    char *again = shmat(id, p, SHM_REMAP);
    printf("%d %s\n", again == p, again);
    FAILS(shmat(id + 1000, 0, 0));
    SHOW(shmctl(id, IPC_RMID, 0));
    SHOW(shmctl(id, IPC_STAT, &ds));
    printf("%o %ld %x %s\n", ds.shm_perm.mode, (long)ds.shm_nattch, ds.shm_perm.__key, p);
    FAILS(shmget(key(0), 4096, 0));
    int more = shmget(key(0), 4096, IPC_CREAT | 0600);
    printf("%d\n", more != id);
    shmctl(more, IPC_RMID, 0);
    SHOW(shmdt(p));
    FAILS(shmctl(id, IPC_STAT, &ds));
    FAILS(shmat(id, 0, 0));
}

static void semaphores(void) {
    FAILS(semget(key(1), 1, 0));
    int id = semget(key(1), 3, IPC_CREAT | 0600);
    printf("%d %d\n", id >= 0, semget(key(1), 3, 0) == id);
    FAILS(semget(key(1), 4, 0));
    FAILS(semget(IPC_PRIVATE, 0, IPC_CREAT));
    union semun u;
    unsigned short values[3] = {1, 2, 3};
    u.array = values;
    SHOW(semctl(id, 0, SETALL, u));
    SHOW(semctl(id, 1, GETVAL));
    u.val = 7;
    SHOW(semctl(id, 1, SETVAL, u));
    u.val = 40000;
    FAILS(semctl(id, 1, SETVAL, u));
    FAILS(semctl(id, 3, GETVAL));
    u.array = values;
    SHOW(semctl(id, 0, GETALL, u));
    printf("%d %d %d\n", values[0], values[1], values[2]);
    struct semid_ds ds;
    u.buf = &ds;
    SHOW(semctl(id, 0, IPC_STAT, u));
    printf("%o %ld %d %d\n", ds.sem_perm.mode, (long)ds.sem_nsems, ds.sem_otime != 0, ds.sem_ctime != 0);
    // All or nothing.
    struct sembuf both[] = {{0, -1, 0}, {2, -4, IPC_NOWAIT}};
    FAILS(semop(id, both, 2));
    SHOW(semctl(id, 0, GETVAL));
    struct sembuf fits[] = {{0, -1, 0}, {2, -3, 0}};
    SHOW(semop(id, fits, 2));
    struct sembuf zero = {0, 0, 0}, big = {0, 32767, 0}, bad = {9, 1, 0};
    SHOW(semop(id, &zero, 1));
    SHOW(semop(id, &big, 1));
    FAILS(semop(id, &big, 1));
    FAILS(semop(id, &bad, 1));
    FAILS(semop(id, &bad, 0));
    FAILS(semop(id, &bad, 501));
    FAILS(semop(id, (void *)8, 1));
    SHOW(semctl(id, 0, GETPID) == getpid());
    // With a time.
    struct timespec t = {0, 20000000};
    struct sembuf take = {2, -1, 0};
    FAILS(semtimedop(id, &take, 1, &t));
    // Waiting for each other.
    if (fork() == 0) {
        semop(id, &take, 1);
        printf("got it\n");
        fflush(stdout);
        _exit(0);
    }
    while (semctl(id, 2, GETNCNT) == 0) usleep(1000);
    SHOW(semctl(id, 2, GETZCNT));
    struct sembuf give = {2, 1, 0};
    // The child is the first to print, whoever goes on first.
    int given = semop(id, &give, 1);
    wait(0);
    SHOW(given);
    // Taken back at the end.
    if (fork() == 0) {
        struct sembuf undo = {2, 5, SEM_UNDO};
        semop(id, &undo, 1);
        printf("%d\n", semctl(id, 2, GETVAL));
        fflush(stdout);
        _exit(0);
    }
    wait(0);
    SHOW(semctl(id, 2, GETVAL));
    // Interrupted, and removed.
    struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &sa, 0);
    struct itimerspec it = {{0, 0}, {0, 20000000}};
    timer_t timer;
    timer_create(CLOCK_MONOTONIC, 0, &timer);
    timer_settime(timer, 0, &it, 0);
    FAILS(semop(id, &take, 1));
    pid_t child = fork();
    if (child == 0) {
        int r = semop(id, &take, 1);
        _exit(r == -1 ? errno : 0);
    }
    while (semctl(id, 2, GETNCNT) == 0) usleep(1000);
    SHOW(semctl(id, 0, IPC_RMID));
    int status;
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    FAILS(semctl(id, 0, GETVAL));
}

struct text { long type; char text[64]; };

static void messages(void) {
    FAILS(msgget(key(2), 0));
    int id = msgget(key(2), IPC_CREAT | 0600);
    printf("%d\n", id >= 0);
    for (int i = 5; i > 0; i--) {
        struct text m = {i};
        sprintf(m.text, "message %d", i);
        msgsnd(id, &m, strlen(m.text) + 1, 0);
    }
    struct text m;
    struct msqid_ds ds;
    SHOW(msgctl(id, IPC_STAT, &ds));
    printf("%o %ld %ld %ld %d %d\n", ds.msg_perm.mode, (long)ds.msg_qnum, (long)ds.__msg_cbytes,
           (long)ds.msg_qbytes > 0, ds.msg_lspid == getpid(), ds.msg_rtime != 0);
    SHOW(msgrcv(id, &m, 64, 0, 0));
    printf("%ld %s\n", m.type, m.text);
    SHOW(msgrcv(id, &m, 64, 2, 0));
    printf("%ld %s\n", m.type, m.text);
    SHOW(msgrcv(id, &m, 64, -3, 0));
    printf("%ld %s\n", m.type, m.text);
    SHOW(msgrcv(id, &m, 64, 4, MSG_EXCEPT));
    printf("%ld %s\n", m.type, m.text);
    FAILS(msgrcv(id, &m, 3, 0, 0));
    SHOW(msgrcv(id, &m, 3, 0, MSG_NOERROR));
    FAILS(msgrcv(id, &m, 64, 0, IPC_NOWAIT));
    m.type = 0;
    FAILS(msgsnd(id, &m, 1, 0));
    m.type = 1;
    FAILS(msgsnd(id, &m, 100000, 0));
    // Full.
    ds.msg_qbytes = 100;
    SHOW(msgctl(id, IPC_SET, &ds));
    SHOW(msgsnd(id, &m, 60, 0));
    FAILS(msgsnd(id, &m, 60, IPC_NOWAIT));
    if (fork() == 0) {
        m.type = 9;
        _exit(msgsnd(id, &m, 60, 0) ? errno : 0);
    }
    usleep(200000);
    SHOW(msgrcv(id, &m, 64, 0, 0));
    SHOW(msgrcv(id, &m, 64, 9, 0));
    int status;
    wait(&status);
    printf("%d\n", WEXITSTATUS(status));
    pid_t child = fork();
    if (child == 0) {
        int r = msgrcv(id, &m, 64, 0, 0);
        _exit(r == -1 ? errno : 0);
    }
    usleep(200000);
    SHOW(msgctl(id, IPC_RMID, 0));
    waitpid(child, &status, 0);
    printf("%d\n", WEXITSTATUS(status));
    FAILS(msgsnd(id, &m, 1, 0));
}

int main(void) {
    setvbuf(stdout, 0, _IOLBF, 0);
    shared_memory();
    semaphores();
    messages();
    return 0;
}
