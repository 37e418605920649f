// What a program needs first: signals, threads, fork and wait, memory, files, time.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sys/time.h>
#include <time.h>
#include <setjmp.h>
#include <fcntl.h>
static volatile int got; static sigjmp_buf jb;
static void h(int s){ got=s; }
static void h3(int s, siginfo_t*i, void*u){ printf("siginfo %d code %d pid %d\n", s, i->si_code, i->si_pid==getpid()); got=s;}
static void segv(int s, siginfo_t*i, void*u){ printf("segv code %d addr %p\n", i->si_code, i->si_addr); siglongjmp(jb,1);}
static pthread_mutex_t m=PTHREAD_MUTEX_INITIALIZER; static long counter;
static void* th(void*a){ for(int i=0;i<1000;i++){ pthread_mutex_lock(&m); counter++; pthread_mutex_unlock(&m);} return a; }
int main(){
 setvbuf(stdout,0,_IOLBF,0);
 signal(SIGUSR1,h); raise(SIGUSR1); printf("got %d\n",got);
 struct sigaction sa={0}; sa.sa_sigaction=h3; sa.sa_flags=SA_SIGINFO; sigaction(SIGUSR2,&sa,0); kill(getpid(),SIGUSR2); printf("got %d\n",got);
 sa.sa_sigaction=segv; sa.sa_flags=SA_SIGINFO|SA_NODEFER; sigaction(SIGSEGV,&sa,0);
 if(!sigsetjmp(jb,1)) *(volatile int*)8=1;
 char*p=mmap(0,8192,PROT_READ,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);
 sa.sa_sigaction=segv; if(!sigsetjmp(jb,1)){ signal(SIGALRM,h); }
 mprotect(p,4096,PROT_READ|PROT_WRITE); p[0]=5; printf("mprotect ok %d\n",p[0]);
 pthread_t t[4]; for(int i=0;i<4;i++) pthread_create(&t[i],0,th,(void*)(long)i); for(int i=0;i<4;i++){void*r;pthread_join(t[i],&r);} printf("counter %ld\n",counter);
 int*sh=mmap(0,4096,PROT_READ|PROT_WRITE,MAP_SHARED|MAP_ANONYMOUS,-1,0);
 int c=fork(); if(!c){ *sh=42; raise(SIGKILL);} int st; waitpid(c,&st,0); printf("st %x shared %d\n",st,*sh);
 int fd=open("file",O_CREAT|O_RDWR|O_EXCL,0644); write(fd,"hello world",11); lseek(fd,6,0); char b[20]={0}; printf("read %zd %s\n",read(fd,b,20),b);
 c=open("file",O_CREAT|O_EXCL,0644); printf("open excl %d %s\n",c,strerror(errno));
 char*f=mmap(0,4096,PROT_READ|PROT_WRITE,MAP_SHARED,fd,0); f[0]='J'; pread(fd,b,5,0); b[5]=0; printf("%s\n",b); munmap(f,4096); pread(fd,b,5,0); printf("%s\n",b);
 mkdir("dir",0755); printf("rmdir %d unlink %d\n",rmdir("dir"),unlink("file"));
 struct timespec ts={0,20000000}; struct timespec a,z; clock_gettime(CLOCK_MONOTONIC,&a); nanosleep(&ts,0); clock_gettime(CLOCK_MONOTONIC,&z); printf("slept %d\n", (z.tv_sec-a.tv_sec)*1000+(z.tv_nsec-a.tv_nsec)/1000000>=20);
 c=fork(); if(!c){ raise(SIGSTOP); usleep(200000); _exit(9);} waitpid(c,&st,WUNTRACED); printf("stop %x\n",st); kill(c,SIGCONT); waitpid(c,&st,WCONTINUED); printf("cont %x\n",st); waitpid(c,&st,0); printf("end %x\n",st);
 char*big=malloc(300000); char*q=realloc(big,40000000); q[39999999]=1; free(q); printf("malloc ok\n");
 c=wait(&st); printf("wait none %d %d\n", c, errno);
 abort();
}
